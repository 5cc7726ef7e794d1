#!/usr/bin/env bash
# PyAV 19 tells rates, time bases and pixel aspects as a rational of its own, where 18 told `fractions.Fraction` or None.
#
# Guess before the run: it is a drop-in for Fraction (the same methods and roundings), and None still means "not known".
#
# Seen with av 19.0.2 on Python 3.13, a video of 30000/1001 frames per second written by PyAV itself:
#   30000/1001 is AVRational and no Fraction
#   limit_denominator: AttributeError
#   round: TypeError
#   int: TypeError
#   an aspect that is not known: 0/1, is None: False, true: False
#   Fraction(rate.numerator, rate.denominator): 30000/1001
#
# Needs a Python of 3.12 or newer (19 has wheels for no older one): PYTHON=python3.13 bash findings/pyav-19-rationals.sh
set -euo pipefail
"${PYTHON:-python3}" -c 'import sys; sys.exit(sys.version_info < (3, 12) and "needs Python 3.12 or newer")'
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet av==19.0.2 numpy==2.4.6
cd "$folder"
cat >expected <<'END'
30000/1001 is AVRational and no Fraction
limit_denominator: AttributeError
round: TypeError
int: TypeError
an aspect that is not known: 0/1, is None: False, true: False
Fraction(rate.numerator, rate.denominator): 30000/1001
END
venv/bin/python - >seen <<'END'
from fractions import Fraction

import av
import numpy as np

with av.open("a.mp4", "w") as out:
    stream = out.add_stream("libx264", rate=Fraction(30000, 1001))
    stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
    for number in range(5):
        picture = np.full((48, 64, 3), 20 * number, np.uint8)
        out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
    out.mux(stream.encode(None))


def outcome(function):
    try:
        return function()
    except Exception as error:
        return type(error).__name__


with av.open("a.mp4") as video:
    rate, aspect = video.streams.video[0].average_rate, video.streams.video[0].sample_aspect_ratio
    print(rate, "is", type(rate).__name__, "and no Fraction" if not isinstance(rate, Fraction) else "")
    print("limit_denominator:", outcome(lambda: rate.limit_denominator(1001)))
    print("round:", outcome(lambda: round(rate)))
    print("int:", outcome(lambda: int(rate)))
    print(f"an aspect that is not known: {aspect}, is None: {aspect is None}, true: {bool(aspect)}")
    print("Fraction(rate.numerator, rate.denominator):", Fraction(rate.numerator, rate.denominator))
END
diff expected seen
echo "as described"
