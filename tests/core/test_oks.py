"""OKS agrees with the field's reference tool, and NaN means what it says."""

import numpy as np
import pytest

from nimblepose import COCO_17, HUMAN_18
from nimblepose.core.oks import compute_oks

SIGMAS = COCO_17.oks_sigmas


def people(rng, n, spread=40.0):
    return (rng.uniform(50, 400, (n, 1, 2)) + rng.normal(0, spread, (n, 17, 2))).round(2)


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_pycocotools(seed):
    coco = pytest.importorskip("pycocotools.coco")
    cocoeval = pytest.importorskip("pycocotools.cocoeval")
    rng = np.random.default_rng(seed)
    truth = people(rng, 6)
    found = np.concatenate([truth + rng.normal(0, 10, truth.shape), people(rng, 4)])
    labelled = rng.random((6, 17)) < 0.7
    labelled[:, 0] = True  # for people without keypoints the tool measures from the box
    area = rng.uniform(500, 50_000, 6)

    annotations = [
        {
            "id": i + 1, "image_id": 1, "category_id": 1, "area": area[i], "iscrowd": 0, "bbox": [0, 0, 1, 1],
            "num_keypoints": int(labelled[i].sum()),
            "keypoints": np.concatenate([xy, 2 * labelled[i][:, None]], axis=1).ravel().tolist(),
        }
        for i, xy in enumerate(truth)
    ]  # fmt: skip
    truth_set = coco.COCO()
    truth_set.dataset = {
        "images": [{"id": 1}],
        "annotations": annotations,
        "categories": [{"id": 1, "name": "person"}],
    }
    truth_set.createIndex()
    results = [
        {
            "image_id": 1, "category_id": 1, "score": 1 - i / 100,
            "keypoints": np.concatenate([xy, np.ones((17, 1))], axis=1).ravel().tolist(),
        }
        for i, xy in enumerate(found)
    ]  # fmt: skip
    evaluation = cocoeval.COCOeval(truth_set, truth_set.loadRes(results), "keypoints")
    evaluation._prepare()
    expected = evaluation.computeOks(1, 1)  # (found, truth), found in order of their scores

    ours = compute_oks(found, np.where(labelled[..., None], truth, np.nan), oks_sigmas=SIGMAS, area=area)
    assert expected.shape == ours.shape == (10, 6)
    assert expected.max() > 0.5
    np.testing.assert_allclose(ours, expected, atol=1e-9)


def test_the_same_person_is_one_and_a_far_one_is_nothing():
    rng = np.random.default_rng(0)
    person = people(rng, 1)
    assert compute_oks(person, person, oks_sigmas=SIGMAS, area=np.array([1e4])) == 1
    assert compute_oks(person + 1e4, person, oks_sigmas=SIGMAS, area=np.array([1e4])) < 1e-9


def test_a_keypoint_that_was_not_found_counts_as_far():
    person = people(np.random.default_rng(0), 1)
    half = person.copy()
    half[:, 5:] = np.nan
    np.testing.assert_allclose(compute_oks(half, person, oks_sigmas=SIGMAS, area=np.array([1e4])), 5 / 17)


def test_a_keypoint_that_is_not_labelled_does_not_count():
    person = people(np.random.default_rng(0), 1)
    half = person.copy()
    half[:, 5:] = np.nan
    np.testing.assert_allclose(compute_oks(person, half, oks_sigmas=SIGMAS, area=np.array([1e4])), 1)
    half[:, 1:] = np.nan
    np.testing.assert_allclose(compute_oks(person, half, oks_sigmas=SIGMAS, area=np.array([1e4])), 1)


def test_one_sigma_away_on_every_keypoint():
    """At d = 2 sigma sqrt(area), the similarity is exp(-1/2) by definition."""
    person = people(np.random.default_rng(0), 1)
    area = 5000.0
    away = person + [1, 0] * (2 * np.asarray(SIGMAS) * np.sqrt(area))[:, None]
    np.testing.assert_allclose(compute_oks(away, person, oks_sigmas=SIGMAS, area=np.array([area])), np.exp(-0.5))


@pytest.mark.parametrize(("n", "m"), [(0, 0), (0, 3), (3, 0)])
def test_nobody_resembles_nobody(n, m):
    one, other = np.zeros((n, 18, 2)), np.zeros((m, 18, 2))
    assert compute_oks(one, other, oks_sigmas=HUMAN_18.oks_sigmas, area=np.ones(m)).shape == (n, m)


def test_a_person_without_keypoints_resembles_nobody():
    person = people(np.random.default_rng(0), 1)
    nothing = np.full_like(person, np.nan)
    for one, other in ((person, nothing), (nothing, person), (nothing, nothing)):
        assert compute_oks(one, other, oks_sigmas=SIGMAS, area=np.array([1e4])) == 0


def test_no_area_is_no_division_by_zero():
    person = people(np.random.default_rng(0), 1)
    similarity = compute_oks(person, person, oks_sigmas=SIGMAS, area=np.zeros(1))
    np.testing.assert_array_equal(similarity, [[1.0]])
