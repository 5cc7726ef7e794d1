"""Who is who from frame to frame."""

import dataclasses
import math
from collections import deque
from collections.abc import Iterable, Iterator

import numpy as np

from nimblepose.core.errors import PoseError
from nimblepose.core.poses import Poses
from nimblepose.tracking.camera import find_shift
from nimblepose.tracking.matching import assign, match
from nimblepose.tracking.naming import get_ids, release, rename, take
from nimblepose.tracking.options import TrackOptions
from nimblepose.tracking.protocols import T
from nimblepose.tracking.repetition import is_repeated, is_same
from nimblepose.tracking.tracks import (
    COLOUR_GAIN,
    SPARSE_COLOUR_GAIN,
    Flags,
    Floats,
    Tracks,
    start_tracks,
)

__all__ = ["OksTracker", "TrackOptions"]

_MOST_WAITING = 16  # frames of a recording, which hold their pictures: repeated ones tell nothing


class OksTracker:
    """Gives the people of one stream their identities: counted up from 1, never used again, the same in every run.

    Tracks are expected where their motion leads, and matched by OKS to the people found, optimally, in rounds; see
    `nimblepose.tracking.matching`.

    Whoever is found surely is known at once. Others are tentative until they were found in `min_sightings` frames in a
    row, so that a chair taken for a person now and then is nobody. Who is not seen for longer than `max_gap` seconds is
    forgotten, and comes back as somebody new. Pictures that are repeated, as where a camera is slower than its stream,
    are no evidence for the next `sparse_step` seconds: neither that somebody was seen again, nor that they stand still.
    Everybody moves along with a camera that moves: by `camera_shift`, or else by what most people agree on.

    A live stream is followed by `update`, frame by frame: whoever is tentative is left out. A recording is followed by
    `track_recording`, which waits until it is known who was somebody, and loses nobody because frames are few.
    """

    def __init__(self, options: TrackOptions | None = None) -> None:
        """Start with nobody."""
        self.options = options or TrackOptions()
        self._next_id = 1
        self._next_tentative = -1
        self.reset()

    def reset(self) -> None:
        """Forget everybody, as after a cut; counting goes on, so that no identity is used twice."""
        self._tracks: Tracks | None = None
        self._time, self._shot = -math.inf, 0
        self._new_time = -math.inf  # of the last picture that was not the same as the one before
        self._before: Poses | None = None  # what was given then
        self._before_ids = np.zeros(0, np.int64)  # and who they are; 0: nobody

    def update(self, poses: Poses, time: float) -> Poses:
        """The people of the next frame who are known, in the order given, with `track_ids`.

        Args:
            poses: People found in the frame, in pixels; with `limb_colours`, `shot` and `camera_shift` if the picture
                was at hand.
            time: When it was taken, in seconds; never before the frame given last.

        Raises:
            PoseError: time runs backwards, or the people have another skeleton than before.
            MissingPackageError: scipy is not installed.
        """
        named, _ = self._follow(poses, time)
        known = [i > 0 for i in get_ids(named)]
        return named if all(known) else named[known]

    def expect(self, time: float) -> Tracks:
        """Everybody who is followed, the tentative with ids below 0, where they should be at a time in seconds.

        Raises:
            PoseError: nobody was looked for yet, or the time is before that of the last frame.
        """
        if self._tracks is None or not self._time <= time:
            raise PoseError(f"what is expected at {time} s follows from frames before; give them to update() first")
        return self._tracks.predict(time)

    def track_recording(self, people: Iterable[tuple[T, Poses]]) -> Iterator[tuple[T, Poses]]:
        """The people of every frame, with `track_ids`, as `update` would name them if it saw what comes next.

        A frame waits until everybody in it is known or was nobody, which takes `min_sightings - 1` frames at most, and
        16 where pictures are repeated. The sightings by which somebody became known are theirs. Whoever is still
        tentative at the end, or when `sparse_step` seconds follow without a new picture, is somebody: nothing says
        otherwise. Who was seen `max_gap_frames` frames ago is remembered, however many seconds those took.

        Args:
            people: Frames, or whatever else has their `time` in seconds, in order, with the people found in each.

        Raises:
            PoseError: as `update`. When `people` ends by an exception, the frames that wait come before it.
        """
        options = self.options
        waiting: deque[tuple[T, Poses]] = deque()
        names: dict[int, int] = {}  # identities of those who were tentative in a frame that waits
        count, failure = 0, None
        try:
            for count, (place, poses) in enumerate(people, 1):
                sparse = place.time - self._time > options.sparse_step
                recent = place.time - self._new_time <= options.sparse_step
                if not recent or poses.shot != self._shot or len(waiting) >= max(_MOST_WAITING, options.min_sightings):
                    names |= self._name_everybody()
                repeated = recent and self._before is not None and is_repeated(poses, self._before)
                if repeated and poses.shot == self._shot:
                    named, new = self._see_again(poses, place.time, options.max_gap_frames)
                else:
                    named, new = self._follow(poses, place.time, sparse=sparse, most_unseen=options.max_gap_frames)
                names |= new
                waiting.append((place, named))
                if count >= options.min_sightings:
                    yield from release(waiting, names, undecided=self._get_tentative())
        except Exception as error:
            failure = error
        if count < options.min_sightings:  # nobody could be seen so often
            somebody = {i for _, poses in waiting for i in get_ids(poses) if i < 0} - names.keys()
            names |= {i: self._next_id + n for n, i in enumerate(sorted(somebody, reverse=True))}
            self._next_id += len(somebody)
        else:
            names |= self._name_everybody()
        yield from release(waiting, names, undecided=set())
        if failure is not None:
            raise failure

    def _follow(
        self, poses: Poses, time: float, *, sparse: bool = False, most_unseen: int = 0
    ) -> tuple[Poses, dict[int, int]]:
        """Everybody in the next frame but those seen twice, the tentative with numbers below 0.

        Args:
            poses: People found in it.
            time: In seconds.
            sparse: It is long after the frame before.
            most_unseen: Frames ago that somebody may have been seen, also longer than `max_gap` seconds ago.

        Returns:
            The people; and who became known, by the numbers that they had until then.
        """
        tracks = self._remember(poses, time, most_unseen)
        recent = time - self._new_time <= self.options.sparse_step
        if recent and self._before is not None and is_same(poses, self._before):
            self._time = time
            return take(poses, self._before_ids), {}
        expected = tracks.predict(time)
        similarity = expected.compare(poses)
        seen = (tracks.unseen == 0) & (tracks.ids > 0)
        lost = (similarity[seen] < self.options.min_similarity).all(axis=1)
        if not sparse and 2 * lost.sum() > seen.sum():  # has the camera moved?
            shift = find_shift(expected[seen], poses)
            if shift is not None:
                tracks, expected = tracks.move(shift), expected.move(shift)
                similarity = expected.compare(poses)
        similarity, value = self._rate(expected, poses, similarity, sparse=sparse)
        known, confident = tracks.ids > 0, poses.scores >= self.options.confident_score
        owner, given_up = assign(expected, poses, similarity, value, options=self.options, sparse=sparse)
        again = given_up >= 0
        names = dict(zip(tracks.ids[given_up[again]].tolist(), tracks.ids[owner[again]].tolist(), strict=True))

        matched, unseen = owner >= 0, np.ones(len(tracks), bool)
        unseen[owner[matched]] = False
        if sparse:  # people might be anywhere by now: who is like whom is seen from where they were found
            similarity = np.zeros_like(similarity)
            similarity[owner[matched]] = start_tracks(poses[matched], time).compare(poses)
        others = similarity[:, matched].copy()
        others[owner[matched], np.arange(len(others.T))] = 0
        gain = SPARSE_COLOUR_GAIN if sparse else COLOUR_GAIN
        rivals = others.max(axis=0, initial=0.0)
        kept = expected[owner[matched]].update(poses[matched], time, rivals, colour_gain=gain)
        twice = (similarity[known & ~unseen] > self.options.max_resemblance).any(axis=0)
        begun = ~matched & ~twice
        now = kept.join(self._begin(poses[begun], time)) if begun.any() else kept
        where = np.concatenate([np.flatnonzero(matched), np.flatnonzero(begun)])  # each of them is among the poses
        sure = (now.ids < 0) & (confident[where] | (now.sightings >= self.options.min_sightings))
        now, new = self._name(now, sure)
        missing = known & unseen  # who is tentative and not seen is forgotten
        self._tracks, self._time = now.join(tracks[missing].miss()) if missing.any() else now, time
        ids = np.zeros(len(poses), np.int64)
        ids[where] = now.ids
        self._before, self._before_ids, self._new_time = poses, ids, time
        return take(poses, ids), names | new

    def _see_again(self, poses: Poses, time: float, most_unseen: int) -> tuple[Poses, dict[int, int]]:
        """Everybody in the next frame, who are those of the frame before in the same places.

        It says that they are there, unless it is the same to the last bit, but nothing of how they move.
        """
        tracks = self._remember(poses, time, most_unseen)
        self._time = time
        names: dict[int, int] = {}
        if self._before is not None and not is_same(poses, self._before):
            confident = np.isin(tracks.ids, self._before_ids[poses.scores >= self.options.confident_score])
            tracks = dataclasses.replace(tracks, sightings=tracks.sightings + (tracks.unseen == 0))
            often = tracks.sightings >= self.options.min_sightings
            tracks, names = self._recognise(tracks, (tracks.ids < 0) & (confident | often))
            self._before_ids = rename(self._before_ids, names)
        self._tracks = tracks
        return take(poses, self._before_ids), names

    def _remember(self, poses: Poses, time: float, most_unseen: int) -> Tracks:
        """Everybody seen in the last `max_gap` seconds or frames, where the camera has moved them since."""
        if not self._time <= time < math.inf:
            raise PoseError(
                f"time {time} after {self._time}: frames must come in order; call reset() where a stream starts anew"
            )
        tracks = start_tracks(Poses.empty(poses.skeleton), time) if self._tracks is None else self._tracks
        if (tracks.xy.shape[1], tracks.colours.shape[1]) != (len(poses.skeleton.keypoints), len(poses.skeleton.limbs)):
            raise PoseError(f"this tracker follows {tracks.xy.shape[1]} keypoints; use one per skeleton")
        if poses.shot != self._shot and time - self._time <= self.options.sparse_step:  # a cut
            tracks = tracks[np.zeros(len(tracks), bool)]
        self._shot = poses.shot
        if poses.camera_shift != (0, 0):
            tracks = tracks.move(np.array(poses.camera_shift))
        remembered = (time - tracks.times <= self.options.max_gap) | (tracks.unseen < most_unseen)
        return tracks if remembered.all() else tracks[remembered]

    def _rate(self, expected: Tracks, poses: Poses, similarity: Floats, *, sparse: bool) -> tuple[Floats, Floats]:
        """Similarity of tracks and people, (T, N), and the worth of each pair, which also counts how sure it is."""
        value = similarity * expected.compute_certainty()[:, None]
        pairs = np.nonzero(similarity >= min(self.options.min_similarity, self.options.relink_similarity))
        likeness = expected.compare_colours(poses, *pairs)
        value[pairs] *= likeness
        if sparse:
            similarity = similarity.copy()
            similarity[pairs] *= likeness >= self.options.min_colour_likeness
        return similarity, value

    def _begin(self, poses: Poses, time: float) -> Tracks:
        """Tentative tracks, with the next numbers below 0."""
        ids = self._next_tentative - np.arange(len(poses))
        self._next_tentative -= len(poses)
        return dataclasses.replace(start_tracks(poses, time), ids=ids)

    def _name(self, tracks: Tracks, new: Flags) -> tuple[Tracks, dict[int, int]]:
        """The same tracks, the new ones with the next identities; and these by the numbers they had."""
        if not new.any():
            return tracks, {}
        ids = tracks.ids.copy()
        ids[new] = self._next_id + np.arange(new.sum())
        self._next_id += int(new.sum())
        return dataclasses.replace(tracks, ids=ids), dict(zip(tracks.ids[new].tolist(), ids[new].tolist(), strict=True))

    def _get_tentative(self) -> set[int]:
        """Their numbers."""
        return set() if self._tracks is None else set(self._tracks.ids[self._tracks.ids < 0].tolist())

    def _name_everybody(self) -> dict[int, int]:
        """Whoever is tentative is somebody; their identities by the numbers that they had."""
        if self._tracks is None:
            return {}
        self._tracks, names = self._recognise(self._tracks, self._tracks.ids < 0)
        self._before_ids = rename(self._before_ids, names)
        return names

    def _recognise(self, tracks: Tracks, new: Flags) -> tuple[Tracks, dict[int, int]]:
        """As `_name`, of tentative tracks of the frame before, but each is sooner somebody missing than a newcomer."""
        missing = np.flatnonzero((tracks.ids > 0) & (tracks.unseen > 0))
        people = np.flatnonzero(np.isin(self._before_ids, tracks.ids[new]))
        known: dict[int, int] = {}
        if self._before is not None and len(missing) and len(people):
            numbers = self._before_ids[people]
            order = np.argsort(tracks.ids)
            begun = tracks.begun[order[np.searchsorted(tracks.ids, numbers, sorter=order)]]
            expected, poses = tracks[missing].predict(self._new_time), self._before[people]
            similarity, value = self._rate(expected, poses, expected.compare(poses), sparse=False)
            possible = (similarity >= self.options.relink_similarity) & (expected.times[:, None] < begun)
            rows, columns = match(np.where(possible, value, 0.0))
            known = dict(zip(numbers[columns].tolist(), expected.ids[rows].tolist(), strict=True))
            kept = ~np.isin(tracks.ids, expected.ids[rows])
            tracks, new = dataclasses.replace(tracks, ids=rename(tracks.ids, known))[kept], new[kept]
            new = new & (tracks.ids < 0)
        tracks, names = self._name(tracks, new)
        return tracks, names | known
