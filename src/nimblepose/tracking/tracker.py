"""Who is who from frame to frame."""

import dataclasses
import math
from dataclasses import dataclass

import numpy as np

from nimblepose.core.errors import OptionError, PoseError
from nimblepose.core.optional import import_optional
from nimblepose.core.poses import Poses
from nimblepose.tracking.tracks import Flags, Floats, Indices, Tracks, start_tracks


@dataclass(frozen=True, kw_only=True)
class TrackOptions:
    """When are two sightings one person?

    Raises:
        OptionError: a value out of its range.
    """

    max_gap: float = 3.0  # seconds that somebody may be out of sight and keep the identity
    min_similarity: float = 0.5  # OKS in [0, 1] between where a person is expected and where one was found
    relink_similarity: float = 0.1  # the same for whoever is left over: sooner somebody missing nearby than a newcomer
    confident_score: float = 0.65  # people found with it are matched first, and are known at first sight
    min_sightings: int = 3  # frames in a row in which anybody else must be found to be known
    max_resemblance: float = 0.5  # a newcomer more similar than this to somebody seen now is the same person twice

    def __post_init__(self) -> None:
        """Name the option that cannot be."""
        if not 0 <= self.max_gap < math.inf:
            raise OptionError(f"max_gap must be 0 or more seconds, got {self.max_gap}")
        for name in ("min_similarity", "relink_similarity", "confident_score", "max_resemblance"):
            if not 0 <= getattr(self, name) <= 1:
                raise OptionError(f"{name} must lie in [0, 1], got {getattr(self, name)}")
        if self.min_sightings < 1:
            raise OptionError(f"min_sightings must be 1 or more, got {self.min_sightings}")


class OksTracker:
    """Gives the people of one stream their identities: counted up from 1, never used again, the same in every run.

    Tracks are expected where their motion leads, and matched by OKS to the people found, optimally, in rounds: who is
    found surely, then who is found weakly, goes to a track nearby; whoever is left over to one missing further away;
    the rest to tentative tracks.

    Whoever is found surely is known at once. Others are tentative: they are left out until they were found in
    `min_sightings` frames in a row, so that a chair taken for a person now and then is nobody. Who is not seen for
    longer than `max_gap` seconds is forgotten, and comes back as somebody new.
    """

    def __init__(self, options: TrackOptions = TrackOptions()) -> None:
        """Start with nobody."""
        self.options = options
        self._next_id = 1
        self.reset()

    def reset(self) -> None:
        """Forget everybody, as after a cut; counting goes on, so that no identity is used twice."""
        self._tracks: Tracks | None = None
        self._time = -math.inf

    def update(self, poses: Poses, time: float) -> Poses:
        """The people of the next frame who are known, in the order given, with `track_ids`.

        Args:
            poses: People found in the frame, in pixels.
            time: When it was taken, in seconds; never before the frame given last.

        Raises:
            PoseError: time runs backwards, or the people have another skeleton than before.
            MissingPackageError: scipy is not installed.
        """
        tracks = self._remember(poses, time)
        expected = tracks.predict(time)
        similarity = expected.compare(poses)
        value = similarity * expected.compute_certainty()[:, None]
        pairs = np.nonzero(similarity >= min(self.options.min_similarity, self.options.relink_similarity))
        value[pairs] *= expected.compare_colours(poses, *pairs)
        known, confident = tracks.ids > 0, poses.scores >= self.options.confident_score
        owner = self._assign(similarity, value, known, confident)

        matched, unseen = owner >= 0, np.ones(len(tracks), bool)
        unseen[owner[matched]] = False
        others = similarity[:, matched].copy()
        others[owner[matched], np.arange(len(others.T))] = 0
        kept = expected[owner[matched]].update(poses[matched], time, others.max(axis=0, initial=0.0))
        twice = (similarity[known & ~unseen] > self.options.max_resemblance).any(axis=0)
        begun = ~matched & ~twice
        now = kept.join(start_tracks(poses[begun], time)) if begun.any() else kept
        where = np.concatenate([np.flatnonzero(matched), np.flatnonzero(begun)])  # each of them is among the poses
        sure = (now.ids == 0) & (confident[where] | (now.sightings >= self.options.min_sightings))
        if sure.any():
            now = self._name(now, sure)
        missing = known & unseen  # who is tentative and not seen is forgotten
        self._tracks, self._time = now.join(tracks[missing]) if missing.any() else now, time
        ids = np.zeros(len(poses), np.int64)
        ids[where] = now.ids
        named = dataclasses.replace(poses, track_ids=ids)
        return named if (ids > 0).all() else named[ids > 0]

    def _remember(self, poses: Poses, time: float) -> Tracks:
        """Everybody seen in the last `max_gap` seconds, if the poses belong to this stream."""
        if not self._time <= time < math.inf:
            raise PoseError(
                f"time {time} after {self._time}: frames must come in order; call reset() where a stream starts anew"
            )
        tracks = start_tracks(Poses.empty(poses.skeleton), time) if self._tracks is None else self._tracks
        if (tracks.xy.shape[1], tracks.colours.shape[1]) != (len(poses.skeleton.keypoints), len(poses.skeleton.limbs)):
            raise PoseError(f"this tracker follows {tracks.xy.shape[1]} keypoints; use one per skeleton")
        remembered = time - tracks.times <= self.options.max_gap
        return tracks if remembered.all() else tracks[remembered]

    def _assign(self, similarity: Floats, value: Floats, known: Flags, confident: Flags) -> Indices:
        """The track of each of N people, (N,), -1 for none, in rounds; similarity and value are (T, N)."""
        options, everybody = self.options, np.ones_like(confident)
        owner, unseen = np.full(len(confident), -1, np.intp), np.ones_like(known)
        for tracks, people, least in (
            (known, confident, options.min_similarity),
            (known, ~confident, options.min_similarity),
            (known, everybody, options.relink_similarity),
            (~known, everybody, options.min_similarity),
        ):
            free, waiting = np.flatnonzero(tracks & unseen), np.flatnonzero(people & (owner < 0))
            if len(free) and len(waiting):
                pairs = free[:, None], waiting
                rows, columns = _match(np.where(similarity[pairs] >= least, value[pairs], 0.0))
                owner[waiting[columns]] = free[rows]
                unseen[free[rows]] = False
        return owner

    def _name(self, tracks: Tracks, new: Flags) -> Tracks:
        """The same tracks, the new ones with the next identities."""
        ids = tracks.ids.copy()
        ids[new] = self._next_id + np.arange(new.sum())
        self._next_id += int(new.sum())
        return dataclasses.replace(tracks, ids=ids)


def _match(value: Floats) -> tuple[Indices, Indices]:
    """Rows and columns of the pairs, each used once, with the largest sum; none where the value is 0."""
    if not value.any():
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    optimize = import_optional("scipy.optimize", "tracking")
    rows, columns = optimize.linear_sum_assignment(value, maximize=True)
    chosen = value[rows, columns] > 0
    return rows[chosen], columns[chosen]
