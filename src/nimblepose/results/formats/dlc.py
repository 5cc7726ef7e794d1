"""Wide tables as DeepLabCut writes predictions: a row per frame, x, y and likelihood of every keypoint of everybody.

Every individual has every keypoint, and every frame a row, those that were left out, too: readers count rows and cells
(movement 0.17). What was not found has no place and likelihood 0: a first row that is wholly empty is taken for names
(pandas 3.1). Places are pixel centres, as in DeepLabCut.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.files import GrowingFile, replacing
from nimblepose.core.optional import import_optional
from nimblepose.core.skeleton import Skeleton
from nimblepose.results.output_format import Header, OutputFormat, VideoMaker, name_person
from nimblepose.results.spool import Spool, SpooledFile, number_people, take_chunks

_COORDS = ("x", "y", "likelihood")
_CHUNK = 2000  # rows that are written at a time
_MAX_NAMES = 500  # columns whose names fit into a header of HDF5; tables of more are written as a whole


def list_columns(header: Header, people: list[int], skeleton: Skeleton) -> list[tuple[str, str, str, str]]:
    """Scorer, individual, bodypart and coordinate of every column."""
    scorer = header.model or "nimblepose"
    names = [name_person(number, header) for number in people] or [name_person(0)]
    return [(scorer, name, part, coord) for name in names for part in skeleton.keypoints for coord in _COORDS]


def iterate_table(spool: Spool) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Number and cells of every row, (people x keypoints x 3): NaN, NaN, 0 where nobody was found."""
    people = {number: i for i, number in enumerate(spool.people)}
    k = len(spool.skeleton.keypoints)
    nothing = np.tile(np.array([np.nan, np.nan, 0], np.float32), (max(len(people), 1), k, 1))
    expected = 0
    for stamp, poses in spool:
        for index in range(expected, stamp.index):  # left out of the run
            yield index, nothing.ravel()
        cells = nothing.copy()
        at = [people[number] for number in number_people(poses)]
        cells[at, :, :2] = poses.keypoints
        cells[at, :, 2] = np.where(poses.found, poses.keypoint_scores, 0)
        yield stamp.index, cells.ravel()
        expected = stamp.index + 1


def write_csv(path: Path, spool: Spool, header: Header) -> None:
    """The table as CSV; memory is that of some rows."""
    columns = list_columns(header, sorted(spool.people), spool.skeleton)
    spool.people = dict.fromkeys(sorted(spool.people))
    file = GrowingFile(path)
    for at, head in enumerate(("scorer", "individuals", "bodyparts", "coords")):
        file.append((",".join([head, *(_quote(column[at]) for column in columns)]) + "\n").encode())
    form = "%d" + ",%.4f,%.4f,%.4f" * (len(columns) // 3) + "\n"
    for rows in take_chunks(iterate_table(spool), _CHUNK):
        file.append("".join(form % (index, *cells.tolist()) for index, cells in rows).replace("nan", "").encode())
    file.finish()


def write_h5(path: Path, spool: Spool, header: Header) -> None:
    """The table as pandas and PyTables write it, under the key that DeepLabCut reads."""
    pd = import_optional("pandas", "HDF5 of DeepLabCut")
    spool.people = dict.fromkeys(sorted(spool.people))
    names = ["scorer", "individuals", "bodyparts", "coords"]
    columns = pd.MultiIndex.from_tuples(
        list_columns(header, list(spool.people), spool.skeleton), names=names
    )  # fmt: skip

    def make(rows: Any) -> Any:
        index, cells = zip(*rows, strict=True) if rows else ((), np.zeros((0, len(columns)), np.float32))
        return pd.DataFrame(np.asarray(cells), columns=columns, index=np.array(index, np.int64))

    with replacing(path) as temporary, pd.HDFStore(str(temporary), mode="w") as store:
        if len(columns) > _MAX_NAMES:
            store.put("df_with_missing", make(list(iterate_table(spool))), format="fixed", track_times=False)
            return
        for rows in take_chunks(iterate_table(spool), _CHUNK):
            store.append("df_with_missing", make(rows), format="table", index=False)


def _quote(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if set(text) & set('",\r\n') else text


class DlcCsv(SpooledFile):
    """The CSV of a video."""

    def __init__(self, path: Path, header: Header) -> None:
        """Begin `path`, usually `*.csv`."""
        super().__init__(path, header, write_csv)


class DlcH5(SpooledFile):
    """The HDF5 of a video."""

    def __init__(self, path: Path, header: Header) -> None:
        """Begin `path`, usually `*.h5`."""
        super().__init__(path, header, write_h5, requires=("pandas", "tables"))


CSV_FORMAT = OutputFormat(
    name="dlc",
    help="wide CSV of DeepLabCut; of videos",
    video=VideoMaker(".poses.dlc.csv", DlcCsv),
)
FORMAT = OutputFormat(
    name="dlc-h5",
    help="that table as HDF5",
    requires="tables",
    video=VideoMaker(".poses.dlc.h5", DlcH5),
)
