import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from nimblepose import HUMAN_18
from nimblepose.core.errors import TrainingError
from nimblepose.core.metadata import ModelMetadata
from nimblepose.model.checkpoint import save_checkpoint
from nimblepose.model.network import FieldTensors as Predicted
from nimblepose.model.network import NetworkOptions, build_network
from nimblepose.runtime.averaging import average
from nimblepose.runtime.estimator import PoseEstimator
from nimblepose.runtime.protocols import Fields
from nimblepose.training.recipe import DistillOptions, View, load_recipe
from nimblepose.training.teacher import blend, load_teacher, mix_targets


@pytest.fixture
def checkpoint(tmp_path) -> Path:
    network = build_network(NetworkOptions(width=0.1, channels=8, initial_head_channels=8), HUMAN_18, seed=0)
    save_checkpoint(network.eval(), ModelMetadata(skeleton=HUMAN_18, paf_geometry="corner"), tmp_path / "t.safetensors")
    return tmp_path / "t.safetensors"


def with_teacher(tiny, checkpoint, **changes):
    views = [{}, {"mirrored": True}]
    return load_recipe(tiny(distill={"teacher": str(checkpoint), "weight": 0.5, "views": views}, **changes))


def test_a_mirrored_teacher_gives_what_the_product_averages(tiny, checkpoint):
    teacher = load_teacher(with_teacher(tiny, checkpoint), HUMAN_18)
    image = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    soft = teacher(torch.from_numpy(image.transpose(2, 0, 1).copy())[None], (64, 96))
    estimator = PoseEstimator(checkpoint, input_height=64, flip=True)
    fields = estimator.compute_fields([image], estimator.place(image))
    np.testing.assert_allclose(soft.heatmaps[0].numpy(), fields.heatmaps[0], atol=1e-4)
    np.testing.assert_allclose(soft.pafs[0].numpy(), fields.pafs[0], atol=1e-4)
    one = torch.from_numpy(image.transpose(2, 0, 1).copy())[None]
    alone = dataclasses.replace(teacher, views=(View(),))(one, (64, 96))
    assert (alone.pafs - soft.pafs).abs().max() > 1e-4


def test_a_larger_view_is_the_larger_picture_brought_back(tiny, checkpoint):
    teacher = load_teacher(with_teacher(tiny, checkpoint), HUMAN_18)
    small = torch.randint(0, 256, (1, 3, 32, 48), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    smooth = torch.nn.functional.interpolate(small.float(), scale_factor=2.0, mode="bilinear")
    enlarged = dataclasses.replace(teacher, views=(View(scale=2.0),))(small, (32, 48))
    assert enlarged.heatmaps.shape == (1, 19, 4, 6)
    alone = dataclasses.replace(teacher, views=(View(),))
    expected = alone(smooth, (64, 96))  # the picture as it is enlarged, then 2 x 2 cells to 1
    fields = average([Fields(expected.heatmaps.numpy(), expected.pafs.numpy())], (4, 6))
    np.testing.assert_allclose(enlarged.heatmaps.numpy(), fields.heatmaps, atol=1e-5)
    np.testing.assert_allclose(enlarged.pafs.numpy(), fields.pafs, atol=1e-5)
    both = dataclasses.replace(teacher, views=(View(), View(scale=2.0)))(small, (32, 48))
    half = (alone(small, (32, 48)).pafs + enlarged.pafs) / 2
    np.testing.assert_allclose(both.pafs.numpy(), half.numpy(), atol=1e-5)


def test_in_turn_every_sample_has_one_view_and_the_next_step_another(tiny, checkpoint):
    views = (View(), View(mirrored=True), View(scale=0.5))
    teacher = dataclasses.replace(load_teacher(with_teacher(tiny, checkpoint), HUMAN_18), views=views, in_turn=True)
    images = torch.randint(0, 256, (4, 3, 96, 96), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    alone = [dataclasses.replace(teacher, views=(view,))(images, (64, 64)) for view in views]
    for step in range(3):
        fields = teacher(images, (64, 64), step=step)
        for kind in (0, 1):
            expected = torch.stack([alone[(sample + step) % 3][kind][sample] for sample in range(4)])
            torch.testing.assert_close(fields[kind], expected)
    assert (alone[0].pafs - alone[1].pafs).abs().max() > 1e-4


def test_in_turn_with_fewer_samples_than_views(tiny, checkpoint):
    teacher = dataclasses.replace(load_teacher(with_teacher(tiny, checkpoint), HUMAN_18), in_turn=True)
    image = torch.randint(0, 256, (1, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    for step in range(2):
        alone = dataclasses.replace(teacher, views=(teacher.views[step],), in_turn=False)
        torch.testing.assert_close(teacher(image, (64, 64), step=step), alone(image, (64, 64)))


def test_some_samples_are_blended_with_their_neighbours():
    images = torch.randint(0, 256, (40, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    pictures, alone = blend(images, 0.5, np.random.default_rng(0))
    assert 10 < alone.sum() < 30
    for sample in range(40):
        own, other, both = (
            picture.float() for picture in (images[sample], images[(sample + 1) % 40], pictures[sample])
        )
        share = ((both - own) * (other - own)).sum() / ((other - own) ** 2).sum()
        assert 0.149 <= share <= 0.501 if alone[sample] else share == 0
        assert (both - own - share * (other - own)).abs().max() <= 1
    pictures, alone = blend(images[:1], 1.0, np.random.default_rng(0))
    assert torch.equal(pictures, images[:1])
    assert alone.sum() == 0, "it has no neighbour"


def test_labels_lead_near_the_labelled_and_the_teacher_where_they_may_miss_people():
    labels = Predicted(torch.zeros(1, 3, 16, 16), torch.zeros(1, 2, 16, 16))
    labels.heatmaps[0, 0, 4, 4] = 1.0  # somebody's keypoint
    labels.heatmaps[0, -1] = 1.0  # background is nobody's
    soft = Predicted(torch.full((1, 3, 16, 16), 0.5), torch.full((1, 2, 16, 16), 0.5))
    options = DistillOptions(teacher="t", weight=0.2, background=0.8)
    heatmaps, pafs = mix_targets(labels, soft, torch.ones(1), torch.zeros(1), options)
    assert heatmaps[0, 0, 4, 4] == pytest.approx(0.9)
    assert (pafs[0, :, 1:8, 1:8] - 0.1).abs().max() < 1e-6  # three cells to each side
    assert (pafs[0, :, 8:] - 0.4).abs().max() < 1e-6
    assert (pafs[0, :, :, 8:] - 0.4).abs().max() < 1e-6
    complete = mix_targets(labels, soft, torch.zeros(1), torch.zeros(1), options)
    assert complete.pafs[:, :, 8:].abs().max() == 0  # nobody is labelled there, so nobody is
    assert (complete.pafs[0, :, 1:8, 1:8] - 0.1).abs().max() < 1e-6
    blend = mix_targets(labels, soft, torch.zeros(1), torch.ones(1), options)
    assert (blend.heatmaps - soft.heatmaps).abs().max() == 0, "nobody has labelled a blend"
    everywhere = mix_targets(labels, soft, torch.ones(1), torch.zeros(1), DistillOptions(teacher="t", weight=0.2))
    assert (everywhere.pafs - 0.1).abs().max() < 1e-6


def test_a_teacher_of_another_geometry_is_refused(tiny, checkpoint):
    with pytest.raises(TrainingError, match=r"set encode\.paf_geometry=corner"):
        load_teacher(with_teacher(tiny, checkpoint, encode={"paf_geometry": "centre"}), HUMAN_18)
