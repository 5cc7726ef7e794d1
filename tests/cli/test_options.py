"""What is typed in options: understood, or refused by one kind of error that says how it is written."""

from pathlib import Path

import pytest

from nimblepose.cli.options import find_set, parse_numbers, parse_seconds, parse_size
from nimblepose.core.errors import OptionError


@pytest.mark.parametrize("text", ["", "soon", "1:2:3:4", "-1", "1e12", "nan"])
def test_times(text):
    with pytest.raises(OptionError, match="write seconds, or h:mm:ss"):
        parse_seconds(text)


@pytest.mark.parametrize("text", ["", "1,two", "1;2"])
def test_numbers(text):
    with pytest.raises(OptionError, match=r"--shares takes numbers separated by commas, such as 0.5,0.5; got"):
        parse_numbers(text, option="--shares", like="0.5,0.5")


@pytest.mark.parametrize("text", ["", "368", "368x", "-8x8", "368 368", "123456x8"])
def test_sizes(text):
    with pytest.raises(OptionError, match="HEIGHTxWIDTH"):
        parse_size(text)


@pytest.mark.parametrize(
    ("folder", "images", "annotations", "message"),
    [
        (None, None, None, "give --val, or both"),
        (None, "images", None, "give --val, or both"),
        (None, None, "a.json", "give --val, or both"),
        ("folder", "images", None, "give either --val, or both"),
    ],
)
def test_annotated_pictures_are_given_one_way(folder, images, annotations, message):
    given = (None if path is None else Path(path) for path in (folder, images, annotations))
    with pytest.raises(OptionError, match=message):
        find_set(*given, option="--val")
    assert find_set(None, Path("images"), Path("a.json")) == (Path("a.json"), Path("images"))


def test_on_the_command_line_they_end_in_2_and_a_sentence(cli, estimator, video):
    ran = cli("track", video, "--start", "soon")
    assert (ran.code, ran.err) == (2, "nimblepose: 'soon' is no time; write seconds, or h:mm:ss\n")
