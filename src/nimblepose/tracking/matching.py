"""Whose track each person found belongs to."""

import numpy as np

from nimblepose.core.optional import import_optional
from nimblepose.core.poses import Poses
from nimblepose.tracking.options import TrackOptions
from nimblepose.tracking.tracks import Flags, Floats, Indices, Tracks


def assign(
    tracks: Tracks,
    poses: Poses,
    similarity: Floats,
    value: Floats,
    *,
    options: TrackOptions,
    sparse: bool,
) -> tuple[Indices, Indices]:
    """The track of each of N people, in rounds.

    1. Who is found surely goes to somebody known who is expected there.
    2. Who is found weakly goes on with a track of the frame before, as in ByteTrack (Zhang et al., 2022), and with an
       older one only where nobody else is near: what is found weakly where people hide each other is often a part of
       one of them, and would take the identity of whoever is hidden. Who is found surely may be further off from a
       track of the frame before; who shows more of the person counts more.
    3. Who is left over goes on with a tentative track.
    4. Whoever is sure to be there is sooner somebody missing than a newcomer, but nobody who was seen beside them.
    5. Who is found weakly may be further off from a track of the frame before.

    Args:
        tracks: T of them, as they are expected now; the tentative have ids below 0.
        poses: The people.
        similarity: (T, N) of the track and the person.
        value: (T, N) of the pair, which also knows how sure the place is, and colours.
        options: How surely found and how similar people must be, and how often seen.
        sparse: The frame before is long ago, so it does not matter who was in it.

    Returns:
        The track of each person, (N,), -1 for none; and the tentative one of whoever is back, -1 for none.
    """
    confident = poses.scores >= options.confident_score
    owner = np.full(len(poses), -1, np.intp)
    if not len(tracks):
        return owner, owner
    known = tracks.ids > 0
    lately = known if sparse else known & (tracks.unseen == 0)
    near, far = (
        np.where(similarity >= least, value, 0.0) for least in (options.min_similarity, options.relink_similarity)
    )
    owner = _give(owner, near, known, confident)
    alone = ~confident & (_compare_others(similarity) < options.relink_similarity)
    shown = np.where(confident, far, near) * tracks.weigh(poses)
    owner = _give(owner, np.where(lately[:, None] | alone, shown, 0.0), known, owner < 0)
    owner = _give(owner, near, ~known, owner < 0)

    unknown = (owner < 0) | ~known[owner]
    sure = confident | (np.where(owner < 0, 0, tracks.sightings[owner]) + 1 >= options.min_sightings)
    begun = np.where(owner < 0, np.inf, tracks.begun[owner])
    owner = _give(owner, np.where(tracks.times[:, None] < begun, far, 0.0), known, sure & unknown)
    owner = _give(owner, far, lately, owner < 0)

    back = (owner >= 0) & (known & ~lately)[owner]
    free = ~known
    free[owner[owner >= 0]] = False
    tentative = _give(np.full_like(owner, -1), near, free, back)
    same = (tentative >= 0) & (tracks.times[owner] < tracks.begun[tentative])
    return owner, np.where(same, tentative, -1)


def match(value: Floats) -> tuple[Indices, Indices]:
    """Rows and columns of the pairs, each used once, with the largest sum; none where the value is 0."""
    if not value.any():
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    optimize = import_optional("scipy.optimize", "tracking")
    rows, columns = optimize.linear_sum_assignment(value, maximize=True)
    chosen = value[rows, columns] > 0
    return rows[chosen], columns[chosen]


def _compare_others(similarity: Floats) -> Floats:
    """The similarity of each person to the most similar of all tracks but the one, (T, N)."""
    most, person = similarity.argmax(axis=0), np.arange(similarity.shape[1])
    others = similarity.copy()
    others[most, person] = 0
    second = others.max(axis=0)
    others[:] = similarity[most, person]
    others[most, person] = second
    return others


def _give(owner: Indices, value: Floats, chosen: Flags, people: Flags) -> Indices:
    """The owners, (N,), after people got those of the chosen tracks that nobody has, where the value is not 0."""
    free = chosen.copy()
    free[owner[owner >= 0]] = False
    tracks, waiting = np.flatnonzero(free), np.flatnonzero(people)
    if not (len(tracks) and len(waiting)):
        return owner
    rows, columns = match(value[tracks[:, None], waiting])
    given = owner.copy()
    given[waiting[columns]] = tracks[rows]
    return given
