"""256 values hold 0 exactly, and the range that was seen to half a step."""

import numpy as np
import pytest

from nimblepose.convert.quantization.plan import derive_input_scale
from nimblepose.convert.quantization.ranges import Scale
from nimblepose.core.metadata import InputSpec


@pytest.mark.parametrize(("low", "high"), [(0, 3), (-1, 2.7), (0.5, 4), (-3, -1), (0, 0)], ids=str)
def test_zero_is_exact_and_the_ends_are_near(low, high):
    scale = Scale.from_range(low, high)
    assert scale.quantize(np.zeros(1, np.float32)) == 0
    ends = np.array([low, high], np.float32)
    np.testing.assert_allclose(scale.quantize(ends), ends, atol=1.01 * scale.step)


def test_what_lies_outside_is_clipped():
    values = Scale.from_range(-1, 1).quantize(np.array([-5, 5], np.float32))
    np.testing.assert_allclose(values, [-1, 1], atol=0.01)


def test_before_an_elu_only_what_it_does_not_flatten_is_held():
    wide, narrow = Scale.from_range(-60, 4), Scale.from_range(-60, 4, before_elu=True)
    assert narrow.step < wide.step / 5
    values = np.linspace(-60, 4, 1000, dtype=np.float32)
    elu = [np.where(v > 0, v, np.expm1(np.minimum(v, 0))) for v in (values, narrow.quantize(values))]
    np.testing.assert_allclose(*elu, atol=0.03)


@pytest.mark.parametrize(
    "spec",
    [InputSpec(), InputSpec(mean=120, scale=1 / 128), InputSpec(mean=0, scale=1), InputSpec(mean=128, scale=-1 / 255)],
    ids=["ours", "another", "raw", "negative"],
)
def test_pictures_are_stored_without_error(spec):
    values = ((np.arange(256) - spec.mean) * spec.scale).astype(np.float32)
    np.testing.assert_allclose(derive_input_scale(spec).quantize(values), values, atol=1e-5 * abs(spec.scale))
