"""The wide tables of DeepLabCut, CSV and HDF5, as they are: row names, column names, numbers. Nothing is unpickled."""

import pickletools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from nimblepose.core.errors import DataError, PoseError
from nimblepose.core.optional import import_optional
from nimblepose.data.entries import shorten
from nimblepose.labels.label_set import Floats
from nimblepose.labels.values import decode_text, parse_number, read_csv_rows

HEADERS = ("scorer", "individuals", "bodyparts", "coords")
_MAX_CELLS = 1 << 28  # of a table that is read as a whole


class Table(NamedTuple):
    """A wide table.

    Attributes:
        rows: (R) names of rows, each of one part (a path, or the number of a frame) or several (folders and file).
        columns: (C) scorer, individual ("" where there are none), bodypart, coordinate.
        values: (R, C); NaN for what is empty.
        faults: What could not be read, in words.
    """

    rows: list[tuple[str, ...]]
    columns: list[tuple[str, str, str, str]]
    values: Floats
    faults: list[str]


def read_table(path: Path) -> Table:
    """A table of either form.

    Raises:
        DataError: it cannot be read, or is no table of DeepLabCut.
        MissingPackageError: it is HDF5, and h5py is not installed.
    """
    return read_csv_table(path) if path.suffix.lower() == ".csv" else read_h5_table(path)


def read_csv_table(path: Path) -> Table:
    """A CSV: rows of headers, then one row per picture or frame.

    The row below the headers is the name of the index if it has no value and names neither a picture nor a frame; an
    empty frame there is a frame, which readers that look for such names lose.

    Raises:
        DataError: it cannot be read, or is no table of DeepLabCut.
    """
    rows = [row for row in read_csv_rows(path) if row]
    heads: dict[str, list[str]] = {}
    while rows and rows[0][0].strip() in HEADERS and rows[0][0].strip() not in heads:
        head = rows.pop(0)
        heads[head[0].strip()] = head
    if not {"bodyparts", "coords"} <= heads.keys():
        raise DataError(f"{path}: not a table of DeepLabCut; expected rows that begin with scorer, bodyparts, coords")
    index = 1
    while index < len(heads["coords"]) and not heads["coords"][index].strip():
        index += 1
    columns = _join_heads(path, {name: [cell.strip() for cell in head[index:]] for name, head in heads.items()})
    faults: list[str] = []
    names: list[tuple[str, ...]] = []
    values: list[list[float]] = []
    for number, row in enumerate(rows):
        name, cells = tuple(cell.strip() for cell in row[:index]), row[index:]
        if number == 0 and not any(cell.strip() for cell in cells) and not _names_row(name):
            continue  # the name of the index
        if len(cells) != len(columns):
            faults.append(f"row {'/'.join(name)}: {len(cells)} values, expected {len(columns)}")
            continue
        try:
            values.append([parse_number(cell) for cell in cells])
            names.append(name)
        except ValueError as error:
            faults.append(f"row {'/'.join(name)}: {error}")
    return Table(names, columns, np.array(values, np.float64).reshape(len(names), len(columns)), faults)


def _names_row(name: Sequence[str]) -> bool:
    """Is it a frame or a picture? PyTables writes None as `N.`."""
    return bool(name) and (name[-1].isdecimal() or Path(name[-1].replace("\\", "/")).suffix not in ("", "."))


def _join_heads(path: Path, heads: dict[str, list[str]]) -> list[tuple[str, str, str, str]]:
    count = len(heads["coords"])
    if not count or any(len(head) != count for head in heads.values()):
        raise DataError(f"{path}: its rows of headers have {sorted({len(head) for head in heads.values()})} cells")
    columns = list(zip(*(heads.get(name, [""] * count) for name in HEADERS), strict=True))
    if len(set(columns)) != len(columns):
        twice = next(column for column in columns if columns.count(column) > 1)
        raise DataError(f"{path}: two columns are {' / '.join(filter(None, twice))}")
    return [(a, b, c, d) for a, b, c, d in columns]


