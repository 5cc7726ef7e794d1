"""Wide tables as DeepLabCut writes predictions: a row per frame, x, y and likelihood of every keypoint of everybody.

Every individual has every keypoint, and every frame a row, those that were left out, too: readers count rows and cells
(movement 0.17). What was not found has no place and likelihood 0: a first row that is wholly empty is taken for names
(pandas 3.1). Places are pixel centres, as in DeepLabCut.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.files import GrowingFile, replacing
from nimblepose.core.optional import import_optional
from nimblepose.core.skeleton import Skeleton
from nimblepose.results.output_format import Header, OutputFormat, VideoMaker, name_person
from nimblepose.results.spool import Spool, SpooledFile, iterate_frames

_LEVELS = ("scorer", "individuals", "bodyparts", "coords")
_COORDS = ("x", "y", "likelihood")
_KEY = "df_with_missing"
_CHUNK, _MAX_CELLS = 2000, 1 << 22  # rows and cells that are written at a time
_MAX_NAMES = 500  # columns whose names fit into a header of HDF5; of more they are arrays


def list_columns(header: Header, people: Sequence[int], skeleton: Skeleton) -> list[tuple[str, str, str, str]]:
    """Scorer, individual, bodypart and coordinate of every column."""
    scorer = header.model or "nimblepose"
    names = [name_person(number, header) for number in people]
    return [(scorer, name, part, coord) for name in names for part in skeleton.keypoints for coord in _COORDS]


def iterate_table(spool: Spool, people: Sequence[int]) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Number of a row, and cells of it and the next ones (R, people x keypoints x 3)."""
    width = len(people) * len(spool.skeleton.keypoints) * len(_COORDS)
    for first, cells in iterate_frames(spool, people, max(1, min(_CHUNK, _MAX_CELLS // width))):
        yield first, cells.reshape(-1, width)


def write_csv(path: Path, spool: Spool, header: Header) -> None:
    """The table as CSV; memory is that of some rows."""
    people = spool.people or [0]
    columns = list_columns(header, people, spool.skeleton)
    file = GrowingFile(path)
    for at, head in enumerate(_LEVELS):
        file.append((",".join([head, *(_quote(column[at]) for column in columns)]) + "\n").encode())
    form = "%d" + ",%.4f,%.4f,%.4f" * (len(columns) // 3) + "\n"
    for first, cells in iterate_table(spool, people):
        lines = (form % (index, *row) for index, row in enumerate(cells.tolist(), first))
        file.append("".join(lines).replace("nan", "").encode())
    file.finish()


def write_h5(path: Path, spool: Spool, header: Header) -> None:
    """The table as pandas and PyTables write it, under the key that DeepLabCut reads; memory is that of some rows.

    pandas writes the first rows and with them what it knows a table by; the others are put behind those as they are.
    """
    pd = import_optional("pandas", "HDF5 of DeepLabCut")
    people = spool.people or [0]
    columns = pd.MultiIndex.from_tuples(list_columns(header, people, spool.skeleton), names=_LEVELS)
    wide = len(columns) > _MAX_NAMES
    parts = iterate_table(spool, people)
    first, cells = next(parts, (0, np.zeros((0, len(columns)), np.float32)))
    index = np.arange(first, first + len(cells))
    begin = pd.DataFrame(cells, columns=columns, index=index)
    with replacing(path) as temporary, pd.HDFStore(str(temporary), mode="w") as store:
        if wide:
            store.put(_KEY, begin, format="fixed", track_times=False)
            append = _open_fixed(store.get_node(_KEY), index, cells)
        else:
            store.append(_KEY, begin, format="table", index=False)
            append = _open_table(store.get_node(_KEY).table)
        for first, cells in parts:
            append(np.arange(first, first + len(cells)), cells)
        # pandas 3.1 no longer says it, and before 3.1 (DeepLabCut 3.0 asks for < 3) tables without it cannot be read
        store.get_node(_KEY)._v_attrs.pandas_version = "0.15.2"


_Append = Callable[[NDArray[np.int64], NDArray[np.float32]], None]


def _open_table(table: Any) -> _Append:
    """Of pandas' layout `table`: rows with an index and a block of values."""

    def append(index: NDArray[np.int64], cells: NDArray[np.float32]) -> None:
        rows = np.empty(len(index), table.dtype)
        rows["index"], rows["values_block_0"] = index, cells
        table.append(rows)

    return append


def _open_fixed(group: Any, index: NDArray[np.int64], cells: NDArray[np.float32]) -> _Append:
    """Of pandas' layout `fixed`: arrays, which are made anew as such that can grow."""
    file, stored = group._v_file, []
    for name, begin in (("axis1", index), ("block0_values", cells)):
        old = group._v_children[name]
        about = {key: old._v_attrs[key] for key in old._v_attrs._v_attrnamesuser}
        old.remove()
        new = file.create_earray(group, name, obj=begin)
        for key, value in about.items():
            new._v_attrs[key] = value
        stored.append(new)

    def append(index: NDArray[np.int64], cells: NDArray[np.float32]) -> None:
        stored[0].append(index)
        stored[1].append(cells)

    return append


def _quote(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if set(text) & set('",\r\n') else text


CSV_FORMAT = OutputFormat(
    name="dlc",
    help="wide CSV of DeepLabCut; of videos",
    video=VideoMaker(".poses.dlc.csv", partial(SpooledFile, write=write_csv)),
)
FORMAT = OutputFormat(
    name="dlc-h5",
    help="that table as HDF5",
    requires="tables",
    video=VideoMaker(".poses.dlc.h5", partial(SpooledFile, write=write_h5, requires=("pandas", "tables"))),
)
