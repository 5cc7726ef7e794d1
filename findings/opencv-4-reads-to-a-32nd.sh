#!/usr/bin/env bash
# OpenCV 4 (4.11 to 4.14 tried; pinned here: 4.14.0.94) moves each place that `remap` and `warpAffine` read with
# INTER_LINEAR to a 32nd of a pixel, in float32 pictures too; 5.0 reads where it is asked to.
#
# Guess before the run: float32 pictures and float32 maps are interpolated in float32, to six digits, in both.
#
# Seen (columns of a ramp 0, 1, 2, ...: a value is its own place):
#   4.14.0 remap at 3.01, 3.02, 3.1: 3.00000 3.03125 3.09375
#   4.14.0 warpAffine by 0.01, column 3: 3.00000
#   5.0.0 remap at 3.01, 3.02, 3.1: 3.01000 3.02000 3.10000
#   5.0.0 warpAffine by 0.01, column 3: 3.01000
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
cd "$folder"
cat >expected <<'END'
4.14.0 remap at 3.01, 3.02, 3.1: 3.00000 3.03125 3.09375
4.14.0 warpAffine by 0.01, column 3: 3.00000
5.0.0 remap at 3.01, 3.02, 3.1: 3.01000 3.02000 3.10000
5.0.0 warpAffine by 0.01, column 3: 3.01000
END
cat >ramp.py <<'END'
import cv2
import numpy as np

ramp = np.tile(np.arange(8, dtype=np.float32), (8, 1))
x = np.array([[3.01, 3.02, 3.1]], np.float32)
read = cv2.remap(ramp, x, np.full_like(x, 2), cv2.INTER_LINEAR)[0]
print(cv2.__version__, "remap at 3.01, 3.02, 3.1:", *(f"{value:.5f}" for value in read))
moved = cv2.warpAffine(ramp, np.array([[1, 0, -0.01], [0, 1, 0]]), (8, 8), flags=cv2.INTER_LINEAR)
print(cv2.__version__, "warpAffine by 0.01, column 3:", f"{moved[2, 3]:.5f}")
END
for version in 4.14.0.94 5.0.0.93; do
    venv/bin/pip install --quiet opencv-python-headless=="$version" numpy==2.4.6
    venv/bin/python ramp.py >>seen
done
diff expected seen
echo "as described"
