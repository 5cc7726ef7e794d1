"""Tables that we wrote come back as poses, from both forms."""

import numpy as np
import pytest

from nimblepose.core.errors import MediaError, SkeletonError
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import HUMAN_18, Skeleton
from nimblepose.media.frames import Stamp
from nimblepose.results.formats import csv_table, parquet
from nimblepose.results.output_format import Header, PictureResult
from nimblepose.results.reading_tables import TableFile
from nimblepose.results.tables import COLUMNS

CAT = Skeleton("cat", ("whisker", "tail"), (("whisker", "tail"),))
MAKERS = {".csv": csv_table.FORMAT, ".parquet": parquet.FORMAT}


@pytest.fixture(params=MAKERS)
def ending(request):
    if request.param == ".parquet":
        pytest.importorskip("pyarrow")
    return request.param


def make(n, skeleton=HUMAN_18, *, ids=True, errors=False, seed=0):
    rng = np.random.default_rng(seed)
    k = len(skeleton.keypoints)
    keypoints = rng.uniform(0, 99, (n, k, 2)).round(2).astype(np.float32)
    keypoints[:, 1:][rng.random((n, k - 1)) < 0.3] = np.nan
    scores = np.where(np.isnan(keypoints[..., 0]), 0, 0.5).astype(np.float32)
    known = np.where(scores > 0, rng.uniform(0.1, 9, (n, k)).round(2), np.nan).astype(np.float32)
    known[:, 0] = np.nan
    return Poses(
        skeleton, keypoints, scores, rng.random(n).round(4).astype(np.float32), np.arange(n) + 1 if ids else None,
        keypoint_errors=known if errors else None,
    )  # fmt: skip


def write_video(path, frames, *, skeleton=HUMAN_18, source="a.mp4"):
    file = MAKERS[path.suffix].video.begin(path, Header(model="m", skeletons=(skeleton,), source=source, rate=10))
    for n, poses in enumerate(frames):
        file.add(Stamp(n, n / 10, (480, 640)), poses)
    return file.finish()


@pytest.mark.parametrize("ids", [True, False], ids=["identities", "strangers"])
def test_a_video_comes_back(tmp_path, ending, ids):
    frames = [make(n % 3, ids=ids, seed=n) for n in range(7)]
    table = TableFile(write_video(tmp_path / f"a{ending}", frames))
    with_somebody = [(n, poses) for n, poses in enumerate(frames) if len(poses)]
    assert table.is_video
    assert table.frames == (7 if ending == ".parquet" else None)
    for _ in range(2):
        for result, (n, poses) in zip(table, with_somebody, strict=True):
            assert (result.file, result.frame, result.time) == ("a.mp4", n, pytest.approx(n / 10))
            np.testing.assert_allclose(result.poses.keypoints, poses.keypoints, atol=1e-4)
            np.testing.assert_allclose(result.poses.scores, poses.scores, atol=1e-4)
            assert (result.poses.track_ids is not None) == ids
            if ids:
                np.testing.assert_array_equal(result.poses.track_ids, poses.track_ids)


def test_errors_come_back(tmp_path, ending):
    frames = [make(n, errors=True, seed=n) for n in (1, 2)]
    for result, poses in zip(TableFile(write_video(tmp_path / f"a{ending}", frames)), frames, strict=True):
        np.testing.assert_allclose(result.poses.keypoint_errors, poses.keypoint_errors, atol=1e-6)
    (result,) = TableFile(write_video(tmp_path / f"b{ending}", [make(2)]))
    assert result.poses.keypoint_errors is None


def test_tables_of_before_keypoints_had_errors_come_back(tmp_path, ending):
    poses = make(2, errors=True)
    path = write_video(tmp_path / f"a{ending}", [poses])
    if ending == ".parquet":
        import pyarrow.parquet

        pyarrow.parquet.write_table(pyarrow.parquet.read_table(path).drop_columns("error"), path)
    else:
        lines = path.read_text().splitlines()
        path.write_text("".join(f"{line.rpartition(',')[0]}\n" for line in lines))
    (result,) = TableFile(path)
    np.testing.assert_allclose(result.poses.keypoints, poses.keypoints, atol=1e-4)
    assert result.poses.keypoint_errors is None


def test_pictures_come_back_in_parquet_those_of_nobody_too(tmp_path, ending):
    given = [
        PictureResult("none.jpg", (10, 20), make(0, ids=False), 1),
        PictureResult("b.jpg", (130, 140), make(2, ids=False), 2),
        PictureResult("last.jpg", (50, 60), make(0, ids=False), 3),
    ]
    path = tmp_path / f"poses{ending}"
    path.write_bytes(MAKERS[ending].folder.make(given, Header(model="m", skeletons=(HUMAN_18,))))
    table = TableFile(path)
    found = [(result.file, len(result.poses)) for result in table]
    assert not table.is_video
    if ending == ".parquet":
        assert found == [("none.jpg", 0), ("b.jpg", 2), ("last.jpg", 0)]
        assert [result.size for result in table] == [picture.size for picture in given]
    else:
        assert found == [("b.jpg", 2)]
        assert table.sizes_known is False


def test_a_skeleton_that_a_csv_does_not_say_has_to_be_given(tmp_path):
    path = write_video(tmp_path / "a.csv", [make(1, CAT)] * 2, skeleton=CAT)
    with pytest.raises(MediaError, match=r"a\.csv does not say which skeleton.*whisker"):
        TableFile(path)
    assert [result.poses.skeleton for result in TableFile(path, CAT)] == [CAT, CAT]
    with pytest.raises(SkeletonError, match="whisker"):
        list(TableFile(path, HUMAN_18))


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path):
    path = write_video(tmp_path / "a.csv", [make(1)] * 2)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(list(TableFile(path))) == 2


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "\0", f"{','.join(COLUMNS)}\na,x"])
@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_what_is_none_of_ours_is_said(tmp_path, text, name):
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    (tmp_path / name).write_text(text)
    with pytest.raises(MediaError, match=f"{name}: not what --format {name[2:]} writes"):
        TableFile(tmp_path / name)
    with pytest.raises(MediaError, match="cannot read"):
        TableFile(tmp_path / f"missing-{name}")
