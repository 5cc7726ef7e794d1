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
