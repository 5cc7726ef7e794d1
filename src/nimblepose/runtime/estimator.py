"""From picture to poses: place, prepare, run, decode, bring back."""

import copy
import dataclasses
import os
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar, overload

from nimblepose.codec.decode import DecodeOptions
from nimblepose.core.errors import MediaError, OptionError
from nimblepose.core.geometry import Placement
from nimblepose.core.poses import Poses
from nimblepose.core.reduction import enlarge
from nimblepose.core.share import count_frame_bytes
from nimblepose.looks.attention import AttentionOptions
from nimblepose.looks.canvas import Canvas
from nimblepose.media.frames import EVERYTHING, Frame, Selection
from nimblepose.media.pictures import MAX_PIXELS, Picture, Source, read_reduced
from nimblepose.media.sources import open_frames
from nimblepose.runtime.attending import Attender
from nimblepose.runtime.backends import BackendName
from nimblepose.runtime.following import Follower
from nimblepose.runtime.looking import Observer, View, cut_views
from nimblepose.runtime.models import choose_model, find_model
from nimblepose.runtime.opened import OpenedModel
from nimblepose.runtime.protocols import Backend, Fields
from nimblepose.runtime.quality import FRAME_HEIGHT, Quality, QualityName, choose_attention, choose_quality
from nimblepose.runtime.steps import Steps
from nimblepose.runtime.streaming import INPUT_PIXELS, Allowance, limit_threads, map_in_order
from nimblepose.runtime.video import DEFAULT_SMOOTHING, DEFAULT_TRACKING, Smoothing, Tracking, track_frames
from nimblepose.runtime.watching import watch_frames

T = TypeVar("T")
R = TypeVar("R")

# Cells that the sides of canvases are multiples of. A size that OpenVINO has not seen before takes it some 35 ms, as
# long as several runs, and 4 to 7 MiB that stay (docs/platforms.md); to ONNX Runtime it is nothing.
_CANVAS_STEPS = {"openvino": 8}
_BYTES_PER_PIXEL = 70  # of the input, that the network takes


