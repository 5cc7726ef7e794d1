"""Single values of COCO files, read strictly: what is there must be right, and what is wrong says how."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.errors import MediaError
from nimblepose.core.geometry import Size
from nimblepose.media.pictures import read_reduced

AREA_OF_BOX = 0.5  # body area over box area, where a file gives no area: the mean of COCO people is 0.505
FURTHEST = 1e5  # pixels; a coordinate beyond is no place in a picture
_LONGEST_SIDE = 32766  # pixels; OpenCV warps nothing larger
_MAX_PIXELS = 1 << 30  # of a picture; JPEGs are read reduced where memory is short, and OpenCV reads no more
_SHOWN = 60  # characters of a wrong value that an error repeats


def read_id(value: object, what: str) -> int:
    """A whole number, also one that is written as text or with a decimal point; `what` it is stands in errors.

    Raises:
        ValueError: it is none, or larger than 64 bits hold.
    """
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str) or int(value) != float(value):
            raise ValueError
        number = int(value)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{what}: expected a whole number, got {shorten(value)}") from error
    if not -(2**63) <= number < 2**63:
        raise ValueError(f"{what}: expected a number of 64 bits, got {shorten(value)}")
    return number


def read_path(folder: Path, name: object) -> Path:
    """A file in the folder or below: annotations of strangers must not reach elsewhere.

    Raises:
        ValueError: no name, or one that leads out of the folder.
    """
    if not isinstance(name, str) or not name or "\0" in name:
        raise ValueError(f"file_name: expected a name, got {shorten(name)}")
    relative = Path(name)
    if relative.is_absolute() or relative.drive or ".." in relative.parts:
        raise ValueError(f"file_name {shorten(name)} leads out of the picture folder")
    return folder / relative


def read_size(entry: Mapping[str, Any], path: Path) -> Size:
    """(height, width) as a picture's entry says; where it does not, as its file has it.

    Raises:
        ValueError: neither says, or it is no size of a picture that can be used.
    """
    if entry.get("height") is None and entry.get("width") is None:
        try:
            height, width = read_reduced(path).size
        except MediaError as error:
            raise ValueError(f"no height and width, and the picture does not tell ({error})") from error
    else:
        height, width = read_id(entry.get("height"), "height"), read_id(entry.get("width"), "width")
    if min(height, width) < 1 or max(height, width) > _LONGEST_SIDE or height * width > _MAX_PIXELS:
        raise ValueError(
            f"(height, width) {height, width}: sides must be in 1..{_LONGEST_SIDE}, pixels at most {_MAX_PIXELS}"
        )
    return height, width


def read_keypoints(value: object, count: int) -> NDArray[np.float64]:
    """(A, 3) x, y, visibility as in the file; 0 where not labelled, so all 0 where there are no keypoints.

    Raises:
        ValueError: other than 3 `count` numbers, or a labelled keypoint without a place.
    """
    if value is None or value == []:
        return np.zeros((count, 3))
    if not isinstance(value, list) or len(value) != 3 * count:
        given = f"{len(value)} values" if isinstance(value, list) else shorten(value)
        raise ValueError(f"expected {count} keypoints of x, y, visibility, got {given}")
    flags = read_numbers(value[2::3], "visibility")
    table = np.zeros((count, 3))
    labelled = flags > 0
    table[labelled, 2] = flags[labelled]
    rows = [value[3 * i : 3 * i + 2] for i in np.flatnonzero(labelled).tolist()]
    table[labelled, :2] = read_numbers([v for row in rows for v in row], "keypoints").reshape(-1, 2)
    return table


def read_box(value: object) -> NDArray[np.float64] | None:
    """(4,) x, y, width, height; None where there is none.

    Raises:
        ValueError: it is there and not four numbers.
    """
    if value is None or value == []:
        return None
    if not isinstance(value, list) or len(value) != 4:
        raise ValueError(f"bbox: expected x, y, width, height, got {shorten(value)}")
    return read_numbers(value, "bbox")


def read_area(value: object, box: NDArray[np.float64]) -> float:
    """Square pixels: what is given, or a part of the box where nothing is.

    Raises:
        ValueError: it is there and no number.
    """
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise ValueError(f"area: expected a number, got {shorten(value)}")
    if value is not None and math.isfinite(value) and value > 0:
        return float(value)
    return float(box[2] * box[3] * AREA_OF_BOX)


def read_crowd(value: object) -> bool:
    """Whether an annotation is of a crowd.

    Raises:
        ValueError: neither 0 nor 1.
    """
    if value not in (None, 0, 1):
        raise ValueError(f"iscrowd: expected 0 or 1, got {shorten(value)}")
    return bool(value)


def read_numbers(values: list[Any], what: str) -> NDArray[np.float64]:
    """Finite numbers that may be places in a picture.

    Raises:
        ValueError: something else among them.
    """
    for value in values:
        good = isinstance(value, int | float) and not isinstance(value, bool)
        if not good or not abs(value) <= FURTHEST:
            raise ValueError(f"{what}: expected numbers, got {shorten(value)}")
    return np.array(values, np.float64)


def bound_keypoints(keypoints: NDArray[np.float64]) -> NDArray[np.float64]:
    """Smallest box around labelled keypoints (A, 3) as x, y, width, height; of no size where none is labelled."""
    xy = keypoints[keypoints[:, 2] > 0, :2]
    if not len(xy):
        return np.zeros(4)
    low, high = xy.min(axis=0), xy.max(axis=0)
    return np.concatenate([low, high - low])


def is_file(path: Path) -> bool:
    """Whether a file is there, also for names that no file can have."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def name_entry(what: str, entry: object) -> str:
    """How faults name an entry of the file: `annotation 7`, `picture 3 (a.jpg)`."""
    if not isinstance(entry, Mapping):
        return f"{what} {shorten(entry)}"
    name = f" ({shorten(entry['file_name'])})" if "file_name" in entry else ""
    return f"{what} {shorten(entry.get('id'))}{name}"


def shorten(value: object) -> str:
    """A value of a stranger's file for a message: printable and not too long."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
