"""Laws of the network family."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from nimblepose.core.errors import ModelError
from nimblepose.core.skeleton import COCO_17, HUMAN_18
from nimblepose.model.network import NetworkOptions, build_network

SMALL = {"width": 0.25, "channels": 16, "initial_head_channels": 16}


@pytest.mark.parametrize(
    ("stages", "parameters"), [(1, 4_091_698), (3, 7_308_964)], ids=["1 refinement", "3 refinements"]
)
def test_parameter_count_is_the_published_one(stages, parameters):
    network = build_network(NetworkOptions(refinement_stages=stages), HUMAN_18)
    assert sum(parameter.numel() for parameter in network.parameters()) == parameters


@pytest.mark.parametrize("stages", [1, 3])
def test_keys_and_shapes_are_those_of_the_reference_in_its_order(shared, stages):
    expected = json.loads((shared / f"golden/network_{stages}_refinement_keys.json").read_text())
    state = build_network(NetworkOptions(refinement_stages=stages), HUMAN_18).state_dict()
    assert [(key, list(value.shape)) for key, value in state.items()] == list(expected.items())


FAMILY = {
    "default": {},
    "no refinement": {"refinement_stages": 0},
    "two stages": {"refinement_stages": 2},
    "intel": {"cpm": "intel"},
    "undilated": {"dilated": False},
    "two branches": {"two_branch": True},
    "7x7": {"refinement_block": "7x7"},
    "openpose": {"backbone": "vgg19", "cpm": "openpose", "two_branch": True, "refinement_block": "7x7"},
}


@pytest.mark.parametrize("skeleton", [HUMAN_18, COCO_17], ids=lambda s: s.name)
@pytest.mark.parametrize("choice", FAMILY.values(), ids=FAMILY.keys())
def test_every_member_predicts_every_stage_at_stride_8(choice, skeleton):
    options = NetworkOptions(**{**SMALL, **choice})
    stages = build_network(options, skeleton)(torch.zeros(2, 3, 40, 64))
    assert len(stages) == options.refinement_stages + 1
    for fields in stages:
        assert fields.heatmaps.shape == (2, skeleton.heatmap_channels, 5, 8)
        assert fields.pafs.shape == (2, skeleton.paf_channels, 5, 8)


def test_a_branch_of_two_does_not_feel_the_other():
    network = build_network(NetworkOptions(**SMALL, two_branch=True, refinement_stages=0), HUMAN_18, seed=1).eval()
    image = torch.from_numpy(np.random.default_rng(0).normal(size=(1, 3, 32, 32)).astype(np.float32))
    before = network(image)[0]
    with torch.no_grad():
        network.initial_stage.pafs[0][0].weight.add_(1)
    after = network(image)[0]
    assert torch.equal(before.heatmaps, after.heatmaps)
    assert not torch.equal(before.pafs, after.pafs)


@pytest.mark.parametrize("cpm", ["reference", "intel"])
def test_a_lit_pixel_lights_the_cell_above_it(cpm):
    """The strongest response lies where the light is: no stage shifts the picture by a cell."""
    network = build_network(NetworkOptions(**SMALL, cpm=cpm, refinement_stages=1), HUMAN_18, seed=0).eval().double()
    image = torch.zeros(1, 3, 256, 256, dtype=torch.float64)  # single: rounding outweighs the light
    image[..., 120:128, 136:144] = 40.0  # cell (15, 17)
    with torch.inference_mode():
        change = network(image)[-1].pafs - network(torch.zeros_like(image))[-1].pafs
    weight = change.abs().sum((0, 1))
    rows, columns = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    centre = (weight * rows).sum() / weight.sum(), (weight * columns).sum() / weight.sum()
    assert float(centre[0]) == pytest.approx(15, abs=1.0)
    assert float(centre[1]) == pytest.approx(17, abs=1.0)


def test_a_seed_repeats_the_weights_and_leaves_the_generator_alone():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    first, second = (build_network(NetworkOptions(**SMALL), HUMAN_18, seed=5).state_dict() for _ in range(2))
    assert torch.equal(torch.rand(1), expected)
    assert all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize("choice", FAMILY.values(), ids=FAMILY.keys())
def test_options_survive_plain_data(choice):
    options = NetworkOptions(**{**SMALL, **choice})
    assert NetworkOptions.from_dict(json.loads(json.dumps(options.to_dict()))) == options


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("backbone", "resnet"),
        ("cpm", None),
        ("refinement_block", "5x5"),
        ("width", 0),
        ("width", float("nan")),
        ("width", True),
        ("refinement_stages", -1),
        ("refinement_stages", 1.0),
        ("channels", 10**9),
        ("initial_head_channels", "512"),
        ("two_branch", 1),
        ("depth", 3),
    ],
    ids=str,
)
def test_what_cannot_be_built_is_refused_by_name(name, value):
    with pytest.raises(ModelError, match=name):
        NetworkOptions.from_dict({name: value})
