"""Pictures come back from their files, and what cannot be written is said."""

import io

import numpy as np
import pytest
from PIL import Image

from nimblepose.core.errors import MediaError
from nimblepose.media.encoding import encode_picture
from nimblepose.media.pictures import read_picture


@pytest.mark.parametrize(("suffix", "tolerance"), [(".png", 0), (".jpg", 4), (".webp", 6), (".JPEG", 4)])
def test_pictures_come_back_in_their_colours(suffix, tolerance):
    picture = np.zeros((16, 24, 3), np.uint8) + np.array([200, 100, 30], np.uint8)
    data = encode_picture(picture, suffix)
    np.testing.assert_allclose(read_picture(data).astype(int), picture, atol=tolerance)
    assert Image.open(io.BytesIO(data)).size == (24, 16)


@pytest.mark.parametrize(("suffix", "shape"), [(".gif", (4, 4, 3)), ("", (4, 4, 3)), (".jpg", (1, 70_000, 3))])
def test_pictures_that_cannot_be_written(suffix, shape):
    with pytest.raises(MediaError, match="cannot write"):
        encode_picture(np.zeros(shape, np.uint8), suffix)


def test_a_suffix_means_the_same_however_it_is_written():
    picture = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    assert encode_picture(picture, ".jpg") == encode_picture(picture, ".jpeg") == encode_picture(picture, ".JPG")
    assert encode_picture(picture, ".webp") == encode_picture(picture, ".WEBP")


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_what_is_lost_cannot_be_seen(suffix):
    y, x = np.mgrid[0:96, 0:128] / 16
    picture = np.stack([127 + 120 * np.sin(x), 127 + 120 * np.cos(y), 127 + 120 * np.sin(x + y)], -1).astype(np.uint8)
    error = read_picture(encode_picture(picture, suffix)).astype(float) - picture
    assert 10 * np.log10(255**2 / np.mean(error**2)) > 35, "decibels"
