"""Average precision: the published figures of known detections, the field's tool agrees, and edge cases are right."""

import contextlib
import copy
import io
import json
import math
from pathlib import Path

import numpy as np
import pytest

from nimblepose.core.errors import DataError
from nimblepose.core.skeleton import COCO_17, HUMAN_18, Skeleton
from nimblepose.data.coco import read_json
from nimblepose.data.sets import AnnotatedSet
from nimblepose.evaluation.coco import Metrics
from nimblepose.evaluation.coco import evaluate as evaluate_set

pytest.importorskip("faster_coco_eval")

ANIMAL = Skeleton("animal", ("head", "tail", "foot"), (("head", "tail"), ("tail", "foot")), (0.05, 0.05, 0.1))
CATEGORY = {"id": 1, "name": "animal", "keypoints": list(ANIMAL.keypoints), "skeleton": [[1, 2], [2, 3]]}


def body(x, y, size=100.0):
    return [x, y, 2, x + size, y, 2, x, y + size, 2]


def person(number, image_id, x=50.0, y=50.0, **changes):
    box = {"bbox": [x, y, 100, 100], "area": 10_000.0}
    return {
        "id": number, "image_id": image_id, "category_id": 1, "iscrowd": 0, "keypoints": body(x, y),
        "num_keypoints": 3, **box, **changes,
    }  # fmt: skip


def found(image_id, x=50.0, y=50.0, score=0.9, **changes):
    return {"image_id": image_id, "category_id": 1, "keypoints": body(x, y), "score": score, **changes}


def truth(*people, images=(1, 2)):
    entries = [{"id": i, "file_name": f"{i}.jpg", "height": 600, "width": 900} for i in images]
    return {"images": entries, "annotations": list(people), "categories": [CATEGORY]}


def evaluate(coco, detections, *, skeleton, image_ids=None, category_id=None):
    def keep(record):
        return image_ids is None or record.image_id in image_ids

    data = AnnotatedSet.build(coco, Path("truth.json"), Path(), skeleton, keep=keep, category_id=category_id)
    return evaluate_set(data, detections)


@pytest.fixture(scope="module")
def coco_eval(shared):
    return read_json(shared / "data" / "coco-eval" / "person_keypoints.json")


@pytest.fixture(scope="module")
def reference_detections(shared):
    return json.loads((shared / "golden" / "reference_detections_coco-eval.json").read_text())


def by_pycocotools(coco, detections, image_ids):
    pycocotools_coco = pytest.importorskip("pycocotools.coco")
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        ground_truth = pycocotools_coco.COCO()
        ground_truth.dataset = copy.deepcopy(coco)
        ground_truth.createIndex()
        evaluation = COCOeval(ground_truth, ground_truth.loadRes(copy.deepcopy(detections)), "keypoints")
        evaluation.params.imgIds, evaluation.params.catIds = image_ids, [1]
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats


def test_the_reference_has_its_published_figures(coco_eval, reference_detections):
    metrics = evaluate(coco_eval, reference_detections, skeleton=HUMAN_18)
    published = {"ap": 0.4431, "ap50": 0.6819, "ap75": 0.4577, "ap_medium": 0.3922, "ap_large": 0.5133, "ar": 0.4872}
    assert {name: round(getattr(metrics, name), 4) for name in published} == published
    assert metrics.pictures == 361


def test_pycocotools_agrees(coco_eval, reference_detections):
    ids = sorted(image["id"] for image in coco_eval["images"])
    detections = [d for d in reference_detections if d["image_id"] in set(ids)]
    ours = evaluate(coco_eval, reference_detections, skeleton=COCO_17, image_ids=ids)
    values = [v for k, v in ours.to_dict().items() if k.startswith("a")]
    np.testing.assert_allclose(values, by_pycocotools(coco_eval, detections, ids), atol=1e-6)


def test_perfect_detections_are_perfect():
    metrics = evaluate(truth(person(1, 1), person(2, 2)), [found(1), found(2)], skeleton=ANIMAL)
    assert metrics.ap == metrics.ap50 == metrics.ap_large == metrics.ar == pytest.approx(1)
    assert math.isnan(metrics.ap_medium)
    assert (metrics.pictures, metrics.people, metrics.detections) == (2, 2, 2)


def test_half_of_the_people_missed_is_half_the_recall():
    metrics = evaluate(truth(person(1, 1), person(2, 2)), [found(1)], skeleton=ANIMAL)
    assert metrics.ar == pytest.approx(0.5)
    assert metrics.ap == pytest.approx(51 / 101)  # COCO reads precision at 101 recalls, 51 of them up to 0.5


def test_a_false_alarm_that_ranks_first_halves_precision():
    wrong_first = [found(1), found(2, x=500.0, score=0.95)]
    metrics = evaluate(truth(person(1, 1)), wrong_first, skeleton=ANIMAL)
    assert metrics.ap == pytest.approx(0.5)
    assert metrics.ar == pytest.approx(1)


