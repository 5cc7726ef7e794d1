#!/usr/bin/env bash
# opencv-python-headless 5.0.0.93 (x86-64): cv2.resize with INTER_CUBIC gives other bytes with IPP, as the wheel comes,
# than with OpenCV's own code (OPENCV_IPP=disabled; what other processors run). INTER_LINEAR_EXACT does not.
#
# Guess before the run: interpolation of bytes is computed in whole numbers, and equal whoever computes it.
#
# Seen (480 x 640 to 368 x 496, noise; part of the bytes that differ, and by how much at most):
#     INTER_CUBIC: 0.053, 1
#     INTER_LINEAR_EXACT: 0.000, 0
#
# Ends with 0 while that is so, with 1 when it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet opencv-python-headless==5.0.0.93 numpy==2.4.6
cat > "$folder/resize.py" <<'PYTHON'
import sys

import cv2
import numpy as np

picture = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
kinds = {"INTER_CUBIC": cv2.INTER_CUBIC, "INTER_LINEAR_EXACT": cv2.INTER_LINEAR_EXACT}
np.savez(sys.argv[1], **{name: cv2.resize(picture, (496, 368), interpolation=kind) for name, kind in kinds.items()})
PYTHON
cat > "$folder/compare.py" <<'PYTHON'
import sys

import numpy as np

here, there = (np.load(name) for name in sys.argv[1:])
found = {}
for name in here.files:
    difference = np.abs(here[name].astype(int) - there[name])
    found[name] = float((difference > 0).mean()), int(difference.max())
    print(f"{name}: {found[name][0]:.3f}, {found[name][1]}")
cubic, exact = found["INTER_CUBIC"], found["INTER_LINEAR_EXACT"]
sys.exit(not (0.04 < cubic[0] < 0.07 and cubic[1] == 1 and exact == (0.0, 0)))
PYTHON
"$folder/venv/bin/python" "$folder/resize.py" "$folder/with.npz"
OPENCV_IPP=disabled "$folder/venv/bin/python" "$folder/resize.py" "$folder/without.npz" 2>/dev/null
"$folder/venv/bin/python" "$folder/compare.py" "$folder/with.npz" "$folder/without.npz"
