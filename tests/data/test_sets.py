"""Where annotations and pictures lie, however a folder is laid out."""

import pytest

from nimblepose.core.errors import DataError
from nimblepose.data.sets import locate_set, locate_sets


@pytest.mark.parametrize(
    ("files", "folders", "expected"),
    [
        (["person_keypoints.json"], ["images"], ("person_keypoints.json", "images")),
        (["own.json.gz"], [], ("own.json.gz", ".")),
        (
            ["annotations/person_keypoints_train2017.json", "annotations/person_keypoints_val2017.json",
             "annotations/instances_val2017.json"],
            ["train2017", "val2017"],
            ("annotations/person_keypoints_val2017.json", "val2017"),
        ),
        (["annotations/people_val.json"], ["images/val"], ("annotations/people_val.json", "images/val")),
    ],
    ids=["one file and images", "beside the pictures", "as COCO is unpacked", "splits below images"],
)  # fmt: skip
def test_where_annotations_and_pictures_lie(tmp_path, files, folders, expected):
    for name in folders:
        (tmp_path / name).mkdir(parents=True)
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert locate_set(tmp_path) == (tmp_path / expected[0], tmp_path / expected[1])


@pytest.mark.parametrize(
    ("files", "message"), [([], "no annotation file"), (["a.json", "b.json"], "--annotations")], ids=["none", "two"]
)
def test_no_guess_which_file_is_meant(tmp_path, files, message):
    for name in files:
        (tmp_path / name).touch()
    with pytest.raises(DataError, match=message):
        locate_set(tmp_path)


COCO_LAYOUT = [f"annotations/{kind}_{split}2017.json" for kind in ("captions", "instances", "person_keypoints")
               for split in ("train", "val")]  # fmt: skip


def test_of_cocos_own_layout_the_keypoints_are_meant_each_with_its_pictures(tmp_path):
    for name in ("annotations", "train2017", "val2017"):
        (tmp_path / name).mkdir()
    for name in COCO_LAYOUT:
        (tmp_path / name).touch()
    assert [(file.name, images.name) for file, images in locate_sets(tmp_path)] == [
        ("person_keypoints_train2017.json", "train2017"), ("person_keypoints_val2017.json", "val2017")
    ]  # fmt: skip


def test_hidden_files_are_no_annotations(tmp_path):
    for name in ("._annotations.json", ".trashed-1-annotations.json", "annotations.json"):
        (tmp_path / name).write_bytes(b"\0\5\x16\7")  # as macOS begins them
    assert [file.name for file, _ in locate_sets(tmp_path)] == ["annotations.json"]


def test_the_folder_of_annotations_is_not_taken_for_pictures(tmp_path):
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "annotations.json").touch()
    assert locate_set(tmp_path) == (tmp_path / "annotations" / "annotations.json", tmp_path)
