"""There and back through any form, nothing is lost but what somebody has changed."""

import dataclasses
import importlib.util
import json

import numpy as np
import pytest
from mouse_scene import expected, seen_in, write_coco

from nimblepose.labels.readers import read_labels
from nimblepose.labels.sidecar import find_sidecar, write_sidecar
from nimblepose.labels.writer import list_losses
from nimblepose.labels.writers import WRITERS, find_writer

NEEDS = {"slp": "h5py", "slp-results": "h5py", "dlc-h5": "tables", "nwb": "ndx_pose", "parquet": "pyarrow"}


@pytest.fixture
def labels(tmp_path):
    """The scene, of which the first mouse has a score and an annotator, and one picture has a crowd."""
    (tmp_path / "source").mkdir()
    labels = read_labels(write_coco(tmp_path / "source"))
    pictures = list(labels.pictures)
    mouse, *others = pictures[1].labels
    mouse = dataclasses.replace(mouse, scorer="anna")
    crowd = dataclasses.replace(
        mouse, xy=np.full((3, 2), np.nan), visibility=np.zeros(3, np.int64), identity="", scorer="",
        box=np.array([1.0, 2, 3, 4]), extra={"iscrowd": 1},
    )  # fmt: skip
    pictures[1] = dataclasses.replace(pictures[1], labels=(mouse, *others, crowd))
    return dataclasses.replace(labels, pictures=tuple(pictures))


@pytest.mark.parametrize("form", [writer.name for writer in WRITERS if writer.name != "coco"])
def test_everything_comes_back(tmp_path, labels, form):
    if form in NEEDS and importlib.util.find_spec(NEEDS[form]) is None:
        pytest.skip(f"{NEEDS[form]} (for {form}) is not installed")
    out = tmp_path / ("b.slp" if form == "slp" else "b")
    written = find_writer(form).write(labels, out)
    write_sidecar(labels, out)
    files = written if find_writer(form).help.startswith("results") else [out]
    back = [read_labels(path) for path in files]
    seen = {key: rows for one in back for key, rows in seen_in(one).items()}
    assert seen == expected()
    every = [label for one in back for picture in one.pictures for label in picture.labels]
    assert sum(label.scorer == "anna" for label in every) == 1
    assert [label.box.tolist() for label in every if label.extra.get("iscrowd")] == [[1, 2, 3, 4]]
    assert all(one.categories == labels.categories for one in back)


@pytest.mark.parametrize("form", [writer.name for writer in WRITERS if writer.name != "dlc"])
def test_errors_of_keypoints_come_back_or_are_said_to_be_lost(tmp_path, labels, form):
    """By the sidecar from every form; by the form alone from those that are not said to lose them."""
    if form in NEEDS and importlib.util.find_spec(NEEDS[form]) is None:
        pytest.skip(f"{NEEDS[form]} (for {form}) is not installed")
    pictures = list(labels.pictures)
    mouse, *others = pictures[1].labels[:-1]
    off = np.where(mouse.labelled, 1.25, np.nan)
    mouse = dataclasses.replace(mouse, keypoint_scores=np.full(3, 0.5), score=0.5, keypoint_errors=off)
    pictures[1] = dataclasses.replace(pictures[1], labels=(mouse, *others))
    labels = dataclasses.replace(labels, pictures=tuple(pictures))
    writer, out = find_writer(form), tmp_path / ("b.slp" if form == "slp" else "b")
    files = writer.write(labels, out)
    files = files if writer.help.startswith("results") else [out]

    def find_errors():
        every = [one for path in files for picture in read_labels(path).pictures for one in picture.labels]
        found = [one.keypoint_errors for one in every if one.keypoint_errors is not None]
        return [errors[np.isfinite(errors)].tolist() for errors in found if np.isfinite(errors).any()]

    said = "1 animals lose by how much their keypoints may be off" in list_losses(labels, writer)
    assert find_errors() == ([] if said else [[1.25, 1.25]])
    write_sidecar(labels, out)
    assert find_errors() == [[1.25, 1.25]]


def test_what_was_moved_meanwhile_stays_moved(tmp_path, labels):
    find_writer("labelme").write(labels, tmp_path / "b")
    write_sidecar(labels, tmp_path / "b")
    path = tmp_path / "b" / "left" / "img001.json"
    content = json.loads(path.read_text())
    nose = next(shape for shape in content["shapes"] if shape["points"] == [[11.5, 20.5]])
    nose["points"] = [[31.5, 20.5]]
    path.write_text(json.dumps(content))
    picture = next(p for p in read_labels(tmp_path / "b").pictures if (p.video, p.frame) == ("left", 1))
    moved = [label for label in picture.labels if label.labelled.any() and 31 in label.xy]
    assert len(moved) == 1
    assert moved[0].identity != "m1"


def test_a_broken_one_is_told_and_changes_nothing(tmp_path, labels):
    find_writer("yolo").write(labels, tmp_path / "b")
    before = seen_in(read_labels(tmp_path / "b"))
    write_sidecar(labels, tmp_path / "b").write_bytes(b"x")
    back = read_labels(tmp_path / "b")
    assert seen_in(back) == before
    assert "what the form itself says is taken" in back.skipped[-1].reason
    assert find_sidecar(tmp_path) is None


def test_new_keypoints_are_not_lost(tmp_path, labels):
    find_writer("labelme").write(labels, tmp_path / "b")
    write_sidecar(labels, tmp_path / "b")
    for path in (tmp_path / "b").rglob("img001.json"):
        path.write_text(path.read_text().replace('"ear"', '"whisker"'))
    back = read_labels(tmp_path / "b")
    assert "whisker" in back.categories[0].keypoints
    assert "keypoints whisker are new" in back.skipped[-1].reason


def test_pictures_are_told_by_their_names_where_frames_are_numbered_anew(tmp_path, labels):
    """SLEAP numbers the pictures of a folder in their order."""
    pytest.importorskip("h5py", reason="h5py (extra labels) is not installed")
    kept = [picture for picture in labels.pictures if picture.frame != 0]
    find_writer("slp").write(dataclasses.replace(labels, pictures=tuple(kept)), tmp_path / "b.slp")
    write_sidecar(dataclasses.replace(labels, pictures=tuple(kept)), tmp_path / "b.slp")
    back = read_labels(tmp_path / "b.slp")
    assert [picture.frame for picture in back.pictures] == [1, 2, 3, 4, 5] * 2
    assert seen_in(back) == {key: rows for key, rows in expected().items() if key[1]}


@pytest.mark.parametrize("form", ["yolo", "cvat", "label-studio", "labelme", "coco"])
def test_pictures_in_no_folder_come_back_too(tmp_path, labels, form):
    """With who annotated them, and those of nobody once."""
    flat = [
        dataclasses.replace(one, name=f"{i}.png", video="", frame=None, labels=one.labels if i else ())
        for i, one in enumerate(labels.pictures)
    ]
    labels = dataclasses.replace(labels, pictures=tuple(flat))
    find_writer(form).write(labels, tmp_path / "b")
    write_sidecar(labels, tmp_path / "b")
    back = read_labels(tmp_path / "b")
    assert sorted(one.name.rpartition("/")[2] for one in back.pictures) == sorted(one.name for one in flat)
    assert sum(label.scorer == "anna" for picture in back.pictures for label in picture.labels) == 1
