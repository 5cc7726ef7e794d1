"""The network that finds drawn bodies, as layers, and pictures prepared for it."""

import drawn_bodies
import numpy as np
import pytest

from nimblepose.convert.quantization.layers import read_network
from nimblepose.core.geometry import Placement
from nimblepose.runtime.prepare import prepare

onnx = pytest.importorskip("onnx")


@pytest.fixture(scope="session")
def bodies():
    return read_network(drawn_bodies.network(onnx), source="bodies")


@pytest.fixture(scope="session")
def batches():
    rng = np.random.default_rng(0)
    size = (drawn_bodies.HEIGHT, drawn_bodies.WIDTH)
    spec = drawn_bodies.METADATA.input
    return [prepare([drawn_bodies.draw(rng)[0]], Placement(size, size), spec) for _ in range(4)]


@pytest.fixture(scope="session")
def compute():
    """Outputs of an onnx.ModelProto, by name, in ONNX Runtime; `optimised` as users run it."""
    import onnxruntime as ort

    def run(model, batch, *, optimised=True):
        options = ort.SessionOptions()
        if not optimised:
            options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]
        return dict(zip(names, session.run(names, {session.get_inputs()[0].name: batch}), strict=True))

    return run
