"""`--rotate`: cameras on their side give people upright, and results in pixels of what was turned."""

import json

import numpy as np
import pytest
from PIL import Image
from video_files import make_video, numbered

from nimblepose.media.video import VideoFile


@pytest.fixture
def folder(tmp_path, monkeypatch):
    make_video(tmp_path / "clip.mp4", [numbered(n) for n in range(4)])
    Image.fromarray(np.arange(64 * 48 * 3, dtype=np.uint8).reshape(48, 64, 3)).save(tmp_path / "a.png")
    (tmp_path / "frames").mkdir()
    for n in range(3):
        Image.fromarray(numbered(n)).save(tmp_path / "frames" / f"{n}.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def seen(estimator, monkeypatch):
    """What the estimator is shown."""
    pictures = []
    call = estimator.__call__
    monkeypatch.setattr(estimator, "__call__", lambda self, picture: pictures.append(picture) or call(self, picture))
    return pictures


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_a_picture(cli, estimator, folder, seen, rotation):
    assert cli("predict", "a.png", "--rotate", rotation).code == 0
    expected = np.rot90(np.array(Image.open("a.png")), -rotation // 90)
    assert (seen[0] == expected).all()
    document = json.loads((folder / "a.poses.json").read_text())
    (picture,) = document["pictures"]
    assert (picture["height"], picture["width"]) == expected.shape[:2]
    assert document.get("rotation", 0) == rotation
    assert np.array(Image.open("a.poses.png")).shape == expected.shape


@pytest.mark.parametrize("source", ["clip.mp4", "frames"])
@pytest.mark.parametrize("smooth", ["live", "offline"])
def test_a_video(cli, estimator, folder, seen, source, smooth):
    assert cli("track", source, "--rotate", 90, "--smooth", smooth).code == 0
    assert {picture.shape for picture in seen} == {(64, 48, 3)}
    stem = source.removesuffix(".mp4")
    first, *_ = [json.loads(line) for line in (folder / f"{stem}.poses.jsonl").read_text().splitlines()]
    assert (first["height"], first["width"], first["header"]["rotation"]) == (64, 48, 90)
    assert next(iter(VideoFile(folder / f"{stem}.poses.mp4"))).image.shape == (64, 48, 3)


def test_another_rotation_is_not_gone_on_with(cli, estimator, folder):
    def stop(number):
        if number == 2:
            raise KeyboardInterrupt

    estimator.hook = staticmethod(stop)
    assert cli("track", "clip.mp4", "--rotate", 90).code == 130
    estimator.hook = staticmethod(lambda number: None)
    ran = cli("track", "clip.mp4", "--resume")
    assert ran.code == 1
    assert "another rotation" in ran.err
    assert cli("track", "clip.mp4", "--rotate", 90, "--resume").code == 0


def test_the_report_shows_what_was_turned(cli, estimator, folder, monkeypatch):
    from nimblepose.report import making

    asked = []
    stills = making.Stills
    monkeypatch.setattr(making, "Stills", lambda *a, **k: asked.append(stills(*a, **k)) or asked[-1])
    cli("track", "clip.mp4", "--rotate", 90)
    assert cli("report", "clip.poses.jsonl", "--stills").code == 0
    assert asked[0].read(0.0).shape == (64, 48, 3)
    cli("predict", "a.png", "--rotate", 270)
    assert cli("report", "a.poses.json", "--stills").code == 0
    sighting = type("Sighting", (), {"file": "a.png"})
    assert (asked[1].find(sighting) == np.rot90(np.array(Image.open("a.png")), 1)).all()
