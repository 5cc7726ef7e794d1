"""An annotated set through an estimator: every picture once, in order; what does not fit is said before or at it."""

import json

import numpy as np
import pytest

from nimblepose.core.errors import DataError, MediaError
from nimblepose.core.files import write_atomically
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import Skeleton
from nimblepose.evaluation.detect import AnnotatedSet, annotated_pictures, locate_set
from nimblepose.media.encoding import encode_picture

SKELETON = Skeleton("pair", ("a", "b"), (("a", "b"),))


class Estimator:
    """Finds one person, at the colour of the picture."""

    skeleton = SKELETON

    def stream(self, pictures):
        for picture in pictures:
            keypoints = np.full((1, 2, 2), picture.mean(), np.float32)
            yield Poses(SKELETON, keypoints, np.ones((1, 2), np.float32), np.ones(1, np.float32))


@pytest.fixture
def folder(tmp_path):
    for number in (10, 20, 30):
        write_atomically(tmp_path / f"{number}.png", encode_picture(np.full((8, 12, 3), number, np.uint8), ".png"))
    return tmp_path


def coco(*numbers, **changes):
    return {
        "images": [{"id": n, "file_name": f"{n}.png", "height": 8, "width": 12, **changes} for n in numbers],
        "categories": [{"id": 4, "name": "pair", "keypoints": ["a", "b"]}],
        "annotations": [],
    }


def read(folder, content, **options):
    path = folder / "annotations.json"
    path.write_text(json.dumps(content))
    return AnnotatedSet.read(path, folder, **options)


def test_results_carry_the_picture_they_are_of(folder):
    told = []
    results = read(folder, coco(30, 10, 20)).detect(Estimator(), progress=told.append)
    assert [(r["image_id"], r["category_id"], r["keypoints"][0]) for r in results] == [
        (30, 4, 30.5), (10, 4, 10.5), (20, 4, 20.5)
    ]  # fmt: skip
    assert told == [1, 2, 3]


def person(image_id, place):
    keypoints = [place + 0.5, place + 0.5, 2] * 2
    return {
        "id": image_id, "image_id": image_id, "category_id": 4, "keypoints": keypoints, "num_keypoints": 2,
        "iscrowd": 0, "area": 96.0 * 96, "bbox": [0, 0, 96, 96],
    }  # fmt: skip


def test_only_the_pictures_of_the_set_are_measured(folder):
    content = {**coco(10, 20, 30), "annotations": [person(10, 10), person(20, 500), person(30, 30)]}
    every = read(folder, content).measure(Estimator())
    assert (every.pictures, every.people) == (3, 3)
    assert every.ar == pytest.approx(2 / 3)
    assert read(folder, content, limit=1).measure(Estimator()).ap == pytest.approx(1)
    kept = read(folder, content, limit=2, keep=lambda entry: entry["id"] != 20)
    assert [picture.image_id for picture in kept.pictures] == [10, 30]
    assert kept.measure(Estimator()).ap == pytest.approx(1)


def test_limit_keeps_the_first(folder):
    assert [p.image_id for p in annotated_pictures(coco(30, 10, 20), folder, limit=2)] == [30, 10]


def test_missing_files_are_counted_and_named_before_any_work(folder):
    with pytest.raises(DataError, match=r"lacks 2 of the 3 .*40\.png, 50\.png"):
        annotated_pictures(coco(10, 40, 50), folder)


@pytest.mark.parametrize("name", ["../secret.png", "/etc/secret.png"])
def test_file_names_stay_in_the_folder(folder, name):
    with pytest.raises(DataError, match="leads out"):
        annotated_pictures(coco(10, file_name=name), folder)


def test_an_entry_without_file_name_is_named(folder):
    with pytest.raises(DataError, match="broken entry"):
        annotated_pictures({"images": [{"id": 1}]}, folder)


def test_a_picture_of_another_size_is_refused(folder):
    with pytest.raises(DataError, match="12 x 8 pixels, its annotations are for 20 x 8"):
        read(folder, coco(10, width=20)).detect(Estimator())


def test_a_damaged_picture_is_named(folder):
    (folder / "20.png").write_bytes(b"not a picture")
    with pytest.raises(MediaError, match=r"20\.png"):
        read(folder, coco(10, 20)).detect(Estimator())


def test_no_size_in_the_annotations_is_no_complaint(folder):
    unsized = {**coco(), "images": [{"id": 1, "file_name": "10.png"}]}
    assert len(read(folder, unsized).detect(Estimator())) == 1


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
