"""Pictures of iPhones."""

import sys

import numpy as np
import pytest
from heic_file import HEIC
from picture_files import saved
from PIL import Image

from nimblepose.core.errors import MediaError, MissingPackageError
from nimblepose.media.heic import is_heic
from nimblepose.media.pictures import holds_picture, read_deep, read_picture


def test_heic_is_known_by_its_first_bytes():
    assert is_heic(HEIC)
    assert not is_heic(saved(Image.new("RGB", (8, 8)), "PNG"))
    assert not is_heic(saved(Image.new("RGB", (8, 8)), "AVIF"))
    assert not is_heic(b"\0\0\0\x20ftypmif1\0\0\0\0mif1avif" + b"\0" * 8)
    assert not is_heic(b"\0\0\0\x20ftypisom\0\0\0\0isomheic")


def test_heic_is_read_upright(tmp_path):
    pytest.importorskip("pi_heif")
    (tmp_path / "IMG_1.HEIC").write_bytes(HEIC)
    picture = read_picture(tmp_path / "IMG_1.HEIC")
    assert picture.shape == (64, 48, 3)
    np.testing.assert_allclose(picture[-10, -10], (250, 30, 30), atol=6)
    for row, column in ((10, 10), (10, -10), (-10, 10)):
        np.testing.assert_allclose(picture[row, column], 60, atol=6)
    assert read_deep(tmp_path / "IMG_1.HEIC") is None
    assert holds_picture(tmp_path / "IMG_1.HEIC")
    with pytest.raises(MediaError, match="48 x 64 pixels, more than the limit"):
        read_picture(HEIC, max_pixels=48 * 64 - 1)
    asked = []
    read_picture(HEIC, expect=asked.append)
    assert asked == [48 * 64]


def test_damaged_heic_says_so():
    pytest.importorskip("pi_heif")
    for length in (40, 100, len(HEIC) - 60):
        with pytest.raises(MediaError, match="damaged"):
            read_picture(HEIC[:length])


def test_without_the_library_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    monkeypatch.setattr("nimblepose.media.heic.find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match=r"HEIC pictures: pi_heif is not installed; pip install .*\[heic\]"):
        read_picture(HEIC)


def test_the_library_with_an_encoder_serves_too(monkeypatch):
    library = pytest.importorskip("pi_heif")
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    monkeypatch.setitem(sys.modules, "pillow_heif", library)
    monkeypatch.setattr("nimblepose.media.heic.find_spec", lambda name: object())
    assert read_picture(HEIC).shape == (64, 48, 3)
