"""Values of strangers' files, read strictly: numbers, texts, and the files that hold them."""

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nimblepose.core.errors import DataError
from nimblepose.data.entries import FURTHEST, is_file, shorten
from nimblepose.labels.label_set import Floats, Label

_MAX_TEXT = 1 << 30  # bytes of a file that is read as a whole


def parse_number(value: object) -> float:
    """A finite number, also one that is written as text; NaN for what is empty.

    >>> parse_number("10.25"), parse_number(""), parse_number(None)
    (10.25, nan, nan)

    Raises:
        ValueError: something else, such as a decimal comma.
    """
    if value is None or (isinstance(value, str) and value.strip().lower() in ("", "nan", "na")):
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"expected a number, got {shorten(value)}")
    try:
        if isinstance(value, str) and ("_" in value or not value.isascii()):
            raise ValueError
        number = float(value)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"expected a number with a decimal point, got {shorten(value)}") from error
    if math.isinf(number):
        raise ValueError(f"expected a finite number, got {shorten(value)}")
    return number


def parse_whole(value: object, what: str, *, least: int = 0, most: int = 1 << 53) -> int:
    """A whole number within bounds, also one that is written as text.

    Raises:
        ValueError: something else; `what` it is stands in the message.
    """
    try:
        number = parse_number(value)
        if number != int(number) or not least <= number <= most:
            raise ValueError
    except ValueError as error:
        raise ValueError(f"{what}: expected a whole number of {least} to {most}, got {shorten(value)}") from error
    return int(number)


def check_places(xy: Floats) -> Floats:
    """Points (..., 2) with NaN where one coordinate is missing.

    Raises:
        ValueError: one is so far away that it is in no picture.
    """
    if (np.abs(np.nan_to_num(xy, nan=0.0, posinf=np.inf, neginf=-np.inf)) > FURTHEST).any():
        raise ValueError(f"a place is further than {FURTHEST:g} pixels away")
    return np.where(np.isnan(xy).any(axis=-1, keepdims=True), np.nan, xy)


def make_label(category: str, xy: Floats, visibility: Any, **about: Any) -> Label:
    """A label of places (K, 2) that were looked at: what has no place is not labelled.

    Raises:
        ValueError: a place that is in no picture.
    """
    xy = check_places(np.asarray(xy, np.float64).reshape(-1, 2))
    flags = np.where(np.isnan(xy[:, 0]), 0, np.asarray(visibility, np.int64))
    return Label(category, xy, flags, **about)


def read_text(path: Path) -> str:
    """A file of text in UTF-8, with or without a byte order mark.

    Raises:
        DataError: it cannot be read, is not UTF-8, or is too large.
    """
    try:
        if path.stat().st_size > _MAX_TEXT:
            raise DataError(f"{path}: larger than {_MAX_TEXT} bytes; split it")
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error


def read_json_file(path: Path) -> Any:
    """What a JSON file holds.

    Raises:
        DataError: it cannot be read, or is no JSON.
    """
    text = read_text(path)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: no JSON ({error})") from error


def read_csv_rows(path: Path) -> list[list[str]]:
    """Rows of a CSV with commas.

    Raises:
        DataError: it cannot be read, or is no CSV.
    """
    try:
        return list(csv.reader(io.StringIO(read_text(path), newline=""), strict=True))
    except csv.Error as error:
        raise DataError(f"{path}: no CSV ({error})") from error


def read_yaml(path: Path) -> Mapping[str, Any]:
    """What a YAML file holds, a mapping.

    Raises:
        DataError: it cannot be read, or holds something else.
    """
    import yaml

    try:
        value = yaml.safe_load(read_text(path))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise DataError(f"{path}: no YAML ({str(error).splitlines()[0]})") from error
    if not isinstance(value, Mapping):
        raise DataError(f"{path}: expected a mapping, got {type(value).__name__}")
    return value


def find_number(stem: str) -> int | None:
    """The last run of digits in the name of a file, which tools take for the number of the frame.

    >>> find_number("img0042"), find_number("frame"), find_number("mouse2_cam1_00010")
    (42, None, 10)
    """
    found: list[str] = re.findall(r"[0-9]{1,15}", stem)
    return int(found[-1]) if found else None


def decode_text(value: object) -> str:
    """Text of HDF5, which comes as bytes or as it is."""
    return value.decode() if isinstance(value, bytes) else str(value)


def find_first(places: Iterable[Path]) -> Path | None:
    """The first of them that is a file; None where none is."""
    return next((place for place in places if is_file(place)), None)


def list_files(source: Path, *endings: str) -> list[Path]:
    """The file itself, or the files of a folder, that have one of the endings, in order."""
    files = sorted(source.glob("*")) if source.is_dir() else [source]
    return [path for path in files if path.suffix.lower() in endings and path.is_file()]
