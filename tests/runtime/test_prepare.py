"""Pictures become what the weights were trained on, to the last channel."""

import numpy as np
import pytest

from nimblepose.core.geometry import Placement
from nimblepose.core.metadata import RAW_BGR, InputSpec
from nimblepose.runtime.prepare import prepare, resize

COLOUR = (10, 120, 250)  # red, green, blue


def plain(size, colour=COLOUR):
    return np.full((*size, 3), colour, np.uint8)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (InputSpec(channels="rgb"), [(c - 128) / 256 for c in COLOUR]),
        (InputSpec(channels="bgr"), [(c - 128) / 256 for c in reversed(COLOUR)]),
        (RAW_BGR, list(reversed(COLOUR))),
        (InputSpec(channels="rgb", mean=0, scale=1 / 255), [c / 255 for c in COLOUR]),
        (InputSpec(channels="rgb", mean=100, scale=2), [(c - 100) * 2 for c in COLOUR]),
    ],
    ids=["rgb", "bgr", "raw", "0 to 1", "mean and scale"],
)
@pytest.mark.parametrize("size", [(64, 96), (37, 51), (500, 731)], ids=str)
def test_order_mean_and_scale_of_the_channels(spec, expected, size):
    placement = Placement.fit(size, 64)
    batch = prepare([plain(size)], placement, spec)
    assert batch.shape == (1, 3, *placement.input_size)
    assert batch.dtype == np.float32
    np.testing.assert_allclose(
        batch, np.broadcast_to(np.array(expected)[:, None, None], batch.shape[1:])[None], atol=1e-5
    )


def test_a_picture_of_the_inputs_size_is_taken_as_it_is():
    picture = np.random.default_rng(0).integers(0, 256, (16, 24, 3), np.uint8)
    batch = prepare([picture], Placement((16, 24), (16, 24)), RAW_BGR)
    np.testing.assert_array_equal(batch[0], picture[..., ::-1].transpose(2, 0, 1))


def test_pixels_stay_pixels():
    picture = np.random.default_rng(0).integers(0, 256, (16, 24, 3), np.uint8)
    spec = InputSpec(channels="bgr", mean=0, scale=1, dtype="uint8")
    batch = prepare([picture, picture], Placement((16, 24), (16, 24)), spec)
    assert batch.dtype == np.uint8
    np.testing.assert_array_equal(batch, np.stack(2 * [picture[..., ::-1].transpose(2, 0, 1)]))


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_only_memory_of_the_same_kind_is_filled_again(dtype):
    picture, placement = plain((16, 24)), Placement((16, 24), (16, 24))
    spec = InputSpec(mean=0, scale=1, dtype=dtype)
    first = prepare([picture], placement, spec)
    assert prepare([picture], placement, spec, out=first) is first
    other = np.zeros(first.shape, np.uint8 if dtype == "float32" else np.float32)
    assert prepare([picture], placement, spec, out=other).dtype == first.dtype


def test_pictures_of_a_batch_do_not_mix():
    pictures = [plain((40, 40), (value, value, value)) for value in (0, 100, 200)]
    batch = prepare(pictures, Placement.fit((40, 40), 16), RAW_BGR)
    assert batch.shape == (3, 3, 16, 16)
    assert [np.unique(one).tolist() for one in batch] == [[0], [100], [200]]


def test_a_batch_of_none_is_empty():
    assert prepare([], Placement.fit((40, 40), 16), RAW_BGR).shape == (0, 3, 16, 16)


@pytest.mark.parametrize("size", [(64, 96), (8, 8), (500, 8), (300, 700), (1, 1)], ids=str)
def test_resizing_gives_the_size_and_keeps_plain_colours(size):
    resized = resize(plain((123, 457)), size)
    assert resized.shape == (*size, 3)
    assert (resized == COLOUR).all()


def test_shrinking_skips_no_pixel():
    """A fine chequerboard becomes gray: cubic interpolation alone would see only some of its squares."""
    board = (255 * (np.indices((512, 512)).sum(axis=0) % 2)).astype(np.uint8)
    resized = resize(np.repeat(board[..., None], 3, axis=2), (64, 64))
    assert abs(resized.astype(float).mean() - 127.5) < 2
    assert resized.std() < 3


def test_a_single_bright_pixel_is_never_lost():
    for x in range(16):
        picture = plain((128, 128), (0, 0, 0))
        picture[60, 40 + x] = 255
        assert resize(picture, (32, 32)).max() > 5


def test_the_picture_is_left_alone():
    picture = np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)
    before = picture.copy()
    picture.setflags(write=False)
    prepare([picture, picture[:, ::-1]], Placement.fit((50, 70), 64), InputSpec())
    np.testing.assert_array_equal(picture, before)
