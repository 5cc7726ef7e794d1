#!/usr/bin/env bash
# pyomeca 2026.0.2, `Markers.from_trc`: a TRC without an empty line below the names of the axes, as Pose2Sim writes it.
#
# Guess before the run: the empty line, which OpenSim writes and does not ask for, is skipped where it is, and nothing else.
#
# Seen: six lines are skipped whatever is in the sixth, so that frame 0 is gone; a rate of 29.97 becomes 30. (Without
# `sep`, which the documentation does not speak of, no file with tabs is read.)
#   with the empty line: [100.0, 101.0, 102.0, 103.0] rate 30.0
#   without: [101.0, 102.0, 103.0] rate 30.0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
cd "$folder"
venv/bin/pip install --quiet pyomeca==2026.0.2
cat >expected <<'END'
with the empty line: [100.0, 101.0, 102.0, 103.0] rate 30.0
without: [101.0, 102.0, 103.0] rate 30.0
END
venv/bin/python - >seen <<'END'
from pathlib import Path

from pyomeca import Markers

names = "DataRate CameraRate NumFrames NumMarkers Units OrigDataRate OrigDataStartFrame OrigNumFrames"
head = "\n".join(
    [
        "PathFileType\t4\t(X/Y/Z)\tday.trc",
        names.replace(" ", "\t"),
        "29.97\t29.97\t4\t1\tmm\t29.97\t1\t4",
        "Frame#\tTime\tnose\t\t",
        "\t\tX1\tY1\tZ1\n",
    ]
)
rows = "".join(f"{n + 1}\t{n * 1001 / 30000:.6f}\t{100 + n}\t20\t0\n" for n in range(4))
for name, text in {"with the empty line": head + "\n" + rows, "without": head + rows}.items():
    Path("day.trc").write_text(text)
    markers = Markers.from_trc("day.trc", pandas_kwargs={"sep": "\t"})
    print(f"{name}: {markers.sel(axis='x', channel='nose').values.astype(float).tolist()} rate {markers.attrs['rate']}")
END
diff expected seen
echo "as described"
