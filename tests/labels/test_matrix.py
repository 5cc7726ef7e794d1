"""Every form in, every form out: two mice, two videos with frames of the same names, equal but for what is said."""

import dataclasses
import importlib.util
from pathlib import PurePosixPath

import numpy as np
import pytest
from mouse_scene import (
    KEYPOINTS,
    expected,
    seen_in,
    write_coco,
    write_cvat,
    write_dlc,
    write_label_studio,
    write_labelme,
    write_yolo,
)

from nimblepose.labels.label_set import Category, Label, LabelledPicture, LabelSet
from nimblepose.labels.readers import READERS, read_labels
from nimblepose.labels.values import find_number
from nimblepose.labels.writer import list_losses
from nimblepose.labels.writers import WRITERS, find_format, find_writer

SOURCES = {
    "dlc": write_dlc, "coco": write_coco, "cvat": write_cvat, "label-studio": write_label_studio,
    "labelme": write_labelme, "yolo": write_yolo,
}  # fmt: skip
NEEDS = {"slp": "h5py", "slp-results": "h5py", "dlc-h5": "tables", "nwb": "ndx_pose", "parquet": "pyarrow"}
PICTURES = (
    "coco",
    "dlc",
    "slp",
    "cvat",
    "label-studio",
    "labelme",
    "yolo",
)  # the others are a file per video
FOLDERS = (("left", "left"), ("right", "right"), ("val", "right"), ("train", "left"))  # and whose videos are in them
NO_ROWS = ("csv", "parquet")  # of frames without anybody
NAMED = ("coco", "dlc", "slp", "dlc-results", "dlc-h5", "slp-results", "nwb", "trc", "c3d", "coco-dataset")
SEES_HIDDEN = ("coco", "cvat", "labelme", "label-studio", "yolo")


def need(form):
    if form in NEEDS and importlib.util.find_spec(NEEDS[form]) is None:
        pytest.skip(f"{NEEDS[form]} (for {form}) is not installed")


def place(labels):
    """Pictures by video and frame, whatever a tool made of their folders."""
    pictures = []
    for picture in labels.pictures:
        where = f"{picture.video} {picture.name}"
        video = next(v for k, v in FOLDERS if k in where)
        frame = find_number(PurePosixPath(picture.name).stem) if picture.frame is None else picture.frame
        pictures.append(dataclasses.replace(picture, video=video, frame=frame))
    return dataclasses.replace(labels, pictures=tuple(pictures))


def simplify(seen, *, names, hidden):
    return {
        key: sorted((who if names else "", k, x, y, v if hidden else 2) for who, k, x, y, v in rows)
        for key, rows in seen.items()
    }


def read_back(form, out):
    """What was written, of all its files together."""
    if form in PICTURES:
        return place(read_labels(out))
    found = [read_labels(path) for path in sorted(out.iterdir())]
    return place(dataclasses.replace(found[0], pictures=tuple(p for one in found for p in one.pictures)))


@pytest.mark.parametrize("target", [writer.name for writer in WRITERS])
@pytest.mark.parametrize("source", SOURCES)
def test_every_form_becomes_every_other(tmp_path, source, target):
    need(target)
    labels = place(read_labels(SOURCES[source](tmp_path / "a")))
    seen = seen_in(labels)
    out = tmp_path / ("b.slp" if target == "slp" else "b")
    find_writer(target).write(labels, out)
    back = read_back(target, out)
    if target in NO_ROWS:
        seen = {key: rows for key, rows in seen.items() if rows}
    assert len(back.pictures) == len(seen)
    named = source in ("dlc", "coco") and target in NAMED
    hidden = target in SEES_HIDDEN
    if target == "slp":  # pictures of a folder are numbered in their order
        assert [p.frame for p in back.pictures] == [0, 1, 2, 3, 4, 5] * 2
    assert simplify(seen_in(back), names=named, hidden=hidden) == simplify(seen, names=named, hidden=hidden)


@pytest.fixture
def cats_and_dogs(tmp_path):
    """Two categories of equal keypoints, in frames 0, 1, 3 of a video; nobody in the second."""
    from mouse_scene import file_name, paint

    xy = np.array([[10.0, 20.0], [10.25, 20.5], [np.nan, np.nan]])
    pictures = []
    for frame, kinds in ((0, ("cat", "dog")), (1, ()), (3, ("dog",))):
        paint(tmp_path / "v", "left", frame)
        labels = tuple(Label(kind, xy + frame, np.array([2, 1, 0]), identity=f"{kind}1") for kind in kinds)
        name = f"v/{file_name(frame)}"
        pictures.append(LabelledPicture(name, labels, file=tmp_path / name, video="v", frame=frame, size=(48, 64)))
    return LabelSet("test", tuple(Category(kind, KEYPOINTS) for kind in ("cat", "dog")), tuple(pictures))


@pytest.mark.parametrize("target", ["coco", "cvat", "labelme", "label-studio", "yolo", "slp"])
def test_two_categories_of_equal_keypoints_stay_two(tmp_path, cats_and_dogs, target):
    """sleap-io 0.9.5 makes the cat a dog, v = 1 to 2, and frames 0, 1, 3 to 0, 1, 2."""
    need(target)
    out = tmp_path / ("b.slp" if target == "slp" else "b")
    find_writer(target).write(cats_and_dogs, out)
    back = read_labels(out)
    kinds = [sorted(label.category for label in picture.labels) for picture in back.pictures]
    assert kinds == [["cat", "dog"], [], ["dog"]]
    visible = back.pictures[0].labels[0].visibility.tolist()
    assert visible[:2] == ([2, 2] if target == "slp" else [2, 1])
    if target in ("coco", "yolo", "cvat"):
        assert [picture.frame for picture in back.pictures] == [0, 1, 3]


