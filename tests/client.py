"""A program of somebody who checks its types: tests/test_typed_client.py shows it to mypy and pyright.

Nothing here is run.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import assert_type

import numpy as np
from numpy.typing import NDArray

from nimblepose import (
    HUMAN_18,
    DecodeOptions,
    DrawOptions,
    Follower,
    Frame,
    MediaError,
    OksTracker,
    OneEuroSmoother,
    Person,
    PoseError,
    PoseEstimator,
    Poses,
    Selection,
    Skeleton,
    Smoother,
    SmoothOptions,
    Tracker,
    TrackOptions,
    Trails,
    draw_poses,
    read_picture,
)


def find(path: Path) -> list[tuple[float, float, float]]:
    """Wrists of everybody in a picture."""
    estimator = PoseEstimator(quality="fast", decode=DecodeOptions(max_poses=3))
    poses = estimator(path)
    assert_type(poses, Poses)
    assert_type(estimator([path, "b.jpg"]), list[Poses])
    assert_type(poses[0], Person)
    assert_type(poses[poses.scores > 0.5], Poses)
    assert_type(poses.skeleton, Skeleton)
    assert_type(HUMAN_18.keypoints, tuple[str, ...])
    return [(person["left_wrist"].x, person["left_wrist"].y, person.score) for person in poses]


def show(path: Path, poses: Poses) -> NDArray[np.uint8]:
    """A picture with everybody drawn."""
    return draw_poses(read_picture(path), poses, DrawOptions(colour_by="person", show_ids=True))


def follow(path: str) -> Iterator[tuple[int, float, Poses]]:
    """People of a video."""
    estimator = PoseEstimator()
    options = TrackOptions(max_gap=2.0)
    for frame, poses in estimator.track(path, selection=Selection(every=2), tracking=options):
        assert_type(frame, Frame)
        yield frame.index, frame.time, poses


def step(follower: Follower, picture: NDArray[np.uint8], trails: Trails, time: float) -> Trails:
    """One frame of a loop of one's own."""
    return trails.extend(follower(picture, time), time)


def start() -> tuple[Tracker, Smoother]:
    """What identities and steadiness are made of: ours are such."""
    return OksTracker(TrackOptions()), OneEuroSmoother(SmoothOptions())


def fail(path: Path) -> str:
    """Errors are of one family."""
    try:
        PoseEstimator()(path)
    except MediaError as error:
        wider: PoseError = error
        return str(wider)
    return ""
