"""Marker files of motion capture (C3D), one per person, in a folder. They are flat: pixels, z is 0, y downwards.

Rows have no times in C3D: every frame of the source has one, also those that were left out, at one rate. What was not
found is zeros with residual -1: NaN with residual 0 is a place to some readers (ezc3d 1.7). Places and residuals are
floats of the byte order of Intel; layout after the C3D user guide, Motion Lab Systems, 2021.
"""

import struct
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nimblepose.core.errors import MediaError
from nimblepose.core.files import GrowingFile
from nimblepose.results.output_format import Header, OutputFormat, VideoMaker, name_person
from nimblepose.results.person_folder import clean_name, replacing_folder
from nimblepose.results.spool import Spool, SpooledFile, iterate_frames

BLOCK = 512  # bytes; sections begin at multiples of it
KEY, INTEL = 0x50, 84  # by which a file, and its byte order, are known
MOST = 0xFFFF  # frames that the header can count; of more, it says so
_CHUNK = 2000  # rows that are written at a time
_NAMES = 255  # texts that one parameter can hold
_MISSING = -1.0  # residual


class Parameter(NamedTuple):
    """A name with texts, floats or whole numbers."""

    name: str
    values: Sequence[str] | Sequence[float] | Sequence[int]


def write_c3d(path: Path, spool: Spool, header: Header) -> None:
    """A folder with a file per person; memory is that of some rows.

    Raises:
        MediaError: the names of the keypoints are longer than the form can hold.
    """
    stem = path.name.removesuffix(path.suffix)
    with replacing_folder(path) as folder:
        for number in spool.people:
            who = name_person(number, header)
            file = GrowingFile(folder / f"{stem}_{clean_name(who)}.c3d")
            file.append(_write_head(who, spool, header))
            for _, cells in iterate_frames(spool, [number], _CHUNK):
                points = np.zeros((len(cells), cells.shape[2], 4), "<f4")  # x, y, z, residual
                points[..., :2] = np.nan_to_num(cells[:, 0, :, :2])
                points[..., 3] = np.where(np.isnan(cells[:, 0, :, 0]), _MISSING, 0)
                file.append(points.tobytes())
            file.finish()


def _write_head(who: str, spool: Spool, header: Header) -> bytes:
    """All that comes before the points."""
    frames, count, rate = spool.last + 1, len(spool.skeleton.keypoints), float(header.rate or spool.rate)
    groups = {
        "POINT": [
            Parameter("USED", [count]),
            Parameter("SCALE", [-1.0]),  # negative: floats
            Parameter("RATE", [rate]),
            Parameter("DATA_START", [0]),  # known below
            Parameter("FRAMES", [min(frames, MOST)]),
            Parameter("LONG_FRAMES", [float(frames)]),
            *_name_points("LABELS", spool.skeleton.keypoints),
            *_name_points("DESCRIPTIONS", spool.skeleton.keypoints),  # without them c3d 0.6 warns
            Parameter("UNITS", ["px"]),
            Parameter("X_SCREEN", ["+X"]),
            Parameter("Y_SCREEN", ["-Y"]),  # y is down
        ],
        "TRIAL": [
            Parameter("ACTUAL_START_FIELD", [1, 0]),
            Parameter("ACTUAL_END_FIELD", [frames & MOST, frames >> 16]),
        ],
        "ANALOG": [Parameter("USED", [0])],
        "SUBJECTS": [Parameter("USED", [1]), Parameter("NAMES", [who])],
        "MANUFACTURER": [Parameter("SOFTWARE", ["nimblepose"])],
    }
    blocks = -(-len(_encode_parameters(groups)) // BLOCK)
    groups["POINT"][3] = Parameter("DATA_START", [2 + blocks])
    if blocks > 255:
        raise MediaError("the names of the keypoints are longer than C3D can hold; choose another format")
    section = bytearray(_encode_parameters(groups).ljust(blocks * BLOCK, b"\0"))
    section[:4] = bytes([1, KEY, blocks, INTEL])
    numbers = (count, 0, 1, min(frames, MOST), 0)  # points, analog samples, first and last frame, longest gap mended
    head = struct.pack("<BB5Hf2Hf", 2, KEY, *numbers, -1.0, 2 + blocks, 0, rate)
    return head.ljust(BLOCK, b"\0") + bytes(section)


def _name_points(what: str, names: Sequence[str]) -> Iterator[Parameter]:
    """`LABELS`, and of more names than fit `LABELS2` and so on."""
    for number, begin in enumerate(range(0, len(names), _NAMES), 1):
        yield Parameter(f"{what}{number if number > 1 else ''}", names[begin : begin + _NAMES])


def _encode_parameters(groups: dict[str, list[Parameter]]) -> bytes:
    """The section of parameters, from its first four bytes on, which are left empty."""
    parts = [bytes(4)]
    for number, (group, parameters) in enumerate(groups.items(), 1):
        parts.append(struct.pack("<bb", len(group), -number) + group.encode() + struct.pack("<HB", 3, 0))
        for name, values in parameters:
            data = _encode_values(values)
            if len(data) > 0x7FF0:
                raise MediaError(f"{name} is longer than C3D can hold; choose another format, or shorter names")
            head = struct.pack("<bb", len(name), number) + name.encode()
            parts.append(head + struct.pack("<H", 3 + len(data)) + data + b"\0")
    return b"".join([*parts, b"\0\0"])


def _encode_values(values: Sequence[str] | Sequence[float] | Sequence[int]) -> bytes:
    """Type, dimensions, and the values themselves; texts are filled up with spaces."""
    if isinstance(values[0], str):
        texts = [str(value).encode()[:255] for value in values]
        width = max(map(len, texts))
        return struct.pack("<bBBB", -1, 2, width, len(texts)) + b"".join(text.ljust(width) for text in texts)
    kind, code = ("<f4", 4) if isinstance(values[0], float) else ("<u2", 2)
    return struct.pack("<bBB", code, 1, len(values)) + np.array(values, kind).tobytes()


FORMAT = OutputFormat(
    name="c3d",
    help="motion capture, a file per person; of videos",
    video=VideoMaker(".c3d", partial(SpooledFile, write=write_c3d)),
)
