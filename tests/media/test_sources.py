"""Files, folders and patterns mean the pictures a person expects."""

import pytest

from nimblepose.core.errors import MediaError
from nimblepose.media.sources import find_pictures


@pytest.fixture
def folder(tmp_path):
    for name in ("b.png", "a.JPG", "a.poses.jpg", "notes.txt", "sub/c.jpg", "odd[1].png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def names(folder, source):
    return [p.relative_to(folder).as_posix() for p in find_pictures(str(folder / source))]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (".", ["a.JPG", "b.png", "odd[1].png"]),
        ("b.png", ["b.png"]),
        ("a.poses.jpg", ["a.poses.jpg"]),
        ("*.png", ["b.png", "odd[1].png"]),
        ("*.jpg", []),
        ("**/*.jpg", ["sub/c.jpg"]),
        ("odd[1].png", ["odd[1].png"]),
        ("missing.png", ["missing.png"]),
    ],
    ids=["folder", "file", "drawn_file_by_name", "glob", "glob_of_drawn_only", "deep_glob", "brackets", "missing"],
)
def test_sources(folder, source, expected):
    if not expected:
        with pytest.raises(MediaError, match="no file fits"):
            names(folder, source)
    else:
        assert names(folder, source) == expected


def test_an_empty_folder_is_an_error(tmp_path):
    with pytest.raises(MediaError, match="no pictures"):
        find_pictures(str(tmp_path))