class PoseEstimator(Steps):
    """Finds people (or whatever the model's skeleton describes) in pictures.

    >>> poses = PoseEstimator()("photo.jpg")  # doctest: +SKIP
    """

    def __init__(
        self,
        model: str | Path | None = None,
        *,
        backend: BackendName = "auto",
        threads: int = 0,
        quality: QualityName | Quality | None = None,
        input_height: int | None = None,
        flip: bool = False,
        scales: Sequence[float] = (1.0,),
        any_way_up: bool = False,
        decode: DecodeOptions | None = None,
        streaming: bool = False,
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        """Load a model.

        Args:
            model: Name or path; None takes the variable NIMBLEPOSE_MODEL, then the default model.
            backend: "auto", "onnxruntime", "openvino" or "torch"; auto goes by the file.
            threads: 0 takes all cores that may be used, by the container's share if there is one.
            quality: "fast", "balanced" or "best": the picture is seen whole, then whoever was too small or too large is
                looked at again, closely enough; see docs/looks.md. A `Quality` says it in numbers. None: "balanced",
                or one pass at `input_height` if that is given, or at the height that the model says it was made for.
            input_height: Pixels that the network sees of the picture's height; larger finds smaller people, slower.
                With a quality it is the height of the first pass; None: the quality says how many pixels it has.
            flip: Average with the mirrored picture: more accurate, at twice the time.
            scales: Average one pass over these multiples of `input_height` (if that is not given, of the height that
                the model was made for, or 256); no looks.
            any_way_up: Find people who lie or are upside down, too: passes also see the picture turned by 90, 180 and
                270 degrees; takes more than twice as long.
            decode: Thresholds; the defaults if None.
            streaming: Most pictures will come by `stream`, `map` or in lists: the model is opened for that, and a
                second time only when a picture comes alone. Otherwise it is the other way round. (A runtime is told its
                threads when it opens a model: all of them for one picture, or one for each of many pictures.)
            max_pixels: Of a picture that is read: a JPEG with more is read at 1/2, 1/4 or 1/8 of its width and height
                (poses are in the file's pixels all the same), other files are refused.

        Raises:
            ModelError: no such model, or an option that cannot be.
            DownloadError: a named model could not be fetched.
            MissingPackageError: the runtime is not installed.
        """
        if threads < 0 or not scales or not all(0.05 <= scale <= 8 for scale in scales):
            raise OptionError(f"threads must be 0 or more, scales in [0.05, 8]; got {threads} and {tuple(scales)}")
        self._max_pixels = max_pixels
        self.model = find_model(model)
        choose_quality(quality, input_height=input_height, scales=scales)  # wrong ones are refused first
        self.any_way_up = any_way_up
        self._flip_asked = flip
        self._asked = quality
        self.attention: AttentionOptions | None = None  # how frames of videos are looked at; see `for_frames`
        super().__init__(OpenedModel(choose_model(model), self.model, backend, threads=limit_threads(threads)))
        self.backend_name = self._opened.runtime
        self.metadata = (self._parallel if streaming else self.backend).metadata  # skeleton, input and origin
        self.quality = choose_quality(
            quality,
            input_height=input_height,
            scales=scales,
            best_size=self.metadata.best_size,
            made_for=self.metadata.input_height,
        )
        self.flip, self.scales = flip or (self.quality is not None and self.quality.flip), tuple(scales)
        self._decode_asked = decode or DecodeOptions()
        self.decode_options = self._decode_asked
        if self.quality is not None and self.decode_options.min_pose_score is None:
            self.decode_options = dataclasses.replace(self.decode_options, min_pose_score=self.quality.min_pose_score)
        self.input_height = self._made_for if input_height is None and self.quality is None else input_height
        stride, height = self.metadata.input.stride, self.input_height
        if height is not None and (not stride <= round(height * min(scales)) or height * max(scales) > 8192):
            raise OptionError(f"input_height must lie between the stride {stride} and 8192, got {height}")
        if self.flip:
            self.skeleton.limb_flip  # noqa: B018 - says now, not at the first picture, that there is no mirror image

    @property
    def _made_for(self) -> int:
        """Height of a single pass if nobody asks for another."""
        return self.metadata.input_height or FRAME_HEIGHT

    @overload
    def __call__(self, source: Source) -> Poses: ...  # type: ignore[overload-overlap] # text is a sequence of texts
    @overload
    def __call__(self, source: Sequence[Source]) -> list[Poses]: ...
    def __call__(self, source: Source | Sequence[Source]) -> Poses | list[Poses]:
        """Find everybody in a picture, or in each of a sequence of pictures.

        Args:
            source: A path, the bytes of a file, an open file, a `PIL.Image`, an (H, W, 3) uint8 RGB array; or a list or
                tuple of those, of any sizes, of which a few are read at a time (a `PIL.Image` keeps its pixels once
                they were looked at; paths do not). Iterables of any length are for `stream`, videos for `track`.

        Returns:
            Poses in pixels of the picture, best first; a list of them for a sequence.

        Raises:
            MediaError: not a picture, or one that cannot be read.
        """
        if not isinstance(source, Sequence) or isinstance(source, str | bytes | bytearray):
            return self._find_in(source, self.estimate)
        if len(source) < 2:
            return [self._find_in(one, self.estimate) for one in source]
        return list(self.stream(source))

    def _find_in(self, source: Source, find: Callable[[Picture], Poses]) -> Poses:
        picture, _, reduction = read_reduced(source, max_pixels=self._max_pixels)
        return enlarge(find(picture), reduction)

    def stream(self, pictures: Iterable[Source], *, pixel_aspect: float = 1.0) -> Iterator[Poses]:
        """Poses of many pictures or video frames, in order, as many at a time as there are threads.

        One picture per thread from reading to decoding beats all threads on one picture. At most a few pictures are
        held; closing the generator, or an exception in it or in `pictures`, stops the threads.

        Args:
            pictures: Whatever a call takes as a picture, of any sizes; taken from the iterable one by one.
            pixel_aspect: Width over height of their pixels as they are shown, which video need not have square.

        Raises:
            MediaError: not a picture, in its turn.
            PoseError: the process was forked since the first one.
        """
        if isinstance(pictures, str | bytes | os.PathLike):
            raise MediaError(
                f"stream takes many pictures, got {pictures!r}; give a list of files, or a video to estimator.track"
            )
        return self.map(self._find_in, pictures, pixel_aspect=pixel_aspect)

    def map(
        self,
        work: Callable[[T, Callable[[Picture], Poses]], R],
        items: Iterable[T],
        *,
        pixel_aspect: float = 1.0,
    ) -> Generator[R, None, None]:
        """Like `stream`, with more to do in the same threads: reading a picture before, drawing and encoding after.

        Args:
            work: Called with an item and a function that finds everybody in an (H, W, 3) uint8 RGB array.
            items: Taken in the caller's thread; at most one more than there are threads is under way.
            pixel_aspect: As in `stream`.

        Returns:
            What `work` returned, in the order of the items.
        """
        backend = self._parallel  # opened here: the workers would each open their own
        most = count_frame_bytes()
        memory = Allowance(min(INPUT_PIXELS, most // _BYTES_PER_PIXEL))

        def find(picture: Picture) -> Poses:
            with memory.taken() as take:
                take(self._passes.count_at_a_time(picture.shape[:2], pixel_aspect=pixel_aspect))
                return self.estimate(picture, backend, pixel_aspect=pixel_aspect)

        workers = backend.callers
        with closing(map_in_order(lambda item: work(item, find), items, workers=workers, most_bytes=most)) as results:
            yield from results

    def track(
        self,
        source: str | int | Path | BinaryIO,
        *,
        selection: Selection = EVERYTHING,
        rotation: int = 0,
        tracking: Tracking | None = DEFAULT_TRACKING,
        smoothing: Smoothing | None = DEFAULT_SMOOTHING,
    ) -> Iterator[tuple[Frame, Poses]]:
        """Follow everybody through a video: `for frame, poses in estimator.track("match.mp4"): ...`.

        Args:
            source: A file, a folder of frames, 0 for a camera, an rtsp or http address, "-" for standard input.
            selection: Which frames; all if not given.
            rotation: 90, 180 or 270 degrees by which frames are turned with the clock, of cameras that hang on their
                side or head; poses are in pixels of the frames as they then are.
            tracking: When two sightings are one person, or what starts a tracker of your own: the class of a `Tracker`,
                a function that makes one; None: no identities, no smoothing.
            smoothing: How much is noise, or what starts a `Smoother`; None: keypoints as they were found.

        Returns:
            Frames with index, time in seconds and image, each with the people in it; `poses.track_ids` says who is who.

        Raises:
            MediaError: the source cannot be opened.
            OptionError: no such rotation; or poses are to be completed: guesses would be followed and steadied like
                what was seen.
            MissingPackageError: pip install 'nimblepose[video]'.
        """
        self._refuse_guesses()
        frames = open_frames(source, selection, rotation=rotation)
        return track_frames(self.for_frames(), frames, tracking, smoothing)

    def follow(
        self, *, tracking: Tracking = DEFAULT_TRACKING, smoothing: Smoothing | None = DEFAULT_SMOOTHING
    ) -> Follower:
        """Identities in a loop of your own: give each picture to what this returns, one of them for each camera.

        Frames are looked at as in `track`, each at once; arguments are as there.

        >>> follow = PoseEstimator().follow()  # doctest: +SKIP
        >>> poses = follow(picture)  # doctest: +SKIP

        Raises:
            OptionError: poses are to be completed.
        """
        self._refuse_guesses()
        return Follower(self.for_frames(), tracking=tracking, smoothing=smoothing)

    def _refuse_guesses(self) -> None:
        if self.decode_options.complete:
            raise OptionError("DecodeOptions(complete=True) is for pictures; leave it out to follow people in a video")

    @property
    def _parallel(self) -> Backend:
        """The model, set up for one picture per thread."""
        return self._opened.open(self._opened.calls)

    def estimate(self, picture: Picture, backend: Backend | None = None, *, pixel_aspect: float = 1.0) -> Poses:
        """Find everybody in one (H, W, 3) uint8 RGB array, in its own pixels whatever their aspect."""
        size, passes = picture.shape[:2], self._passes
        if self.quality is None and not self.any_way_up:
            placement = passes.place(size, pixel_aspect=pixel_aspect)
            fields = self.compute_fields([picture], placement, backend)
            shown = passes.count_shown(size, pixel_aspect=pixel_aspect)
            return self.decode(fields.heatmaps[0], fields.pafs[0], placement, input_pixels=shown)
        return self._observe(picture, partial(self._find_fields, backend), pixel_aspect)

    def view(self, picture: Picture) -> list[View]:
        """All that the network shows of an (H, W, 3) uint8 RGB array before it is decoded: passes, and then looks.

        Raises:
            OptionError: the picture is turned; views are of pictures as they stand.
        """
        if self.any_way_up:
            raise OptionError("any_way_up turns pictures, and views are of pictures as they stand; leave it out")
        views: list[View] = []

        def find(shown: Picture, where: Placement | Canvas) -> Fields:
            fields = self._find_fields(None, shown, where)
            views.extend(cut_views(fields, where))
            return fields

        self._observe(picture, find, 1.0)
        return views

    def _observe(
        self, picture: Picture, find_fields: Callable[[Picture, Placement | Canvas], Fields], pixel_aspect: float
    ) -> Poses:
        size = picture.shape[:2]
        bound = self._passes.find_bound(size, pixel_aspect=pixel_aspect)
        observer = self._make_observer(find_fields, bound)
        return observer.observe(picture, self._passes.place_all(size, pixel_aspect=pixel_aspect))

    def _make_observer(self, find_fields: Callable[[Picture, Placement | Canvas], Fields], bound: int = 0) -> Observer:
        return Observer(
            metadata=self.metadata,
            options=self.decode_options,
            looks=self.quality.looks if self.quality else None,
            bound=bound,
            find_fields=find_fields,
            runs=2 if self.flip else 1,
            canvas_step=_CANVAS_STEPS.get(self.backend_name, 1),
        )

    def for_threads(
        self, *, quality: QualityName | Quality | None = None, min_pose_score: float | None = None
    ) -> "PoseEstimator":
        """The same model for callers in many threads, such as those of a server: each picture in the caller's own.

        Call the result from `threads` of them at a time: that keeps all cores busy. Nothing is opened a second time,
        whatever is asked for.

        Args:
            quality: Another than that of this estimator; None: the same.
            min_pose_score: Leave out poses of a lower score; None: as this estimator does, or what suits the quality.

        Raises:
            OptionError: there is no such quality, or a score out of its range.
        """
        other = copy.copy(self)
        other._calls = self._opened.calls
        if quality is not None:
            other._asked = quality
            other.quality = choose_quality(
                quality,
                scales=self.scales,
                best_size=self.metadata.best_size,
                made_for=self.metadata.input_height,
            )
            other.input_height = None
            other.flip = self._flip_asked or (other.quality is not None and other.quality.flip)
        if min_pose_score is not None:
            other._decode_asked = dataclasses.replace(self._decode_asked, min_pose_score=min_pose_score)
        other.decode_options = other._decode_asked
        if other.quality is not None and other.decode_options.min_pose_score is None:
            least = other.quality.min_pose_score
            other.decode_options = dataclasses.replace(other.decode_options, min_pose_score=least)
        return other

    @property
    def threads(self) -> int:
        """Callers at a time that keep all cores busy, see `for_threads`."""
        return self._parallel.callers

    def for_frames(self) -> "PoseEstimator":
        """The same model as videos are looked at: one pass at `input_height`.

        If that is not given, at the height that the model was made for, or at 256.

        If a quality was asked for by name, what is seen of a frame follows from those before: see docs/video.md.
        """
        if self.attention is not None or (self.quality is None and not self.any_way_up):
            return self
        other = copy.copy(self)
        other.quality, other.input_height, other.flip = None, self.input_height or self._made_for, self._flip_asked
        other.any_way_up, other.decode_options = False, self._decode_asked
        other.attention = choose_attention(
            self._asked, self.input_height, self.metadata.best_size, self.metadata.input_height
        )
        return other

    def start_attention(self, *, ahead: int) -> Attender | None:
        """What plans the frames of one stream; None if each is seen as a picture is, whatever was in those before."""
        if self.attention is None:
            return None
        return Attender(self.attention, stride=self.metadata.input.stride, ahead=ahead)

    def watch(self, picture: Picture, canvas: Canvas, *, pixel_aspect: float = 1.0) -> Poses:
        """Find everybody in a frame, (H, W, 3) uint8 RGB, by the looks of a canvas that was planned before."""
        observer = self._make_observer(partial(self._find_fields, self.backend))
        return observer.watch(picture, canvas, pixel_aspect=pixel_aspect)

    def watch_stream(
        self, frames: Iterable[tuple[Picture, Canvas]], *, most: int, pixel_aspect: float = 1.0
    ) -> Iterator[Poses]:
        """The same of many frames, in order; `most` at a time are under way, see `watch_frames`."""
        observer = self._make_observer(partial(self._find_fields, self._opened.open(most)))
        return watch_frames(observer, frames, most=most, pixel_aspect=pixel_aspect)
