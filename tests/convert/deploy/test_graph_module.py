"""The graph in torch computes what ONNX Runtime computes of it."""

import numpy as np
import pytest

from nimblepose.core.errors import ModelError

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from nimblepose.convert.deploy.graph_module import GraphModule
from nimblepose.convert.deploy.native import open_onnxruntime


@pytest.mark.parametrize("size", [(64, 96), (128, 40)], ids=str)
def test_torch_and_onnxruntime_agree(tiny, size):
    batch = np.random.default_rng(0).uniform(-1, 1, (1, 3, *size)).astype(np.float32)
    with torch.inference_mode():
        found = GraphModule(onnx.load(tiny.onnx)).eval()(torch.from_numpy(batch))
    assert list(found) == ["heatmaps", "pafs"]
    for ours, theirs in zip(found.values(), open_onnxruntime(tiny.onnx)(batch), strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs, atol=1e-5)


@pytest.mark.parametrize("fault", ["kind", "pads"])
def test_what_our_networks_do_not_have_is_refused(tiny, fault):
    proto = onnx.load(tiny.onnx)
    node = next(node for node in proto.graph.node if node.op_type == "Conv")
    if fault == "kind":
        node.op_type = "ConvTranspose"
    else:
        next(one for one in node.attribute if one.name == "pads").ints[:] = [0, 0, 1, 1]
    with pytest.raises(ModelError, match="nothing that a network of ours has"):
        GraphModule(proto)
