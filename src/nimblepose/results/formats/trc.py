"""Marker files of OpenSim and Pose2Sim, one per person, in a folder. They are flat: pixels, z is 0, y downwards.

Every line has 2 + 3N fields, none at its end, and the header the exact number of rows: OpenSim reads as many as that.
What was not found is NaN: 0 is a place.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from nimblepose.core.files import GrowingFile
from nimblepose.results.output_format import Header, OutputFormat, VideoMaker, name_person, round_seconds
from nimblepose.results.person_folder import clean_name, replacing_folder
from nimblepose.results.spool import Spool, SpooledFile, lay_out


def write_trc(path: Path, spool: Spool, header: Header) -> None:
    """A folder with a file per person; memory is that of some rows."""
    stem = path.name.removesuffix(path.suffix)
    with replacing_folder(path) as folder:
        for number in spool.people:
            name = f"{stem}_{clean_name(name_person(number, header))}.trc"
            file = GrowingFile(folder / name)
            file.append("".join(_write_head(name, spool, header)).encode())
            for rows in _write_rows(spool, number):
                file.append(rows)
            file.finish()


def _write_head(name: str, spool: Spool, header: Header) -> Iterator[str]:
    names = [keypoint.replace("\t", " ") for keypoint in spool.skeleton.keypoints]
    rate = f"{header.rate or spool.rate:.6g}"
    yield f"PathFileType\t4\t(X/Y/Z)\t{name}\n"
    yield "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames\n"
    yield f"{rate}\t{rate}\t{spool.frames}\t{len(names)}\tpx\t{rate}\t1\t{spool.frames}\n"
    yield "Frame#\tTime\t" + "\t".join(f"{name}\t\t" for name in names) + "\n"  # pandas counts fields (pyomeca)
    yield "\t\t" + "\t".join(f"{axis}{i}" for i in range(1, len(names) + 1) for axis in "XYZ") + "\n"
    yield "\n"  # as OpenSim writes it: readers that skip six lines (pyomeca, scripts for MATLAB) would lose frame 0


def _write_rows(spool: Spool, person: int) -> Iterator[bytes]:
    """Many rows at a time."""
    form = "%d\t%.6f" + "\t%.4f\t%.4f\t%.4f" * len(spool.skeleton.keypoints) + "\n"
    for block in spool.iterate_blocks():
        cells = lay_out(block, [person], block.rows, len(block.times))[:, 0]
        cells[..., 2] = np.where(np.isnan(cells[..., 0]), np.nan, 0)  # Z, instead of the score
        rows = zip(block.indices.tolist(), block.times.tolist(), cells.reshape(len(cells), -1).tolist(), strict=True)
        lines = (form % (index + 1, round_seconds(time), *row) for index, time, row in rows)
        yield "".join(lines).replace("nan", "NaN").encode()


FORMAT = OutputFormat(
    name="trc",
    help="OpenSim, a file per person; of videos",
    video=VideoMaker(".trc", partial(SpooledFile, write=write_trc)),
)
