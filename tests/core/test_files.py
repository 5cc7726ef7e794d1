"""An output exists whole or not at all."""

import os
from pathlib import Path

import pytest

from nimblepose.core import files
from nimblepose.core.errors import MediaError
from nimblepose.core.files import (
    GrowingFile,
    InUseError,
    check_folders,
    check_writable,
    make_folder,
    open_held,
    write_atomically,
    write_whole,
)


def test_new_and_replaced_files_hold_exactly_the_data(tmp_path):
    path = tmp_path / "out.json"
    for data in (b"first", b"", b"third"):
        write_atomically(path, data)
        assert path.read_bytes() == data
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=["full", "ctrl_c"])
def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path, monkeypatch, error):
    path = tmp_path / "out.json"
    path.write_bytes(b"old")

    def fail(_):
        raise error

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(MediaError if isinstance(error, OSError) else KeyboardInterrupt):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(MediaError, match="nowhere"):
        write_atomically(tmp_path / "nowhere" / "a.json", b"")


def test_outputs_have_the_usual_permissions(tmp_path):
    (tmp_path / "usual").write_bytes(b"")
    write_atomically(tmp_path / "ours", b"")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_growing_file_is_readable_at_any_time_and_named_when_complete(tmp_path):
    path = tmp_path / "out.poses.csv"
    path.write_bytes(b"older")
    file = GrowingFile(path)
    growing = tmp_path / "out.poses.partial.csv"
    for piece, over, expected in ((b"[]", 0, b"[]"), (b"1]", 1, b"[1]"), (b", 2]", 1, b"[1, 2]")):
        file.append(piece, over=over)
        assert growing.read_bytes() == expected
        assert path.read_bytes() == b"older"
    assert file.finish() == path
    assert path.read_bytes() == b"[1, 2]"
    assert list(tmp_path.iterdir()) == [path]


def test_a_growing_file_that_is_left_keeps_its_partial_name(tmp_path):
    file = GrowingFile(tmp_path / "out.csv")
    file.append(b"some")
    file.close()
    assert [p.name for p in tmp_path.iterdir()] == ["out.partial.csv"]


def test_a_growing_file_says_where_it_cannot_be(tmp_path):
    with pytest.raises(MediaError, match="nowhere"):
        GrowingFile(tmp_path / "nowhere" / "a.csv")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's full disk")
def test_a_full_disk_is_our_error(tmp_path):
    (tmp_path / "a.partial.csv").symlink_to("/dev/full")
    with pytest.raises(MediaError, match=r"cannot write.*a.csv"):
        GrowingFile(tmp_path / "a.csv").append(b"data")


class Short:
    """A file on a disk that is just being filled: it takes three bytes at a time, and then none."""

    def __init__(self, room):
        self.data, self.room = b"", room

    def write(self, data):
        if self.room <= 0:
            raise OSError(28, "No space left on device")
        taken = bytes(data[: min(3, self.room)])
        self.data, self.room = self.data + taken, self.room - len(taken)
        return len(taken)


def test_what_a_write_leaves_out_is_written_by_the_next():
    file = Short(room=100)
    write_whole(file, b"0123456789")
    assert file.data == b"0123456789"


def test_a_disk_that_is_full_in_the_middle_of_a_piece_is_told(tmp_path, monkeypatch):
    growing = GrowingFile(tmp_path / "a.csv")
    growing.close()
    growing._file = Short(room=7)
    with pytest.raises(MediaError, match="not full"):
        growing.append(b"0123456789")


def test_folders_are_made_with_those_above(tmp_path):
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(MediaError, match="cannot make the folder"):
        make_folder(tmp_path / "file" / "b")


def test_where_nothing_can_be_removed_the_first_error_is_said(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    def fail(*_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "unlink", refuse)
    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(MediaError, match="Read-only file system"):
        write_atomically(tmp_path / "out.json", b"")


def test_a_file_is_held_by_one_at_a_time(tmp_path):
    path = tmp_path / "out.jsonl"
    first = open_held(path)
    first.write(b"mine")
    with pytest.raises(InUseError, match="another run is writing it"):
        open_held(path)
    assert path.read_bytes() == b"mine"
    first.close()
    with open_held(path) as second:
        assert second.read() == b"mine"


def test_who_comes_when_a_file_is_just_being_removed_holds_the_new_one(tmp_path, monkeypatch):
    """Between opening and locking, the first holder removes the file: the second one's lock is on nothing."""
    path = tmp_path / "out.jsonl"
    real, calls = files._try_lock, []

    def remove_first(file):
        calls.append(file)
        if len(calls) == 1:
            path.unlink()
        return real(file)

    monkeypatch.setattr(files, "_try_lock", remove_first)
    with open_held(path) as held:
        assert len(calls) == 2
        held.write(b"x")
        assert path.read_bytes() == b"x"


def test_two_growing_files_of_one_name_do_not_grow_into_each_other(tmp_path):
    first = GrowingFile(tmp_path / "out.csv")
    first.append(b"1")
    with pytest.raises(InUseError):
        GrowingFile(tmp_path / "out.csv")
    first.append(b"2")
    assert first.finish().read_bytes() == b"12"
    GrowingFile(tmp_path / "out.csv").close()


def test_a_file_that_cannot_come_to_be_is_refused_at_once(tmp_path):
    check_folders(tmp_path / "a.json")
    with pytest.raises(MediaError, match="no folder"):
        check_folders(tmp_path / "none" / "a.json")
    with pytest.raises(MediaError, match="is a folder; name a file in it"):
        check_folders(tmp_path / "a.json", tmp_path)


@pytest.mark.parametrize("fault", ["file", "file above", "forbidden", "hidden", "no drive"])
def test_a_folder_that_cannot_be_written_into_is_told_beforehand(tmp_path, monkeypatch, fault):
    (tmp_path / "file").touch()
    out = tmp_path / {"file": "file", "file above": "file/out"}.get(fault, "out/below")
    if fault == "forbidden":
        monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    if fault == "hidden":

        def refuse(_):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "exists", refuse)
    if fault == "no drive":
        monkeypatch.setattr(Path, "exists", lambda _: False)
        monkeypatch.setattr(Path, "is_dir", lambda _: False)
    with pytest.raises(MediaError, match=r"file|out"):
        check_writable(out)
    assert not out.is_dir()


def test_a_folder_that_may_be_made_is_not_made_by_looking(tmp_path):
    check_writable(tmp_path / "a/b")
    check_writable(tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_hdf5_says_of_itself_is_left_out(tmp_path):
    """Addresses, flags and temporary names are nobody's business."""
    said = "Unable to synchronously create file (unable to open file: name = '.1f.part', errno = 28, error message = "
    expected = r"a\.slp: No space left on device; is the folder"
    with pytest.raises(MediaError, match=expected), files.writing(Path("a.slp")):
        raise OSError(28, f"{said}'No space left on device', flags = 13)")
