"""From picture to people: see it whole, look again where it pays, put together who was seen."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from nimblepose.codec.decode import DecodeOptions, decode
from nimblepose.codec.grouping import choose
from nimblepose.core.geometry import Placement, rescale, turn_points
from nimblepose.core.heads import NO_HEADS, Heads, move_heads
from nimblepose.core.metadata import ModelMetadata
from nimblepose.core.poses import Poses
from nimblepose.looks.canvas import Canvas
from nimblepose.looks.merging import merge, tell_way
from nimblepose.looks.options import LookOptions
from nimblepose.looks.places import NOWHERE, Places, bound, find_places, find_traces
from nimblepose.looks.planning import plan_looks
from nimblepose.looks.sightings import Points, Sightings, note
from nimblepose.media.pictures import Picture
from nimblepose.runtime.protocols import Fields


@dataclass(frozen=True, eq=False, kw_only=True)
class Seen:
    """What passes and looks have shown of a picture.

    Attributes:
        sightings: Of people, in pixels of the picture as it is shown.
        heads: (M, 5) where heads may be, in pixels of the picture; empty if they are not looked for.
        traces: Where something like a keypoint belongs to nobody, in pixels as shown.
    """

    sightings: Sightings
    heads: Heads
    traces: Places

    @classmethod
    def join(cls, parts: Sequence["Seen"]) -> "Seen":
        """All of it, in order; one part at least."""
        return cls(
            sightings=Sightings.join([part.sightings for part in parts]),
            heads=np.concatenate([part.heads for part in parts]),
            traces=Places.join([part.traces for part in parts]),
        )


@dataclass(frozen=True, eq=False)
class View:
    """What the network has answered for one pass over a picture, or for one look at a part of it.

    Attributes:
        heatmaps: (K + 1, h, w), the last is background.
        pafs: (2L, h, w).
        to_picture: From pixels of the view's own input, (..., 2), to pixels of the picture.
    """

    heatmaps: NDArray[np.float32]
    pafs: NDArray[np.float32]
    to_picture: Callable[[Points], Points]


def cut_views(fields: Fields, where: Placement | Canvas) -> list[View]:
    """The views that fields of one picture hold: one of a pass, one of each look of a canvas."""
    heatmaps, pafs = fields.heatmaps[0], fields.pafs[0]
    if isinstance(where, Placement):
        return [View(heatmaps, pafs, where.to_image)]
    return [
        View(where.cut(look, heatmaps), where.cut(look, pafs), partial(where.to_picture, look))
        for look in range(len(where))
    ]


@dataclass(frozen=True, kw_only=True)
class Observer:
    """Sees pictures whole, then parts of them again.

    Attributes:
        metadata: Of the model.
        options: Which poses are wanted in the end.
        find_fields: Runs the network on a picture as it is placed, or on a canvas of looks at it.
        looks: At whom to look again; None: at nobody.
        bound: Input pixels of all runs of the network for a picture.
        runs: Of the network for each input; 2 where its mirror image is seen, too.
        canvas_step: Cells that the sides of a canvas are multiples of.
    """

    metadata: ModelMetadata
    options: DecodeOptions
    find_fields: Callable[[Picture, Placement | Canvas], Fields]
    looks: LookOptions | None = None
    bound: int = 0
    runs: int = 1
    canvas_step: int = 1

    def observe(self, picture: Picture, passes: Sequence[tuple[int, Placement]]) -> Poses:
        """Everybody in an (H, W, 3) uint8 RGB array, in its own pixels, best first.

        Args:
            picture: To look at.
            passes: Over the whole picture: quarter turns against the clock, and where it then lies in the input.
        """
        size = picture.shape[0], picture.shape[1]
        aspect = passes[0][1].pixel_aspect if passes[0][0] % 2 == 0 else 1 / passes[0][1].pixel_aspect
        seen = Seen.join([self._see(picture, placement, turns, aspect) for turns, placement in passes])
        pixels = sum(placement.input_size[0] * placement.input_size[1] for _, placement in passes)
        canvas = None
        if self.looks:
            canvas = plan_looks(
                self._find_places(seen, self.looks.min_score),
                size,
                np.array([_measure_zoom(placement, aspect) for _, placement in passes]),
                self.looks,
                stride=self.metadata.input.stride,
                most_pixels=self.bound - pixels,
                step=self.canvas_step,
                pixel_aspect=aspect,
            )
        if canvas:
            seen = Seen.join([seen, self._look(picture, canvas, aspect)])
        return self._put_together(seen, canvas, pixels, aspect)

    def _find_places(self, seen: Seen, min_score: float) -> Places:
        """Where to look: at everybody, and at traces of whoever stands as most of the picture does."""
        best = merge(seen.sightings, self._oks_sigmas)
        way = tell_way(best)
        parts = [find_places(best, min_score=min_score), seen.traces[seen.traces.turns == way]]
        if (best.turns != way).any():  # who stands as most do is looked at, too, where somebody else is seen otherwise
            usual = merge(seen.sightings[seen.sightings.turns == way], self._oks_sigmas)
            others = best[best.turns != way]
            parts[0] = Places.join([find_places(people, min_score=min_score) for people in (usual, others)])
        return Places.join(parts)

    def watch(self, picture: Picture, canvas: Canvas, *, pixel_aspect: float = 1.0) -> Poses:
        """Everybody in an (H, W, 3) uint8 RGB frame, best first, by the looks of a canvas that others have planned."""
        return self._put_together(self._look(picture, canvas, pixel_aspect), canvas, 0, pixel_aspect)

    def _put_together(self, seen: Seen, canvas: Canvas | None, pixels: int, aspect: float) -> Poses:
        """Everybody seen, once; with what was looked at, and shown to the network beside `pixels` of passes."""
        poses = self._choose(merge(seen.sightings, self._oks_sigmas), aspect)
        boxes = np.zeros((0, 4)) if canvas is None else canvas.boxes
        shown = 0 if canvas is None else canvas.input_size[0] * canvas.input_size[1]
        return dataclasses.replace(
            poses,
            heads=seen.heads if self.options.find_heads else None,
            looks=np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1).astype(np.float32),
            input_pixels=(pixels + shown) * self.runs,
        )

    def _see(self, picture: Picture, placement: Placement, turns: int, aspect: float) -> Seen:
        """One pass over the whole picture."""
        turned = np.ascontiguousarray(np.rot90(picture, turns)) if turns else picture
        fields = self.find_fields(turned, placement)
        stride, zoom = self.metadata.input.stride, _measure_zoom(placement, aspect)

        def move(xy: Points) -> Points:
            return turn_points(placement.to_image(xy), placement.image_size, -turns)

        poses = self._decode(fields.heatmaps[0], fields.pafs[0])
        own = note(poses, self.metadata.prior, grain=stride / zoom, pixel=1 / zoom, turns=turns)
        traces = NOWHERE
        if self.looks and self.looks.min_trace < 1:
            traces = find_traces(
                fields.heatmaps[0],
                bound(rescale(own.whole, 1 / stride)),
                min_height=self.looks.min_trace,
                size=self.looks.trace_size / stride,
                turns=turns,
            ).move(lambda xy: _show(move(rescale(xy, stride)), aspect), stride / zoom)
        factor = 1 / placement.factor if turns % 2 == 0 else 1 / placement.factor[::-1]
        return Seen(
            sightings=own.move(lambda xy: _show(move(xy), aspect)),
            heads=NO_HEADS if poses.heads is None else move_heads(poses.heads, move, factor),
            traces=traces,
        )

    def _look(self, picture: Picture, canvas: Canvas, aspect: float) -> Seen:
        """All looks at once."""
        fields = self.find_fields(picture, canvas)
        parts = []
        for look in range(len(canvas)):
            poses = self._decode(canvas.cut(look, fields.heatmaps[0]), canvas.cut(look, fields.pafs[0]))

            def move(xy: Points, look: int = look) -> Points:
                return canvas.to_picture(look, xy)

            pixel = canvas.measure_pixel(look)
            shown = float(np.sqrt(pixel[0] * pixel[1] * aspect))
            own = note(
                poses,
                self.metadata.prior,
                grain=canvas.stride * shown,
                pixel=shown,
                turns=int(canvas.turns[look]),
            )
            parts.append(
                Seen(
                    sightings=own.move(lambda xy, move=move: _show(move(xy), aspect)),  # type: ignore[misc]
                    heads=NO_HEADS if poses.heads is None else move_heads(poses.heads, move, pixel),
                    traces=NOWHERE,
                )
            )
        return Seen.join(parts)

    def _decode(self, heatmaps: NDArray[np.float32], pafs: NDArray[np.float32]) -> Poses:
        """Everybody, however weakly seen, in input pixels; none is completed."""
        return decode(
            heatmaps,
            pafs,
            self.metadata.skeleton,
            stride=self.metadata.input.stride,
            paf_geometry=self.metadata.paf_geometry,
            options=dataclasses.replace(self.options, min_pose_score=0.0, max_poses=0, complete=False),
            prior=self.metadata.prior,
            scorer=self.metadata.scorer,
            errors=self.metadata.errors,
        )

    def _choose(self, people: Sightings, aspect: float) -> Poses:
        """Those who are wanted, in pixels of the picture, completed if that is wanted."""
        people = people[choose(people.scores, self.options)]
        shown = people.whole if self.options.complete and self.metadata.prior else people.keypoints
        keypoints = rescale(shown, np.array([1 / aspect, 1])).astype(np.float32)
        errors = None
        if self.metadata.errors is not None:
            errors = self.metadata.errors.calibrate(people.errors, people.keypoints) / np.float32(np.sqrt(aspect))
        return Poses(self.metadata.skeleton, keypoints, people.heights, people.scores, keypoint_errors=errors)

    @property
    def _oks_sigmas(self) -> NDArray[np.floating]:
        return np.array(self.metadata.skeleton.oks_sigmas)


def _measure_zoom(placement: Placement, aspect: float) -> float:
    """Input pixels per pixel of the picture as it is shown."""
    across, down = placement.factor
    return float(np.sqrt(across * down / aspect))


def _show(xy: Points, aspect: float) -> Points:
    """Pixels of the picture to pixels as they are shown."""
    return xy if aspect == 1 else np.asarray(rescale(xy, np.array([aspect, 1])))