def test_pictures_outside_the_choice_do_not_count():
    detections = [found(1), found(2, x=500.0, score=0.95)]
    metrics = evaluate(truth(person(1, 1)), detections, skeleton=ANIMAL, image_ids=[1])
    assert metrics.ap == pytest.approx(1)
    assert metrics.detections == 1


def test_sigmas_of_the_skeleton_decide():
    near = [found(1, x=60.0)]
    strict = Skeleton("strict", ANIMAL.keypoints, ANIMAL.limbs, (0.01, 0.01, 0.01))
    assert evaluate(truth(person(1, 1)), near, skeleton=ANIMAL).ap50 == pytest.approx(1)
    assert evaluate(truth(person(1, 1)), near, skeleton=strict).ap50 == 0


def test_no_detection_is_0_and_nobody_to_find_is_nan():
    assert evaluate(truth(person(1, 1)), [], skeleton=ANIMAL).ap == 0
    nobody = evaluate(truth(), [found(1)], skeleton=ANIMAL)
    assert math.isnan(nobody.ap)
    assert nobody.to_dict()["ap"] is None


def test_a_detection_on_a_crowd_is_neither_right_nor_wrong():
    crowd = person(2, 2, iscrowd=1, keypoints=[0] * 9, num_keypoints=0, bbox=[0, 0, 400, 400])
    metrics = evaluate(truth(person(1, 1), crowd), [found(1), found(2, score=0.95)], skeleton=ANIMAL)
    assert metrics.ap == pytest.approx(1)


@pytest.mark.parametrize(
    "people",
    [
        [person(0, 1), person(1, 2)],
        [person(1, 1, num_keypoints=0), person(2, 2)],
        [{k: v for k, v in person(i, i).items() if k not in ("num_keypoints", "iscrowd", "bbox")} for i in (1, 2)],
        [{k: v for k, v in person(i, i).items() if k != "area"} for i in (1, 2)],
    ],
    ids=["annotation id 0", "wrong num_keypoints", "fields left out", "no area"],
)
def test_sloppy_files_give_right_figures(people):
    before = copy.deepcopy(people)
    metrics = evaluate(truth(*people), [found(1), found(2)], skeleton=ANIMAL)
    assert (metrics.ap, metrics.people) == (pytest.approx(1), 2)  # who is left aside costs no AP
    assert people == before


def test_detections_of_another_category_are_left_aside():
    coco = truth(person(1, 1))
    coco["categories"] = [CATEGORY, {**CATEGORY, "id": 2, "name": "other", "keypoints": ["a", "b", "c"]}]
    metrics = evaluate(coco, [found(1), found(1, x=400, score=0.99, category_id=2)], skeleton=ANIMAL)
    assert metrics.ap == pytest.approx(1)


def test_categories_of_the_same_keypoints_are_one_class():
    coco = truth(person(1, 1), person(2, 2, category_id=2))
    coco["categories"] = [CATEGORY, {**CATEGORY, "id": 2, "name": "other"}]
    detections = [found(1), found(2)]
    both = evaluate(coco, detections, skeleton=ANIMAL)
    assert (both.ap, both.people) == (pytest.approx(1), 2)


def test_of_one_category_others_of_the_same_keypoints_are_neither_right_nor_wrong():
    coco = truth(person(1, 1), person(2, 2, category_id=2))
    coco["categories"] = [CATEGORY, {**CATEGORY, "id": 2, "name": "other"}]
    one = evaluate(coco, [found(1), found(2, score=0.95)], skeleton=ANIMAL, category_id=1)
    assert (one.ap, one.people) == (pytest.approx(1), 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"detections": [found(7)]}, "no picture 7"),
        ({"detections": [found(1, keypoints=[1, 2, 3])]}, "expected 3 keypoints"),
        ({"detections": [found(1, score=math.nan)]}, "finite"),
        ({"detections": [{"image_id": 1}]}, "lacks"),
        ({"image_ids": []}, "no picture to evaluate"),
        ({"skeleton": COCO_17}, "no category has the keypoints"),
        ({"category_id": 5}, "no category 5"),
        ({"ground_truth": truth(person(1, 1, keypoints=[1, 2]))}, "annotation 1"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_does_not_fit_is_named(arguments, message):
    defaults = {"ground_truth": truth(person(1, 1)), "detections": [found(1)], "skeleton": ANIMAL}
    merged = defaults | arguments
    with pytest.raises(DataError, match=message):
        evaluate(merged.pop("ground_truth"), merged.pop("detections"), **merged)


def test_nothing_is_printed(capfd):
    evaluate(truth(person(1, 1)), [found(1)], skeleton=ANIMAL)
    assert capfd.readouterr() == ("", "")


def test_metrics_are_plain_json():
    metrics = evaluate(truth(person(1, 1)), [found(1)], skeleton=ANIMAL)
    assert json.loads(json.dumps(metrics.to_dict()))["people"] == 1
    assert isinstance(metrics, Metrics)
