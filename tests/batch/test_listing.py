"""What a batch is of, in whatever way people say it."""

import pytest
from blob_scenes import draw_scene
from PIL import Image

from nimblepose.batch.listing import list_sources
from nimblepose.core.errors import OptionError


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    for name in ("in/a.png", "in/b.png", "c.png"):
        Image.fromarray(draw_scene(0)).save(name)
    for name in ("in/v.mp4", "w.mkv"):
        (tmp_path / name).write_bytes(b"later")
    return tmp_path


def listed(*sources):
    found = list_sources(sources)
    return list(found.pictures), list(found.videos)


def test_folders_patterns_and_files():
    assert listed("in", "c.png", "w.mkv") == (["in/a.png", "in/b.png", "c.png"], ["in/v.mp4", "w.mkv"])
    assert listed("*.png", "in/*.mp4") == (["c.png"], ["in/v.mp4"])
    assert listed("in", "in/a.png")[0] == ["in/a.png", "in/b.png"], "each once"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.txt", "# of today\n\nin/v.mp4\n c.png \n"),
        ("list.csv", "camera,path\n1,in/v.mp4\n2,c.png\n"),
        ("list.csv", "in/v.mp4\nc.png\n"),
        ("list.csv", '"in/v.mp4",3\n"c.png",4\n'),
        ("list.tsv", "\ufeffVideo\tlength\nin/v.mp4\t3\nc.png\t\n"),
    ],
)
def test_lists(name, text, here):
    (here / name).write_text(text, "utf-8")
    assert listed(name) == (["c.png"], ["in/v.mp4"])


def test_what_is_no_list(here):
    (here / "empty.txt").write_text("# nothing\n")
    with pytest.raises(OptionError, match=r"empty\.txt: no names"):
        listed("empty.txt")
    with pytest.raises(OptionError, match=r"cannot read the list gone\.csv: No such file or directory$"):
        listed("gone.csv")


@pytest.mark.parametrize("source", ["-", "0"])
def test_live_sources_are_refused(source):
    with pytest.raises(OptionError, match="read again from its beginning"):
        listed(source)


def test_sources_that_mean_nothing_cost_no_others():
    found = list_sources(["*.gif", "c.png"])
    assert list(found.pictures) == ["c.png"]
    assert list(found.failures) == ["*.gif"]


def test_addresses():
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    for name in ("a.mp4", "b.JPG", "b.poses.jpg", ".hidden.png", "notes.txt", "deep/c.mp4"):
        memory.pipe_file(f"/bucket/{name}", b"x")
    assert listed("memory://bucket") == (["memory:///bucket/b.JPG"], ["memory:///bucket/a.mp4"])
    assert listed("memory://bucket/deep/*.mp4") == ([], ["memory:///bucket/deep/c.mp4"])
    found = list_sources(["memory://bucket/gone.mp4", "memory://bucket/*.gif"])
    assert [len(found.videos), len(found.failures)] == [0, 2]
    memory.rm("/bucket", recursive=True)


def test_a_web_address_is_one_file_by_its_ending():
    pictures, videos = listed("http://127.0.0.1:1/a.jpg?key=1", "http://127.0.0.1:1/b.mp4")
    assert (pictures, videos) == (["http://127.0.0.1:1/a.jpg?key=1"], ["http://127.0.0.1:1/b.mp4"])
