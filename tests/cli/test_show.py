"""`predict --show` shows pictures, too: each until a key is pressed."""

import pytest
from PIL import Image

from nimblepose.cli import window


class FakeWindow:
    """Keeps what it is shown; closed after `patience` pictures."""

    patience = 100
    shown = ()
    waited = 0

    def __init__(self, title):
        type(self).shown, type(self).waited = [], 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def show(self, picture):
        self.shown.append(picture)
        return True

    def wait(self, stopped):
        type(self).waited += 1
        return self.waited < self.patience


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for n in range(3):
        Image.new("RGB", (64, 48), (n, 0, 0)).save(tmp_path / f"{n}.png")
    Image.new("RGB", (4096, 1024)).save(tmp_path / "wide.png")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(window, "Window", FakeWindow)
    return tmp_path


@pytest.mark.parametrize("sources", [["0.png"], ["0.png", "1.png", "2.png"]], ids=["one", "many"])
@pytest.mark.parametrize("more", [[], ["--no-pictures", "--boxes"]], ids=["written", "only shown"])
def test_every_picture_is_shown_and_waited_for(cli, estimator, folder, sources, more):
    assert cli("predict", *sources, "--show", *more, "-o", "o").code == 0
    assert (len(FakeWindow.shown), FakeWindow.waited) == (len(sources), len(sources))
    assert all(picture.shape == (48, 64, 3) and picture.max() > 100 for picture in FakeWindow.shown)
    assert len(list((folder / "o").glob("*.png"))) == (0 if more else len(sources))


def test_what_is_larger_than_a_screen_waits_reduced(cli, estimator, folder):
    assert cli("predict", "wide.png", "--show").code == 0
    assert FakeWindow.shown[0].shape == (512, 2048, 3)
    assert Image.open("wide.poses.png").size == (4096, 1024)


def test_who_closes_the_window_has_seen_enough(cli, estimator, folder, monkeypatch):
    monkeypatch.setattr(FakeWindow, "patience", 2)
    ran = cli("predict", "0.png", "1.png", "2.png", "--show", "-o", "o")
    assert (ran.code, ran.err) == (0, "")
    assert len(FakeWindow.shown) == 2


def test_without_show_there_is_no_window(cli, estimator, folder):
    FakeWindow.shown = None
    assert cli("predict", "0.png").code == 0
    assert FakeWindow.shown is None
