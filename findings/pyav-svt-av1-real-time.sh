#!/usr/bin/env bash
# av 18.1.0 (PyAV, Linux, as root, as containers are): encoding three frames with libsvtav1 leaves the thread that asked
# for it with the real-time policy SCHED_FIFO. Whatever else the program does then, finding people for instance, comes
# before every other process on its core, and programs beside it stand still.
#
# Guess before the run: the encoder's own threads may be real-time; the caller's is as it was.
#
# Seen (policy of the calling thread; 0 SCHED_OTHER, 1 SCHED_FIFO):
#     libx264: 0 -> 0
#     libsvtav1: 0 -> 1, priority 99
#
# Ends with 0 while that is so, with 1 when it has changed. Needs to be run as root.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet av==18.1.0 numpy==2.4.6
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import os
import sys

import av
import numpy as np


def encode(codec):
    with av.open(f"{sys.argv[1]}/{codec}.mkv", "w") as out:
        stream = out.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for n in range(3):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((64, 64, 3), 80 * n, np.uint8), "rgb24")))
        out.mux(stream.encode(None))


changed = []
for codec in ("libx264", "libsvtav1"):
    before = os.sched_getscheduler(0)
    encode(codec)
    after = os.sched_getscheduler(0)
    print(f"{codec}: {before} -> {after}, priority {os.sched_getparam(0).sched_priority}")
    changed.append(before != after)
sys.exit(changed != [False, True])
PYTHON
