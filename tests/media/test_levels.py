"""Of pictures of more than 8 bits that fill a part of them, that part becomes black to white."""

import warnings

import numpy as np
import pytest
from picture_files import png, saved
from PIL import Image

from nimblepose.core.errors import OptionError
from nimblepose.media.levels import SteadyLevels, find_levels, parse_levels, to_8_bits
from nimblepose.media.pictures import read_picture

pytestmark = pytest.mark.filterwarnings("ignore:pictures of more than 8 bits")
RAMP = np.linspace(0, 1, 100 * 120).reshape(100, 120)
RANGES = {"10 bits": (0, 1023), "12 bits": (0, 4095), "raw": (7000, 9000), "centikelvin": (28500, 31000)}


@pytest.mark.parametrize("low_high", RANGES.values(), ids=RANGES)
def test_a_part_of_the_range_is_stretched_over_all_of_it(low_high):
    low, high = low_high
    values = np.rint(low + (high - low) * RAMP).astype(np.uint16)
    eight = to_8_bits(values)
    np.testing.assert_allclose(eight, 255 * RAMP, atol=3)
    assert (eight.min(), eight.max()) == (0, 255)


def test_what_fills_16_bits_keeps_its_upper_eight():
    values = np.rint(65535 * (0.2 + 0.55 * RAMP)).astype(np.uint16)
    np.testing.assert_array_equal(to_8_bits(values), values >> 8)
    np.testing.assert_array_equal(to_8_bits((values >> 4), "full"), values >> 12)


def test_a_few_hot_and_dead_pixels_do_not_count():
    values = np.rint(7000 + 2000 * RAMP).astype(np.uint16)
    values.ravel()[::1000], values.ravel()[500::1000] = 65535, 0
    low, high = find_levels(values)
    assert 6990 < low < 7030
    assert 8970 < high < 9010


def test_levels_that_are_given_are_taken():
    values = np.array([[0, 100, 150, 200, 900]], np.uint16)
    np.testing.assert_array_equal(to_8_bits(values, (100, 200)), [[0, 0, 128, 255, 255]])


def test_values_without_a_range_of_their_own_are_stretched():
    celsius = (18 + 19 * RAMP).astype(np.float32)
    celsius[0, 0] = np.nan
    found = read_picture(saved(Image.fromarray(celsius), "TIFF"))
    np.testing.assert_allclose(found[..., 0], 255 * RAMP, atol=3)
    assert to_8_bits(np.full((4, 4), 7, np.int32)).max() == 0


def test_files_and_arrays_of_12_bits_are_read_alike():
    values = np.rint(4095 * RAMP).astype(np.uint16)
    colours = np.stack([values, values[::-1], values[:, ::-1]], axis=2)
    gray = png(120, 100, 16, 0, [row.astype(">u2").tobytes() for row in values])
    colour = png(120, 100, 16, 2, [row.astype(">u2").tobytes() for row in colours])
    expected = np.repeat(to_8_bits(values)[..., None], 3, axis=2)
    for source in (values, gray, saved(Image.fromarray(values), "TIFF")):
        np.testing.assert_array_equal(read_picture(source), expected)
    for source in (colours, colour):
        np.testing.assert_array_equal(read_picture(source), to_8_bits(colours))
    np.testing.assert_array_equal(read_picture(gray, levels="full"), np.repeat((values >> 8)[..., None], 3, axis=2))


def test_transparency_has_no_levels():
    values = np.rint(4095 * RAMP).astype(np.uint16)
    rgba = np.stack([values] * 3 + [np.full_like(values, 65535)], axis=2)
    np.testing.assert_array_equal(read_picture(rgba), read_picture(rgba[..., :3]))


def test_it_is_said_once():
    values = np.rint(4095 * RAMP).astype(np.uint16)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("default")
        for _ in range(3):
            read_picture(values)
            read_picture(np.full((4, 4), 60000, np.uint16), levels="full")
    assert len(said) == 1
    assert "--range" in str(said[0].message)


def test_levels_of_a_video_move_slowly():
    steady = SteadyLevels()
    first = steady.to_8_bits(np.rint(7000 + 2000 * RAMP).astype(np.uint16))
    second = steady.to_8_bits(np.rint(7000 + 4000 * RAMP).astype(np.uint16))
    half = np.rint(255 * np.clip(2 * RAMP, 0, 1))
    np.testing.assert_allclose(first, 255 * RAMP, atol=3)
    np.testing.assert_allclose(second, half, atol=13)  # a twentieth of the way
    assert np.abs(second.astype(int) - half).max() > 3


@pytest.mark.parametrize(("text", "expected"), [("auto", "auto"), (" FULL", "full"), ("7000, 9000", (7000, 9000))])
def test_levels_as_people_write_them(text, expected):
    assert parse_levels(text) == expected


@pytest.mark.parametrize("text", ["", "7000", "9000,7000", "1,2,3", "nan,5", "0,inf"])
def test_levels_that_cannot_be(text):
    with pytest.raises(OptionError, match="LOW,HIGH"):
        parse_levels(text)


def test_levels_may_be_of_any_size_that_pictures_have():
    assert parse_levels("-1e9,1e9") == (-1e9, 1e9)
    for text in ("-1.0000001e9,5", "5,1.0000001e9", "5,5"):
        with pytest.raises(OptionError):
            parse_levels(text)


def test_levels_of_large_pictures_are_found_in_a_part_of_them():
    values = np.rint(1000 + 3000 * np.linspace(0, 1, 1_200_000)).astype(np.uint16)
    low, high = find_levels(values)
    assert low == pytest.approx(1015, abs=2)
    assert high == pytest.approx(3985, abs=2)


def test_one_value_everywhere_is_black_and_infinities_are_none():
    assert to_8_bits(np.full((3, 3), 500, np.uint16)).max() == 0
    values = np.array([[np.inf, -np.inf, np.nan, 2, 4]], np.float32)
    np.testing.assert_array_equal(to_8_bits(values, "full"), [[255, 0, 0, 0, 255]])


def test_levels_of_a_video_jump_to_and_from_the_whole_range():
    steady = SteadyLevels()
    part, whole = np.rint(4000 * RAMP).astype(np.uint16), np.rint(65535 * RAMP).astype(np.uint16)
    for values, expected in ((part, 255 * RAMP), (whole, whole >> 8), (part, 255 * RAMP)):
        np.testing.assert_allclose(steady.to_8_bits(values), expected, atol=3)


def test_levels_of_a_video_reach_new_ones_in_the_end():
    steady = SteadyLevels()
    steady.to_8_bits(np.rint(1000 + 2000 * RAMP).astype(np.uint16))
    for _ in range(150):
        last = steady.to_8_bits(np.rint(9000 + 4000 * RAMP).astype(np.uint16))
    np.testing.assert_allclose(last, 255 * RAMP, atol=4)


@pytest.mark.parametrize("levels", ["full", (0, 1000)])
def test_levels_of_a_video_that_are_given_stay(levels):
    steady = SteadyLevels(levels)
    for values in (np.rint(1000 * RAMP), np.rint(3000 * RAMP)):
        np.testing.assert_array_equal(
            steady.to_8_bits(values.astype(np.uint16)), to_8_bits(values.astype(np.uint16), levels)
        )
