"""Files of a batch are there whole, or not at all."""

import errno
import os
import time

import pytest

from nimblepose.batch import stores
from nimblepose.batch.stores import open_store, write_with_patience
from nimblepose.core.errors import MediaError


@pytest.fixture(params=["folder", "memory"])
def store(request, tmp_path):
    if request.param == "memory":
        pytest.importorskip("fsspec")
        return open_store(f"memory://{tmp_path.name}/batch")
    return open_store(str(tmp_path / "batch"))


def test_there_and_back(store, tmp_path):
    assert store.list("parts") == {}
    store.write("parts/a", b"one")
    store.write("parts/b", b"two")
    store.write("other/c", b"three")
    (tmp_path / "file").write_bytes(b"four")
    store.put("parts/d", tmp_path / "file")
    store.write("parts/a", b"five")
    assert store.list("parts").keys() == {"a", "b", "d"}
    assert abs(store.list("parts")["a"] - time.time()) < 600
    assert [store.read(f"parts/{name}") for name in "abd"] == [b"five", b"two", b"four"]
    store.remove("parts/a")
    store.remove("parts/a")
    assert (store.has("parts/a"), store.has("parts/b")) == (False, True)
    assert open_store(store.address).read("parts/b") == b"two"
    with pytest.raises(MediaError, match="parts/a"):
        store.read("parts/a")


def test_a_write_that_fails_leaves_nothing(tmp_path, monkeypatch):
    store = open_store(str(tmp_path))
    store.write("parts/a", b"old")

    def full(self, data):
        with self.open("wb") as file:
            file.write(data[:2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    for name in ("a", "b"):
        with pytest.raises(MediaError, match="not full"):
            store.write(f"parts/{name}", b"new and longer")
    assert os.listdir(tmp_path / "parts") == ["a"]  # noqa: PTH208 - hidden files, too
    assert store.read("parts/a") == b"old"


def test_what_somebody_does_nobody_else_does(tmp_path):
    one, other = open_store(str(tmp_path)), open_store(str(tmp_path))
    with one.claim("a") as ours:
        assert ours
        with other.claim("a") as theirs, other.claim("b") as free:
            assert (theirs, free) == (False, True)
    with other.claim("a") as ours:
        assert ours
    assert list((tmp_path / "claims").iterdir()) == []


def test_writing_waits_for_better_times(tmp_path, monkeypatch):
    store, tries = open_store(str(tmp_path)), []
    monkeypatch.setattr(stores.time, "sleep", tries.append)
    write = type(store).write

    def flaky(self, name, data):
        if len(tries) < 2:
            raise MediaError("gone")
        write(self, name, data)

    monkeypatch.setattr(type(store), "write", flaky)
    write_with_patience(store, "a", b"data")
    assert (store.read("a"), tries) == (b"data", [1, 2])
    tries.clear()
    with pytest.raises(MediaError, match="gone"):
        write_with_patience(store, "a", b"data", tries=2)


def test_addresses_that_nobody_knows(monkeypatch):
    pytest.importorskip("fsspec")
    with pytest.raises(MediaError, match="fsspec knows"):
        open_store("nowhere://bucket/batch")
    monkeypatch.setenv("NIMBLEPOSE_OFFLINE", "1")
    with pytest.raises(OSError, match="NIMBLEPOSE_OFFLINE"):
        open_store("http://127.0.0.1:1/batch")
