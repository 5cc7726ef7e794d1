"""Files of motion capture: what is flat and in pixels is read, everything else is told."""

import struct

import numpy as np
import pytest

from nimblepose.core.errors import DataError
from nimblepose.labels.readers import find_reader, read_labels
from nimblepose.results.formats.c3d import BLOCK

HEAD = BLOCK * 2  # the points begin in the third block


def text(name, values):
    width = max(map(len, values))
    data = b"".join(value.encode().ljust(width) for value in values)
    return name, struct.pack("<bBBB", -1, 2, width, len(values)) + data


def number(name, *values, kind="<u2"):
    code = {"<u2": 2, "<f4": 4}[kind]
    return name, struct.pack("<bBB", code, 1, len(values)) + np.array(values, kind).tobytes()


def write(path, points, *, scale=-1.0, first=1, units="px", order=84, analog=0, extra=(), names=("nose", "tail")):
    """A file by hand, of points (T, K, 4) as they lie in it."""
    points = np.asarray(points)
    groups = {
        "POINT": [
            number("USED", points.shape[1]), number("RATE", 25, kind="<f4"), text("LABELS", names),
            text("UNITS", [units]), *extra,
        ],
    }  # fmt: skip
    body = bytes([1, 0x50, 1, order])
    for group, parameters in groups.items():
        body += struct.pack("<bb", len(group), -1) + group.encode() + struct.pack("<HB", 3, 0)
        for name, data in parameters:
            body += struct.pack("<bb", len(name), 1) + name.encode() + struct.pack("<H", 3 + len(data)) + data + b"\0"
    numbers = (points.shape[1], analog, first, first + len(points) - 1, 0)
    head = struct.pack("<BB5Hf2Hf", 2, 0x50, *numbers, scale, 3, 1, 25)
    kind = "<f4" if scale < 0 else "<i2"
    rows = np.zeros((len(points), points.shape[1] * 4 + analog), kind)
    rows[:, : points.shape[1] * 4] = points.reshape(len(points), -1)
    path.write_bytes(head.ljust(BLOCK, b"\0") + body.ljust(BLOCK, b"\0") + rows.tobytes())
    return path


POINTS = [[[10, 20, 0, 0], [0, 0, 0, -1]], [[11, 20, 0, 0.5], [0, 0, 0, 0]]]


def places(labels):
    return [picture.labels[0].xy.tolist() for picture in labels.pictures]


def test_what_is_missing_is_missing_and_0_is_a_place(tmp_path):
    path = write(tmp_path / "a_bo.c3d", POINTS, first=7)
    assert find_reader(path).name == "c3d"
    labels = read_labels(path)
    np.testing.assert_array_equal(places(labels), [[[10, 20], [np.nan, np.nan]], [[11, 20], [0, 0]]])
    assert [(p.frame, p.time) for p in labels.pictures] == [(6, 0.24), (7, 0.28)]
    assert labels.pictures[0].labels[0].identity == "bo"
    assert labels.categories[0].keypoints == ("nose", "tail")
    assert labels.skipped == ()


def test_whole_numbers_are_scaled_and_analog_values_passed_over(tmp_path):
    labels = read_labels(write(tmp_path / "a.c3d", np.array(POINTS)[:1], scale=0.5, analog=3))
    np.testing.assert_array_equal(places(labels), [[[5, 10], [np.nan, np.nan]]])


def test_frames_beyond_the_header_are_counted(tmp_path):
    both = [number("LONG_FRAMES", 2, kind="<f4")]
    path = write(tmp_path / "a.c3d", POINTS, extra=both)
    data = bytearray(path.read_bytes())
    data[8:10] = b"\xff\xff"  # the last frame, as the header counts it
    path.write_bytes(data)
    assert len(read_labels(path).pictures) == 2


def test_depth_and_millimetres_are_told(tmp_path):
    deep = np.array(POINTS, float)
    deep[1, 0, 2] = 3
    labels = read_labels(write(tmp_path / "a.c3d", deep))
    assert [picture.frame for picture in labels.pictures] == [0]
    assert labels.skipped[0].reason == "1 of 2 frames with a depth: only flat ones are taken"
    labels = read_labels(write(tmp_path / "b.c3d", POINTS, units="mm"))
    assert labels.pictures == ()
    assert labels.skipped[0].reason == "its places are in mm, not in pixels of a picture: none is taken"


def test_others_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"byte order 86, expected 84 \(Intel\)"):
        read_labels(write(tmp_path / "a.c3d", POINTS, order=86))
    path = write(tmp_path / "b.c3d", POINTS)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match="it says 2 frames, and has 1"):
        read_labels(path)
    with pytest.raises(DataError, match="several have one name"):
        read_labels(write(tmp_path / "c.c3d", POINTS, names=("nose", "nose")))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no C3D file"):
        read_labels(tmp_path / "empty", "c3d")
