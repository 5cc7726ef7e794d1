#!/usr/bin/env bash
# keypoint-moseq 0.8.1, `load_keypoints` of a DeepLabCut table of several animals: the bodyparts that it returns are, says
# its documentation, a list in the order of the coordinates.
#
# Guess before the run: so they are.
#
# Seen: with individuals they are a set. Coordinates lie in the order of the file; names come in another order in each run
# of Python (PYTHONHASHSEED stands for the runs here; unset, it is another every time), and who makes a list of them to
# say which keypoint is which has other points under the name of the nose. Of one animal's table they are a list.
#   one animal: list, more than one order: False
#   two animals: set, more than one order: True
#   x of the first animal in frame 0, whatever the order: [10, 20, 30, 40]
#
# Only the function that reads DeepLabCut's tables is run, out of the installed package: the whole is 1.7 GB (with it the
# same was seen).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
cd "$folder"
venv/bin/pip install --quiet pandas==2.3.3 numpy==2.4.6
venv/bin/pip install --quiet --no-deps keypoint-moseq==0.8.1
cat >expected <<'END'
one animal: list, more than one order: False
two animals: set, more than one order: True
x of the first animal in frame 0, whatever the order: [10, 20, 30, 40]
END
cat >read.py <<'END'
import ast
import os
import sys
import sysconfig
from itertools import islice
from pathlib import Path
from textwrap import fill

import pandas as pd

source = Path(sysconfig.get_path("purelib"), "keypoint_moseq", "io.py").read_text()
(function,) = [node for node in ast.parse(source).body if getattr(node, "name", "") == "_deeplabcut_loader"]
known = {"os": os, "pd": pd, "islice": islice, "fill": fill}
exec(compile(ast.Module([function], []), "io.py", "exec"), known)

animals = sys.argv[1].split(",")
columns = [(a, k, c) for a in animals for k in ("nose", "ear", "back", "tail") for c in ("x", "y", "likelihood")]
rows = [["scorer", *["net"] * len(columns)], ["bodyparts", *[c[1] for c in columns]], ["coords", *[c[2] for c in columns]]]
if len(animals) > 1:
    rows.insert(1, ["individuals", *[c[0] for c in columns]])
for frame in range(4):
    rows.append([frame, *[f"{10 * (i // 3 + 1) + frame}" for i in range(len(columns))]])
Path("day.csv").write_text("".join(",".join(map(str, row)) + "\n" for row in rows))
coordinates, _, bodyparts = known["_deeplabcut_loader"]("day.csv", "day")
print(type(bodyparts).__name__, ",".join(bodyparts), next(iter(coordinates.values()))[0, :, 0].tolist(), sep="\t")
END
for seed in 1 2 3 4 5 6 7 8; do
    PYTHONHASHSEED=$seed venv/bin/python read.py m1 >>one
    PYTHONHASHSEED=$seed venv/bin/python read.py m1,m2 >>two
done
many() { [ "$(cut -f 2 "$1" | sort -u | wc -l)" -gt 1 ] && echo True || echo False; }
{
    echo "one animal: $(cut -f 1 one | sort -u), more than one order: $(many one)"
    echo "two animals: $(cut -f 1 two | sort -u), more than one order: $(many two)"
    echo "x of the first animal in frame 0, whatever the order: $(cut -f 3 one two | sort -u)"
} >seen
diff expected seen
echo "as described"
