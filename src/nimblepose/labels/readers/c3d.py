"""Files of motion capture (C3D). What has a depth is three-dimensional, what is in millimetres no picture: not taken.

A residual below 0 says that a place was not found. Read are files of the byte order of Intel, as most are.
"""

import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.errors import DataError
from nimblepose.labels.label_set import Skipped
from nimblepose.labels.person_files import Rows, make_reader
from nimblepose.labels.values import check_places
from nimblepose.results.formats.c3d import BLOCK, INTEL, KEY

_MOST_BYTES = 1 << 30  # of a file that is read as a whole
_PIXELS = ("", "px", "pixel", "pixels")
_KINDS = {1: "<i1", 2: "<u2", 4: "<f4"}  # of parameters that are no texts


def _parse(path: Path, skipped: list[Skipped]) -> tuple[tuple[str, ...], Rows]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise DataError(f"{path}: larger than {_MOST_BYTES} bytes; split it")
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    try:
        about = _read_parameters(data)
        names = _read_names(about)
        points, rate, first = _read_points(data, about, len(names))
    except (ValueError, struct.error, IndexError, KeyError) as error:
        raise DataError(f"{path}: not a C3D that is read here ({error})") from error
    units = " ".join(about.get("POINT:UNITS", [""])).strip().lower()
    if units not in _PIXELS:
        skipped.append(Skipped(str(path), f"its places are in {units}, not in pixels of a picture: none is taken"))
        return names, ()
    missing = ~(points[..., 3] >= 0) | ~np.isfinite(points[..., :3]).all(axis=-1)
    deep = ((points[..., 2] != 0) & ~missing).any(axis=1)
    if deep.any():
        skipped.append(Skipped(str(path), f"{deep.sum()} of {len(deep)} frames with a depth: only flat ones are taken"))
    places = np.where(missing[..., None], np.nan, points[..., :2])
    try:
        check_places(places)
    except ValueError as error:
        raise DataError(f"{path}: {error}") from error
    taken = np.flatnonzero(~deep).tolist()
    return names, [(first + i, (first + i) / rate, places[i]) for i in taken]


def _read_parameters(data: bytes) -> dict[str, Any]:
    """Texts and numbers by `GROUP:NAME`."""
    if len(data) < BLOCK or data[1] != KEY or data[0] < 2:
        raise ValueError("its first bytes are others")
    begin = (data[0] - 1) * BLOCK
    order = data[begin + 3]
    if order != INTEL:
        raise ValueError(f"byte order {order}, expected {INTEL} (Intel); save it anew")
    groups: dict[int, str] = {}
    found: list[tuple[int, str, Any]] = []
    at = begin + 4
    while at + 2 <= len(data):
        length, number = struct.unpack_from("<bb", data, at)
        length = abs(length)  # below 0: locked
        if length == 0 or number == 0:
            break
        name = data[at + 2 : at + 2 + length].decode("ascii", "replace").upper()
        offset = at + 2 + length
        (step,) = struct.unpack_from("<H", data, offset)
        if number < 0:
            groups[-number] = name
        else:
            found.append((number, name, _read_values(data, offset + 2)))
        if step == 0:
            break
        at = offset + step
    return {f"{groups.get(number, number)}:{name}": value for number, name, value in found}


def _read_values(data: bytes, at: int) -> list[Any]:
    kind, count = struct.unpack_from("<bB", data, at)
    sizes = list(data[at + 2 : at + 2 + count])
    total = int(np.prod(sizes, dtype=np.int64))
    at += 2 + count
    if kind == -1:
        width = sizes[0] if sizes else 1
        if at + total > len(data):
            raise ValueError("texts that end after the file")
        return [data[at + i : at + i + width].decode("utf-8", "replace").strip() for i in range(0, total, width or 1)]
    if kind not in _KINDS:
        raise ValueError(f"a parameter of the kind {kind}")
    return list(np.frombuffer(data, _KINDS[kind], total, at).tolist())


def _read_names(about: dict[str, Any]) -> tuple[str, ...]:
    names: list[str] = []
    for number in range(1, 100):
        names += about.get(f"POINT:LABELS{number if number > 1 else ''}", ())
    used = int(about["POINT:USED"][0])
    names = [name or f"point{i}" for i, name in enumerate(names[:used], 1)]
    names += [f"point{i}" for i in range(len(names) + 1, used + 1)]
    if len(set(names)) != len(names) or not names:
        raise ValueError(f"{used} points, of which several have one name" if names else "it has no points")
    return tuple(names)


def _read_points(data: bytes, about: dict[str, Any], count: int) -> tuple[NDArray[np.float64], float, int]:
    """x, y, z, residual (T, K, 4), the frames per second, and the number of the first frame, from 0 on."""
    analog, first, last = struct.unpack_from("<3H", data, 4)
    scale, block, _, rate = struct.unpack_from("<fHHf", data, 12)
    first, frames = _count_frames(about, first, last)
    rate = float(about.get("POINT:RATE", [rate])[0])
    if not (np.isfinite([rate, scale]).all() and rate > 0 and scale != 0 and block > 1):
        raise ValueError(f"{rate:g} frames per second, scale {scale:g}, points in block {block}")
    kind = np.dtype("<f4" if scale < 0 else "<i2")
    width = (4 * count + analog) * kind.itemsize
    begin = (block - 1) * BLOCK
    there = max(0, len(data) - begin) // width
    if not 0 < frames <= there:
        raise ValueError(f"it says {frames} frames, and has {there}")
    table = np.frombuffer(data, kind, frames * width // kind.itemsize, begin).reshape(frames, -1)
    points = table[:, : 4 * count].reshape(frames, count, 4).astype(np.float64)
    return (points if scale < 0 else points * [scale, scale, scale, 1]), rate, first - 1


def _count_frames(about: dict[str, Any], first: int, last: int) -> tuple[int, int]:
    """Number of the first frame, from 1 on, and how many there are: the header cannot count far."""
    begin, end = about.get("TRIAL:ACTUAL_START_FIELD", ()), about.get("TRIAL:ACTUAL_END_FIELD", ())
    if len(begin) == len(end) == 2:
        first, last = (int(low) + (int(high) << 16) for low, high in (begin, end))
    elif "POINT:LONG_FRAMES" in about:
        last = first - 1 + int(about["POINT:LONG_FRAMES"][0])
    if first < 1:
        raise ValueError(f"its first frame is {first}")
    return first, last - first + 1


READER = make_reader("c3d", "motion capture (C3D)", _parse)
