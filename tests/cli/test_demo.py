"""`nimblepose demo`: before and after, from what is in the package."""

import filecmp
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image

from nimblepose.media.pictures import read_picture
from nimblepose.runtime.models import DEMO_PICTURE

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def test_the_model_and_picture_of_the_package_make_three_people(cli, tmp_path, monkeypatch):
    monkeypatch.delenv("NIMBLEPOSE_MODEL", raising=False)
    monkeypatch.setenv("NIMBLEPOSE_OFFLINE", "1")
    monkeypatch.chdir(tmp_path)
    ran = cli("demo")
    assert (ran.code, ran.out.strip()) == (0, "3 people: nimblepose-demo.jpg")
    picture = read_picture("nimblepose-demo.jpg").astype(int)
    before, after = np.split(picture, 2, axis=1)
    assert before.shape == read_picture(DEMO_PICTURE).shape
    changed = np.abs(before - after).max(axis=-1) > 60
    assert 0.005 < changed.mean() < 0.2


def test_a_picture_of_ones_own(cli, estimator, tmp_path):
    Image.new("RGB", (60, 40), "gray").save(tmp_path / "own.png")
    assert cli("demo", tmp_path / "own.png", "--out", tmp_path / "shown.png").out.startswith("1 person")
    with Image.open(tmp_path / "shown.png") as shown:
        assert shown.size == (120, 40)


@pytest.mark.parametrize(("code", "message"), [(0, ""), (3, "no viewer")], ids=["viewer", "no viewer"])
def test_the_viewer_is_opened_if_asked(cli, estimator, tmp_path, monkeypatch, code, message):
    opened = []
    monkeypatch.setattr(typer, "launch", lambda path: opened.append(path) or code)
    out = tmp_path / "shown.png"
    ran = cli("demo", EXAMPLES / "people.jpg", "--out", out, "--open")
    assert opened == [str(out)]
    assert message in ran.out


def test_an_ending_it_cannot_write_is_an_error(cli, estimator, tmp_path):
    ran = cli("demo", "--out", tmp_path / "shown.xyz")
    assert ran.code == 2
    assert ".xyz" in ran.err
    assert list(tmp_path.iterdir()) == []


def test_the_picture_of_the_package_is_the_one_of_the_examples():
    assert filecmp.cmp(DEMO_PICTURE, EXAMPLES / "people.jpg", shallow=False)
