"""What is asked of `open_frames` reaches whatever reads the frames, and what frames say of themselves is so."""

import av
import numpy as np
import pytest
from picture_files import saved
from PIL import Image
from video_files import make_video, numbered

from nimblepose.core.errors import MediaError
from nimblepose.media.conversion import _standard_of_pq, take_field
from nimblepose.media.finding import is_folder
from nimblepose.media.frames import Frame, Selection
from nimblepose.media.levels import choose_levels, find_levels
from nimblepose.media.pictures import read_deep
from nimblepose.media.sources import is_camera, open_frames

RAMP = np.rint(np.linspace(1000, 1400, 48 * 64)).astype(np.uint16).reshape(48, 64)
pytestmark = pytest.mark.filterwarnings("ignore:pictures of more than 8 bits")


@pytest.fixture
def deep(tmp_path):
    """The same gray ramp in 16 bits as a video and as a folder of frames."""
    with av.open(str(tmp_path / "a.mkv"), "w") as out:
        stream = out.add_stream("ffv1", rate=10)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "gray16le"
        for _ in range(3):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(RAMP, format="gray16le")))
        out.mux(stream.encode(None))
    (tmp_path / "frames").mkdir()
    for n in range(3):
        (tmp_path / "frames" / f"f{n}.png").write_bytes(saved(Image.fromarray(RAMP), "PNG"))
    return tmp_path


@pytest.mark.parametrize("name", ["a.mkv", "frames", "bytes", "web"])
@pytest.mark.parametrize(("levels", "middle"), [("full", 4), ((1000, 1800), 64), ("auto", 127)])
def test_levels_reach_every_kind_of_source(deep, web_server, name, levels, middle):
    web_server.pages["/a.mkv"] = (deep / "a.mkv").read_bytes()
    kinds = {"bytes": lambda: (deep / "a.mkv").open("rb"), "web": lambda: f"{web_server.address}/a.mkv"}
    source = open_frames(kinds.get(name, lambda: deep / name)(), levels=levels)
    frames = list(source)
    assert len(frames) == 3
    assert abs(float(frames[1].image.mean()) - middle) < 2


def test_rate_and_selection_reach_every_kind_of_source(deep):
    assert [f.time for f in open_frames(deep / "frames", Selection(every=2), rate=4)] == [0, 0.5]
    assert [f.index for f in open_frames(deep / "a.mkv", Selection(start=0.15))] == [2]
    with (deep / "a.mkv").open("rb") as file:
        assert [f.index for f in open_frames(file, Selection(every=2))] == [0, 2]


def test_a_stamp_says_height_and_width():
    stamp = Frame(3, 0.5, np.zeros((20, 30, 3), np.uint8), "f.png").stamp
    assert (stamp.index, stamp.time, stamp.size, stamp.name) == (3, 0.5, (20, 30), "f.png")


def test_cameras_and_folders_are_told_by_their_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert [is_camera(name) for name in ("0", "12", "1" * 40, "clip", "/dev/video3")] == [
        True,
        True,
        False,
        False,
        True,
    ]
    assert [is_folder(name) for name in (tmp_path, tmp_path / "none", "x" * 5000)] == [True, False, False]


def test_levels_of_values_without_a_range():
    values = np.array([[2.0, 4.0, 12.0]], np.float32)
    assert choose_levels(values, "full") == (2.0, 12.0)
    assert find_levels(np.full((3, 3), np.nan, np.float32)) == (0.0, 1.0)
    half = np.linspace(100, 100 + 0.5051 * 65535, 10_000).astype(np.uint16)
    assert find_levels(half) == (0.0, 65535.0)
    assert find_levels((half - 100) * 0.98) != (0.0, 65535.0)


def test_the_curve_of_pq_has_paper_white_near_white_and_grows():
    table = _standard_of_pq().astype(int)
    assert (np.diff(table) >= 0).all()
    assert (table[0], table[255]) == (0, 255)
    assert [table[i] for i in (20, 90, 148, 192)] == pytest.approx([3, 83, 193, 255], abs=4)


def test_below_the_last_line_of_a_field_is_more_of_it():
    picture = np.zeros((10, 4, 3), np.uint8)
    picture[8] = 200  # the last line of the first field; the line below is of the other one
    assert take_field(picture)[8:].min() == 200


def test_only_deep_pictures_have_deep_values(tmp_path):
    (tmp_path / "a.png").write_bytes(saved(Image.fromarray(RAMP), "PNG"))
    (tmp_path / "b.png").write_bytes(saved(Image.fromarray(numbered(3)), "PNG"))
    np.testing.assert_array_equal(read_deep(tmp_path / "a.png"), RAMP)
    assert read_deep(tmp_path / "b.png") is None
    assert read_deep(tmp_path / "a.png", max_pixels=100) is None


def test_a_damaged_picture_does_not_hide_the_levels_of_the_others(tmp_path):
    for n in range(4):
        (tmp_path / f"f{n}.png").write_bytes(saved(Image.fromarray(RAMP), "PNG"))
    (tmp_path / "f0.png").write_bytes(b"no picture")
    frames = list(open_frames(tmp_path))
    assert [f.name for f in frames] == ["f1.png", "f2.png", "f3.png"]
    assert frames[0].image.max() == 255


def test_a_file_that_breaks_off_in_the_middle_of_a_header_is_refused_in_words(tmp_path):
    path = make_video(tmp_path / "a.mkv", [numbered(n) for n in range(3)])
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(MediaError, match=r"a\.mkv"):
        open_frames(path)
