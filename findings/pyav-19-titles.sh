#!/usr/bin/env bash
# A title that is not UTF-8: PyAV 18 refuses the file unless told otherwise; 19 knows no such argument, and tells a string
# with lone surrogates, which cannot be written as UTF-8.
#
# Guess before the run: 19 tells U+FFFD, as 18 does with metadata_errors="replace".
#
# Seen with av 19.0.2 on Python 3.13, an MP4 written by PyAV whose title is Latin-1 (one byte, e9):
#   open(metadata_errors="replace"): TypeError
#   title: 'h\udce9llo'
#   title.encode("utf-8"): UnicodeEncodeError
#
# Needs a Python of 3.12 or newer (19 has wheels for no older one): PYTHON=python3.13 bash findings/pyav-19-titles.sh
set -euo pipefail
"${PYTHON:-python3}" -c 'import sys; sys.exit(sys.version_info < (3, 12) and "needs Python 3.12 or newer")'
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet av==19.0.2 numpy==2.4.6
cd "$folder"
cat >expected <<'END'
open(metadata_errors="replace"): TypeError
title: 'h\udce9llo'
title.encode("utf-8"): UnicodeEncodeError
END
venv/bin/python - >seen <<'END'
from pathlib import Path

import av
import numpy as np

with av.open("a.mp4", "w") as out:
    out.metadata["title"] = "hello"
    stream = out.add_stream("libx264", rate=10)
    stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
    for number in range(5):
        picture = np.full((48, 64, 3), 20 * number, np.uint8)
        out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
    out.mux(stream.encode(None))
path = Path("a.mp4")
path.write_bytes(path.read_bytes().replace(b"hello", "héllo".encode("latin-1")))


def outcome(function):
    try:
        return function()
    except Exception as error:
        return type(error).__name__


print('open(metadata_errors="replace"):', outcome(lambda: av.open("a.mp4", metadata_errors="replace")))
with av.open("a.mp4") as video:
    title = video.metadata["title"]
    print("title:", ascii(title))
    print('title.encode("utf-8"):', outcome(lambda: title.encode("utf-8")))
END
diff expected seen
echo "as described"
