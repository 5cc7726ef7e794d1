from pathlib import Path

import numpy as np
import pytest
import torch

from nimblepose import Skeleton
from nimblepose.codec.encode import encode
from nimblepose.core.metadata import ModelMetadata
from nimblepose.data.coco import load_records
from nimblepose.drawing.fields import draw_fields
from nimblepose.model.network import FieldTensors, build_network
from nimblepose.training.feed import build_dataset
from nimblepose.training.recipe import load_recipe
from nimblepose.training.validation import Validator, build_whole_pictures, measure_field_errors

VALIDATION = {"annotations": "annotations.json", "images": "images", "height": 64, "pictures": 3}


def test_an_untrained_network_finds_nobody_and_its_fields_are_drawn_beside_the_targets(tiny):
    recipe = load_recipe(tiny(validation=VALIDATION))
    skeleton = Skeleton.load(recipe.data.skeleton)
    network = build_network(recipe.network, skeleton, seed=0).eval()
    validator = Validator(recipe, skeleton, build_dataset(recipe, skeleton, on_device=False))
    metadata = ModelMetadata(skeleton=skeleton)
    measured = validator.measure(network, metadata)
    assert measured["ap"] < 0.05
    assert measured["heatmap_error"] > 0
    drawn = validator.draw(network, metadata)
    assert drawn.shape == (3 * 64, 6 * 64, 3)
    batch = validator.dataset[1]
    image = batch.image[0].numpy().transpose(1, 2, 0)
    expected = draw_fields(image, *encode(batch.xy[0].numpy(), (8, 8), skeleton, recipe.encode))
    np.testing.assert_array_equal(drawn[64:128, 3 * 64 :], expected)
    np.testing.assert_array_equal(validator.draw(network, metadata), drawn)  # the same samples every time


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
