"""An output exists whole or not at all."""

import os

import pytest

from nimblepose.core.errors import MediaError
from nimblepose.media.files import write_atomically


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
