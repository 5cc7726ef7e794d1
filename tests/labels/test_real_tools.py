"""What we write is opened by the tools themselves; each is skipped, and says so, where it cannot be had."""

import json

import numpy as np
import pytest
from mouse_scene import FRAMES, KEYPOINTS, VIDEOS, mice, write_coco, write_dlc

from nimblepose.labels.readers import read_labels
from nimblepose.labels.writers import find_writer


@pytest.fixture
def labels(tmp_path):
    (tmp_path / "source").mkdir()
    return read_labels(write_coco(tmp_path / "source"))


def test_labelme_opens_its_files(labels, tmp_path):
    why = "labelme 7 (Python 3.12, see .ci/neighbours) is not installed"
    module = pytest.importorskip("labelme._label_file", reason=why)
    find_writer("labelme").write(labels, tmp_path / "b")
    for video in VIDEOS:
        for frame in range(FRAMES):
            read = module.read_label_file(filename=str(tmp_path / "b" / video / f"img{frame:03d}.json"))
            shapes = [shape for shape in read.shapes if shape["shape_type"] == "point"]
            places = {(shape["label"], *shape["points"][0]) for shape in shapes}
            assert places == {
                (k, x + 0.5, y + 0.5) for points in mice(video, frame).values() for k, (x, y, _) in points.items()
            }
            assert all(isinstance(shape["group_id"], int) for shape in read.shapes)


def test_sleap_io_opens_labels(labels, tmp_path):
    sio = pytest.importorskip("sleap_io", reason="sleap-io is not installed")
    pytest.importorskip("h5py", reason="h5py (extra labels) is not installed")
    find_writer("slp").write(labels, tmp_path / "b.slp")
    read = sio.load_slp(str(tmp_path / "b.slp"))
    assert len(read.videos) == 2
    assert [len(frame.instances) for frame in read.labeled_frames] == [0, 2, 1, 2, 1, 2] * 2
    assert {track.name for track in read.tracks} == {"m1", "m2"}
    first = read.labeled_frames[1].instances[0]
    assert not isinstance(first, sio.PredictedInstance)
    np.testing.assert_array_equal(first.numpy(), [[11, 20], [13, 21], [np.nan, np.nan]])
    picture = read.labeled_frames[1].image
    assert picture.shape[:2] == (48, 64)
    assert (picture == 30).all()  # frame 1 of the first video
    assert read.skeletons[0].edge_names == [("nose", "ear"), ("ear", "tail")]


def test_pandas_opens_a_project_of_deeplabcut(labels, tmp_path):
    pd = pytest.importorskip("pandas")
    find_writer("dlc").write(labels, tmp_path / "b")
    path = tmp_path / "b" / "labeled-data" / "right" / "CollectedData_nimblepose.csv"
    table = pd.read_csv(path, header=[0, 1, 2, 3], index_col=[0, 1, 2])
    row = table.loc[("labeled-data", "right", "img003.png")].droplevel("scorer")
    assert (row["m1", "nose", "x"], row["m2", "ear", "y"]) == (33, 30)
    assert len(table) in (FRAMES, FRAMES - 1)  # pandas 3.1 takes the empty first row for the names of the index
    again = read_labels(tmp_path / "b")
    assert len(again.pictures) == 2 * FRAMES


def test_pycocotools_opens_the_set(labels, tmp_path):
    coco_module = pytest.importorskip("pycocotools.coco")
    find_writer("coco").write(labels, tmp_path / "b")
    coco = coco_module.COCO(str(tmp_path / "b" / "annotations.json"))
    assert len(coco.imgs) == 2 * FRAMES
    assert min(coco.anns) == min(coco.imgs) == 1
    assert all(one["area"] >= 0 and len(one["bbox"]) == 4 for one in coco.anns.values())


def test_poses_made_in_fiftyone(tmp_path):
    """Its `score` is the list of keypoint scores, `num_keypoints` counts slots, box and area are missing."""
    write_coco(tmp_path)
    path = tmp_path / "mice.json"
    coco = json.loads(path.read_text())
    coco["annotations"] = [
        {"id": 1, "image_id": 1, "category_id": 4, "score": [0.9, 0, 0.5], "num_keypoints": 3,
         "keypoints": [10.5, 20.5, 2, 0, 0, 0, 5, 6, 2]},
    ]  # fmt: skip
    path.write_text(json.dumps(coco))
    labels = read_labels(tmp_path)
    assert labels.skipped == ()
    (label,) = labels.pictures[1].labels
    assert label.visibility.tolist() == [2, 0, 2]
    assert label.keypoint_scores.tolist() == [0.9, 0, 0.5]
    assert label.score == pytest.approx(0.7)
    find_writer("coco").write(labels, tmp_path / "out")
    (written,) = json.loads((tmp_path / "out" / "annotations.json").read_text())["annotations"]
    assert (written["num_keypoints"], written["bbox"]) == (2, [5, 6, 5.5, 14.5])


def test_a_mouse_of_deeplabcut_goes_round_through_every_tool_by_files(tmp_path):
    """One after the other, and the nose is where it was."""
    labels = read_labels(write_dlc(tmp_path / "0"))
    for step, form in enumerate(("coco", "cvat", "labelme", "yolo", "label-studio", "dlc"), 1):
        find_writer(form).write(labels, tmp_path / str(step))
        labels = read_labels(tmp_path / str(step))
    xy = {tuple(np.round(label.xy[0], 3)) for picture in labels.pictures for label in picture.labels}
    assert labels.categories[0].keypoints[0] == KEYPOINTS[0]
    assert xy == {(x, y) for v in VIDEOS for f in range(FRAMES) for m in mice(v, f).values() for x, y, _ in [m["nose"]]}
