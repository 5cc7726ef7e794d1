#!/usr/bin/env bash
# safetensors 0.8.0: `safetensors.numpy.save_file` writes an array that does not lie in C order, such as the weights of
# a network in channels-last memory, as the bytes lie, under the shape that the array has: what is read has other values
# in other places, without a word. 0.7.0 wrote the values; `safetensors.torch.save_file` refuses such tensors.
# (Reported upstream as safetensors issue 825.)
#
# Guess before the run: a file of arrays holds the arrays, however they lay in memory.
#
# Seen: 0.7.0 there and back: True
#       0.8.0 there and back: False, after np.ascontiguousarray: True
#
# Ends with 0 while that is so, with 1 when it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/try.py" <<'PYTHON'
import sys

import numpy as np
import safetensors
from safetensors.numpy import load_file, save_file


def comes_back(array):
    save_file({"weight": array}, sys.argv[1])
    return bool(np.array_equal(load_file(sys.argv[1])["weight"], array))


weight = np.arange(2 * 3 * 3 * 4, dtype=np.float32).reshape(2, 3, 3, 4).transpose(0, 3, 1, 2)
seen = comes_back(weight), comes_back(np.ascontiguousarray(weight))
print(safetensors.__version__, "there and back:", seen[0], "after np.ascontiguousarray:", seen[1])
sys.exit(seen != (safetensors.__version__ == "0.7.0", True))
PYTHON
for version in 0.7.0 0.8.0; do
    "${PYTHON:-python3}" -m venv "$folder/$version"
    "$folder/$version/bin/pip" install --quiet "safetensors==$version" numpy==2.4.6
    "$folder/$version/bin/python" "$folder/try.py" "$folder/weights.safetensors"
done