@pytest.mark.parametrize("target", ["dlc-results", "nwb", "trc", "c3d", "json"])
def test_results_of_two_categories_are_two_files(tmp_path, cats_and_dogs, target):
    need(target)
    written = find_writer(target).write(cats_and_dogs, tmp_path / "b")
    assert len(written) == 2
    assert all(path.name.startswith(f"v.{kind}") for path, kind in zip(written, ("cat", "dog"), strict=True))


@pytest.mark.parametrize("target", [writer.name for writer in WRITERS if find_format(writer.name)])
def test_an_animal_of_one_keypoint_is_converted_beside_the_others(tmp_path, target):
    """Food that DeepLabCut knows as a unique bodypart: no skeleton has one keypoint, and none is needed here."""
    need(target)
    labels = read_labels(write_dlc(tmp_path / "a", unique=True))
    food = next(kind for kind in labels.categories if len(kind.keypoints) == 1)
    written = find_writer(target).write(labels, tmp_path / "b")
    assert len(written) == 4  # two videos of mice and food each
    lone = [read_labels(path) for path in written if f".{food.name}." in path.name]
    assert [one.categories[0].keypoints for one in lone] == [("food",)] * 2
    places = [label.xy.tolist() for one in lone for picture in one.pictures for label in picture.labels]
    assert places == [[[5.0, 6.0]]] * 12


def test_what_a_form_cannot_hold_is_said(cats_and_dogs):
    assert list_losses(cats_and_dogs, find_writer("coco")) == []
    lost = ["3 names of animals are lost", "3 numbers of frames are lost"]
    assert list_losses(cats_and_dogs, find_writer("yolo")) == lost
    assert "1 pictures with nobody in them are lost" in list_losses(cats_and_dogs, find_writer("csv"))
    assert "3 hidden keypoints become seen ones" in list_losses(cats_and_dogs, find_writer("slp"))


@pytest.mark.parametrize("target", [writer.name for writer in WRITERS])
def test_a_keypoint_that_nobody_has_labelled_stays_or_is_said_to_be_lost(tmp_path, cats_and_dogs, target):
    need(target)
    said = "2 keypoints that nobody has labelled are lost" in list_losses(cats_and_dogs, find_writer(target))
    out = tmp_path / ("b.slp" if target == "slp" else "b")
    find_writer(target).write(cats_and_dogs, out)
    paths = [out] if target in PICTURES else sorted(out.iterdir())
    counts = {len(kind.keypoints) for path in paths for kind in read_labels(path).categories}
    assert counts == ({2} if said else {3})


def test_yolo_leaves_out_what_lies_outside(tmp_path, cats_and_dogs):
    """Ultralytics drops the whole picture of a coordinate of 1.02."""
    picture = cats_and_dogs.pictures[0]
    far = dataclasses.replace(picture.labels[0], xy=np.array([[65.0, 20.0], [10, 20], [np.nan, np.nan]]))
    labels = dataclasses.replace(cats_and_dogs, pictures=(dataclasses.replace(picture, labels=(far,)),))
    find_writer("yolo").write(labels, tmp_path / "b")
    numbers = next((tmp_path / "b").rglob("img*.txt")).read_text().split()
    assert [float(n) for n in numbers[5:8]] == [0, 0, 0]
    assert float(numbers[10]) == 1
    data = (tmp_path / "b" / "data.yaml").read_text()
    assert "flip_idx" in data
    assert "kpt_oks_sigmas" in data


@pytest.mark.parametrize(
    ("xy", "sides"), [([[10, 20]], (8, 8)), ([[10, 20], [30, 20]], (20, 8)), ([[10, 20], [30, 40]], (20, 20))]
)
def test_boxes_of_yolo_are_flat_in_no_direction(tmp_path, cats_and_dogs, xy, sides):
    """Of whom one keypoint is labelled, or all in a row, Ultralytics drops in training: the box has no area."""
    picture = cats_and_dogs.pictures[0]
    places = np.full((3, 2), np.nan)
    places[: len(xy)] = xy
    one = dataclasses.replace(picture.labels[0], xy=places, visibility=np.array([2, 2 * (len(xy) > 1), 0]))
    find_writer("yolo").write(
        dataclasses.replace(cats_and_dogs, pictures=(dataclasses.replace(picture, labels=(one,)),)), tmp_path / "b"
    )
    numbers = [float(n) for n in next((tmp_path / "b").rglob("img*.txt")).read_text().split()]
    low, high = np.min(xy, axis=0), np.max(xy, axis=0)
    np.testing.assert_allclose(np.array(numbers[1:3]) * (64, 48), (low + high) / 2 + 0.5, atol=1e-4)
    np.testing.assert_allclose(np.array(numbers[3:5]) * (64, 48), sides, atol=1e-4)


def test_coordinates_survive_every_form_to_a_ten_thousandth(tmp_path):
    labels = read_labels(write_dlc(tmp_path / "a"))
    for form in ("cvat", "label-studio", "labelme", "yolo", "coco", "dlc-results"):
        find_writer(form).write(labels, tmp_path / form)
        back = read_back(form, tmp_path / form)
        places = {(x, y) for rows in seen_in(back).values() for _, _, x, y, _ in rows}
        assert {(11, 20), (11.25, 20.5)} <= places


def test_every_reader_has_its_writer():
    writers = {writer.name for writer in WRITERS}
    assert {reader.name for reader in READERS} - {"nimblepose"} <= writers
    assert expected(hidden=2)
