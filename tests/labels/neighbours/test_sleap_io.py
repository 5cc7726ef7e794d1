"""What sleap-io makes of poses (docs/interop.md tells of it), and what ours makes of the same files."""

import csv
import json
import os
import subprocess
import sys

import cv2
import numpy as np
import pytest
from mouse_scene import write_label_studio, write_yolo

from nimblepose.labels.readers import read_labels
from nimblepose.labels.writers import find_writer

sio = pytest.importorskip("sleap_io", reason="sleap-io (see .ci/neighbours) is not installed")
h5py = pytest.importorskip("h5py", reason="h5py (extra labels) is not installed")

HEAD = "scorer,,,a,a,a,a\nbodyparts,,,tail,tail,nose,nose\ncoords,,,x,y,x,y\n"


def write_labels(root, frames, *, without=()):
    """Labels of DeepLabCut; the nose's x is the number of the frame."""
    folder = root / "labeled-data" / "v"
    folder.mkdir(parents=True)
    for frame in set(frames) - set(without):
        (folder / f"img{frame}.png").write_bytes(b"")
    rows = "".join(f"labeled-data,v,img{frame}.png,5,6,{frame},20\n" for frame in frames)
    (folder / "CollectedData_a.csv").write_text(HEAD + rows)
    return folder / "CollectedData_a.csv"


def test_predictions_of_deeplabcut_are_nothing_there(tmp_path):
    path = tmp_path / "dayDLC_net.csv"
    path.write_text(HEAD.replace(",,,", ",") + "0,1,2,3,4\n1,1,2,3,4\n")
    assert len(sio.load_file(str(path), format="dlc").labeled_frames) == 0
    assert len(read_labels(path).pictures) == 2


def test_labels_of_deeplabcut_get_other_numbers_and_another_order_there(tmp_path):
    """Frames 10 and 42 become 0 and 1; bodyparts are in the order of the alphabet."""
    path = write_labels(tmp_path, (10, 42))
    theirs = sio.load_file(str(path), format="dlc")
    assert [frame.frame_idx for frame in theirs.labeled_frames] == [0, 1]
    assert theirs.skeleton.node_names == ["nose", "tail"]
    ours = read_labels(path)
    assert [picture.frame for picture in ours.pictures] == [10, 42]
    assert ours.categories[0].keypoints == ("tail", "nose")


def test_labels_move_to_the_next_picture_where_one_is_missing_there(tmp_path):
    frames = (3, 10, 42, 50)
    path = write_labels(tmp_path, frames, without=(10,))
    theirs = sio.load_file(str(path), format="dlc")
    files = [name.replace("\\", "/").split("/")[-1] for name in theirs.videos[0].filename]
    assert files == ["img3.png", "img42.png", "img50.png"]
    noses = {one.frame_idx: one.instances[0].numpy()[0, 0] for one in theirs.labeled_frames}
    assert noses == {0: 3, 1: 10, 2: 42, 3: 50}  # numbers of files: img42.png has the nose of img10.png
    ours = read_labels(path)
    assert [(p.file.name, p.labels[0].xy[1, 0]) for p in ours.pictures] == [(f"img{n}.png", n) for n in frames]


def make_labels(tracks=("m1", "m2"), *, frames=range(4), names=("tail", "nose"), skeleton="mouse", step=1):
    """Animals at 0 and 100, whose frame is added; predicted, the second in every `step`-th frame."""
    skeleton = sio.Skeleton(list(names), edges=[names[:2]], name=skeleton)
    known = [sio.Track(name) for name in tracks]
    video = sio.Video(filename="./day.mp4", open_backend=False)

    def make(place, track):
        xy = np.column_stack([np.full(len(names), place), np.arange(len(names)) + 5.5])
        scores = np.full(len(names), 0.75)
        return sio.PredictedInstance.from_numpy(xy, skeleton=skeleton, point_scores=scores, score=0.75, track=track)

    def find(frame):
        return [make(100.0 * k + frame, one) for k, one in enumerate(known) if not k or frame % step == 0]

    return sio.Labels([sio.LabeledFrame(video, frame, find(frame)) for frame in frames])


def save(labels, path):
    labels.save(str(path), embed=False, verbose=False)
    return path


def test_a_score_of_tracking_that_nobody_gave_is_nan_there_and_no_nan_is_in_our_json(tmp_path):
    path = save(make_labels(), tmp_path / "a.slp")
    read = sio.load_slp(str(path), open_videos=False)
    assert np.isnan(read.labeled_frames[0].instances[0].tracking_score)
    find_writer("json").write(read_labels(path), tmp_path / "out")
    (file,) = (tmp_path / "out").iterdir()
    for line in file.read_text().splitlines():
        json.loads(line, parse_constant=pytest.fail)


