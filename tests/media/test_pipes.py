"""Pipes without a writer are waited for no longer than said."""

import os
import threading

import pytest
from picture_files import saved
from PIL import Image
from video_files import make_video, numbered

from nimblepose.core.errors import MediaError
from nimblepose.media import pipes
from nimblepose.media.pictures import read_picture
from nimblepose.media.pipes import is_pipe, read_pipe
from nimblepose.media.sources import is_recorded, open_frames

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")


@pytest.fixture
def pipe(tmp_path, monkeypatch):
    monkeypatch.setattr(pipes, "PATIENCE", 0.2)
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


def write_into(pipe, data):
    writer = threading.Thread(target=pipe.write_bytes, args=[data], daemon=True)
    writer.start()
    return writer


@pytest.mark.parametrize("read", [read_picture, open_frames])
def test_nobody_writes(pipe, read):
    with pytest.raises(MediaError, match=r"pipe is a pipe or device, and nothing came out of it for 0\.2 s"):
        read(pipe)


def test_a_writer_that_falls_silent(pipe):
    held = threading.Event()

    def write():
        with pipe.open("wb", buffering=0) as file:
            file.write(b"begun")
            held.wait(10)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with pytest.raises(MediaError, match="nothing came out of it"):
            read_pipe(pipe, 100)
    finally:
        held.set()
        writer.join()


def test_what_is_written_is_read(pipe, tmp_path):
    data = saved(Image.new("RGB", (600, 300), (9, 9, 9)), "BMP")
    writer = write_into(pipe, data)
    assert read_picture(pipe).shape == (300, 600, 3)
    writer.join()
    writer = write_into(pipe, b"0123456789")
    assert read_pipe(pipe, 4) == b"0123"
    make_video(tmp_path / "a.ts", [numbered(n) for n in range(5)], codec="libx264")
    write_into(pipe, (tmp_path / "a.ts").read_bytes())
    assert len(list(open_frames(pipe))) == 5


def test_what_is_a_pipe(pipe, tmp_path):
    assert [is_pipe(path) for path in (pipe, tmp_path, tmp_path / "none")] == [True, False, False]
    assert not is_recorded(pipe)
