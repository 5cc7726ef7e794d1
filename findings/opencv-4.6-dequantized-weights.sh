#!/usr/bin/env bash
# OpenCV 4.6, which Debian 12 has, does not read ONNX files whose weights are stored in 8 bits (DequantizeLinear of
# constants before a Conv); 4.13 reads them. Pinned here: 4.6.0.66, 4.13.0.92.
#
# Guess before the run: 4.6 reads them like 4.13, its documentation names 8-bit layers.
#
# Seen:
#   4.6.0 quantization_utils.cpp: error: (-215:Assertion failed) inputs.size() == 1 in function 'getMemoryShapes'
#   4.13.0 gives 6.0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
cd "$folder"
cat >expected <<'END'
4.6.0 quantization_utils.cpp: error: (-215:Assertion failed) inputs.size() == 1 in function 'getMemoryShapes'
4.13.0 gives 6.0
END
cat >read.py <<'END'
import re

import cv2
import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save

constants = {"w": np.full((1, 1, 1, 1), 4, np.int8), "step": np.full(1, 0.5, np.float32), "zero": np.zeros(1, np.int8)}
nodes = [
    helper.make_node("DequantizeLinear", ["w", "step", "zero"], ["real"], axis=0, name="dequantize"),
    helper.make_node("Conv", ["x", "real"], ["y"], kernel_shape=[1, 1], name="conv"),
]
tensors = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, 2, 2]) for name in ("x", "y")]
stored = [numpy_helper.from_array(value, name) for name, value in constants.items()]
graph = helper.make_graph(nodes, "weights", tensors[:1], tensors[1:], stored)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
checker.check_model(model, full_check=True)
save(model, "weights.onnx")
try:
    network = cv2.dnn.readNetFromONNX("weights.onnx")
    network.setInput(np.full((1, 1, 2, 2), 3, np.float32))
    print(cv2.__version__, "gives", float(network.forward().ravel()[0]))
except cv2.error as error:
    said = re.search(r"quantization_utils\.cpp:\d+(: error: .*)", str(error))
    print(cv2.__version__, "quantization_utils.cpp" + said[1] if said else error)
END
for versions in "4.6.0.66 1.26.4" "4.13.0.92 2.2.6"; do
    read -r opencv numpy <<<"$versions"
    venv/bin/pip install --quiet opencv-python-headless=="$opencv" numpy=="$numpy" onnx==1.18.0
    venv/bin/python read.py 2>/dev/null >>seen
done
sed -i 's/ *$//' seen
diff expected seen
echo "as described"
