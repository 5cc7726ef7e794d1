"""What a report tells, gathered from results in one pass, in memory that does not grow with hours."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.errors import SkeletonError
from nimblepose.core.geometry import Size
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import Skeleton
from nimblepose.report.bins import Bin, Sighting, Step, WideningBins
from nimblepose.report.measures import Measures, find_hub
from nimblepose.results.reading import ReadResult

GRID = 64  # cells of the heat along the longer side of the frame
_GAP = 0.4  # seconds beyond the step of the frames; shorter absences are none, as in drawn ways
_SPEED_OVER = 0.2  # seconds; from frame to frame, what trembles would be faster than what moves
_LONGEST = 0.5  # seconds beyond the step of the frames: an older place says nothing of the speed now
_WEAKEST = 200  # pictures whose weakest pose is kept


@dataclass(eq=False)
class Identity:
    """One identity over the whole recording."""

    number: int
    spans: list[tuple[float, float]] = field(default_factory=list)  # first and last second of each time in view
    sightings: int = 0
    score: float = 0.0  # sum
    found: int = 0  # keypoints, sum

    @property
    def first(self) -> float:
        """Second in which it was first seen."""
        return self.spans[0][0]

    @property
    def last(self) -> float:
        """Second in which it was last seen."""
        return self.spans[-1][1]

    @property
    def in_view(self) -> float:
        """Seconds without the gaps."""
        return sum(end - start for start, end in self.spans)

    @property
    def gaps(self) -> list[float]:
        """Seconds of each absence between two times in view."""
        return [after[0] - before[1] for before, after in zip(self.spans, self.spans[1:], strict=False)]


@dataclass(frozen=True)
class PictureRow:
    """One picture in a table."""

    file: str
    size: Size
    poses: int
    score: float  # mean; NaN of nobody
    found: float  # share of keypoints; NaN of nobody


@dataclass(eq=False)
class Gathered:
    """All that a section of the page shows.

    Attributes:
        skeleton: Of everybody; None: nobody was found, and the results do not say.
        frames: Frames or pictures, and in how many of them there was anybody.
        found: (K,) how often each keypoint was.
        heat: (rows, columns) how many poses were in each cell of the frame.
        step: Seconds from frame to frame, the longest.
        sizes: How many frames had each size.
        best: The pose of most keypoints, of those the one of the highest score.
        weakest: Of pictures, the weakest pose of each of those where it is weakest.
    """

    skeleton: Skeleton | None = None
    frames: int = 0
    frames_with: int = 0
    poses: int = 0
    most: int = 0
    score: float = 0.0
    start: float = 0.0
    end: float = 0.0
    step: float = 0.0
    found: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    heat: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0)))
    sizes: dict[Size, int] = field(default_factory=dict)
    bins: WideningBins = field(default_factory=WideningBins)
    identities: dict[int, Identity] = field(default_factory=dict)
    pictures: list[PictureRow] = field(default_factory=list)
    best: Sighting | None = None
    weakest: list[Sighting] = field(default_factory=list)

    @property
    def size(self) -> Size | None:
        """(height, width) in pixels that most frames had; None of no frame."""
        return max(self.sizes, key=lambda size: self.sizes[size]) if self.sizes else None

    @property
    def measures(self) -> Measures | None:
        """What can be measured of this skeleton."""
        return None if self.skeleton is None else Measures(self.skeleton)

    @property
    def share_found(self) -> float:
        """Of all keypoints of all poses; NaN of nobody."""
        return float(self.found.sum() / (self.poses * len(self.found))) if self.poses else float("nan")


def gather(results: Iterable[ReadResult], *, is_video: bool, skeleton: Skeleton | None = None) -> Gathered:
    """Go through results once.

    Args:
        results: Frames in the order of time, or pictures.
        is_video: Are they frames of one video?
        skeleton: Of everybody, if it is known before.

    Raises:
        SkeletonError: they are of several skeletons.
    """
    gatherer = _Gatherer(is_video=is_video, skeleton=skeleton)
    for result in results:
        gatherer.add(result)
    return gatherer.gathered


class _Gatherer:
    """What has to be remembered from frame to frame, beside what is gathered."""

    def __init__(self, *, is_video: bool, skeleton: Skeleton | None) -> None:
        self.gathered = Gathered()
        self._is_video = is_video
        self._time: float | None = None
        self._recent: dict[int, deque[tuple[float, NDArray[np.float32]]]] = {}
        if skeleton:
            self._begin(skeleton)

    def _begin(self, skeleton: Skeleton) -> None:
        self.gathered.skeleton = skeleton
        self.gathered.found = np.zeros(len(skeleton.keypoints), np.int64)
        self._measures, self._hub = Measures(skeleton), find_hub(skeleton)

    def add(self, result: ReadResult) -> None:
        """Take in one frame or picture."""
        all_, poses = self.gathered, result.poses
        if all_.skeleton is None:
            self._begin(poses.skeleton)
        elif poses.skeleton != all_.skeleton and len(poses):
            raise SkeletonError(
                f"{result.file}: poses of the skeleton {poses.skeleton.name!r} among those of {all_.skeleton.name!r}; "
                "a report takes one at a time: keep them in files of their own"
            )
        if not all_.frames:
            all_.start = result.time
        all_.end = max(all_.end, result.time)
        if self._time is not None:
            all_.step = max(all_.step, result.time - self._time)
        all_.frames += 1
        all_.frames_with += len(poses) > 0
        all_.poses += len(poses)
        all_.most = max(all_.most, len(poses))
        all_.score += float(poses.scores.sum())
        all_.found += poses.seen.sum(axis=0)
        all_.sizes[result.size] = all_.sizes.get(result.size, 0) + 1
        sightings = self._look(result)
        self._add_heat(result)
        if self._is_video:
            weakest = min(sightings, key=lambda sighting: sighting.score, default=None)
            all_.bins.add(result.time, Bin(1, len(poses), self._follow(result, sightings), weakest))
        else:
            self._add_picture(result, sightings)
        self._time = result.time

    def _look(self, result: ReadResult) -> list[Sighting]:
        poses = result.poses
        ids: list[int | None] = [None] * len(poses) if poses.track_ids is None else poses.track_ids.tolist()
        found = [
            Sighting(result.file, result.frame, result.time, i, float(score), xy, seen)
            for i, score, xy, seen in zip(ids, poses.scores, poses.keypoints, poses.seen, strict=True)
        ]
        best = [*found, self.gathered.best] if self.gathered.best else found
        self.gathered.best = max(best, key=lambda s: (s.found, s.score)) if best else None
        return found

    def _add_heat(self, result: ReadResult) -> None:
        """Count everybody to a cell of the frame, also of one of another size."""
        all_ = self.gathered
        if not all_.heat.size:
            all_.heat = np.zeros([max(1, round(side * GRID / max(result.size))) for side in result.size])
        places = locate(result.poses, self._hub) + 0.5
        places = places[~np.isnan(places[:, 0])]
        rows, columns = all_.heat.shape
        height, width = result.size
        i = np.clip(places[:, 1] * rows / height, 0, rows - 1).astype(int)
        j = np.clip(places[:, 0] * columns / width, 0, columns - 1).astype(int)
        np.add.at(all_.heat, (i, j), 1)

    def _add_picture(self, result: ReadResult, sightings: list[Sighting]) -> None:
        poses, nan = result.poses, float("nan")
        score = float(poses.scores.mean()) if len(poses) else nan
        found = float(poses.seen.mean()) if len(poses) else nan
        self.gathered.pictures.append(PictureRow(result.file, result.size, len(poses), score, found))
        if sightings:
            self.gathered.weakest.append(min(sightings, key=lambda sighting: sighting.score))
        if len(self.gathered.weakest) > 2 * _WEAKEST:
            self.gathered.weakest = sorted(self.gathered.weakest, key=lambda s: s.score)[:_WEAKEST]

    def _follow(self, result: ReadResult, sightings: list[Sighting]) -> dict[int, Step]:
        """Note everybody with an identity; how fast they are shows beside where they were a moment ago."""
        if not sightings or result.poses.track_ids is None:
            return {}
        step = 0.0 if self._time is None else result.time - self._time
        keypoints = result.poses.keypoints
        earlier, seconds = np.full_like(keypoints, np.nan), np.full(len(keypoints), np.nan)
        for n, sighting in enumerate(sightings):
            self._note(sighting, step)
            before = self._find_earlier(sighting, step)
            if before is not None:
                earlier[n], seconds[n] = before[1], result.time - before[0]
        values = self._measures.compute(keypoints.astype(np.float64), earlier, seconds)
        steps: dict[int, Step] = {}
        for sighting, value in zip(sightings, values, strict=True):
            known = ~np.isnan(value)
            x, y = sighting.keypoints[self._hub].tolist()
            place = np.zeros(3) if np.isnan(x) else np.array([x, y, 1.0])
            made = Step(np.where(known, value, 0.0), known.astype(np.int64), place, result.time, 1, sighting)
            number = sighting.identity or 0
            if number in steps:
                steps[number].add(made)
            else:
                steps[number] = made
        return steps

    def _note(self, sighting: Sighting, step: float) -> None:
        number, time = sighting.identity or 0, sighting.time
        identity = self.gathered.identities.setdefault(number, Identity(number))
        if identity.spans and time - identity.last <= _GAP + step:
            identity.spans[-1] = (identity.spans[-1][0], time)
        else:
            identity.spans.append((time, time))
        identity.sightings += 1
        identity.score += sighting.score
        identity.found += sighting.found

    def _find_earlier(self, sighting: Sighting, step: float) -> tuple[float, NDArray[np.float32]] | None:
        """The last sighting that is long enough ago to tell a speed by, and not too long."""
        number = sighting.identity or 0
        recent = self._recent.setdefault(number, deque())
        while recent and sighting.time - recent[0][0] > _LONGEST + step:
            recent.popleft()
        old = [before for before in recent if sighting.time - before[0] >= _SPEED_OVER]
        recent.append((sighting.time, sighting.keypoints))
        return old[-1] if old else None


def locate(poses: Poses, hub: int) -> NDArray[np.float32]:
    """Where everybody is, (N, 2) in pixels: the hub, or where it was not found the middle of the box."""
    boxes, places = poses.boxes, poses.keypoints[:, hub]
    return np.where(np.isnan(places), boxes[:, :2] + boxes[:, 2:] / 2, places)
