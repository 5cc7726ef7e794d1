"""Layers, parameters and MACs agree with hand counts and with the paper."""

from pathlib import Path

import pytest

pytest.importorskip("torch")

from nimblepose.core.errors import ModelError
from nimblepose.core.skeleton import HUMAN_18
from nimblepose.model.count import count_options, count_parts, sum_parts
from nimblepose.model.network import NetworkOptions, build_network
from nimblepose.model.variants import PAPER_SIZE, VARIANTS


def gmacs(variant, size=PAPER_SIZE):
    parts = count_options(VARIANTS[variant].options, HUMAN_18, size)
    return {part.part: part.macs / 1e9 for part in [*parts, sum_parts(parts)]}


def test_conv4_4_by_hand():
    network = build_network(NetworkOptions(), HUMAN_18, seed=0)
    part = {part.part: part for part in count_parts(network, (64, 80))}["conv4_4"]
    assert part.layers == 1
    assert part.parameters == 128 * 128 * 9 + 128
    assert part.macs == 128 * 128 * 9 * (64 // 8) * (80 // 8)


def test_a_depthwise_layer_counts_once_per_channel():
    network = build_network(NetworkOptions(), HUMAN_18, seed=0)
    part = {part.part: part for part in count_parts(network, (8, 8))}["conv4_3"]
    assert part.macs == 512 * 128 + 3 * (128 * 9 + 128 * 128)


def test_parts_make_up_the_whole():
    network = build_network(NetworkOptions(refinement_stages=3), HUMAN_18, seed=0)
    parts = count_parts(network, (64, 64))
    assert sum_parts(parts).parameters == sum(parameter.numel() for parameter in network.parameters())
    assert [part.part for part in parts][-3:] == [f"refinement stage {i}" for i in (1, 2, 3)]


@pytest.mark.parametrize(
    ("variant", "paper"), [("openpose-5", 136.1), ("openpose-1", 60), ("lightweight", 9)], ids=lambda value: str(value)
)
def test_totals_are_the_papers_within_5_percent(variant, paper):
    assert gmacs(variant)["total"] == pytest.approx(paper, rel=0.05)


@pytest.mark.parametrize("variant", ["lightweight", "lightweight-intel"])
def test_parts_round_to_the_papers_single_decimal(variant):
    counted = gmacs(variant)
    for part, paper in VARIANTS[variant].paper_part_gmacs.items():
        assert counted[part] == pytest.approx(paper, abs=0.0501), part


def test_the_open_model_zoo_counts_two_per_mac():
    assert 2 * gmacs("lightweight-intel", (256, 456))["total"] == pytest.approx(15.4, abs=0.05)


def test_each_step_of_the_papers_argument_saves_work():
    steps = ["openpose-5", "openpose-1", "two-branch-7x7", "single-branch-7x7", "lightweight"]
    totals = [gmacs(step)["total"] for step in steps]
    assert totals == sorted(totals, reverse=True)


@pytest.mark.parametrize("size", [(100, 104), (0, 8), (8, 100_000)], ids=str)
def test_impossible_sizes_are_refused(size):
    with pytest.raises(ModelError, match="multiples of 8"):
        count_options(NetworkOptions(), HUMAN_18, size)


def test_the_table_in_the_documentation_is_current():
    text = (Path(__file__).resolve().parents[2] / "docs/network.md").read_text("utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:3] == "| `"]
    table = {cells[0].strip("`"): cells[1:] for cells in rows if len(cells) == 9}
    assert list(table) == list(VARIANTS)
    for name, variant in VARIANTS.items():
        parts = count_options(variant.options, HUMAN_18, PAPER_SIZE)
        whole = sum_parts(parts)
        macs = [*(part.macs for part in parts[:4]), sum(part.macs for part in parts[4:]), whole.macs]
        expected = [f"{whole.parameters:,}", *(f"{value / 1e9:.2f}" for value in macs), variant.paper_gmacs]
        assert table[name] == expected, name
