"""What trackers and readers of OpenPose's files make of our poses; by the packages of .ci/neighbours."""

import json

import numpy as np
import pytest

from nimblepose import HUMAN_18, Poses, Skeleton

STICK = Skeleton("stick", ("head", "foot"), (("head", "foot"),))


def find_three(frame):
    """Three people who walk to the right, far apart, with scores 0.65, 0.95 and 0.5."""
    at = np.array([100, 300, 500]) + 2.0 * frame
    xy = np.stack([np.stack([at, [50, 50, 50]], 1), np.stack([at + 40, [150, 150, 150]], 1)], 1).astype(np.float32)
    scores = np.array([0.65, 0.95, 0.5], np.float32)
    return Poses(STICK, xy, np.repeat(scores[:, None], 2, 1), scores)


@pytest.mark.parametrize("name", ["ByteTrackTracker", "BoTSORTTracker", "CBIoUTracker"])
def test_rows_of_trackers_are_told_by_the_index_of_the_pose(name):
    """They come back in another order; who has a score of 0.65 never gets an id; the first id is 0."""
    pytest.importorskip("supervision", reason="supervision (see .ci/neighbours) is not installed")
    trackers = pytest.importorskip("trackers", reason="trackers (see .ci/neighbours) is not installed")
    if not hasattr(trackers, name):
        pytest.skip(f"this release of trackers has no {name}")
    tracker, orders = getattr(trackers, name)(), []
    for frame in range(6):
        detections = find_three(frame).to_supervision().as_detections()
        tracked = tracker.update(detections)
        orders.append(tracked.data["pose"].tolist())
        x = dict(zip(tracked.data["pose"].tolist(), tracked.xyxy[:, 0].tolist(), strict=True))
        assert all(abs(x[pose] - (100 + 200 * pose + 2 * frame)) < 12 for pose in x)
    assert any(order != sorted(order) for order in orders)
    ids = dict(zip(tracked.data["pose"].tolist(), tracked.tracker_id.tolist(), strict=True))
    assert (ids.get(0, -1), ids[1]) == (-1, 0)


def test_18_points_are_taken_for_the_first_18_of_25():
    """Nose, neck and arms are right; ten of the others have another joint's name (docs/formats.md)."""
    openpose = pytest.importorskip(
        "pose_format.utils.openpose", reason="pose-format (see .ci/neighbours) is not installed"
    )
    xy = np.column_stack([np.arange(18.0), np.arange(18.0)]).astype(np.float32)[None] + 1
    poses = Poses(HUMAN_18, xy, np.ones((1, 18), np.float32), np.ones(1, np.float32))
    written = json.loads(json.dumps(poses.to_openpose((48, 64))))
    for person in written["people"]:
        for part in ("face", "hand_left", "hand_right"):
            person.setdefault(f"{part}_keypoints_2d", [])
    read = openpose.load_openpose({0: written})
    x = dict(zip(openpose.BODY_POINTS, read.body.data[0, 0, :, 0].tolist(), strict=False))
    ours = dict(zip(HUMAN_18.keypoints, xy[0, :, 0].tolist(), strict=True))
    assert (x["Nose"], x["LWrist"]) == (ours["nose"], ours["left_wrist"])
    assert (x["MidHip"], x["RHip"]) == (ours["right_hip"], ours["right_knee"])
