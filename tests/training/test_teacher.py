import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from nimblepose import HUMAN_18
from nimblepose.core.errors import TrainingError
from nimblepose.core.metadata import ModelMetadata
from nimblepose.model.checkpoint import save_checkpoint
from nimblepose.model.network import NetworkOptions, build_network
from nimblepose.runtime.estimator import PoseEstimator
from nimblepose.training.recipe import load_recipe
from nimblepose.training.teacher import load_teacher


@pytest.fixture
def checkpoint(tmp_path) -> Path:
    network = build_network(NetworkOptions(width=0.1, channels=8, initial_head_channels=8), HUMAN_18, seed=0)
    save_checkpoint(network.eval(), ModelMetadata(skeleton=HUMAN_18, paf_geometry="corner"), tmp_path / "t.safetensors")
    return tmp_path / "t.safetensors"


def with_teacher(tiny, checkpoint, **changes):
    return load_recipe(tiny(distill={"teacher": str(checkpoint), "weight": 0.5, "mirrored": True}, **changes))


def test_a_mirrored_teacher_gives_what_the_product_averages(tiny, checkpoint):
    teacher = load_teacher(with_teacher(tiny, checkpoint), HUMAN_18)
    image = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    soft = teacher(torch.from_numpy(image.transpose(2, 0, 1).copy())[None])
    estimator = PoseEstimator(checkpoint, input_height=64, flip=True)
    fields = estimator.fields([image], estimator.place(image))
    np.testing.assert_allclose(soft.heatmaps[0].numpy(), fields.heatmaps[0], atol=1e-4)
    np.testing.assert_allclose(soft.pafs[0].numpy(), fields.pafs[0], atol=1e-4)
    alone = dataclasses.replace(teacher, mirrored=False)(torch.from_numpy(image.transpose(2, 0, 1).copy())[None])
    assert (alone.pafs - soft.pafs).abs().max() > 1e-4


def test_a_teacher_of_another_geometry_is_refused(tiny, checkpoint):
    with pytest.raises(TrainingError, match=r"set encode\.paf_geometry=corner"):
        load_teacher(with_teacher(tiny, checkpoint, encode={"paf_geometry": "centre"}), HUMAN_18)
