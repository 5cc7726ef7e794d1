"""Animations and pages as streams of frames."""

import logging

import numpy as np
import pytest
from picture_files import saved
from PIL import Image
from video_files import number_of, numbered

from nimblepose.core.errors import MediaError, OptionError
from nimblepose.media.animation import AnimatedPicture
from nimblepose.media.frames import Selection
from nimblepose.media.pictures import is_animated, read_picture
from nimblepose.media.sources import open_frames
from nimblepose.media.video import VideoFile

LOSSLESS = {"GIF": {}, "PNG": {}, "WEBP": {"lossless": True}, "TIFF": {}}
DURATIONS = [100, 40, 200, 100]


def write(path, kind, count=4, *, durations=DURATIONS, **options):
    pictures = [Image.fromarray(numbered(n)) for n in range(count)]
    times = {} if kind == "TIFF" else {"duration": durations, "loop": 0}
    pictures[0].save(path, kind, save_all=True, append_images=pictures[1:], **times, **LOSSLESS[kind], **options)
    return path


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_every_frame_comes_at_its_own_time(tmp_path, kind):
    source = open_frames(write(tmp_path / f"a.{kind.lower()}", kind))
    assert isinstance(source, AnimatedPicture)
    frames = list(source)
    assert [number_of(frame.image) for frame in frames] == [0, 1, 2, 3]
    assert [(frame.index, frame.time) for frame in frames] == [(0, 0.0), (1, 0.1), (2, 0.14), (3, 0.34)]
    assert (source.info.rate, source.info.duration, source.problems) == (10, 0.4, [])


def test_pages_come_at_a_rate(tmp_path):
    source = open_frames(write(tmp_path / "a.tiff", "TIFF"), rate=5)
    assert [(number_of(f.image), f.time) for f in source] == [(0, 0.0), (1, 0.2), (2, 0.4), (3, 0.6)]
    assert (source.info.rate, source.info.duration) == (5, 0.8)
    for rate in (0, -1):
        with pytest.raises(OptionError, match="rate above 0"):
            open_frames(tmp_path / "a.tiff", rate=rate)


def test_what_is_shown_for_no_time_is_shown_as_browsers_do(tmp_path):
    frames = list(open_frames(write(tmp_path / "a.png", "PNG", durations=[0, 10, 19, 20])))
    assert [frame.time for frame in frames] == [0.0, 0.1, 0.2, 0.3]


def test_a_selection_of_an_animation(tmp_path):
    path = write(tmp_path / "a.gif", "GIF", 10, durations=[100] * 10)
    frames = list(open_frames(path, Selection(every=2, start=0.15, end=0.85, after=2)))
    assert [(frame.index, number_of(frame.image)) for frame in frames] == [(4, 4), (6, 6), (8, 8)]
    source = open_frames(path)
    assert [source.close() or frame.index for frame in source] == [0]


def test_an_animation_that_breaks_off_gives_its_whole_frames(tmp_path):
    rng = np.random.default_rng(0)
    pictures = [Image.fromarray(rng.integers(0, 255, (48, 64), np.uint8)) for _ in range(4)]
    path = tmp_path / "a.gif"
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=100)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.6)])
    source = open_frames(path)
    assert 1 <= len(list(source)) < 4
    assert "frames were whole, up to" in source.problems[0]


def test_what_is_too_large_is_refused(tmp_path):
    path = write(tmp_path / "a.gif", "GIF")
    assert len(list(AnimatedPicture(path, max_pixels=64 * 48))) == 4
    with pytest.raises(MediaError, match="64 x 48 pixels, more than the limit"):
        AnimatedPicture(path, max_pixels=64 * 48 - 1)


def test_pictures_with_one_frame_and_what_cameras_put_behind_a_jpeg_do_not_move(tmp_path, caplog):
    for kind in LOSSLESS:
        assert not is_animated(write(tmp_path / f"one.{kind.lower()}", kind, 1, durations=[0]))
        assert is_animated(write(tmp_path / f"all.{kind.lower()}", kind))
    views = [Image.fromarray(numbered(n)) for n in range(2)]
    views[0].save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=views[1:])
    assert number_of(read_picture(tmp_path / "a.jpg")) == 0
    assert not caplog.records
    assert isinstance(open_frames(tmp_path / "a.jpg"), VideoFile)
    (tmp_path / "broken.gif").write_bytes(b"GIF89a" + b"x" * 50)
    assert not is_animated(tmp_path / "broken.gif")
    assert not is_animated(tmp_path / "none.gif")


@pytest.mark.parametrize(
    ("kind", "what"), [("GIF", "frames"), ("PNG", "frames"), ("WEBP", "frames"), ("TIFF", "pages")]
)
def test_of_a_picture_that_moves_the_first_frame_is_taken_and_it_is_said(tmp_path, caplog, kind, what):
    with caplog.at_level(logging.WARNING):
        assert number_of(read_picture(write(tmp_path / f"a.{kind.lower()}", kind))) == 0
    assert f"several {what}; the first is taken; `nimblepose track` takes them all" in caplog.text


def test_transparency_of_frames_shows_white(tmp_path):
    clear = Image.fromarray(np.zeros((48, 64, 4), np.uint8))
    data = saved(
        clear, "WEBP", save_all=True, append_images=[Image.new("RGBA", (64, 48), (9, 9, 9, 255))], lossless=True
    )
    (tmp_path / "a.webp").write_bytes(data)
    assert [int(frame.image.mean()) for frame in open_frames(tmp_path / "a.webp")] == [255, 9]
