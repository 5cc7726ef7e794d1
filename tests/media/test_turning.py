"""Turned frames are those of the source, turned; whatever else it says stays."""

from fractions import Fraction

import numpy as np
import pytest
from PIL import Image
from video_files import make_video, numbered

from nimblepose.core.errors import OptionError
from nimblepose.media.sources import open_frames
from nimblepose.media.turning import turn

PICTURE = np.random.default_rng(0).integers(0, 256, (3, 5, 3), np.uint8)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_turned_as_pillow_turns(rotation):
    expected = Image.fromarray(PICTURE).rotate(-rotation, expand=True)
    assert (turn(PICTURE, rotation) == np.array(expected)).all()
    assert (turn(turn(PICTURE, rotation), (360 - rotation) % 360) == PICTURE).all()


@pytest.mark.parametrize("rotation", [-90, 45, 360])
def test_other_angles_would_need_invented_pixels(rotation, tmp_path):
    with pytest.raises(OptionError, match=f"0, 90, 180 or 270 degrees with the clock, got {rotation}"):
        turn(PICTURE, rotation)
    with pytest.raises(OptionError):
        open_frames(tmp_path / "missing.mp4", rotation=rotation)


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_frames_keep_index_time_and_what_is_said_of_them(tmp_path, rotation):
    video = make_video(tmp_path / "clip.mkv", [numbered(n) for n in range(4)], aspect=Fraction(4, 3))
    plain, turned = open_frames(video), open_frames(video, rotation=rotation)
    for before, after in zip(plain, turned, strict=True):
        assert (after.index, after.time) == (before.index, before.time)
        assert (after.image == np.rot90(before.image, -rotation // 90)).all()
    assert turned.info.pixel_aspect == (Fraction(4, 3) if rotation == 180 else Fraction(3, 4))
    assert (turned.info.rotation, plain.info.rotation) == (rotation, 0)
    assert (turned.info.duration, turned.info.rate, turned.live, turned.dropped) == (
        plain.info.duration, plain.info.rate, False, 0
    )  # fmt: skip


def test_problems_are_passed_on(tmp_path):
    (tmp_path / "f").mkdir()
    Image.fromarray(PICTURE).save(tmp_path / "f/0.png")
    (tmp_path / "f/1.png").write_bytes(b"nothing")
    frames = open_frames(tmp_path / "f", rotation=90)
    assert len(list(frames)) == 1
    assert "1.png" in frames.problems[0]
    frames.close()
