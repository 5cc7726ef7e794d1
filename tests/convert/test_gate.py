"""Sensitive layers stay float, no more than needed, and a model that loses too much does not come out."""

import dataclasses

import drawn_bodies
import numpy as np
import pytest

from nimblepose.convert import gate
from nimblepose.convert.gate import check_runtimes, check_weights, measure_costs, quantize_within, rank_layers
from nimblepose.convert.quantization.equalisation import equalise
from nimblepose.convert.quantization.layers import read_network
from nimblepose.convert.quantization.plan import make_plan
from nimblepose.convert.quantization.qdq import build
from nimblepose.convert.quantization.statistics import observe
from nimblepose.core.errors import ModelError
from nimblepose.core.geometry import Placement
from nimblepose.evaluation.coco import Metrics
from nimblepose.runtime.models import PACKAGED
from nimblepose.runtime.prepare import prepare

onnx = pytest.importorskip("onnx")

FRAGILE = {"louder", "elu", "r3"}  # what writes, carries or reads the loud channel beside the colours


@pytest.fixture(scope="module")
def batches():
    rng = np.random.default_rng(0)
    size = (drawn_bodies.HEIGHT, drawn_bodies.WIDTH)
    return [prepare([drawn_bodies.draw(rng)[0]], Placement(size, size), drawn_bodies.METADATA.input) for _ in range(3)]


@pytest.fixture(scope="module")
def fragile(batches):
    """A network in which 8 bits leave nothing of the colours, because a loud channel passes the ELU with them."""
    network = read_network(drawn_bodies.network(onnx, loud=1000), source="bodies")
    network, statistics = equalise(network, observe(network, batches))
    return network, make_plan(network, statistics, drawn_bodies.METADATA.input)


def metrics(ap):
    figures = {field.name: ap for field in dataclasses.fields(Metrics)}
    return Metrics(**figures | {"pictures": 1, "people": 1, "detections": 1})


def kept(model):
    """Convolutions and ELUs whose input is not 8 bits' or whose output is not stored."""
    stored = {node.input[0] for node in model.graph.node if node.op_type == "QuantizeLinear"}
    weights = {entry.name for entry in model.graph.initializer}
    by_weight = {"louder": "louder.weight", "r3": "quieter.weight"}
    return {name for name, weight in by_weight.items() if weight in weights} | ({"elu"} - stored)


def test_sensitive_layers_are_found(fragile, batches):
    errors = rank_layers(*fragile, batches)
    assert set(list(errors)[:3]) == FRAGILE
    assert errors["elu"] > 100 * errors["r1"]
    assert list(errors.values()) == sorted(errors.values(), reverse=True)


def test_as_many_as_it_takes_stay_float_and_no_more(fragile, batches, monkeypatch):
    monkeypatch.setattr(gate, "_MOST_FLOAT", 1.0)
    heard = []
    gated = quantize_within(
        *fragile,
        lambda model: metrics(0.8 if kept(model) >= FRAGILE else 0.1),
        before=0.8,
        max_drop=0.01,
        batches=batches,
        say=heard.append,
    )
    assert gated.stay_float[:2] == ("heatmaps", "pafs")
    assert set(gated.stay_float) >= FRAGILE
    needed = len(gated.stay_float) - 2
    assert gated.tried == {count: 0.8 if count >= needed else 0.1 for count in gated.tried}
    assert set(gated.tried) >= {0, 1, 2, 4, needed - 1}
    assert gated.metrics.ap == 0.8
    assert kept(gated.model) == FRAGILE
    assert len(heard) == len(gated.tried)


def test_nothing_is_measured_twice_where_nothing_is_lost(fragile, batches):
    asked = []
    gated = quantize_within(
        *fragile, lambda model: asked.append(model) or metrics(0.795), before=0.8, max_drop=0.0051, batches=batches
    )
    assert len(asked) == 1
    assert gated.stay_float == ("heatmaps", "pafs")


def test_a_gate_that_cannot_be_passed_says_how_near_it_came(fragile, batches):
    with pytest.raises(ModelError, match=r"0\.8000.*0\.7000 at best.*max-drop 0\.01"):
        quantize_within(*fragile, lambda _: metrics(0.7), before=0.8, max_drop=0.01, batches=batches)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_an_ap_that_is_not_a_number_does_not_pass(fragile, batches):
    with pytest.raises(ModelError, match="nothing written"):
        quantize_within(*fragile, lambda _: metrics(np.nan), before=0.8, max_drop=1.0, batches=batches)


def test_costs_name_every_layer_that_stays_float(fragile, batches):
    network, plan = fragile
    times = measure_costs(network, plan, ["elu", *network.outputs], batches[0], threads=1)
    assert set(times.of_float) == {"elu", "heatmaps", "pafs"}
    assert times.float32 > 0 < times.int8
    assert times.size == (drawn_bodies.HEIGHT, drawn_bodies.WIDTH)


def test_runtimes_agree_or_the_model_is_refused(fragile, batches, monkeypatch):
    network, plan = fragile
    model = build(network, plan, stay_float=[*network.outputs, *FRAGILE])
    differences = check_runtimes(model, network, batches)
    assert differences["onnxruntime"] < 0.01
    monkeypatch.setattr(gate, "_TOLERANCE", -1.0)
    with pytest.raises(ModelError, match="onnxruntime"):
        check_runtimes(model, network, batches)


def test_weights_that_would_overflow_elsewhere_are_refused_on_every_processor(fragile):
    network, plan = fragile
    model = build(network, plan, stay_float=network.outputs)
    check_weights(model)
    integers = next(
        c for c in model.graph.initializer if c.name == "quieter/stored" or c.name == "quieter.weight/stored"
    )
    full = onnx.numpy_helper.to_array(integers).copy()
    full.flat[0] = -65
    integers.CopyFrom(onnx.numpy_helper.from_array(full, integers.name))
    with pytest.raises(ModelError, match=r"quieter.*: weights up to 65 overflow on x86 processors without VNNI"):
        check_weights(model)


def test_the_packaged_weights_have_7_bits():
    check_weights(onnx.load(PACKAGED["human"].path))
