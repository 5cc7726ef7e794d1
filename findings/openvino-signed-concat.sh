#!/usr/bin/env bash
# openvino 2026.4.1 (CPU, x86-64): a Concat of signed 8-bit activations (QDQ, int8) before a convolution is computed
# otherwise than the ONNX file says, unless the processor has AMX; unsigned activations are right everywhere, and so is
# LP_TRANSFORMS_MODE NO. ONNX Runtime 1.32.0 is right. ONEDNN_MAX_CPU_ISA makes any processor one without AMX.
#
# Guess before the run: signed and unsigned activations are two ways to write the same numbers, and give the same.
#
# Seen (largest difference to ONNX Runtime without optimisation; values reach 3.409):
#     int8  as it is: 0.512
#     uint8 as it is: 0.000
#     int8  with LP_TRANSFORMS_MODE NO: 0.000
#
# Ends with 0 while that is so, with 1 when it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet openvino==2026.4.1 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
cat > "$folder/try.py" <<'PYTHON'
import sys

import numpy as np
import onnx
import onnxruntime
import openvino
from onnx import helper, numpy_helper


def model(kind):
    """Values stored with step 0.1, and what is positive of them with step 0.03, joined, into a convolution."""
    constants = {
        "step": np.float32(0.1),
        "other": np.float32(0.03),
        "zero": np.array(0 if kind == np.int8 else 128, kind),
        "weight": np.array([[50, 20, 7, 9, 33, 11], [-3, 60, 8, 20, -9, 4]], np.int8)[..., None, None],
        "steps": np.full(2, 0.01, np.float32),
        "zeros": np.zeros(2, np.int8),
    }
    nodes = [
        helper.make_node("QuantizeLinear", ["image", "step", "zero"], ["a"]),
        helper.make_node("DequantizeLinear", ["a", "step", "zero"], ["real_a"]),
        helper.make_node("Relu", ["real_a"], ["b"]),
        helper.make_node("QuantizeLinear", ["b", "other", "zero"], ["stored_b"]),
        helper.make_node("DequantizeLinear", ["stored_b", "other", "zero"], ["real_b"]),
        helper.make_node("Concat", ["real_a", "real_b"], ["both"], axis=1),
        helper.make_node("DequantizeLinear", ["weight", "steps", "zeros"], ["real_weight"], axis=0),
        helper.make_node("Conv", ["both", "real_weight"], ["out"]),
    ]
    graph = helper.make_graph(
        nodes,
        "signed",
        [helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("out", onnx.TensorProto.FLOAT, [1, 2, 8, 8])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(made)
    return made.SerializeToString()


image = np.random.default_rng(0).uniform(-3, 3, (1, 3, 8, 8)).astype(np.float32)
core = openvino.Core()


def difference(kind, **settings):
    data = model(kind)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    (truth,) = onnxruntime.InferenceSession(data, options).run(None, {"image": image})
    settings = {"INFERENCE_PRECISION_HINT": "f32", **settings}
    found = core.compile_model(core.read_model(data), "CPU", settings)([image])[0]
    return float(np.abs(found - truth).max())


signed, unsigned = difference(np.int8), difference(np.uint8)
off = difference(np.int8, LP_TRANSFORMS_MODE="NO")
print(f"int8  as it is: {signed:.3f}\nuint8 as it is: {unsigned:.3f}\nint8  with LP_TRANSFORMS_MODE NO: {off:.3f}")
sys.exit(not (signed > 0.5 and unsigned < 1e-5 and off < 1e-5))
PYTHON
CI=true ONEDNN_MAX_CPU_ISA=AVX2 "$folder/venv/bin/python" "$folder/try.py"
