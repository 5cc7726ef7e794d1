import numpy as np

from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import Skeleton
from nimblepose.media.frames import Stamp
from nimblepose.results.spool import Spool

STICK = Skeleton("stick", ("a", "b"), (("a", "b"),))


def make(n, *, ids=None, flags=None):
    rng = np.random.default_rng(n)
    keypoints = rng.uniform(0, 99, (n, 2, 2)).astype(np.float32)
    keypoints[: n // 2, 0] = np.nan
    scores = rng.random((n, 2), np.float32)
    return Poses(STICK, keypoints, scores, rng.random(n, np.float32), ids, flags)


def test_frames_come_back_as_they_were_as_often_as_wanted(tmp_path):
    given = [
        (Stamp(0, 0.0, (4, 5), "é.png"), make(0)),
        (Stamp(7, 1 / 3, (4, 5)), make(3, ids=np.array([5, 2**40, -1]), flags=np.eye(3, 2, dtype=bool))),
        (Stamp(9, 2.5, (6, 7)), make(2)),
    ]
    spool = Spool(tmp_path / "a.spool", STICK)
    for stamp, poses in given:
        spool.add(stamp, poses)
    assert (spool.frames, spool.last, spool.size) == (3, 9, (4, 5))
    assert list(spool.people) == [5, 2**40, -1, 0, 1]
    for _ in range(2):
        for (stamp, poses), (stamp_read, read) in zip(given, spool, strict=True):
            assert stamp_read == stamp
            for name in ("keypoints", "keypoint_scores", "scores", "track_ids", "interpolated"):
                np.testing.assert_array_equal(getattr(read, name), getattr(poses, name))
    spool.remove()
    assert not list(tmp_path.iterdir())
