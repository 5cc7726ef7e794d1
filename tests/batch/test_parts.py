"""A part holds what was found, to the last bit."""

import numpy as np
import pytest

from nimblepose.batch.parts import PartWriter, pack, read_part, unpack
from nimblepose.core.errors import MediaError
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import COCO_17
from nimblepose.media.frames import Stamp

K, L = len(COCO_17.keypoints), len(COCO_17.limbs)


def found(count, seed, *, colours=True):
    rng = np.random.default_rng(seed)
    keypoints = rng.normal(size=(count, K, 2)).astype(np.float32)
    keypoints[:, ::3] = np.nan
    return Poses(
        COCO_17,
        keypoints,
        rng.random((count, K), np.float32),
        rng.random(count, np.float32),
        limb_colours=rng.random((count, L, 3), np.float32) if colours else None,
        keypoint_errors=rng.random((count, K), np.float32) if colours else None,
        shot=seed,
        camera_shift=(0.1 * seed, -seed / 3),
    )


def test_there_and_back():
    rows = [(Stamp(n, n / 30, (48, 64 + n)), found(n % 3, n, colours=n != 4)) for n in range(7)]
    writer = PartWriter(COCO_17)
    for stamp, poses in rows:
        writer.add(stamp, poses)
    facts, read = read_part(writer.finish({"a": [1, None]}), "here")
    assert facts == {"a": [1, None]}
    for row, (stamp, poses) in zip(read, rows, strict=True):
        assert row.stamp == stamp
        assert (row.failure, row.poses.shot, row.poses.camera_shift) == (None, poses.shot, poses.camera_shift)
        for name in ("keypoints", "keypoint_scores", "scores", "limb_colours", "keypoint_errors"):
            one, other = getattr(row.poses, name), getattr(poses, name)
            assert (one is None) == (other is None)
            if one is not None:
                assert one.dtype == other.dtype
                np.testing.assert_array_equal(one, other)
    assert (writer.count, writer.people) == (7, 6)


def test_parts_of_before_keypoints_had_errors_are_read(monkeypatch):
    monkeypatch.setattr("nimblepose.batch.parts._ARRAYS", ("scores", "keypoints", "keypoint_scores", "limb_colours"))
    writer = PartWriter(COCO_17)
    writer.add(Stamp(0, 0, (4, 4)), found(2, 0))
    data = writer.finish({})
    monkeypatch.undo()
    (row,) = read_part(data, "here").rows
    assert row.poses.keypoint_errors is None
    assert len(row.poses) == 2


def test_many_rows_are_written_in_pieces(monkeypatch):
    monkeypatch.setattr("nimblepose.batch.parts._ROWS", 3)
    writer = PartWriter(COCO_17)
    for number in range(8):
        writer.add(Stamp(number, number, (4, 4)), found(number % 2, number))
    _, rows = read_part(writer.finish({}), "here")
    assert [(row.stamp.index, len(row.poses)) for row in rows] == [(n, n % 2) for n in range(8)]


def test_who_failed_has_no_people():
    writer = PartWriter(COCO_17)
    writer.add(Stamp(3, 0, (0, 0)), Poses.empty(COCO_17), "a.jpg is no picture")
    (row,) = read_part(writer.finish({}), "here").rows
    assert (row.failure, len(row.poses)) == ("a.jpg is no picture", 0)
    assert list(read_part(PartWriter(None).finish({"failure": "dead"}), "here").rows) == []


@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda data: b"", lambda data: b"no part at all"])
def test_damage_is_told(damage):
    with pytest.raises(MediaError, match=r"^x\.parquet is no part, or damaged"):
        read_part(damage(PartWriter(COCO_17).finish({})), "x.parquet")


def test_small_pictures_as_plain_data():
    picture = np.random.default_rng(0).integers(0, 256, (18, 32, 3), np.uint8)
    np.testing.assert_array_equal(unpack(pack(picture)), picture)
