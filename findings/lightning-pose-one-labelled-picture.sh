#!/usr/bin/env bash
# lightning-pose 2.4.3, its converter of DeepLabCut projects: a video of which one picture is labelled, beside one of two.
# The names of pictures lie in three columns, as DeepLabCut has written them since 2.2.
#
# Guess before the run: three pictures in, three rows out.
#
# Seen: three columns are told from one by names that occur twice, which a single row has not. Its picture is called
# `labeled-data`, and the names of its video and file become two columns among the keypoints of all pictures.
#   rows: ['labeled-data/a/img0.png', 'labeled-data/a/img1.png', 'labeled-data']
#   columns of two coordinates: 4
# With two pictures labelled in the second video, too:
#   rows: ['labeled-data/a/img0.png', 'labeled-data/a/img1.png', 'labeled-data/b/img0.png', 'labeled-data/b/img1.png']
#   columns of two coordinates: 2
#
# Only the functions that read are run, out of the installed package; the whole wants torch.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
cd "$folder"
venv/bin/pip install --quiet pandas==2.3.3 numpy==2.4.6
venv/bin/pip install --quiet --no-deps lightning-pose==2.4.3
cat >expected <<'END'
rows: ['labeled-data/a/img0.png', 'labeled-data/a/img1.png', 'labeled-data']
columns of two coordinates: 4
rows: ['labeled-data/a/img0.png', 'labeled-data/a/img1.png', 'labeled-data/b/img0.png', 'labeled-data/b/img1.png']
columns of two coordinates: 2
END
venv/bin/python -W ignore - >seen <<'END'
import ast
import logging
import shutil
import sysconfig
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd

known = {"Path": Path, "cast": cast, "logger": logging.getLogger(), "np": np, "pd": pd, "shutil": shutil}
package = Path(sysconfig.get_path("purelib"), "lightning_pose")
for file, names in (("utils/io.py", ["fix_empty_first_row"]), ("converters/dlc.py", ["_load_labels_for_video_dir", "convert"])):
    for node in ast.parse((package / file).read_text()).body:
        if getattr(node, "name", "") in names:
            exec("from __future__ import annotations\n" + ast.unparse(node), known)


def convert(**labelled):
    """Videos by name, with the number of their pictures that are labelled."""
    project, out = Path("dlc"), Path("lp")
    for path in (project, out):
        shutil.rmtree(path, ignore_errors=True)
    for video, count in labelled.items():
        folder = project / "labeled-data" / video
        folder.mkdir(parents=True)
        rows = "".join(f"labeled-data,{video},img{n}.png,{n},20\n" for n in range(count))
        head = "scorer,,,anna,anna\nbodyparts,,,nose,nose\ncoords,,,x,y\n"
        (folder / "CollectedData_anna.csv").write_text(head + rows)
        for n in range(count):
            (folder / f"img{n}.png").touch()
    known["convert"](project, out)
    table = pd.read_csv(out / "CollectedData.csv", header=[0, 1, 2], index_col=0)
    print("rows:", table.index.tolist())
    print("columns of two coordinates:", len(table.columns))


convert(a=2, b=1)
convert(a=2, b=2)
END
diff expected seen
echo "as described"
