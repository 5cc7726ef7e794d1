#!/usr/bin/env bash
# HDF5 in pandas' layout `table`, written by pandas 3.1 and read by pandas 2.3, which is the newest that DeepLabCut 3.0.2
# takes (it asks for pandas < 3). Poses that were written frame by frame lie in that layout; `fixed` is read by both.
#
# Guess before the run: names of columns are plain text in both, so that what 3.1 writes is read by 2.3.
#
# Seen: 3.1.1 leaves out the attribute `pandas_version`; without it 2.3.3 takes the file for one of before 0.10.1 and looks
# for columns by other names. With the attribute put back the file is read. (pandas' notes on 3.1.0 say so.)
#   2.3.3 fixed: 12.5
#   2.3.3 table: AttributeError
#   2.3.3 table with pandas_version 0.15.2: 12.5
#   3.1.1 table with pandas_version 0.15.2: 12.5
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
cd "$folder"
cat >expected <<'END'
2.3.3 fixed: 12.5
2.3.3 table: AttributeError
2.3.3 table with pandas_version 0.15.2: 12.5
3.1.1 table with pandas_version 0.15.2: 12.5
END
cat >write.py <<'END'
import pandas as pd

parts = [["net"], ["mouse1", "mouse2"], ["nose", "tail"], ["x", "y", "likelihood"]]
columns = pd.MultiIndex.from_product(parts, names=["scorer", "individuals", "bodyparts", "coords"])
table = pd.DataFrame([[12.5] * 12] * 3, columns=columns)
for layout in ("fixed", "table"):
    table.to_hdf(f"{layout}.h5", key="df_with_missing", mode="w", format=layout)
table.to_hdf("said.h5", key="df_with_missing", mode="w", format="table")
with pd.HDFStore("said.h5", "a") as store:
    store.get_node("df_with_missing")._v_attrs.pandas_version = "0.15.2"
END
cat >read.py <<'END'
import sys

import pandas as pd

names = {"fixed": "fixed", "table": "table", "said": "table with pandas_version 0.15.2"}
for file in sys.argv[1:]:
    try:
        seen = pd.read_hdf(f"{file}.h5")["net", "mouse2", "nose", "x"][2]
    except Exception as error:
        seen = type(error).__name__
    print(f"{pd.__version__} {names[file]}: {seen}")
END
install() { venv/bin/pip install --quiet pandas=="$1" tables==3.11.1 numpy==2.4.6; }
install 3.1.1
venv/bin/python write.py
venv/bin/python read.py said >last
install 2.3.3
venv/bin/python -W ignore read.py fixed table said >seen
cat last >>seen
diff expected seen
echo "as described"
