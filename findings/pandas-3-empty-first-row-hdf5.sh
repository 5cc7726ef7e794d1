#!/usr/bin/env bash
# A table of DeepLabCut whose first picture has no labels, read from CSV and written as HDF5, as `convertcsv2h5` does it.
#
# Guess before the run: the HDF5 has a row for every row of the CSV.
#
# Seen with pandas 3.1.1 and PyTables 3.11.1: the HDF5 has one row of two, and the picture's name as the names of its index.
#   rows: ['img1.png']
#   names: ['labeled-data', 'v', 'img0.png']
# So the row can be told from a table that never had it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pandas==3.1.1 tables==3.11.1 numpy==2.4.6
cd "$folder"
cat >expected <<'END'
rows: ['img1.png']
names: ['labeled-data', 'v', 'img0.png']
END
cat >labels.csv <<'END'
scorer,,,a,a
bodyparts,,,nose,nose
coords,,,x,y
labeled-data,v,img0.png,,
labeled-data,v,img1.png,10,20
END
venv/bin/python -W ignore - >seen <<'END'
import pandas as pd

pd.read_csv("labels.csv", header=[0, 1, 2], index_col=[0, 1, 2]).to_hdf("labels.h5", key="df_with_missing")
table = pd.read_hdf("labels.h5")
print("rows:", table.index.get_level_values(2).tolist())
print("names:", list(table.index.names))
END
diff expected seen
echo "as described"
