"""Mistakes: who was missed, who was invented, what is excused, and in which order."""

from itertools import pairwise

import numpy as np
import pytest

from nimblepose.core.errors import MediaError
from nimblepose.core.files import write_atomically
from nimblepose.core.skeleton import Skeleton
from nimblepose.data.coco import build_records
from nimblepose.evaluation.worst import draw_mistake, find_mistakes, write_mistakes
from nimblepose.media.encoding import encode_picture
from nimblepose.media.pictures import read_picture

NAMES = ("a", "b", "c", "d", "e")
SKELETON = Skeleton("five", NAMES, tuple(pairwise(NAMES)), (0.05,) * 5)
SIZE = (200, 300)


def body(x, y, size, flag=2.0):
    return [v for i in range(5) for v in (x + i * size / 4, y + (i % 2) * size, flag)]


def person(image_id, x, y, size, **changes):
    return {
        "image_id": image_id, "category_id": 1, "iscrowd": 0, "keypoints": body(x, y, size),
        "bbox": [x, y, size, size], "area": float(size**2), **changes,
    }  # fmt: skip


def found(image_id, x, y, size, score):
    return {"image_id": image_id, "category_id": 1, "keypoints": body(x, y, size, 0.9), "score": score}


@pytest.fixture
def records(tmp_path):
    def make(*people):
        picture = encode_picture(np.full((*SIZE, 3), 90, np.uint8), ".png")
        for number in (1, 2):
            write_atomically(tmp_path / f"{number}.png", picture)
        images = [{"id": n, "file_name": f"{n}.png", "height": SIZE[0], "width": SIZE[1]} for n in (1, 2)]
        coco = {
            "images": images,
            "annotations": [{"id": i, **p} for i, p in enumerate(people)],
            "categories": [{"id": 1, "name": "five", "keypoints": list(NAMES)}],
        }
        return build_records(coco, tmp_path, SKELETON)

    return make


def kinds(mistakes):
    return [(m.kind, m.record.image_id, round(m.weight, 3)) for m in mistakes]


def test_right_detections_are_no_mistakes(records):
    people = records(person(1, 10, 10, 40), person(2, 50, 50, 80))
    assert not find_mistakes(people, [found(1, 10, 10, 40, 0.9), found(2, 50, 50, 80, 0.8)], skeleton=SKELETON, count=9)


def test_larger_misses_and_surer_alarms_come_first(records):
    people = records(person(1, 10, 10, 40), person(2, 50, 50, 80))
    alarms = [found(1, 200, 100, 40, 0.3), found(1, 100, 100, 40, 0.7)]
    mistakes = find_mistakes(people, alarms, skeleton=SKELETON, count=9)
    assert kinds(mistakes) == [
        ("missed", 2, 6400), ("missed", 1, 1600), ("false alarm", 1, 0.7), ("false alarm", 1, 0.3)
    ]  # fmt: skip
    assert kinds(find_mistakes(people, alarms, skeleton=SKELETON, count=1)) == [
        ("missed", 2, 6400), ("false alarm", 1, 0.7)
    ]  # fmt: skip


def test_the_second_detection_of_one_person_is_false(records):
    twice = [found(1, 10, 10, 40, 0.4), found(1, 10, 10, 40, 0.9)]
    assert kinds(find_mistakes(records(person(1, 10, 10, 40)), twice, skeleton=SKELETON, count=9)) == [
        ("false alarm", 1, 0.4)
    ]


@pytest.mark.parametrize(
    "changes", [{"iscrowd": 1, "keypoints": [0] * 15}, {"keypoints": [0] * 15}], ids=["crowd", "no keypoints"]
)
def test_who_is_not_labelled_is_neither_missed_nor_invented(records, changes):
    people = records(person(1, 10, 10, 100, **changes))
    assert not find_mistakes(people, [found(1, 20, 20, 60, 0.9)], skeleton=SKELETON, count=9)


def test_people_of_few_keypoints_are_not_held_against_the_model(records):
    few = [*body(10, 10, 40)[:3], *[0] * 12]
    assert not find_mistakes(records(person(1, 10, 10, 40, keypoints=few)), [], skeleton=SKELETON, count=9)


def test_a_mistake_is_drawn_with_the_person_marked_and_named_by_kind_rank_and_picture(records, tmp_path):
    mistakes = find_mistakes(records(person(2, 50, 50, 80)), [found(2, 200, 20, 40, 0.9)], skeleton=SKELETON, count=9)
    drawn = draw_mistake(np.full((*SIZE, 3), 90, np.uint8), mistakes[0])
    assert drawn.shape == (SIZE[0], 2 * SIZE[1], 3)
    assert (drawn[90, 50] == (255, 0, 0)).all()  # left edge of the box, on both sides
    assert (drawn[90, SIZE[1] + 50] == (255, 0, 0)).all()
    assert not np.array_equal(drawn[:, : SIZE[1]], drawn[:, SIZE[1] :])  # annotations left, detections right
    files = write_mistakes(mistakes, tmp_path / "new" / "worst")
    assert [f.name for f in files] == ["missed_001_2.jpg", "false_alarm_001_2.jpg"]
    assert read_picture(files[0]).shape == drawn.shape


def test_a_folder_that_cannot_be_made_is_our_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(MediaError, match="cannot make the folder"):
        write_mistakes([], tmp_path / "file" / "worst")