def test_files_below_format_1_1_count_from_the_corner_there_too(tmp_path):
    path = save(make_labels(), tmp_path / "a.slp")
    with h5py.File(path, "r+") as file:
        file["metadata"].attrs["format_id"] = 1.0
        instances = file["instances"][()]
        del file["instances"]
        file["instances"] = instances[[name for name in instances.dtype.names if name != "tracking_score"]]
        table = file["pred_points"][()]
        table["x"], table["y"] = 10, 20
        file["pred_points"][...] = table
    theirs = sio.load_slp(str(path), open_videos=False).labeled_frames[0].instances[0].numpy()
    assert theirs[0].tolist() == read_labels(path).pictures[0].labels[0].xy[0].tolist() == [9.5, 19.5]


def test_coco_of_two_categories_with_the_same_keypoints_there_and_back(tmp_path):
    """The cat becomes a dog or the other way round, v = 1 becomes 2, frames 0, 1, 3 become 0, 1, 2."""
    keypoints = ["nose", "tail"]
    kinds = [{"id": i, "name": name, "keypoints": keypoints} for i, name in ((1, "cat"), (2, "dog"))]
    images = [{"id": i, "file_name": f"{i}.png", "height": 48, "width": 64, "frame_idx": i} for i in (0, 1, 3)]
    animals = [
        {"id": n, "image_id": image, "category_id": kind, "keypoints": [10.5, 20.5, 1, 11, 21, 2]}
        for n, (image, kind) in enumerate(((0, 1), (1, 2), (3, 1)), 1)
    ]
    for image in images:
        cv2.imwrite(str(tmp_path / image["file_name"]), np.zeros((48, 64, 3), np.uint8))
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"images": images, "annotations": animals, "categories": kinds}))
    theirs = sio.load_coco(str(path))
    assert len({id(one.skeleton) for frame in theirs.labeled_frames for one in frame.instances}) == 1
    assert [frame.frame_idx for frame in theirs.labeled_frames] == [0, 1, 2]
    sio.save_coco(theirs, str(tmp_path / "b.json"))
    written = json.loads((tmp_path / "b.json").read_text())
    assert {v for one in written["annotations"] for v in one["keypoints"][2::3]} == {2}
    ours = read_labels(path)
    assert [picture.labels[0].category for picture in ours.pictures] == ["cat", "dog", "cat"]
    assert [picture.frame for picture in ours.pictures] == [0, 1, 3]
    assert ours.pictures[0].labels[0].visibility.tolist() == [1, 2]


def test_ultralytics_own_folders_hold_no_animal_there(tmp_path):
    write_yolo(tmp_path, layout="images/{split}")
    theirs = sio.load_ultralytics(str(tmp_path), split="train")
    assert sum(len(frame.instances) for frame in theirs.labeled_frames) == 0
    assert sum(len(picture.labels) for picture in read_labels(tmp_path).pictures) > 0


def test_csv_is_in_the_order_of_the_alphabet_there_and_dlc_has_no_likelihood(tmp_path):
    labels = make_labels(names=("tail", "nose", "ear"))
    sio.save_csv(labels, str(tmp_path / "sleap.csv"))
    with (tmp_path / "sleap.csv").open(newline="") as file:
        head = next(csv.reader(file))
    assert [name.split(".")[0] for name in head if name.endswith(".x")] == ["ear", "nose", "tail"]
    sio.save_csv(labels, str(tmp_path / "dlc.csv"), format="dlc")
    assert read_likelihoods(tmp_path / "dlc.csv") == {""}
    find_writer("dlc-results").write(read_labels(save(labels, tmp_path / "a.slp")), tmp_path / "out")
    (file,) = (tmp_path / "out").iterdir()
    assert read_likelihoods(file) == {"0.7500"}
    assert read_labels(file).categories[0].keypoints == ("tail", "nose", "ear")


def read_likelihoods(path):
    """Of the first frame of a table of DeepLabCut of several animals."""
    with path.open(newline="") as file:
        rows = list(csv.reader(file))
    return {cell for coord, cell in zip(rows[3], rows[4], strict=True) if coord == "likelihood"}


# NWB ----------------------------------------------------------------------------------------------------------------


