"""Equalising changes nothing that can be seen from outside, and brings channels together inside."""

import dataclasses

import numpy as np
import pytest

from nimblepose.convert.quantization.equalisation import equalise
from nimblepose.convert.quantization.plan import Plan
from nimblepose.convert.quantization.qdq import build
from nimblepose.convert.quantization.statistics import observe

pytest.importorskip("onnx")


@pytest.fixture(scope="module")
def before(bodies, batches):
    return observe(bodies, batches)


def as_file(network):
    """A network of which nothing is quantized, read from its file again."""
    return dataclasses.replace(network, proto=build(network, Plan({}, {})))


@pytest.mark.parametrize("balance", [0.0, 0.5, 1.0], ids="balance {}".format)
def test_the_fields_stay(bodies, batches, before, compute, balance):
    equalised, _ = equalise(bodies, before, balance=balance)
    found, truth = compute(as_file(equalised).proto, batches[0]), compute(bodies.proto, batches[0])
    for name, field in truth.items():
        np.testing.assert_allclose(found[name], field, atol=1e-5)


def test_statistics_become_those_of_the_new_network(bodies, batches, before):
    equalised, expected = equalise(bodies, before)
    found = observe(as_file(equalised), batches)
    for name, values in expected.high.items():
        np.testing.assert_allclose(found.high[name], values, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(found.low[name], expected.low[name], rtol=1e-3, atol=1e-4)
    for name, moments in expected.moments.items():
        np.testing.assert_allclose(found.moments[name].mean, moments.mean, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(found.moments[name].covariance, moments.covariance, rtol=1e-2, atol=1e-3)


def test_channels_come_together(bodies, before):
    reach, after = before.reach["r2"], equalise(bodies, before, balance=1.0)[1].reach["r2"]
    assert reach.max() / reach.min() > 500
    assert after.max() / after.min() < 1.05


@pytest.mark.parametrize("balance", [0.0, 0.25, 1.0], ids="balance {}".format)
def test_the_factor_of_a_channel_is_its_range_over_its_weights_as_balanced(bodies, before, balance):
    weights = np.array(
        [1, 0.1, 0.01], np.float32
    )  # of each channel, as parts of the largest in the layer that reads it
    row = np.zeros((4, 3, 1, 1), np.float32)
    row[0, :, 0, 0] = 7 * weights
    mixed = bodies.replace_weights({"louder": (row, np.zeros(4, np.float32))})
    factors = before.reach["r2"] / equalise(mixed, before, balance=balance)[1].reach["r2"]
    np.testing.assert_allclose(factors, before.reach["r2"] ** balance / weights ** (1 - balance), rtol=0.03)


def test_what_an_elu_reads_and_the_outputs_keep_their_values(bodies, before):
    after = equalise(bodies, before)[1].reach
    for name in ("image", "louder", "elu", "heatmaps", "pafs"):
        np.testing.assert_array_equal(after[name], before.reach[name])


def test_channels_that_are_added_share_their_factor(bodies, before):
    after = equalise(bodies, before, balance=1.0)[1].reach
    np.testing.assert_allclose(after["r3"] / before.reach["r3"], after["r4"] / before.reach["r4"], rtol=1e-5)


def test_a_silent_channel_counts_as_if_it_may_speak_up(bodies, before):
    heard = before.high | {"r2": np.array([1, 1, 0], np.float32)}
    biased = bodies.replace_weights({"r2": (bodies.layers[1].conv.weight, np.ones(3, np.float32))})
    equalised, _ = equalise(biased, dataclasses.replace(before, high=heard), balance=1.0)
    factors = 1 / equalised.layers[1].conv.bias
    np.testing.assert_allclose(factors / factors[0], [1, 1, 0.05], rtol=1e-3)
