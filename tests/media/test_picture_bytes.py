"""Whatever holds the bytes of a picture gives them; what is something else says where it belongs."""

import io
import tempfile
from pathlib import Path

import pytest

from nimblepose.core.errors import MediaError
from nimblepose.media.picture_bytes import name_file, read_bytes, read_file


@pytest.mark.parametrize("make", [io.BytesIO, lambda data: io.BufferedReader(io.BytesIO(data))], ids=["memory", "file"])
def test_an_open_file_gives_what_is_left_of_it(make):
    file = make(b"ab")
    assert read_file(file) == b"ab"
    with pytest.raises(MediaError, match=r"is empty, or was read to its end; seek\(0\)"):
        read_file(file)
    file.seek(1)
    assert read_file(file) == b"b"


def test_a_file_of_text_says_how_to_open_it():
    with pytest.raises(MediaError, match="gives str, not bytes; open it with mode 'rb'"):
        read_file(io.StringIO("a"))


def test_a_file_that_is_closed_is_an_error_of_ours():
    file = io.BytesIO(b"ab")
    file.close()
    with pytest.raises(MediaError, match="cannot read the BytesIO"):
        read_file(file)


def test_files_are_called_by_their_names(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"a")
    with (tmp_path / "a.jpg").open("rb") as file:
        assert name_file(file) == str(tmp_path / "a.jpg")
    with tempfile.TemporaryFile() as file:  # its name is a number
        assert name_file(file).startswith("the ")


def test_a_tilde_is_the_users_folder_unless_a_file_is_called_so(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "a.jpg").write_bytes(b"home")
    assert read_bytes(Path("~/a.jpg")) == b"home"
    (tmp_path / "~").mkdir()
    (tmp_path / "~" / "a.jpg").write_bytes(b"here")
    assert read_bytes(Path("~/a.jpg")) == b"here"
    with pytest.raises(MediaError, match="no such file"):
        read_bytes(Path("~nobody-of-this-name/a.jpg"))


@pytest.mark.parametrize(
    ("source", "pointer"),
    [
        ("https://me:secret@a.org/b.jpg?token=1", r"^https://a.org/b.jpg is an address.*urlopen.*estimator\.track"),
        ("http://a.org/b.jpg", r"urllib\.request\.urlopen"),
        ("rtsp://door.local/1", r"estimator\.track"),
        ("photos/*.jpg", r"estimator\.stream\(sorted\(glob\.glob"),
        (".", r"is a folder, not a picture.*estimator\.stream"),
        ("nowhere.jpg", r"^nowhere\.jpg: no such file$"),
    ],
)
def test_what_is_something_else_points_to_the_right_call(source, pointer):
    with pytest.raises(MediaError, match=pointer) as caught:
        read_bytes(Path(source))
    assert "secret" not in str(caught.value)
