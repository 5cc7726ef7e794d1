"""A folder of pictures is a video: names that count keep their gaps, names of clocks their pauses."""

from fractions import Fraction

import numpy as np
import pytest
from picture_files import saved
from PIL import Image
from video_files import number_of, numbered

from nimblepose.media.frame_names import place_frames
from nimblepose.media.frames import Selection
from nimblepose.media.sources import open_frames


def fill(folder, names):
    """Numbered pictures under these names, without an ending."""
    folder.mkdir(exist_ok=True)
    for number, name in enumerate(names):
        (folder / f"{name}.png").write_bytes(saved(Image.fromarray(numbered(number)), "PNG"))
    return folder


def test_numbers_that_are_missing_are_frames_that_are_missing(tmp_path, caplog):
    names = [f"frame_{n:04}" for n in range(41) if n not in (10, 11, 12, 30)]
    frames = list(open_frames(fill(tmp_path / "a", names), rate=25))
    assert [f.index for f in frames] == [n for n in range(41) if n not in (10, 11, 12, 30)]
    assert [f.name for f in frames] == [f"{name}.png" for name in names]
    thirteen = next(f for f in frames if f.name == "frame_0013.png")
    assert (thirteen.index, thirteen.time) == (13, 0.52)
    assert number_of(thirteen.image) == 10
    assert "the numbers 10, 11, 12, 30 are missing" in caplog.text


@pytest.mark.parametrize(
    ("stems", "places"),
    [
        (["f1", "f2", "f3"], [(0, 0), (1, 0.1), (2, 0.2)]),
        (["f1001", "f1002", "f1004"], [(0, 0), (1, 0.1), (3, 0.3)]),
        (["0000", "0005", "0010", "0020"], [(0, 0), (1, 0.1), (2, 0.2), (4, 0.4)]),
        (["img3", "img17", "img45", "img100"], [(0, 0), (14, 1.4), (42, 4.2), (97, 9.7)]),
        (["cam2_f_7_left", "cam2_f_8_left"], [(0, 0), (1, 0.1)]),
        (["IMG_20261127_101500", "IMG_20261128_093000"], [(0, 0), (1, 0.1)]),
        (["a", "b", "c"], [(0, 0), (1, 0.1), (2, 0.2)]),
        (["only_7"], [(0, 0)]),
        ([], []),
        (["1700000000000", "1700000000040", "1700000005000"], [(0, 0), (1, 0.04), (2, 5)]),
        (["1403636579763555584", "1403636579813555456"], [(0, 0), (1, 0.05)]),
        (["1305031102.175304", "1305031102.211214"], [(0, 0), (1, 0.03591)]),
        (["t0ms", "t40ms", "t1000ms"], [(0, 0), (1, 0.04), (2, 1)]),
        (["f0", "f33", "f67", "f100", "f5000"], [(0, 0), (1, 0.033), (2, 0.067), (3, 0.1), (4, 5)]),
    ],
    ids=["from 1", "from 1001", "every fifth", "picked", "one number", "dates", "no numbers", "one", "none",
         "milliseconds", "nanoseconds", "seconds", "unit", "jitter"],
)  # fmt: skip
def test_names_say_which_frame_or_when(stems, places):
    found, _ = place_frames(stems, 10)
    assert found == [(index, pytest.approx(time, abs=1e-6)) for index, time in places]


def test_what_is_made_of_names_is_said_and_nothing_where_they_are_plain():
    assert place_frames(["f1", "f2"], 25)[1] == ""
    assert place_frames(["a", "b"], 25)[1] == ""
    assert "taken for times in ms" in place_frames(["1700000000000", "1700000000040"], 25)[1]
    assert "1, 2, 3, 4, 5 and 994 more" in place_frames(["f0", "f1000", "f1001"], 25)[1]


def test_a_picture_that_cannot_be_read_costs_its_own_frame(tmp_path):
    folder = fill(tmp_path / "a", [f"f{n}" for n in range(5)])
    (folder / "f2.png").write_bytes(b"no picture")
    source = open_frames(folder, rate=10)
    assert [(f.index, f.time) for f in source] == [(0, 0), (1, 0.1), (3, 0.3), (4, 0.4)]
    assert "f2.png" in source.problems[0]


def test_a_selection_counts_frames_not_files(tmp_path):
    folder = fill(tmp_path / "a", ["f0", "f1", "f4", "f5", "f6"])
    assert [f.name for f in open_frames(folder, Selection(every=2), rate=10)] == ["f0.png", "f4.png", "f6.png"]
    assert [f.name for f in open_frames(folder, Selection(start=0.4, end=0.6), rate=10)] == ["f4.png", "f5.png"]


@pytest.mark.filterwarnings("ignore:pictures of more than 8 bits")
def test_deep_frames_have_common_levels(tmp_path):
    ramp = np.linspace(0, 1, 48 * 64).reshape(48, 64)
    for n in range(6):
        values = np.rint(7000 + (500 + 300 * n) * ramp).astype(np.uint16)
        (tmp_path / f"f{n}.png").write_bytes(saved(Image.fromarray(values), "PNG"))
    brightest = [float(f.image.max()) for f in open_frames(tmp_path)]
    assert 245 <= brightest[-1] <= 255
    ratios = [b / (500 + 300 * n) for n, b in enumerate(brightest[:5])]
    assert max(ratios) / min(ratios) < 1.03


def test_pictures_whose_names_say_nothing_come_at_the_rate_of_films_unless_one_is_given(tmp_path):
    folder = fill(tmp_path / "a", "ABC")
    source = open_frames(folder)
    assert (source.info.rate, source.info.duration) == (25, pytest.approx(3 / 25))
    assert (source.live, source.dropped) == (False, 0)
    assert [f.time for f in source] == [0, 0.04, 0.08]
    assert open_frames(folder, rate=30000 / 1001).info.rate == Fraction(30000, 1001)


def test_a_folder_that_is_closed_delivers_no_further_frame(tmp_path):
    source = open_frames(fill(tmp_path / "a", "ABC"))
    frames = iter(source)
    assert next(frames).name == "A.png"
    source.close()
    assert list(frames) == []


def test_names_are_those_of_the_files_in_the_order_of_frames(tmp_path):
    assert open_frames(fill(tmp_path / "a", ["f10", "f9", "f1"])).names == ["f1.png", "f9.png", "f10.png"]


@pytest.mark.filterwarnings("ignore:pictures of more than 8 bits")
def test_where_some_pictures_have_8_bits_each_has_its_own_levels(tmp_path):
    fill(tmp_path, ["f0"])
    for n in (1, 2):
        values = np.rint(np.linspace(0, 1000 * n, 48 * 64)).astype(np.uint16).reshape(48, 64)
        (tmp_path / f"f{n}.png").write_bytes(saved(Image.fromarray(values), "PNG"))
    assert [f.image.max() for f in open_frames(tmp_path)] == [255, 255, 255]


@pytest.mark.filterwarnings("ignore:pictures of more than 8 bits")
@pytest.mark.parametrize("count", [9, 24])
def test_levels_are_found_in_pictures_from_all_over(tmp_path, count):
    """Only the last third is bright: were levels those of the beginning, it would be white all over."""
    for n in range(count):
        values = np.rint(np.linspace(0, 1000 if n < 2 * count / 3 else 4000, 48 * 64)).astype(np.uint16)
        (tmp_path / f"f{n}.png").write_bytes(saved(Image.fromarray(values.reshape(48, 64)), "PNG"))
    images = [f.image for f in open_frames(tmp_path)]
    assert images[0].max() < 90
    assert (images[-1] == 255).mean() < 0.05
