"""How a recipe learns follows from how many pictures there are, and how large its samples are."""

import pytest

from nimblepose.core.skeleton import Skeleton
from nimblepose.model.network import NetworkOptions, build_network
from nimblepose.training.recipe import list_start_names
from nimblepose.training.recipe_learning import choose_learning
from nimblepose.training.start import start_network

PAIR = Skeleton("pair", ("a", "b"), (("a", "b"),))


def values(pictures, size=(224, 224)):
    return {choice.key: choice.value for choice in choose_learning(pictures, size)}


def reason(pictures, key, size=(224, 224)):
    return next(choice.reason for choice in choose_learning(pictures, size) if choice.key == key)


def test_more_pictures_take_a_wider_network_and_another_start():
    widths = [values(pictures)["network.width"] for pictures in (20, 2999, 3000, 9999, 10_000)]
    assert widths == [0.25, 0.25, 0.5, 0.5, 1.0]
    starts = {width: values(pictures)["start"] for width, pictures in ((0.25, 93), (0.5, 5000), (1.0, 20_000))}
    assert starts[0.25] in list_start_names()
    assert starts[0.5] == "", "none is in the package"
    assert starts[1.0] == "human"
    assert "from scratch 7.5" in reason(93, "start"), "measured"


@pytest.mark.parametrize("pictures", [93, 20_000])
def test_the_network_is_that_of_its_start(pictures):
    lines = values(pictures)
    if lines["start"] == "human":
        pytest.importorskip("onnx")
    options = NetworkOptions(**{key.partition(".")[2]: lines[key] for key in lines if key.startswith("network.")})
    network, _ = start_network(options, PAIR, lines["start"], paf_geometry="centre", seed=0, licence="unknown")
    fresh = build_network(options, PAIR, seed=0).state_dict()
    taken = network.state_dict()
    assert (taken["model.11.3.weight"] != fresh["model.11.3.weight"]).any()


def test_steps_fill_the_time_and_few_pictures_are_not_seen_for_ever():
    steps = {pictures: values(pictures)["schedule.steps"] for pictures in (3, 20, 45, 93, 1500, 2999)}
    assert sorted(steps.values()) == [*steps.values()]
    assert steps[3] == 600, "at least"
    assert steps[93] == pytest.approx(2 * values(23)["schedule.steps"], rel=0.05), "by the root"
    assert steps[93] * 8 / 93 < steps[20] * 8 / 20, "times every picture"
    assert steps[1500] == steps[2999], "as the time bears"
    assert "about 15 minutes of two idle cores" in reason(1500, "schedule.steps")
    larger = values(1500, (448, 448))["schedule.steps"]
    assert larger == pytest.approx(steps[1500] / 4, rel=0.05)
    assert "about 60 minutes" in reason(9000, "schedule.steps", (448, 448))


def test_validations_are_five_and_one_at_the_end():
    for pictures in (10, 93, 5000):
        lines = values(pictures)
        assert 5 <= lines["schedule.steps"] / lines["validation.every"] < 6
