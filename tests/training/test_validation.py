import math
from pathlib import Path

import numpy as np
import pytest
import torch

from nimblepose import Skeleton
from nimblepose.codec.encode import encode
from nimblepose.core.metadata import ModelMetadata
from nimblepose.data.coco import load_records
from nimblepose.drawing.fields import draw_fields
from nimblepose.evaluation.pixels import ErrorFigures, PixelFigures
from nimblepose.model.network import FieldTensors, build_network
from nimblepose.training.feed import build_dataset
from nimblepose.training.recipe import load_recipe
from nimblepose.training.validation import Validation, Validator, build_whole_pictures, measure_field_errors

VALIDATION = {"annotations": "annotations.json", "images": "images", "height": 64, "pictures": 3}


def test_an_untrained_network_finds_nobody_and_its_fields_are_drawn_beside_the_targets(tiny):
    recipe = load_recipe(tiny(validation=VALIDATION))
    skeleton = Skeleton.load(recipe.data.skeleton)
    network = build_network(recipe.network, skeleton, seed=0).eval()
    validator = Validator(recipe, skeleton, build_dataset(recipe, skeleton, on_device=False))
    metadata = ModelMetadata(skeleton=skeleton)
    measured = validator.measure(network, metadata)
    assert measured.ap < 0.05
    assert measured.field_errors["heatmap_error"] > 0
    assert measured.pixels.overall.missed > 0.9
    assert measured.drawn.shape == (3 * 320, 2 * 320, 3), "three pictures of 96 x 96, labels and what was found"
    assert (measured.drawn[:320, :320] != measured.drawn[:320, 320:]).any(), "labels are drawn"
    np.testing.assert_array_equal(validator.measure(network, metadata).drawn, measured.drawn)
    drawn = validator.draw_samples(network, metadata)
    assert drawn.shape == (3 * 64, 6 * 64, 3)
    batch = validator.dataset[1]
    image = batch.image[0].numpy().transpose(1, 2, 0)
    expected = draw_fields(image, *encode(batch.xy[0].numpy(), (8, 8), skeleton, recipe.encode))
    np.testing.assert_array_equal(drawn[64:128, 3 * 64 :], expected)
    np.testing.assert_array_equal(validator.draw_samples(network, metadata), drawn)  # the same samples every time


class Fixed(torch.nn.Module):
    """Answers with the targets of the samples, one after the other, and a constant on top."""

    def __init__(self, samples, heatmaps, pafs):
        super().__init__()
        self.answers = iter([samples[number] for number in range(len(samples))])
        self.heatmaps, self.pafs = torch.nn.Parameter(torch.tensor(heatmaps)), pafs

    def forward(self, _):
        batch = next(self.answers)
        return [FieldTensors(batch.heatmaps + self.heatmaps, batch.pafs + self.pafs)]


def test_errors_are_of_whole_pictures_as_they_are(tiny):
    recipe = load_recipe(tiny(validation=VALIDATION))
    skeleton = Skeleton.load(recipe.data.skeleton)
    records = load_records([Path(recipe.validation.annotations)], [Path(recipe.validation.images)], skeleton)
    samples = build_whole_pictures(records, skeleton, 64, recipe.encode)
    batch = samples[0]
    assert batch.image.shape[2:] == (64, 80)
    errors = measure_field_errors(Fixed(samples, 0.0, 0.5), ModelMetadata(skeleton=skeleton).input, samples)
    assert errors["heatmap_error"] == 0
    cells = sum(samples[number].loss_mask.sum().item() for number in range(len(samples))) / len(samples)
    assert errors["paf_error"] == pytest.approx(0.5 * 0.25 * 2 * len(skeleton.limbs) * cells, rel=1e-4)
    record = records[samples.samples[0][0]]
    factor = 64 / record.size[0]
    shift = (np.array([80, 64]) - 1) / 2 - factor * ((np.array(record.size[::-1]) - 1) / 2)
    expected = record.xy * factor + shift
    inside = ((expected >= 0) & (expected < [80, 64])).all(-1).any(-1)
    np.testing.assert_allclose(batch.xy[0].numpy(), expected[inside], atol=1e-3)


def figures(relative):
    return ErrorFigures(labelled=4, mean=1, median=1, rmse=1, pck=1, missed=0, exchanged=math.nan, relative=relative)


def test_of_equal_ap_the_smaller_error_is_better():
    def rank(ap, relative):
        pixels = PixelFigures(overall=figures(relative), keypoints={}, subjects=1, subjects_missed=0)
        return Validation(ap=ap, ap50=1.0, pixels=pixels, field_errors={}, drawn=None).rank

    assert rank(1.0, 0.02) > rank(1.0, 0.04) > rank(0.99, 0.01) > rank(0.99, math.nan)
    assert rank(0.9901, 0.02) > rank(0.9904, 0.03), "a thousandth is no difference"
