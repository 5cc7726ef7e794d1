"""DeepLabCut projects, single tables of them, and those of tools that write alike (lightning-pose, napari).

Its pixel is the centre, as ours. Pictures are told by their folder and name: the folders of several videos hold
pictures of the same names. A column `visible` (lightning-pose) is 0, 1 or 2 as in COCO; `likelihood` a model's score.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from nimblepose.core.errors import DataError, MissingPackageError
from nimblepose.labels.label_set import Category, Label, LabelledPicture, LabelSet, Skipped, rename
from nimblepose.labels.reader import Reader
from nimblepose.labels.readers.dlc_tables import Table, read_table
from nimblepose.labels.values import find_first, find_number, make_label, read_yaml

_LABELS = "CollectedData*"
_KNOWN = {"x", "y", "likelihood", "visible"}


def detect(source: Path) -> bool:
    """A project, a folder with `CollectedData`, or one such table."""
    if source.is_dir():
        return bool(_find_tables(source))
    if source.suffix.lower() == ".csv":
        try:
            with source.open(encoding="utf-8-sig", newline="") as file:
                rows = list(islice(csv.reader(file, strict=True), 4))
        except (OSError, ValueError, csv.Error):
            return False
        return {"bodyparts", "coords"} <= {row[0].strip() for row in rows if row}
    named = "collecteddata" in source.name.casefold() or "dlc" in source.name.casefold()
    return source.suffix.lower() in (".h5", ".hdf5") and named


def read(source: Path) -> LabelSet:
    """A project folder, or one table.

    Raises:
        DataError: a table that cannot be read, or none.
        MissingPackageError: the labels are in HDF5 only, and h5py is not installed.
    """
    skipped: list[Skipped] = []
    root = source if source.is_dir() else source.parent
    config = next((p / "config.yaml" for p in (root, *root.parents[:2]) if (p / "config.yaml").is_file()), None)
    about = read_yaml(config) if config else {}
    if source.is_dir():
        tables = _find_tables(source)
        if not tables:
            raise DataError(f"{source}: no {_LABELS}.csv or .h5 here, in its folders or in labeled-data/")
    else:
        tables = [[source]]
    read_tables = [(same[0], _choose(same, skipped)) for same in tables]
    categories, kinds = _find_categories([table for _, table in read_tables], about)
    pictures: list[LabelledPicture] = []
    for path, table in read_tables:
        skipped += [Skipped(str(path), fault) for fault in table.faults]
        pictures += _list_pictures(path, table, categories, kinds, skipped)
    return LabelSet("dlc", tuple(categories), rename(pictures), tuple(skipped))


def _find_tables(root: Path) -> list[list[Path]]:
    """Tables of labels below a folder; those beside each other that differ in their ending only are of one."""
    places = [root, root / "labeled-data"]
    found = sorted({p for place in places for deep in ("", "*/") for p in place.glob(f"{deep}{_LABELS}")})
    groups: dict[Path, list[Path]] = {}
    for path in found:
        if path.suffix.lower() in (".csv", ".h5") and path.is_file():
            groups.setdefault(path.with_suffix(""), []).append(path)
    return [sorted(group, key=lambda path: path.suffix != ".h5") for group in groups.values()]


def _choose(same: Sequence[Path], skipped: list[Skipped]) -> Table:
    """The HDF5, from which DeepLabCut trains, where there is one and it can be read; it is said if the CSV differs."""
    if len(same) == 1:
        return read_table(same[0])
    h5, text = same
    try:
        table = read_table(h5)
    except MissingPackageError:
        skipped.append(Skipped(str(h5), f"h5py is not installed; {text.name} beside it was taken"))
        return read_table(text)
    except DataError as error:
        skipped.append(Skipped(str(h5), f"{error}; {text.name} beside it was taken"))
        return read_table(text)
    try:
        other = read_table(text)
    except DataError as error:
        skipped.append(Skipped(str(text), f"{error}; {h5.name} was taken"))
        return table
    if _as_mapping(table) != _as_mapping(other):
        skipped.append(Skipped(str(text), f"differs from {h5.name}, from which DeepLabCut trains and which was taken"))
    return table


def _as_mapping(table: Table) -> dict[tuple[str, Any], float]:
    rows = ["/".join(row).replace("\\", "/") for row in table.rows]
    finite = np.argwhere(np.isfinite(table.values))
    return {(rows[r], table.columns[c]): round(float(table.values[r, c]), 3) for r, c in finite.tolist()}


def _find_categories(tables: Sequence[Table], about: Mapping[str, Any]) -> tuple[list[Category], dict[str, str]]:
    """One per list of bodyparts, and the category of each individual; unique bodyparts are one of their own."""
    parts: dict[str, dict[str, None]] = {}
    for table in tables:
        for _, individual, part, _ in table.columns:
            parts.setdefault(individual, {})[part] = None
    task = str(about.get("Task") or "animal")
    edges = about.get("skeleton")
    pairs = (
        [tuple(map(str, e)) for e in edges if isinstance(e, list) and len(e) == 2] if isinstance(edges, list) else []
    )
    groups: dict[tuple[str, ...], list[str]] = {}
    for individual, names in parts.items():
        group = next((group for group in groups if set(group) == set(names)), tuple(names))
        groups.setdefault(group, []).append(individual)
    largest = max(groups, key=lambda group: (len(groups[group]), len(group)))
    categories: list[Category] = []
    kinds: dict[str, str] = {}
    for group, individuals in groups.items():
        name = task if group == largest else " ".join(individuals)
        while any(category.name == name for category in categories):
            name += " (other)"
        limbs = tuple((a, b) for a, b in pairs if a in group and b in group and a != b)
        categories.append(Category(name, group, tuple(dict.fromkeys(limbs))))
        kinds |= dict.fromkeys(individuals, name)
    return categories, kinds


def _list_pictures(
    path: Path, table: Table, categories: Sequence[Category], kinds: Mapping[str, str], skipped: list[Skipped]
) -> Iterator[LabelledPicture]:
    if unknown := sorted({coord for *_, coord in table.columns} - _KNOWN):
        skipped.append(Skipped(str(path), f"columns {', '.join(unknown)}: only x, y, likelihood and visible are taken"))
    order = {category.name: category.keypoints for category in categories}
    grids = {}
    for (scorer, individual), columns in _group_columns(table).items():
        kind = kinds[individual]
        place = {name: i for i, name in enumerate(order[kind])}
        grid = np.full((len(table.rows), len(place), 4), np.nan)  # x, y, likelihood, visible
        for part, coord, column in columns:
            if coord in _KNOWN:
                grid[:, place[part], ("x", "y", "likelihood", "visible").index(coord)] = table.values[:, column]
        grids[scorer, individual] = kind, grid
    for number, row in enumerate(table.rows):
        parts = [part for cell in row for part in cell.replace("\\", "/").split("/") if part]
        frame_only = len(parts) == 1 and parts[0].isascii() and parts[0].isdecimal() and len(parts[0]) < 16
        name, labels = "/".join(parts), []
        for (scorer, individual), (kind, grid) in grids.items():
            try:
                label = _make_label(kind, grid[number], individual, scorer)
            except ValueError as error:
                skipped.append(Skipped(str(path), f"row {name}, {individual or kind}: {error}"))
                continue
            if label is not None:
                labels.append(label)
        if frame_only:
            video = path.stem.partition(".poses")[0].partition("DLC_")[0] or path.stem
            yield LabelledPicture(f"{video}/{int(name):06d}.png", tuple(labels), video=video, frame=int(name))
        elif parts:
            yield _place_picture(path, parts, tuple(labels))
        else:
            skipped.append(Skipped(str(path), f"row {number + 1} names no picture"))


def _group_columns(table: Table) -> dict[tuple[str, str], list[tuple[str, str, int]]]:
    groups: dict[tuple[str, str], list[tuple[str, str, int]]] = {}
    for column, (scorer, individual, part, coord) in enumerate(table.columns):
        groups.setdefault((scorer, individual), []).append((part, coord, column))
    return groups


def _make_label(kind: str, cells: Any, individual: str, scorer: str) -> Label | None:
    """Of x, y, likelihood, visible (K, 4); None of whom nothing is there."""
    seen = np.where(np.isnan(cells[:, 3]), 2, cells[:, 3])
    if not np.isin(seen, (0, 1, 2)).all():
        raise ValueError("a value of visible other than 0, 1 and 2")
    missing = np.isnan(cells[:, :2]).any(axis=1)
    if missing.all():
        return None
    scores = None if np.isnan(cells[:, 2]).all() else np.nan_to_num(cells[:, 2])
    mean = None if scores is None else float(scores[~missing].mean())
    return make_label(
        kind, cells[:, :2], seen, keypoint_scores=scores, score=mean, identity=individual, scorer=scorer
    )  # fmt: skip


def _place_picture(path: Path, parts: Sequence[str], labels: tuple[Label, ...]) -> LabelledPicture:
    relative = PurePosixPath(*(part for part in parts if part not in ("..", ".") and ":" not in part))
    folder = path.parent
    places = [folder / relative.name, folder / relative, *(above / relative for above in folder.parents[:3])]
    file = find_first(places) or places[0]
    video = relative.parts[-2] if len(relative.parts) > 1 else folder.name
    return LabelledPicture(
        f"{video}/{relative.name}", labels, file=file, video=video, frame=find_number(relative.stem)
    )  # fmt: skip


READER = Reader("dlc", "DeepLabCut, lightning-pose", detect, read)