def read_h5_table(path: Path) -> Table:
    """The same of the HDF5 that pandas writes, of both its layouts, `fixed` (labels) and `table` (predictions).

    Raises:
        DataError: it cannot be read, or is no table of DeepLabCut.
        MissingPackageError: h5py is not installed.
    """
    h5py = import_optional("h5py", "HDF5")
    try:
        with h5py.File(path, "r") as file:
            groups = [
                group for group in file.values() if isinstance(group, h5py.Group) and "pandas_type" in group.attrs
            ]
            if len(groups) != 1:
                raise ValueError(f"{len(groups)} tables of pandas, expected one")
            kind = decode_text(groups[0].attrs["pandas_type"])
            rows, levels, names, values = (_read_fixed if kind == "frame" else _read_frames)(groups[0])
        missing = {"bodyparts", "coords"} - set(levels)
        if missing or set(levels) - set(HEADERS):
            raise ValueError(f"columns are named by {', '.join(map(str, levels))}, expected {', '.join(HEADERS)}")
        heads = dict(zip(levels, map(list, zip(*names, strict=True)), strict=True))
    except PoseError:
        raise
    except (OSError, KeyError, ValueError, TypeError, IndexError, AttributeError, RuntimeError, MemoryError) as error:
        raise DataError(f"{path}: not the HDF5 of a table of DeepLabCut ({error}); give its CSV") from error
    return Table(rows, _join_heads(path, heads), values, [])


_Parts = tuple[list[tuple[str, ...]], list[str], list[tuple[str, ...]], Floats]


def _read_fixed(group: Any) -> _Parts:
    """Rows, names of column levels, columns, values."""
    rows, _ = _read_axis(group, "axis1")
    columns, levels = _read_axis(group, "axis0")
    values = _make_values(len(rows), len(columns))
    place = {name: i for i, name in enumerate(columns)}
    for block in range(int(group.attrs["nblocks"])):
        items, _ = _read_axis(group, f"block{block}_items")
        stored = group[f"block{block}_values"]
        if stored.dtype.kind not in "fiu":
            raise ValueError(f"values of the kind {stored.dtype}, expected numbers")
        values[:, [place[item] for item in items]] = np.asarray(stored).reshape(len(rows), len(items))
    if _names_row(swallowed := _read_axis_names(group)):
        rows, values = [swallowed, *rows], np.concatenate([np.full((1, len(columns)), np.nan), values])
    return rows, levels, columns, values


def _read_axis_names(group: Any) -> tuple[str, ...]:
    """What the parts of rows are called: a row itself, where pandas took an empty first one for their names."""
    stored = [group[name] for name in ("axis1", *(f"axis1_level{n}" for n in range(9))) if name in group]
    return tuple(decode_text(one.attrs.get("name", b"")) for one in stored)


def _read_axis(group: Any, axis: str) -> tuple[list[tuple[str, ...]], list[str]]:
    """Names along an axis, of one part or several, and what the parts are called."""
    if decode_text(group.attrs[f"{axis}_variety"]) == "regular":
        return [(name,) for name in _read_names(group[axis])], [decode_text(group[axis].attrs.get("name", b""))]
    parts, called = [], []
    for level in range(int(group.attrs[f"{axis}_nlevels"])):
        stored = group[f"{axis}_level{level}"]
        names = [*_read_names(stored), ""]  # -1 is for what is missing
        parts.append([names[code] for code in np.asarray(group[f"{axis}_label{level}"]).tolist()])
        called.append(decode_text(stored.attrs.get("name", b"")))
    return list(zip(*parts, strict=True)), called


def _read_names(stored: Any) -> list[str]:
    if stored.dtype.kind not in "SOfiu" or len(stored) > _MAX_CELLS:
        raise ValueError(f"names of the kind {stored.dtype}")
    if stored.dtype.kind == "O":
        raise ValueError("names that pandas has pickled")
    values = np.asarray(stored)
    if values.dtype.kind == "S":
        return [value.decode() for value in values.tolist()]
    return [str(int(value)) for value in values.tolist()]


