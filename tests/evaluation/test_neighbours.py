"""What the field's evaluators make of ordinary files (docs/interop.md tells of it), and what ours does."""

import contextlib
import copy
import io
from pathlib import Path

import numpy as np
import pytest

from nimblepose.core.errors import DataError
from nimblepose.core.skeleton import COCO_17
from nimblepose.data.sets import AnnotatedSet
from nimblepose.evaluation.coco import evaluate

faster_coco_eval = pytest.importorskip("faster_coco_eval")
COCO = pytest.importorskip("pycocotools.coco").COCO

CATEGORY = {"id": 1, "name": "person", "keypoints": list(COCO_17.keypoints), "skeleton": [[1, 2]]}


def body(place):
    """17 keypoints on a slope."""
    return [v for k in range(17) for v in (place + 5 * k, place + 8 * k, 2)]


def person(number, image_id, **changes):
    box = {"bbox": [100, 100, 80, 128], "area": 10_240.0}
    about = {"id": number, "image_id": image_id, "category_id": 1, "iscrowd": 0, "num_keypoints": 17}
    return {**about, "keypoints": body(100), **box, **changes}


def found(image_id, place=100, **changes):
    return {"image_id": image_id, "category_id": 1, "keypoints": body(place), "score": 0.9, **changes}


def truth(*people):
    images = [{"id": i, "file_name": f"{i}.jpg", "height": 600, "width": 900} for i in (1, 2, 3)]
    return {"images": images, "annotations": list(people), "categories": [CATEGORY]}


def score_with(package, coco, results):
    """AP by `pycocotools` or `faster_coco_eval`."""
    if package == "pycocotools":
        from pycocotools.cocoeval import COCOeval as Evaluation

        ground_truth = COCO()
    else:
        ground_truth, Evaluation = faster_coco_eval.COCO(), faster_coco_eval.COCOeval_faster  # noqa: N806
    with contextlib.redirect_stdout(io.StringIO()):
        ground_truth.dataset = copy.deepcopy(coco)
        ground_truth.createIndex()
        run = Evaluation(ground_truth, ground_truth.loadRes(copy.deepcopy(results)), "keypoints")
        run.evaluate()
        run.accumulate()
        run.summarize()
    return float(run.stats[0])


def score(coco, results):
    return evaluate(AnnotatedSet.build(coco, Path("truth.json"), Path(), COCO_17), results).ap


def test_a_place_that_is_no_number_is_perfect_for_pycocotools_and_refused_here():
    """Whose it is and however far away; faster-coco-eval takes it for nobody's."""
    far = found(1, 500)
    far["keypoints"][0] = np.nan
    coco = truth(person(1, 1))
    assert score_with("pycocotools", coco, [found(1, 500)]) == 0
    assert score_with("pycocotools", coco, [far]) == pytest.approx(1)
    assert score_with("faster_coco_eval", coco, [far]) == 0
    with pytest.raises(DataError, match="finite"):
        score(coco, [far])


def test_people_without_num_keypoints_are_nobody_to_faster_coco_eval_and_people_here():
    people = [person(i, i) for i in (1, 2, 3)]
    bare = [people[0], *({k: v for k, v in one.items() if k != "num_keypoints"} for one in people[1:])]
    assert score_with("faster_coco_eval", truth(*people), [found(1)]) == pytest.approx(34 / 101)
    assert score_with("faster_coco_eval", truth(*bare), [found(1)]) == pytest.approx(1)
    with pytest.raises(KeyError, match="num_keypoints"):
        score_with("pycocotools", truth(*bare), [found(1)])
    assert score(truth(*bare), [found(1)]) == score(truth(*people), [found(1)]) == pytest.approx(34 / 101)


def test_person_0_is_nobody_to_pycocotools_and_somebody_here():
    people = [person(0, 1), person(1, 2)]
    assert score_with("pycocotools", truth(*people), [found(1), found(2)]) == pytest.approx(0.2525, abs=1e-4)
    assert score(truth(*people), [found(1), found(2)]) == pytest.approx(1)


def test_the_first_result_decides_whether_boxes_count():
    """Without one the area is that of all keypoints, those at 0, 0 too: 454.5 x 288.5 instead of 33 x 123."""
    result = found(1)
    result["keypoints"] = [0.0] * 51
    for k, place in ((0, (421.5, 165.5, 1)), (5, (454.5, 200, 1)), (9, (430, 288.5, 1))):
        result["keypoints"][3 * k : 3 * k + 3] = place
    boxed = {**result, "bbox": [421.5, 165.5, 33, 123], "area": 7.0}
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = truth(person(1, 1))
        coco.createIndex()
        without = coco.loadRes([copy.deepcopy(result), copy.deepcopy(boxed)]).dataset["annotations"]
        with_first = coco.loadRes([copy.deepcopy(boxed)]).dataset["annotations"]
    assert [one["area"] for one in without] == [454.5 * 288.5] * 2
    assert [one["area"] for one in with_first] == [33 * 123]
