import numpy as np

from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import Skeleton
from nimblepose.media.frames import Stamp
from nimblepose.results import spool as module
from nimblepose.results.spool import Spool, iterate_frames, lay_out

STICK = Skeleton("stick", ("a", "b"), (("a", "b"),))


def make(n, *, ids=None, flags=None, errors=None):
    rng = np.random.default_rng(n)
    keypoints = rng.uniform(0, 99, (n, 2, 2)).astype(np.float32)
    keypoints[: n // 2, 0] = np.nan
    scores = rng.random((n, 2), np.float32)
    return Poses(STICK, keypoints, scores, rng.random(n, np.float32), ids, flags, keypoint_errors=errors)


def test_frames_come_back_as_they_were_as_often_as_wanted(tmp_path):
    given = [
        (Stamp(0, 0.0, (4, 5), "é.png"), make(0)),
        (Stamp(7, 1 / 3, (4, 5)), make(3, ids=np.array([5, 2**40, -1]), flags=np.eye(3, 2, dtype=bool))),
        (Stamp(8, 2.0, (6, 7)), make(2, errors=np.array([[np.nan, 1], [2.5, 3]], np.float32))),
        (Stamp(9, 2.5, (6, 7)), make(2)),
    ]
    spool = Spool(tmp_path / "a.spool", STICK)
    for stamp, poses in given:
        spool.add(stamp, poses)
    spool.complete()
    assert (spool.frames, spool.last, spool.size) == (4, 9, (4, 5))
    assert spool.people == [-1, 0, 1, 5, 2**40]
    for _ in range(2):
        for (stamp, poses), (stamp_read, read) in zip(given, spool, strict=True):
            assert stamp_read == stamp
            for name in ("keypoints", "keypoint_scores", "scores", "track_ids", "interpolated", "keypoint_errors"):
                np.testing.assert_array_equal(getattr(read, name), getattr(poses, name))
    spool.remove()
    assert not list(tmp_path.iterdir())


def test_blocks_hold_so_many_frames_and_people(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_FRAMES", 3)
    monkeypatch.setattr(module, "_PEOPLE", 4)
    spool = Spool(tmp_path / "a.spool", STICK)
    counts = (0, 1, 0, 4, 2, 2, 1)
    for index, count in enumerate(counts):
        spool.add(Stamp(10 + index, index / 4, (4, 5)), make(count))
    spool.complete()
    blocks = list(spool.iterate_blocks())
    assert [block.counts.tolist() for block in blocks] == [[0, 1, 0], [4], [2, 2], [1]]
    assert [block.rows.tolist() for block in blocks] == [[1], [0, 0, 0, 0], [0, 0, 1, 1], [0]]
    assert (spool.frames, spool.last, spool.rate) == (7, 16, 4)
    assert [len(poses) for _, poses in spool] == list(counts)
    spool.remove()


def test_everybody_is_laid_out_in_a_row_per_frame(tmp_path):
    spool = Spool(tmp_path / "a.spool", STICK)
    one, two = make(1, ids=np.array([7])), make(2, ids=np.array([9, 3]))
    spool.add(Stamp(1, 0.0, (4, 5)), one)
    spool.add(Stamp(4, 1.0, (4, 5)), two)
    spool.complete()
    (block,) = spool.iterate_blocks()
    cells = lay_out(block, [3, 7], block.rows, 2)
    assert cells.shape == (2, 2, 2, 3)
    np.testing.assert_array_equal(cells[0, 1, :, :2], one.keypoints[0])
    np.testing.assert_array_equal(cells[1, 0, :, :2], two.keypoints[1])
    np.testing.assert_array_equal(cells[1, 0, :, 2], two.keypoint_scores[1])
    assert np.isnan(cells[0, 0, :, :2]).all()
    assert (cells[0, 0, :, 2] == 0).all()
    parts = list(iterate_frames(spool, [3, 7, 9], 2))
    assert [first for first, _ in parts] == [0, 2, 4]
    frames = np.concatenate([cells for _, cells in parts])
    assert len(frames) == 5
    assert np.argwhere(np.isfinite(frames[..., 0]).any(axis=2)).tolist() == [[1, 1], [4, 0], [4, 2]]
    spool.remove()


def test_a_score_without_a_place_is_none(tmp_path):
    spool = Spool(tmp_path / "a.spool", STICK)
    two = make(2)
    assert np.isnan(two.keypoints[0, 0]).all()
    assert two.keypoint_scores[0, 0] > 0
    spool.add(Stamp(0, 0.0, (4, 5)), two)
    spool.complete()
    (block,) = spool.iterate_blocks()
    assert block.found_scores[0, 0] == 0
    np.testing.assert_array_equal(block.found_scores[1], two.keypoint_scores[1])
    spool.remove()


def test_frames_that_are_given_up_leave_nothing(tmp_path):
    from nimblepose.results.output_format import Header

    file = module.SpooledFile(tmp_path / "a.x", Header(model="m", skeletons=(STICK,)), lambda *_: None)
    file.add(Stamp(0, 0.0, (4, 5)), make(1))
    assert list(tmp_path.iterdir())
    file.close()
    assert not list(tmp_path.iterdir())
