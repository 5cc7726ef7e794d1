"""Errors are put right by results in new pictures: by kind, by how large people really are, and not by a few labels."""

import dataclasses

import drawn_bodies
import numpy as np
import pytest

from nimblepose.codec.options import DecodeOptions
from nimblepose.core.errors import DataError, ModelError
from nimblepose.core.keypoint_errors import KeypointErrors
from nimblepose.runtime.estimator import PoseEstimator
from nimblepose.training.error_calibration import Surprises, compare, fit_calibration, look_again
from nimblepose.training.keypoint_errors import SHARES
from nimblepose.training.prior import learn_prior

K = 4
ERRORS = KeypointErrors(np.zeros((K, 3)), np.zeros(4))


def draw(count, seed=0, *, kinds=(1.0, 1.0, 1.0, 1.0), slope=0.0, wild=0.0):
    """Keypoints whose errors are so many times those expected, and larger of people who are really large."""
    rng = np.random.default_rng(seed)
    kind, true = rng.integers(0, K, count), rng.normal(0, 0.7, count)
    ratios = np.array(kinds)[kind] * np.exp(slope * true) * rng.rayleigh(size=count)
    ratios = np.where(rng.random(count) < wild, 50, ratios)
    return Surprises(
        kind, ratios, true + rng.normal(0, 0.4, count), 4.4 + true
    )  # seen larger and smaller than they are


def put_right(calibrated, surprises):
    """Ratios to calibrated errors, by what results know."""
    size = np.clip(surprises.seen, -2, 2)
    factors = calibrated.calibration[surprises.kinds] + calibrated.calibration[K:] @ [size, size**2]
    return surprises.ratios / np.exp(factors)


@pytest.mark.parametrize("wild", [0.0, 0.04])
def test_the_shares_come_right_by_kind_and_by_annotated_size(wild):
    drawn = {"kinds": (0.5, 1.0, 1.4, 2.0), "slope": 0.25, "wild": wild}
    calibrated = fit_calibration(ERRORS, draw(8000, **drawn))
    new = draw(20000, seed=1, **drawn)
    ratios = put_right(calibrated, new)
    rows = [new.kinds == k for k in range(K)]
    rows += [new.annotated < 3.9, (new.annotated > 3.9) & (new.annotated < 4.9), new.annotated > 4.9]
    for row in rows:
        shares = [(ratios[row] < times).mean() for times in (1, 2)]
        np.testing.assert_allclose(shares, SHARES, atol=0.035)
    crude = np.array([(new.ratios[row] < 1).mean() - SHARES[0] for row in rows])
    assert np.abs(crude).max() > 0.1


def test_few_labels_change_little_and_kinds_without_labels_go_with_the_others():
    few = draw(60, kinds=(3.0,) * K)
    many = draw(6000, kinds=(3.0,) * K)
    changed = [fit_calibration(ERRORS, surprises).calibration[:K] for surprises in (few, many)]
    assert (changed[0] < changed[1]).all()
    np.testing.assert_allclose(changed[1], np.log(3), atol=0.06)
    only = dataclasses.replace(many, kinds=many.kinds % 2)
    assert (fit_calibration(ERRORS, only).calibration[2:K] > 0.3).all()
    with pytest.raises(DataError, match="too few to calibrate"):
        fit_calibration(ERRORS, draw(49))


def test_what_was_calibrated_before_makes_room():
    once = fit_calibration(ERRORS, draw(500))
    again = fit_calibration(once, draw(500))
    np.testing.assert_array_equal(again.calibration, once.calibration)
    assert once.kinds is ERRORS.kinds


# Looking: drawn bodies, each found exactly where it is, labels shifted ------------------------------------------------


@pytest.fixture(scope="module")
def bodies(drawn):
    """An estimator that knows errors of half a cell, and a function from changed annotations to records."""
    model, records = drawn
    estimator = PoseEstimator(model, input_height=drawn_bodies.HEIGHT, decode=DecodeOptions(complete=True))
    prior = learn_prior(np.concatenate([record.xy for record in records()]), estimator.skeleton)
    half = KeypointErrors(np.tile([np.log(0.5), 0, 0], (3, 1)), np.zeros(4))
    estimator.metadata = dataclasses.replace(estimator.metadata, prior=prior, errors=half)
    return estimator, records


def shift(coco):
    """Of every body the second keypoint, six pixels down; the third is not labelled."""
    for annotation in coco["annotations"]:
        annotation["keypoints"][4] += 6
        annotation["keypoints"][6:9] = [0, 0, 0]


def test_results_are_compared_with_what_is_annotated(bodies):
    estimator, records = bodies
    shifted = records(shift)
    told = []
    surprises = look_again(estimator, shifted, progress=lambda *counts: told.append(counts))
    assert told == [(done, 60) for done in range(1, 61)]
    assert set(surprises.kinds.tolist()) == {0, 1}
    expected = 0.5 * 8 * shifted[0].size[0] / drawn_bodies.HEIGHT  # half a cell, in pixels of the picture
    assert np.median(surprises.ratios[surprises.kinds == 1]) == pytest.approx(6 / expected, rel=0.15)
    assert np.median(surprises.ratios[surprises.kinds == 0]) < 0.3
    np.testing.assert_allclose(surprises.annotated[0], np.log(shifted[0].areas[0]) / 2, rtol=1e-5)
    assert np.abs(surprises.seen).max() < 2


def test_a_single_pass_says_what_was_calibrated(bodies):
    estimator, records = bodies
    before = look_again(estimator, records(shift))
    known = estimator.metadata
    calibration = np.array([np.log(2), 0, 0, 1.0, 0])
    estimator.metadata = dataclasses.replace(known, errors=dataclasses.replace(known.errors, calibration=calibration))
    after = look_again(estimator, records(shift))
    estimator.metadata = known
    factors = np.where(before.kinds == 0, 2, 1) * np.exp(before.seen)
    np.testing.assert_allclose(after.ratios * factors, before.ratios, rtol=1e-3)


def test_whoever_is_nobody_who_is_annotated_teaches_nothing(bodies):
    estimator, records = bodies

    def strangers(coco):
        for annotation in coco["annotations"]:
            annotation["keypoints"][1::3] = [y + 20 for y in annotation["keypoints"][1::3]]

    assert not len(look_again(estimator, records(strangers)).ratios)
    record = records()[0]
    nameless = dataclasses.replace(estimator(np.zeros((64, 128, 3), np.uint8)), keypoint_errors=None)
    with pytest.raises(ModelError, match="model poses"):
        compare(nameless, record)
