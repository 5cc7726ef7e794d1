#!/usr/bin/env bash
# openvino 2026.4.1 (CPU, x86-64): memory that grows with every new input size of a model is held by two caches at a
# time. The documented one (CPU_RUNTIME_CACHE_CAPACITY) frees little while the other (oneDNN's, 1024 entries, told by
# the variable ONEDNN_PRIMITIVE_CACHE_CAPACITY alone) keeps the same kernels, and the other way round.
#
# Guess before the run: CPU_RUNTIME_CACHE_CAPACITY 0 keeps nothing from size to size, so memory is level.
#
# Seen (MiB that 23 more widths add with the int8 model in the package, 128 rows high):
#     as they come: 151
#     OpenVINO 0: 113
#     oneDNN 1: 150
#     OpenVINO 0 and oneDNN 1: 3
#
# Ends with 0 while that is so, with 1 when it has changed.
set -euo pipefail
model=$(cd "$(dirname "$0")/.." && pwd)/src/nimblepose/weights/human.onnx
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet openvino==2026.4.1 numpy==2.4.6
cat > "$folder/try.py" <<'PYTHON'
import sys
from pathlib import Path

import numpy as np
import openvino

core = openvino.Core()
model = core.read_model(sys.argv[1])
model.reshape([1, 3, -1, -1])
settings = {"NUM_STREAMS": 1, "INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32"}
if sys.argv[2] != "-":
    settings["CPU_RUNTIME_CACHE_CAPACITY"] = sys.argv[2]
request = core.compile_model(model, "CPU", settings).create_infer_request()


def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20


before = 0.0
for width in range(616, 424, -8):
    request.infer([np.zeros((1, 3, 128, width), np.uint8)])
    before = before or resident()
print(f"{resident() - before:.0f}")
PYTHON
try() { ONEDNN_PRIMITIVE_CACHE_CAPACITY=$2 "$folder/venv/bin/python" "$folder/try.py" "$model" "$1"; }
both=$(try - 1024) own=$(try 0 1024) other=$(try - 1) none=$(try 0 1)
printf 'as they come: %s\nOpenVINO 0: %s\noneDNN 1: %s\nOpenVINO 0 and oneDNN 1: %s\n' "$both" "$own" "$other" "$none"
awk -v b="$both" -v o="$own" -v d="$other" -v n="$none" 'BEGIN { exit !(o > b / 2 && d > b * 0.8 && n < b / 4) }'
