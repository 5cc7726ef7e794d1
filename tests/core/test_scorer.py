"""The scorer computes what its numbers say, of features that mean what they are said to mean."""

import dataclasses
import math

import numpy as np
import pytest

from nimblepose.core.errors import ModelError
from nimblepose.core.people import GroupedPeople
from nimblepose.core.scorer import PoseScorer, count_features, measure_features

K, F, H = 3, 9, 2


@pytest.fixture
def scorer():
    rng = np.random.default_rng(1)
    return PoseScorer(
        centre=rng.normal(size=F),
        spread=rng.uniform(0.5, 2, F),
        hidden=rng.normal(size=(F, H)),
        hidden_bias=rng.normal(size=H),
        output=rng.normal(size=H),
        output_bias=rng.normal(size=1),
    )


PEOPLE = GroupedPeople(
    keypoints=np.array([[[2, 3], [np.nan] * 2, [5, 3]], [[0, 0], [1, 4], [2, 1]]], np.float32),
    peak_heights=np.array([[0.5, 0, 0.2], [0.9, 0.8, 0.7]], np.float32),
    limb_scores=np.array([0.4, 0.6], np.float32),
)


def test_features_are_heights_limbs_and_size():
    assert count_features(K) == F
    assert measure_features(PEOPLE).dtype == np.float64
    first, second = measure_features(PEOPLE)
    np.testing.assert_allclose(first, [0.5, 0, 0.2, 0.4, 0.35, 2 / 3, 0.2, math.log(4), 0], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(second, [0.9, 0.8, 0.7, 0.6, 0.8, 1, 0.7, math.log(3), math.log(5)], rtol=1e-6)


def test_it_is_the_small_network_that_it_says(scorer):
    found = scorer(PEOPLE)
    for row, value in zip(measure_features(PEOPLE), found, strict=True):
        total = scorer.output_bias[0]
        for unit in range(H):
            inner = scorer.hidden_bias[unit]
            for i in range(F):
                inner += (row[i] - scorer.centre[i]) / scorer.spread[i] * scorer.hidden[i, unit]
            total += math.tanh(inner) * scorer.output[unit]
        assert value == pytest.approx(1 / (1 + math.exp(-total)), rel=1e-5)
    assert found.dtype == np.float32


def test_nobody_scores_nothing(scorer):
    assert scorer(PEOPLE[np.zeros(0, int)]).shape == (0,)


def test_there_and_back(scorer):
    back = PoseScorer.from_dict(scorer.to_dict())
    np.testing.assert_allclose(back(PEOPLE), scorer(PEOPLE), rtol=1e-4)


@pytest.mark.parametrize(
    "change",
    [
        {"centre": np.zeros(F + 1)},
        {"hidden": np.zeros((F, H + 1))},
        {"hidden": np.zeros(F)},
        {"hidden": np.zeros((1001, 1000))},
        {"output_bias": np.zeros(2)},
        {"spread": np.zeros(F)},
        {"spread": np.r_[0, np.ones(F - 1)]},
        {"spread": np.full(F, 1e-300)},
        {"output": np.full(H, np.nan)},
        {"hidden_bias": np.full(H, 1e300)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_cannot_be_computed_with_is_refused(scorer, change):
    with pytest.raises(ModelError, match="pose scorer"):
        dataclasses.replace(scorer, **change)


def test_a_missing_table_is_named(scorer):
    value = scorer.to_dict()
    del value["hidden_bias"]
    with pytest.raises(ModelError, match="hidden_bias"):
        PoseScorer.from_dict(value)
