"""What poses are worth is learnt, not copied, and only from what the labels show."""

import dataclasses

import drawn_bodies
import numpy as np
import pytest
import torch

from nimblepose.core.errors import DataError, OptionError
from nimblepose.data.sets import read_annotated
from nimblepose.looks.options import LookOptions
from nimblepose.runtime.estimator import PoseEstimator
from nimblepose.runtime.quality import Quality
from nimblepose.training.prior import learn_prior
from nimblepose.training.scorer import Rated, fit_scorer, rate_poses


def test_the_scorer_foretells_what_it_has_seen_and_is_the_same_every_time():
    rng = np.random.default_rng(0)
    given = rng.uniform(0, 1, (600, 5))
    worth = np.where(given[:, 0] > 0.5, given[:, 1], 0.1)
    before = torch.random.get_rng_state()
    scorer = fit_scorer(Rated(given, worth))
    assert torch.equal(torch.random.get_rng_state(), before)
    new = rng.uniform(0, 1, (300, 5))
    hidden = np.tanh((new - scorer.centre) / scorer.spread @ scorer.hidden + scorer.hidden_bias)
    found = 1 / (1 + np.exp(-(hidden @ scorer.output + scorer.output_bias)))
    assert np.corrcoef(found, np.where(new[:, 0] > 0.5, new[:, 1], 0.1))[0, 1] > 0.9
    np.testing.assert_array_equal(fit_scorer(Rated(given, worth)).hidden, scorer.hidden)
    assert not np.array_equal(fit_scorer(Rated(given, worth), seed=1).hidden, scorer.hidden)


def test_few_poses_are_no_school():
    with pytest.raises(DataError, match="too few"):
        fit_scorer(Rated(np.zeros((49, 5)), np.zeros(49)))


# Rating: drawn bodies, each found exactly where it is -----------------------------------------------------------------


@pytest.fixture(scope="module")
def bodies(drawn):
    """An estimator that finds every drawn body, its prior, and a function from changed annotations to records."""
    model, records = drawn
    estimator = PoseEstimator(model, input_height=drawn_bodies.HEIGHT)
    labelled = np.concatenate([record.xy for record in records()])
    return estimator, learn_prior(labelled, estimator.skeleton), records


def test_poses_are_worth_their_likeness_to_the_labels(bodies):
    estimator, prior, records = bodies
    rated = rate_poses(estimator, records(), prior)
    assert len(rated.oks) == len(rated.features) == 60
    assert rated.oks.min() > 0.9

    def shift(coco):
        for annotation in coco["annotations"]:
            annotation["keypoints"][1::3] = [y + 12 for y in annotation["keypoints"][1::3]]

    shifted = rate_poses(estimator, records(shift), prior)
    assert 0.1 < shifted.oks.mean() < 0.8
    np.testing.assert_array_equal(shifted.features, rated.features)


def test_keypoints_are_off_by_so_many_cells(bodies):
    estimator, prior, records = bodies
    exact = rate_poses(estimator, records(), prior).offsets
    assert len(exact.distances) == 180
    assert np.median(exact.distances) < 0.1

    def shift(coco):
        """Of every body the second keypoint, two pixels down: a quarter of a cell; the third is not labelled."""
        for annotation in coco["annotations"]:
            annotation["keypoints"][4] += 2
            annotation["keypoints"][6:9] = [0, 0, 0]

    shifted = rate_poses(estimator, records(shift), prior).offsets
    assert set(shifted.kinds.tolist()) == {0, 1}
    assert np.median(shifted.distances[shifted.kinds == 1]) == pytest.approx(0.25, abs=0.05)
    larger = PoseEstimator(estimator.model, input_height=2 * drawn_bodies.HEIGHT)
    closer = rate_poses(larger, records(shift), prior).offsets
    assert np.median(closer.distances[closer.kinds == 1]) == pytest.approx(0.5, abs=0.1)

    def strangers(coco):
        for annotation in coco["annotations"]:
            annotation["keypoints"][1::3] = [y + 20 for y in annotation["keypoints"][1::3]]

    assert not len(rate_poses(estimator, records(strangers), prior).offsets.distances)


def test_whoever_is_not_labelled_is_a_mistake_only_where_all_are_labelled(bodies):
    estimator, prior, records = bodies

    def move(coco, **facts):
        """The first body's label goes to another corner; its picture or the other people get facts."""
        coco["annotations"][0]["keypoints"] = [1, 1, 2] * 3
        coco["images"][0] |= facts

    mistaken = rate_poses(estimator, records(move), prior)
    assert len(mistaken.oks) == 60
    assert mistaken.oks.min() < 0.1
    partial = rate_poses(estimator, records(lambda coco: move(coco, labels="partial")), prior)
    assert len(partial.oks) == 59

    def crowd(coco):
        move(coco)
        region = {"id": 99, "image_id": 1, "category_id": 1, "iscrowd": 1, "bbox": [0, 0, 128, 64], "keypoints": []}
        coco["annotations"].append(region)

    assert len(rate_poses(estimator, records(crowd), prior).oks) == 59


def test_poses_of_looks_are_rated_beside_those_of_the_pass(bodies):
    _, prior, records = bodies
    closer = PoseEstimator(
        bodies[0].model, quality=Quality(passes=(2048,), looks=LookOptions(sizes=(96.0,)), bound=4.0)
    )
    scores = fit_scorer(Rated(np.zeros((60, 9)), np.full(60, 0.3)))  # so low that it pays to look at everybody
    closer.metadata = dataclasses.replace(closer.metadata, prior=prior, scorer=scores)
    few = records()[:8]
    views = closer.view(read_annotated(few[0]).picture)
    assert [view.heatmaps.shape[1:] for view in views] == [(4, 8), views[1].heatmaps.shape[1:]]
    assert views[1].heatmaps.shape[1] > 4  # seen more closely
    rated = rate_poses(closer, few, prior)
    assert len(rated.oks) == 16
    assert rated.oks.min() > 0.8  # where they are in the picture, from wherever they were seen
    turned = PoseEstimator(bodies[0].model, any_way_up=True)
    with pytest.raises(OptionError, match="any_way_up"):
        turned.view(read_annotated(few[0]).picture)


def test_an_earlier_scorer_is_not_asked(bodies):
    estimator, prior, records = bodies
    plain = rate_poses(estimator, records(), prior)
    scorer = fit_scorer(Rated(plain.features, np.full(60, 0.2)))
    backend = estimator.backend
    before = backend.metadata
    try:
        backend.metadata = dataclasses.replace(before, scorer=scorer, prior=prior)
        np.testing.assert_array_equal(rate_poses(estimator, records(), prior).features, plain.features)
    finally:
        backend.metadata = before