def test_every_second_frame_is_a_rate_of_0_there_and_refused_here(tmp_path):
    pytest.importorskip("ndx_pose", reason="ndx-pose (extra nwb) is not installed")
    from nimblepose.core.errors import DataError

    path = tmp_path / "a.nwb"
    sio.save_nwb(make_labels(frames=range(5), step=2), str(path))
    rates = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: rates.update({name: item.attrs["rate"]} if "rate" in item.attrs else {}))
    assert {rate for name, rate in rates.items() if "=m2/" in name} == {0}
    with pytest.raises(DataError, match="rate of 0 puts 3 samples at one time"):
        read_labels(path)


def test_frames_0_1_3_cannot_be_written_there(tmp_path):
    pytest.importorskip("ndx_pose", reason="ndx-pose (extra nwb) is not installed")
    labels = make_labels(("m1",), frames=(0, 1, 3))
    with pytest.raises(IndexError):
        sio.save_nwb(labels, str(tmp_path / "a.nwb"))
    find_writer("nwb").write(read_labels(save(labels, tmp_path / "a.slp")), tmp_path / "out")
    (folder,) = (tmp_path / "out").iterdir()
    assert [picture.time for picture in read_labels(folder).pictures] == [0, 0.033333, 0.1]


def test_names_of_animals_are_gone_there_and_back(tmp_path):
    """Nobody has a track any more, and they come in the order of the alphabet."""
    pytest.importorskip("ndx_pose", reason="ndx-pose (extra nwb) is not installed")
    labels = make_labels(("zoe", "anna"))
    sio.save_nwb(labels, str(tmp_path / "a.nwb"))
    back = sio.load_nwb(str(tmp_path / "a.nwb")).labeled_frames[2].instances
    assert [(one.track, one.numpy()[0, 0]) for one in back] == [(None, 102), (None, 2)]
    find_writer("nwb").write(read_labels(save(labels, tmp_path / "a.slp")), tmp_path / "out")
    (folder,) = (tmp_path / "out").iterdir()
    found = {(one.identity, one.xy[0, 0]) for one in read_labels(folder).pictures[2].labels}
    assert found == {("zoe", 2), ("anna", 102)}


# Behind each other --------------------------------------------------------------------------------------------------

JABS = (
    "NOSE", "LEFT_EAR", "RIGHT_EAR", "BASE_NECK", "LEFT_FRONT_PAW", "RIGHT_FRONT_PAW", "CENTER_SPINE", "LEFT_REAR_PAW",
    "RIGHT_REAR_PAW", "BASE_TAIL", "MID_TAIL", "TIP_TAIL",
)  # fmt: skip


@pytest.mark.parametrize(("name", "mice"), [("Mouse", 2), ("mouse", 0)])
def test_jabs_has_mice_of_one_name_of_skeleton_only_and_whole_pixels(tmp_path, monkeypatch, name, mice):
    monkeypatch.chdir(tmp_path)
    labels = make_labels(names=JABS, skeleton=name)
    find_writer("slp-results").write(read_labels(save(labels, tmp_path / "a.slp")), tmp_path / "out")
    (file,) = (tmp_path / "out").iterdir()
    ours = sio.load_slp(str(file), open_videos=False)
    assert ours.skeleton.name == name  # as it was, so that a Mouse stays one
    ours.videos[0].filename = "./day.mp4"
    sio.save_jabs(ours, pose_version=5, root_folder="./jabs")
    with h5py.File(tmp_path / "jabs" / "day_pose_est_v5.h5") as jabs:
        assert jabs["poseest/points"].shape[1] == mice
        if mice:
            assert jabs["poseest/points"][0, 0, 0].tolist() == [5, 0]  # y, x; 5.5 is cut


def test_label_studio_has_another_order_of_keypoints_in_every_run_there(tmp_path):
    write_label_studio(tmp_path)
    code = f"import sleap_io as s; print(s.load_labelstudio({str(tmp_path / 'project.json')!r}).skeleton.node_names)"
    path = tmp_path / "project.json"
    tasks = json.loads(path.read_text())
    for task in tasks:
        task["meta"] = {"video": {"filename": "a.png", "frame_idx": 0, "shape": [1, 48, 64, 3]}}
        results = task["annotations"][0]["result"]  # it knows animals by relations
        points = [one for one in results if "parentID" in one]
        results += [{"type": "relation", "from_id": one["id"], "to_id": one["parentID"]} for one in points]
    path.write_text(json.dumps(tasks))
    seen = set()
    for seed in range(4):
        found = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
        )  # fmt: skip
        seen.add(found.stdout)
    assert len(seen) > 1
    assert read_labels(path).categories[0].keypoints[0] == "nose"
