"""Marker files of OpenSim and Pose2Sim (TRC). What has a depth is three-dimensional, and not taken."""

from pathlib import Path

import numpy as np

from nimblepose.core.errors import DataError
from nimblepose.labels.label_set import Skipped
from nimblepose.labels.person_files import Rows, make_reader
from nimblepose.labels.values import check_places, parse_number, parse_whole, read_text


def _parse(path: Path, skipped: list[Skipped]) -> tuple[tuple[str, ...], Rows]:
    lines = read_text(path).splitlines()
    if len(lines) < 5 or not lines[0].startswith("PathFileType"):
        raise DataError(f"{path}: not a TRC; expected a first line that begins with PathFileType")
    try:
        about = dict(zip(lines[1].split("\t"), lines[2].split("\t"), strict=False))
        count = parse_whole(about.get("NumMarkers"), "NumMarkers", least=1, most=10_000)
        names = tuple(name.strip() for name in lines[3].rstrip("\t").split("\t")[2::3])
        if len(names) != count or not all(names):
            raise ValueError(f"NumMarkers is {count}, named are {len(names)}")
    except ValueError as error:
        raise DataError(f"{path}: {error}") from error
    rows = []
    for number, line in enumerate(lines[5:], 6):
        cells = line.split("\t")
        if not line.strip():
            continue
        try:
            if not 2 + 3 * count <= len(cells) <= 3 + 3 * count:
                raise ValueError(f"{len(cells)} fields, expected {2 + 3 * count}")
            values = np.array([parse_number(cell) for cell in cells[2 : 2 + 3 * count]], np.float64).reshape(count, 3)
            if np.nan_to_num(values[:, 2]).any():
                raise ValueError("a place with a depth: only flat ones are taken")
            time = parse_number(cells[1])
            rows.append((parse_whole(cells[0], "Frame#", least=1) - 1, time, check_places(values[:, :2])))
        except ValueError as error:
            skipped.append(Skipped(str(path), f"line {number}: {error}"))
    said = about.get("NumFrames", "").strip()
    if said != str(len(rows)):
        skipped.append(Skipped(str(path), f"NumFrames says {said}, there are {len(rows)} rows; all are taken"))
    return names, rows


READER = make_reader("trc", "OpenSim, Pose2Sim (TRC)", _parse)
