"""An annotated set through an estimator: every picture once, in order; what does not fit is said before or at it."""

import json

import numpy as np
import pytest

from nimblepose.core.errors import DataError, MediaError
from nimblepose.core.files import write_atomically
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import Skeleton
from nimblepose.data.sets import AnnotatedSet
from nimblepose.evaluation.detect import detect, measure
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
    return AnnotatedSet.read(path, folder, SKELETON, **options)


def test_results_carry_the_picture_they_are_of(folder):
    told = []
    results = detect(read(folder, coco(30, 10, 20)), Estimator(), progress=told.append)
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
    every = measure(read(folder, content), Estimator())
    assert (every.pictures, every.people) == (3, 3)
    assert every.ar == pytest.approx(2 / 3)
    assert measure(read(folder, content, limit=1), Estimator()).ap == pytest.approx(1)
    kept = read(folder, content, limit=2, keep=lambda record: record.image_id != 20)
    assert [record.image_id for record in kept.records] == [10, 30]
    assert measure(kept, Estimator()).ap == pytest.approx(1)


def test_limit_keeps_the_first(folder):
    assert [record.image_id for record in read(folder, coco(30, 10, 20), limit=2).records] == [30, 10]


def test_missing_files_are_counted_and_named_before_any_work(folder):
    with pytest.raises(DataError, match=r"lacks 2 of the 3 .*40\.png, 50\.png"):
        read(folder, coco(10, 40, 50))


@pytest.mark.parametrize("name", ["../secret.png", "/etc/secret.png"])
def test_file_names_stay_in_the_folder(folder, name):
    with pytest.raises(DataError, match="leads out"):
        read(folder, coco(10, file_name=name))


def test_an_entry_without_file_name_is_named(folder):
    with pytest.raises(DataError, match="file_name: expected a name"):
        read(folder, {**coco(), "images": [{"id": 1}]})


def test_a_picture_of_another_size_is_refused(folder):
    with pytest.raises(DataError, match="12 x 8 pixels, its annotations are for 20 x 8"):
        detect(read(folder, coco(10, width=20)), Estimator())


def test_a_picture_with_too_many_pixels_is_reduced_and_its_results_are_where_its_labels_are(folder):
    write_atomically(folder / "40.jpg", encode_picture(np.full((8, 12, 3), 40, np.uint8), ".jpg"))
    data = read(folder, {**coco(10), "images": coco(10)["images"] + coco(40, file_name="40.jpg")["images"]})
    (small, large) = detect(data, Estimator(), max_pixels=96)
    assert (small["keypoints"][0], large["keypoints"][0]) == (10.5, 40.5)
    with pytest.raises(MediaError, match="--max-pixels"):
        detect(data, Estimator(), max_pixels=95)
    (large,) = detect(read(folder, coco(40, file_name="40.jpg")), Estimator(), max_pixels=95)
    assert large["keypoints"][0] == (40 + 0.5) * 2 - 0.5 + 0.5


def test_a_damaged_picture_is_named(folder):
    (folder / "20.png").write_bytes(b"not a picture")
    with pytest.raises(MediaError, match=r"20\.png"):
        detect(read(folder, coco(10, 20)), Estimator())


def test_no_size_in_the_annotations_is_no_complaint(folder):
    unsized = {**coco(), "images": [{"id": 1, "file_name": "10.png"}]}
    assert len(detect(read(folder, unsized), Estimator())) == 1


def test_an_estimator_of_other_keypoints_is_refused(folder):
    other = Estimator()
    other.skeleton = Skeleton("other", ("c", "d"), (("c", "d"),))
    with pytest.raises(DataError, match="'other'"):
        detect(read(folder, coco(10)), other)
