"""A runtime that finds something else is found out, whatever it is that differs."""

import dataclasses

import numpy as np
import pytest

from nimblepose.convert.deploy.trial import EXACT, INT8, Difference, compare, largest, list_faults, try_sizes
from nimblepose.core.errors import ModelError
from nimblepose.core.metadata import InputSpec, ModelMetadata
from nimblepose.core.skeleton import Skeleton
from nimblepose.runtime.protocols import Fields

DOTS = Skeleton("dots", ("low", "high", "far"), (("low", "high"), ("high", "far")), (0.1, 0.1, 0.1))
METADATA = ModelMetadata(skeleton=DOTS)


def fields(columns=(3, 8, 13), *, sure=1.0):
    rows, across = np.mgrid[:8, :16]
    heatmaps = np.stack([sure * np.exp(-((rows - 4) ** 2 + (across - c) ** 2) / 2) for c in columns])
    heatmaps = np.concatenate([heatmaps, 1 - heatmaps.max(axis=0, keepdims=True)]).astype(np.float32)
    pafs = np.zeros((4, 8, 16), np.float32)
    pafs[[0, 2], 3:6] = 1
    return Fields(heatmaps[None], pafs[None])


def test_the_same_is_the_same():
    found = compare(fields(), fields(), METADATA)
    assert found == Difference(heatmaps=0, pafs=0, mean=0, pixels=0, people=(1, 1), same_keypoints=True)
    assert not found.exceeds(EXACT)


def test_a_keypoint_that_moves_is_measured_in_pixels():
    found = compare(fields((3, 8, 12)), fields(), METADATA)
    assert found.pixels == pytest.approx(8, abs=0.2)
    assert found.exceeds(EXACT)


def test_a_keypoint_that_is_gone_is_a_fault_whatever_the_limits():
    without = fields()
    without.heatmaps[0, 2] = 0
    found = compare(without, fields(), METADATA)
    generous = dataclasses.replace(INT8, heatmaps=9, pafs=9, mean=9)
    assert not found.same_keypoints
    assert found.exceeds(generous)
    assert "not the same people" in list_faults({"there": found}, generous)[0]


def test_people_too_many_are_counted():
    found = compare(fields(), fields(sure=0), METADATA)
    assert found.people == (0, 1)
    assert not found.same_keypoints


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_exceeds_everything(value):
    broken = fields()
    broken.pafs[0, 0, 0, 0] = value
    found = compare(broken, fields(), METADATA)
    assert found.pafs == np.inf
    assert found.exceeds(INT8)


def test_fields_of_other_sizes_are_refused():
    with pytest.raises(ModelError, match="shapes"):
        compare(Fields(fields().heatmaps[:, :, :4], fields().pafs[:, :, :4]), fields(), METADATA)


def test_sizes_come_one_after_the_other_and_the_first_again():
    seen = []

    def run(batch):
        seen.append(batch.shape[2:])
        return fields()

    found = try_sizes(run, lambda _: fields(), METADATA, InputSpec(), np.zeros((128, 256, 3), np.uint8))
    assert seen == [(256, 512), (368, 736), (256, 512)]
    assert list(found) == ["256 x 512", "368 x 736", "256 x 512 again"]


def test_a_runtime_that_repeats_its_last_answer_is_found_out():
    """Seen with a runtime that kept what it had made for the size before."""
    kept = []

    def repeat(batch):
        kept.append(batch.mean())
        return Fields(*(field + kept[max(0, len(kept) - 2)] for field in fields()))

    picture = np.random.default_rng(0).integers(0, 256, (128, 200, 3), np.uint8)
    picture[:64] //= 2
    truth = lambda batch: Fields(*(field + batch.mean() for field in fields()))  # noqa: E731
    found = try_sizes(repeat, truth, METADATA, InputSpec(), picture)
    assert "256 x 400 again" in "".join(list_faults(found, EXACT))


def test_the_worst_of_all_is_told():
    moved, gone = compare(fields((3, 8, 12)), fields(), METADATA), compare(fields(sure=0), fields(), METADATA)
    worst = largest([compare(fields(), fields(), METADATA), moved, gone])
    assert worst.pixels == moved.pixels
    assert worst.heatmaps == gone.heatmaps
    assert worst.people == (1, 0)
    assert not worst.same_keypoints
