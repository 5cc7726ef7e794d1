#!/usr/bin/env bash
# CEBRA 0.6.1, `load_deeplabcut`: a table of one animal in which a keypoint is not sure (likelihood 0.5; below 0.6 it is put
# between its neighbours in time), or was not found at all (no place, likelihood 0).
#
# Guess before the run: the other keypoints stay as they are, and every frame has a row, since rows are laid beside
# recordings of the same length.
#
# Seen (x of the nose, likelihood 0.9 throughout): where the third keypoint is not sure, the first two are moved, too (the
# nose from 4 to 5: rows and columns of what is missing are both taken for numbers of keypoints). And where it is missing
# in frame 0, frame 0 has no row: all poses lie one frame early.
#   as it is: [0.0, 1.0, 4.0, 9.0, 16.0, 25.0]
#   tail of likelihood 0.5 in frame 2: [0.0, 1.0, 5.0, 9.0, 16.0, 25.0]
#   tail missing in frame 0: [1.0, 4.0, 9.0, 16.0, 25.0]
#
# Only the file of the package that reads is run; the whole wants torch.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
cd "$folder"
venv/bin/pip install --quiet pandas==2.3.3 tables==3.10.2 numpy==2.4.6
venv/bin/pip install --quiet --no-deps cebra==0.6.1
cat >expected <<'END'
as it is: [0.0, 1.0, 4.0, 9.0, 16.0, 25.0]
tail of likelihood 0.5 in frame 2: [0.0, 1.0, 5.0, 9.0, 16.0, 25.0]
tail missing in frame 0: [1.0, 4.0, 9.0, 16.0, 25.0]
END
venv/bin/python -W ignore - >seen <<'END'
import importlib.util
import sysconfig

import numpy as np
import pandas as pd

path = f"{sysconfig.get_path('purelib')}/cebra/integrations/deeplabcut.py"
spec = importlib.util.spec_from_file_location("deeplabcut", path)
reader = importlib.util.module_from_spec(spec)
spec.loader.exec_module(reader)
parts = [["net"], ["nose", "neck", "tail"], ["x", "y", "likelihood"]]
columns = pd.MultiIndex.from_product(parts, names=["scorer", "bodyparts", "coords"])


def load(frame=None, tail=()):
    """x of the nose, which is the number of the frame squared, with another tail in a frame."""
    table = pd.DataFrame(np.full((6, 9), 0.9), columns=columns)
    for k, part in enumerate(parts[1]):
        table["net", part, "x"] = 100.0 * k + np.arange(6.0) ** 2
        table["net", part, "y"] = 10.0
    if frame is not None:
        table.loc[frame, ("net", "tail")] = tail
    table.to_hdf("day.h5", key="df_with_missing", mode="w")
    return reader.load_deeplabcut("day.h5")[:, 0].tolist()


print("as it is:", load())
print("tail of likelihood 0.5 in frame 2:", load(2, [204.0, 10.0, 0.5]))
print("tail missing in frame 0:", load(0, [np.nan, np.nan, 0.0]))
END
diff expected seen
echo "as described"