def _read_frames(group: Any) -> _Parts:
    """The same of the layout `table`, whose rows are frames."""
    table = group["table"]
    index = np.asarray(table["index"])
    named = index.dtype.kind == "S"
    rows: list[tuple[str, ...]] = [(value.decode() if named else str(int(value)),) for value in index.tolist()]
    blocks = [name for name in table.dtype.names if name.startswith("values_block_")]
    columns: list[tuple[str, ...]] = []
    parts = [np.zeros((len(rows), 0))]
    for block in blocks:
        items = read_plain_pickle(table.attrs[f"{block}_kind"])
        columns += [tuple(str(part) for part in item) for item in items]
        parts.append(np.asarray(table[block], np.float64).reshape(len(rows), -1))
    _make_values(len(rows), len(columns))
    info = read_plain_pickle(group.attrs["info"])
    levels = next(value["names"] for key, value in info.items() if key == 1)
    values = np.concatenate(parts, axis=1)
    if values.shape[1] != len(columns):
        raise ValueError(f"{values.shape[1]} columns of values for {len(columns)} names")
    return rows, [str(level) for level in levels], columns, values


def _make_values(rows: int, columns: int) -> Floats:
    if rows * columns > _MAX_CELLS:
        raise ValueError(f"{rows} x {columns} values are more than are read at a time")
    return np.full((rows, columns), np.nan)


def read_plain_pickle(data: Any) -> Any:
    """Lists, tuples, mappings, texts and numbers of a pickle, by looking at it: it is not run, and names no code.

    PyTables keeps the names of columns so.

    >>> import pickle
    >>> read_plain_pickle(pickle.dumps([(1, ["nose"])], 0))
    [(1, ['nose'])]

    Raises:
        ValueError: it holds something else.
    """
    stack: list[Any] = []
    memory: dict[Any, Any] = {}
    mark = object()

    def pop_items() -> list[Any]:
        at = len(stack) - 1 - stack[::-1].index(mark)
        items = stack[at + 1 :]
        del stack[at:]
        return items

    for code, argument, _ in pickletools.genops(bytes(data)):
        match code.name:
            case "PROTO" | "FRAME":
                pass
            case "MARK":
                stack.append(mark)
            case "LIST" | "EMPTY_LIST":
                stack.append(pop_items() if code.name == "LIST" else [])
            case "TUPLE" | "EMPTY_TUPLE":
                stack.append(tuple(pop_items()) if code.name == "TUPLE" else ())
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                count = int(code.name[-1])
                stack[-count:] = [tuple(stack[-count:])]
            case "DICT" | "EMPTY_DICT":
                items = pop_items() if code.name == "DICT" else []
                stack.append(dict(zip(items[::2], items[1::2], strict=True)))
            case "INT" | "BININT" | "BININT1" | "BININT2" | "LONG" | "LONG1" | "UNICODE" | "BINUNICODE":
                stack.append(argument)
            case "SHORT_BINUNICODE" | "STRING" | "FLOAT" | "BINFLOAT":
                stack.append(argument)
            case "NONE" | "NEWTRUE" | "NEWFALSE":
                stack.append({"NONE": None, "NEWTRUE": True, "NEWFALSE": False}[code.name])
            case "PUT" | "BINPUT" | "LONG_BINPUT":
                memory[argument] = stack[-1]
            case "MEMOIZE":
                memory[len(memory)] = stack[-1]
            case "GET" | "BINGET" | "LONG_BINGET":
                stack.append(memory[argument])
            case "APPEND":
                item = stack.pop()
                stack[-1].append(item)
            case "APPENDS":
                items = pop_items()
                stack[-1].extend(items)
            case "SETITEM":
                key, value = stack[-2:]
                del stack[-2:]
                stack[-1][key] = value
            case "SETITEMS":
                items = pop_items()
                stack[-1].update(zip(items[::2], items[1::2], strict=True))
            case "STOP":
                return stack.pop()
            case other:
                raise ValueError(f"a pickle with {other}, which is not plain data ({shorten(argument)})")
    raise ValueError("a pickle without an end")
