"""NWB and TRC: times as they stand, and what cannot be is said."""

import numpy as np
import pytest

from nimblepose.core.errors import DataError
from nimblepose.labels.readers import read_labels

TIMES = (12.5, 12.54, 12.58, 13.0, 13.04)


@pytest.fixture
def write(tmp_path):
    """An NWB file by hand, as ndx-pose lays it out; what differs is an option."""
    h5py = pytest.importorskip("h5py", reason="h5py (extra labels) is not installed")

    def run(*, timestamps=TIMES, rate=None, count=5, dimensions=2):
        with h5py.File(tmp_path / "a.nwb", "w") as file:
            file["identifier"] = "mouse1"
            pose = file.create_group("processing/behavior/PoseEstimation")
            pose.attrs["neurodata_type"] = "PoseEstimation"
            pose["original_videos"] = [b"day.mp4"]
            skeleton = file.create_group("processing/behavior/Skeletons/mouse")
            skeleton["nodes"], skeleton["edges"] = [b"nose", b"tail"], np.zeros((0, 2), np.uint8)
            pose["skeleton"] = h5py.SoftLink(skeleton.name)
            for k, name in enumerate(("tail", "nose")):
                series = pose.create_group(name)
                series.attrs["neurodata_type"] = "PoseEstimationSeries"
                series["data"] = np.arange(count * dimensions, dtype=float).reshape(count, dimensions) + 100 * k
                series["confidence"] = np.full(count, 0.5)
                if rate is None:
                    series["timestamps"] = np.array(timestamps)
                else:
                    start = series.create_dataset("starting_time", data=12.5)
                    start.attrs["rate"] = rate
        return tmp_path / "a.nwb"

    return run


def test_times_are_those_of_the_file(write):
    """movement 0.17 numbers rows from 0 and keeps a rate: 13.0 becomes 0.12."""
    labels = read_labels(write())
    assert [picture.time for picture in labels.pictures] == list(TIMES)
    (label,) = labels.pictures[1].labels
    assert (label.identity, labels.pictures[0].video) == ("mouse1", "day")
    assert labels.categories[0].keypoints == ("nose", "tail")
    np.testing.assert_array_equal(label.xy, [[102, 103], [2, 3]])


def test_frames_are_those_of_the_times(write):
    labels = read_labels(write(timestamps=(0.0, 0.04, 0.12), count=3))
    assert [(p.name, p.frame) for p in labels.pictures] == [
        ("day/000000.png", 0), ("day/000001.png", 1), ("day/000003.png", 3)
    ]  # fmt: skip
    counted = read_labels(write(timestamps=(0.0, 0.02, 0.05), count=3))
    assert [p.frame for p in counted.pictures] == [0, 1, 2]


@pytest.mark.parametrize(
    ("frames", "times"),
    [
        ((0, 1, 3), (0, 0.04, 0.12)),
        ((2, 4, 8), (0.08, 0.16, 0.32)),
        ((0, 1, 3), (0, 0.02, 0.05)),  # on no grid: the sidecar knows
        ((0, 2, 3), (None, None, None)),
    ],
)
def test_numbers_of_frames_come_back(tmp_path, frames, times):
    pytest.importorskip("ndx_pose", reason="ndx-pose (extra nwb) is not installed")
    from nimblepose.labels.label_set import Category, Label, LabelledPicture, LabelSet
    from nimblepose.labels.sidecar import write_sidecar
    from nimblepose.labels.writers import find_writer

    pictures = tuple(
        LabelledPicture(
            f"v/{n:06d}.png", (Label("mouse", np.array([[n, 1.0], [5, 6]]), np.array([2, 2]), identity="bo"),),
            video="v", frame=n, time=time, size=(48, 64),
        )
        for n, time in zip(frames, times, strict=True)
    )  # fmt: skip
    labels = LabelSet("test", (Category("mouse", ("nose", "tail"), (("nose", "tail"),)),), pictures)
    (path,) = find_writer("nwb").write(labels, tmp_path / "b")
    if times[1] != 0.02:
        assert [picture.frame for picture in read_labels(path).pictures] == list(frames)
    write_sidecar(labels, tmp_path / "b")
    back = read_labels(path)
    assert [(p.name, p.frame, p.labels[0].xy[0, 0]) for p in back.pictures] == [
        (found.name, n, n) for found, n in zip(back.pictures, frames, strict=True)
    ]


