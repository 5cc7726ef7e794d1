"""People with numbers: identities from 1 up, below 0 for those who are tentative, 0 for nobody."""

import dataclasses
from collections import deque
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.poses import Poses
from nimblepose.tracking.protocols import T

Ids = NDArray[np.int64]


def release(
    waiting: deque[tuple[T, Poses]], names: dict[int, int], *, undecided: set[int]
) -> Iterator[tuple[T, Poses]]:
    """Take the first frames, as far as nobody in them is undecided; the people in them who were somebody."""
    while waiting and undecided.isdisjoint(get_ids(waiting[0][1])):
        place, poses = waiting.popleft()
        ids = rename(np.array(get_ids(poses), np.int64), names)
        yield place, dataclasses.replace(poses, track_ids=ids)[ids > 0]
    if not waiting:
        names.clear()


def rename(ids: Ids, names: dict[int, int]) -> Ids:
    """The numbers, those of people who became known as their identities."""
    return np.array([names.get(i, i) for i in ids.tolist()], np.int64)


def take(poses: Poses, ids: Ids) -> Poses:
    """The people with their numbers, but for those who have none."""
    named = dataclasses.replace(poses, track_ids=ids)
    return named if ids.all() else named[ids != 0]


def get_ids(poses: Poses) -> list[int]:
    """Their numbers."""
    ids: list[int] = [] if poses.track_ids is None else poses.track_ids.tolist()
    return ids
