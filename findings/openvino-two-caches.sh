#!/usr/bin/env bash
# openvino 2026.4.1 (CPU, x86-64): memory that grows with every new input size of a model is held by two caches at a
# time. The documented one (CPU_RUNTIME_CACHE_CAPACITY) frees little while the other (oneDNN's, 1024 entries, told by
# the variable ONEDNN_PRIMITIVE_CACHE_CAPACITY alone) keeps the same kernels, and the other way round.
#
# Guess before the run: CPU_RUNTIME_CACHE_CAPACITY 0 keeps nothing from size to size, so memory is level.
#
# Seen (MiB that 23 more widths add, 128 rows high, with 30 int8 layers of a depthwise and a 1 x 1 convolution each):
#     as they come: 47
#     OpenVINO 0: 34
#     oneDNN 1: 47
#     OpenVINO 0 and oneDNN 1: 3
#
# Ends with 0 while that is so, with 1 when it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet openvino==2026.4.1 numpy==2.4.6
cat > "$folder/try.py" <<'PYTHON'
import sys
from pathlib import Path

import numpy as np
import openvino
from openvino import opset13 as ops

rng = np.random.default_rng(0)


def quantize(node):
    return ops.fake_quantize(node, np.float32(0), np.float32(1), np.float32(0), np.float32(1), 256)


def weigh(*shape):
    stored = ops.constant(rng.integers(-127, 128, shape, np.int8))
    return ops.multiply(ops.convert(stored, "f32"), ops.constant(np.full((*shape[:-3], 1, 1, 1), 1e-3, np.float32)))


image = ops.parameter([1, 3, -1, -1], np.float32)
two, one, none = [2, 2], [1, 1], [0, 0]
node, channels = ops.relu(ops.convolution(quantize(image), weigh(32, 3, 3, 3), two, one, one, one)), 32
for n in range(30):
    wider = min(512, 32 << (n + 1) // 2)
    step = two if n in (1, 3) else one
    deep = ops.group_convolution(quantize(node), weigh(channels, 1, 1, 3, 3), step, one, one, one)
    node = ops.relu(ops.convolution(quantize(ops.relu(deep)), weigh(wider, channels, 1, 1), one, none, none, one))
    channels = wider
settings = {"NUM_STREAMS": 1, "INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32"}
if sys.argv[1] != "-":
    settings["CPU_RUNTIME_CACHE_CAPACITY"] = sys.argv[1]
request = openvino.Core().compile_model(openvino.Model([node], [image]), "CPU", settings).create_infer_request()


def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20


before = 0.0
for width in range(616, 424, -8):
    request.infer([np.zeros((1, 3, 128, width), np.float32)])
    before = before or resident()
print(f"{resident() - before:.0f}")
PYTHON
try() { ONEDNN_PRIMITIVE_CACHE_CAPACITY=$2 "$folder/venv/bin/python" "$folder/try.py" "$1"; }
both=$(try - 1024) own=$(try 0 1024) other=$(try - 1) none=$(try 0 1)
printf 'as they come: %s\nOpenVINO 0: %s\noneDNN 1: %s\nOpenVINO 0 and oneDNN 1: %s\n' "$both" "$own" "$other" "$none"
awk -v b="$both" -v o="$own" -v d="$other" -v n="$none" 'BEGIN { exit !(o > b / 2 && d > b * 0.8 && n < b / 4) }'
