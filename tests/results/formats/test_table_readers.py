"""Tables of DeepLabCut and marker files, read by those who want more of them than their description says."""

import os
import subprocess

import numpy as np
import pytest

from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import Skeleton
from nimblepose.media.frames import Stamp
from nimblepose.results.formats import FORMATS
from nimblepose.results.output_format import Header

MOUSE = Skeleton("mouse", ("nose", "tail"), (("nose", "tail"),))
COUNT = 4


@pytest.fixture
def write(tmp_path):
    """One mouse in all frames, whose nose's x is 100 and the frame; nobody saw the tail in frame 0."""

    def run(name):
        maker = next(one for one in FORMATS if one.name == name)
        if maker.requires:
            pytest.importorskip(maker.requires, reason=f"{maker.requires} (for --format {name}) is not installed")
        header = Header(model="net", skeletons=(MOUSE,), source="day.mp4", rate=29.97003)
        file = maker.video.begin(tmp_path / f"day{maker.video.ending}", header)
        for index in range(COUNT):
            xy = np.array([[[100 + index, 20], [np.nan] * 2 if index == 0 else [7, 8]]], np.float32)
            poses = Poses(MOUSE, xy, np.array([[0.5, float(index > 0)]], np.float32), np.ones(1, np.float32))
            file.add(Stamp(index, index * 1001 / 30000, (48, 64)), poses)
        return file.finish()

    return run


def test_tables_say_what_pandas_before_3_1_asks_for(write):
    """DeepLabCut 3.0 takes pandas below 3 only; 3.1 itself no longer writes it."""
    tables = pytest.importorskip("tables", reason="PyTables (extra labels) is not installed")
    with tables.open_file(str(write("dlc-h5"))) as file:
        assert file.root.df_with_missing._v_attrs.pandas_version == "0.15.2"


@pytest.mark.parametrize("names", [3, 500], ids=["layout fixed", "layout table"])
def test_pandas_2_reads_the_h5(write, monkeypatch, names):
    from nimblepose.results.formats import dlc

    monkeypatch.setattr(dlc, "_MAX_NAMES", names)
    python = os.environ.get("PANDAS_2_PYTHON")
    if not python:
        pytest.skip("PANDAS_2_PYTHON, a Python that has pandas 2 (see .ci/neighbours), is not set")
    code = (
        "import sys, pandas as pd; assert pd.__version__ < '3'; t = pd.read_hdf(sys.argv[1]);"
        "print(t.xs('nose', axis=1, level='bodyparts').iloc[:, 0].tolist())"
    )
    told = subprocess.run([python, "-c", code, str(write("dlc-h5"))], capture_output=True, text=True)
    assert told.stdout == "[100.0, 101.0, 102.0, 103.0]\n", told.stderr


def test_a_table_of_one_animal_is_one_line_away(write):
    """aniposelib and CEBRA take tables without individuals; docs/interop.md has the line."""
    pd = pytest.importorskip("pandas")
    table = pd.read_hdf(write("dlc-h5")).xs("person0", axis=1, level="individuals")
    assert table.columns.names == ["scorer", "bodyparts", "coords"]
    assert table["net", "nose", "x"].tolist() == [100, 101, 102, 103]


def test_pandas_takes_a_wholly_empty_first_row_for_names(tmp_path):
    """x 100 .. 105 with frame 0 empty becomes 101 .. 105; keypoint-moseq reads so."""
    pd = pytest.importorskip("pandas")
    rows = "0,,,\n" + "".join(f"{n},{100 + n},5,0.9\n" for n in range(1, 6))
    path = tmp_path / "day.csv"
    path.write_text("scorer,n,n,n\nbodyparts,nose,nose,nose\ncoords,x,y,likelihood\n" + rows)
    table = pd.read_csv(path, header=[0, 1, 2], index_col=0)
    assert table["n", "nose", "x"].tolist() == [101, 102, 103, 104, 105]


def test_octave_takes_what_is_empty_for_0_unless_it_is_told(write, tmp_path):
    octave = "octave-cli"
    code = "t = dlmread('{}', ',', 4, 0{}); printf('%g ', t(:, 5))"
    seen = []
    for told in ("", ", 'emptyvalue', NaN"):
        arguments = [octave, "--quiet", "--no-gui", "--eval", code.format(write("dlc"), told)]
        try:
            seen.append(subprocess.run(arguments, capture_output=True, text=True).stdout.split())
        except FileNotFoundError:
            pytest.skip("Octave is not installed")
    assert seen == [["0", "7", "7", "7"], ["NaN", "7", "7", "7"]]


# Motion capture -----------------------------------------------------------------------------------------------------


def test_pyomeca_has_frame_0(write):
    """It skips six lines."""
    pyomeca = pytest.importorskip("pyomeca", reason="pyomeca (see .ci/neighbours) is not installed")
    markers = pyomeca.Markers.from_trc(write("trc") / "day_person0.trc", pandas_kwargs={"sep": "\t"})
    assert markers.channel.values.tolist() == ["nose", "tail"]
    assert markers.sel(axis="x", channel="nose").values.tolist() == [100, 101, 102, 103]
    np.testing.assert_array_equal(markers.sel(axis="x", channel="tail"), [np.nan, 7, 7, 7])


def test_opensim_reads_as_many_rows_as_the_header_says(write, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # it leaves a log where it is
    opensim = pytest.importorskip("opensim", reason="opensim (see .ci/neighbours) is not installed")
    path = write("trc") / "day_person0.trc"
    read = opensim.MarkerData(str(path))
    assert [read.getFrame(i).getMarker(0)[0] for i in range(read.getNumFrames())] == [100, 101, 102, 103]
    assert np.isnan(read.getFrame(0).getMarker(1)[0])
    fewer = tmp_path / "fewer.trc"
    fewer.write_text(path.read_text().replace("\t4\t2\tpx", "\t3\t2\tpx"))
    assert opensim.MarkerData(str(fewer)).getNumFrames() == 3
    table = opensim.TimeSeriesTableVec3(str(path))
    assert list(table.getColumnLabels()) == ["nose", "tail"]
    assert table.getNumRows() == COUNT


def test_a_reader_of_six_lines_has_frame_0(write):
    """As scripts for MATLAB and Octave read: `dlmread(file, "\\t", 6, 0)`."""
    lines = (write("trc") / "day_person0.trc").read_text().splitlines()[6:]
    assert [line.split("\t")[2] for line in lines] == ["100.0000", "101.0000", "102.0000", "103.0000"]


# NWB ----------------------------------------------------------------------------------------------------------------


def test_pynwb_finds_nothing_wrong(write):
    """With NaN in it; edges are uint8."""
    pytest.importorskip("ndx_pose", reason="ndx-pose (extra nwb) is not installed")
    import pynwb

    (path,) = write("nwb").iterdir()
    assert pynwb.validate(path=str(path)) == []
    with pynwb.NWBHDF5IO(str(path), "r") as file:
        edges = file.read().processing["behavior"]["PoseEstimation"].skeleton.edges
        assert (edges.dtype, edges[:].tolist()) == (np.uint8, [[0, 1]])
