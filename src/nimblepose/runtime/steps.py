"""From picture to poses step by step: place, prepare, run, decode, bring back."""

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nimblepose.codec.decode import DecodeOptions, compute_paf_offset, decode
from nimblepose.core.geometry import Placement
from nimblepose.core.heads import move_heads
from nimblepose.core.metadata import ModelMetadata
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import Skeleton
from nimblepose.looks.canvas import Canvas
from nimblepose.media.pictures import Picture
from nimblepose.runtime.averaging import average, mirror
from nimblepose.runtime.opened import OpenedModel
from nimblepose.runtime.passes import Passes
from nimblepose.runtime.prepare import Batch, prepare, prepare_canvas
from nimblepose.runtime.protocols import Backend, Fields
from nimblepose.runtime.quality import Quality


class Steps:
    """One step after the other, for those who want to time or to look between them.

    Attributes:
        metadata: Of the model: skeleton, input and origin.
        quality: How well pictures are seen; None: in a single pass.
        input_height: Of the first pass, in pixels; None: the quality says.
        flip: Every run is averaged with the one of its mirror image.
        scales: Multiples of the height over which a single pass is averaged.
        any_way_up: Pictures are turned, too.
        decode_options: Which poses are wanted.
    """

    metadata: ModelMetadata
    quality: Quality | None
    input_height: int | None
    flip: bool
    scales: tuple[float, ...]
    any_way_up: bool
    decode_options: DecodeOptions

    def __init__(self, opened: OpenedModel) -> None:
        """Of a model; what else there is, the child says."""
        self._opened = opened
        self._calls = 1  # at a time, that `backend` is set up for
        self._input = threading.local()  # each thread's last batch, whose memory the next one takes

    def __getstate__(self) -> dict[str, Any]:
        """For a copy, or for another process, which opens the model itself."""
        return {key: value for key, value in self.__dict__.items() if key != "_input"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _input=threading.local())

    @property
    def skeleton(self) -> Skeleton:
        """What the model finds."""
        return self.metadata.skeleton

    @property
    def backend(self) -> Backend:
        """The model, set up for all threads on one picture; opened when it is asked for first, in each process.

        Of an estimator for callers in many threads: set up for one thread on each of many pictures.
        """
        return self._opened.open(self._calls)

    def place(self, picture: Picture, *, scale: float = 1.0, pixel_aspect: float = 1.0) -> Placement:
        """Where the picture lies in the network input, in the first pass."""
        return self._passes.place(picture.shape[:2], scale=scale, pixel_aspect=pixel_aspect)

    def prepare(self, pictures: Sequence[Picture], placement: Placement) -> Batch:
        """Pictures of one shape to a batch for the network, (B, 3, h, w)."""
        return prepare(pictures, placement, self.metadata.input)

    def compute_fields(
        self, pictures: Sequence[Picture], placement: Placement, backend: Backend | None = None
    ) -> Fields:
        """Fields of pictures of one shape; averaged with the mirror image and over scales if so asked."""
        backend = backend or self.backend
        if not self.flip and self.scales == (1.0,):
            self._input.batch = prepare(
                pictures, placement, self.metadata.input, out=getattr(self._input, "batch", None)
            )
            return backend.run(self._input.batch)
        stride = self.metadata.input.stride
        parts = []
        for scale in self.scales:
            at_scale = self.place(pictures[0], scale=scale, pixel_aspect=placement.pixel_aspect)
            parts += self._run(self.prepare(pictures, at_scale), backend)
        height, width = placement.input_size
        return average(parts, (height // stride, width // stride))

    def compute_canvas_fields(self, picture: Picture, canvas: Canvas, backend: Backend | None = None) -> Fields:
        """Fields of looks at a picture; averaged with those of the mirrored canvas if so asked."""
        parts = self._run(prepare_canvas(picture, canvas, self.metadata.input), backend or self.backend)
        return average(parts, canvas.size) if self.flip else parts[0]

    def _run(self, batch: Batch, backend: Backend) -> list[Fields]:
        """Fields of a batch, and those of its mirror image, turned back, if so asked."""
        parts = [backend.run(batch)]
        if self.flip:
            offset = compute_paf_offset(self.metadata.input.stride, self.metadata.paf_geometry)
            mirrored = backend.run(np.ascontiguousarray(batch[..., ::-1]))
            parts.append(mirror(mirrored, self.skeleton, paf_offset=offset))
        return parts

    def decode(
        self, heatmaps: NDArray[np.float32], pafs: NDArray[np.float32], placement: Placement, *, input_pixels: int = 0
    ) -> Poses:
        """Fields of one picture, (K + 1, h, w) and (2L, h, w), to poses in its pixels; 0 input pixels: not known."""
        poses = decode(
            heatmaps,
            pafs,
            self.skeleton,
            stride=self.metadata.input.stride,
            paf_geometry=self.metadata.paf_geometry,
            options=self.decode_options,
            prior=self.metadata.prior,
            scorer=self.metadata.scorer,
            errors=self.metadata.errors,
        )
        keypoints = placement.to_image(poses.keypoints).astype(np.float32)
        errors = poses.keypoint_errors
        if errors is not None and self.metadata.errors is not None:
            errors = errors / placement.zoom
            found = np.where(np.isnan(errors)[..., None], np.float32(np.nan), keypoints)  # completed ones say no size
            errors = self.metadata.errors.calibrate(errors, found)
        heads = None if poses.heads is None else move_heads(poses.heads, placement.to_image, 1 / placement.factor)
        scores = poses.keypoint_scores, poses.scores
        return Poses(self.skeleton, keypoints, *scores, heads=heads, keypoint_errors=errors, input_pixels=input_pixels)

    def _find_fields(self, backend: Backend | None, picture: Picture, where: Placement | Canvas) -> Fields:
        if isinstance(where, Placement):
            return self.compute_fields([picture], where, backend)
        return self.compute_canvas_fields(picture, where, backend)

    @property
    def _passes(self) -> Passes:
        return Passes(
            stride=self.metadata.input.stride,
            quality=self.quality,
            input_height=self.input_height,
            scales=self.scales,
            flip=self.flip,
            any_way_up=self.any_way_up,
        )