def test_a_rate_counts_from_the_starting_time(write):
    assert [p.time for p in read_labels(write(rate=4.0)).pictures] == [12.5, 12.75, 13.0, 13.25, 13.5]


def test_a_rate_of_0_with_several_samples_is_refused(write):
    """sleap-io 0.9.5 writes it for every second frame: everything would lie at one time."""
    with pytest.raises(DataError, match="a rate of 0 puts 5 samples at one time"):
        read_labels(write(rate=0.0))
    assert [p.time for p in read_labels(write(rate=0.0, count=1)).pictures] == [12.5]


def test_three_dimensions_and_lengths_that_differ_are_refused(write):
    with pytest.raises(DataError, match="only x, y are taken"):
        read_labels(write(dimensions=3))
    with pytest.raises(DataError, match="4 times for 5 samples"):
        read_labels(write(timestamps=TIMES[:4]))


def test_what_pynwb_writes_is_read(tmp_path):
    pytest.importorskip("ndx_pose", reason="ndx-pose (extra nwb) is not installed")
    from mouse_scene import seen_in, write_dlc

    from nimblepose.labels.writers import find_writer

    labels = read_labels(write_dlc(tmp_path / "a"))
    find_writer("nwb").write(labels, tmp_path / "b")
    left = read_labels(tmp_path / "b" / "left.nwb")
    wanted = {key: rows for key, rows in seen_in(labels).items() if key[0] == "left"}
    assert seen_in(left) == wanted
    assert len(left.pictures) == 6


TRC = """PathFileType\t4\t(X/Y/Z)\ta.trc
DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames
30\t30\t2\t2\tpx\t30\t1\t2
Frame#\tTime\tnose\t\t\ttail\t\t
\t\tX1\tY1\tZ1\tX2\tY2\tZ2
1\t0.0\t10\t20\t0\tNaN\tNaN\tNaN
2\t0.5\t\t\t\t0\t0\t0
"""


def test_trc_with_blanks_and_nan(tmp_path):
    (tmp_path / "a_bo.trc").write_text(TRC)
    labels = read_labels(tmp_path / "a_bo.trc")
    one, two = (picture.labels[0] for picture in labels.pictures)
    np.testing.assert_array_equal(one.xy, [[10, 20], [np.nan, np.nan]])
    np.testing.assert_array_equal(two.xy, [[np.nan, np.nan], [0, 0]])  # 0 is a place
    assert ([p.frame for p in labels.pictures], one.identity) == ([0, 1], "bo")
    assert labels.skipped == ()


def test_trc_with_depth_or_other_counts_is_told(tmp_path):
    (tmp_path / "a.trc").write_text(
        TRC.replace("\t2\t2\tpx", "\t9\t2\tpx").replace("10\t20\t0", "10\t20\t5") + "3\t1\t1\n"
    )
    reasons = [one.reason for one in read_labels(tmp_path / "a.trc").skipped]
    assert reasons == [
        "line 6: a place with a depth: only flat ones are taken",
        "line 8: 3 fields, expected 8",
        "NumFrames says 9, there are 1 rows; all are taken",
    ]
    (tmp_path / "b.trc").write_text(TRC.replace("\t2\t2\tpx", "\t2\t3\tpx"))
    with pytest.raises(DataError, match="NumMarkers is 3, named are 2"):
        read_labels(tmp_path / "b.trc")
