"""Pixels and points move together, there and back, through every change of size."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nimblepose.core.errors import ShapeError
from nimblepose.core.geometry import Placement, from_corner, rescale, to_corner, to_rescaling, turn_points
from nimblepose.runtime.prepare import resize

SIDES = st.integers(1, 5000)
STRIDES = st.sampled_from([4, 8, 16])
PICTURES = [(480, 640), (720, 1280), (1080, 1920), (777, 333), (37, 41)]


def light(picture):
    """Centre of all light in a picture, (x, y)."""
    gray = picture[..., 0].astype(np.float64)
    rows, columns = np.mgrid[: gray.shape[0], : gray.shape[1]]
    return np.array([(gray * columns).sum(), (gray * rows).sum()]) / gray.sum()


@pytest.mark.parametrize("place", ["centre", "upper left", "lower right"])
@pytest.mark.parametrize("size", PICTURES, ids=str)
@pytest.mark.parametrize("input_height", [64, 256, 368])
def test_a_spot_of_light_and_a_keypoint_move_together(size, input_height, place):
    placement = Placement.fit(size, input_height)
    share = {"centre": 0.5, "upper left": 0.3, "lower right": 0.7}[place]
    keypoint = np.array(size[::-1]) * share
    rows, columns = np.mgrid[: size[0], : size[1]]
    far = ((columns - keypoint[0]) * placement.factor[0]) ** 2 + ((rows - keypoint[1]) * placement.factor[1]) ** 2
    width = 1.5 * max(1, placement.factor.max())  # in input pixels: more than one pixel in picture and input
    spot = (250 * np.exp(-far / (2 * width**2))).astype(np.uint8)
    seen = light(resize(np.repeat(spot[..., None], 3, axis=2), placement.input_size))
    np.testing.assert_allclose(seen, placement.to_input(keypoint), atol=0.05)  # input pixels; a bug is half a pixel


@given(height=SIDES, width=SIDES, input_height=st.integers(16, 1000), stride=STRIDES)
def test_there_and_back_is_where_it_was(height, width, input_height, stride):
    placement = Placement.fit((height, width), input_height, stride=stride)
    corners = np.array([[-0.5, -0.5], [0, 0], [width - 0.5, height - 0.5]])
    np.testing.assert_allclose(placement.to_image(placement.to_input(corners)), corners, atol=1e-3 * max(height, width))


@given(height=SIDES, width=SIDES, input_height=st.integers(16, 1000), stride=STRIDES)
def test_the_edges_of_the_picture_are_the_edges_of_the_input(height, width, input_height, stride):
    placement = Placement.fit((height, width), input_height, stride=stride)
    edges = placement.to_input(np.array([[-0.5, -0.5], [width - 0.5, height - 0.5]]))
    input_height, input_width = placement.input_size
    np.testing.assert_allclose(edges, [[-0.5, -0.5], [input_width - 0.5, input_height - 0.5]], rtol=1e-5)


@given(height=SIDES, width=SIDES, input_height=st.integers(16, 1000), stride=STRIDES)
def test_the_input_is_bounded_in_multiples_of_the_stride(height, width, input_height, stride):
    found_height, found_width = Placement.fit((height, width), input_height, stride=stride).input_size
    assert found_height % stride == found_width % stride == 0
    assert stride <= found_height <= input_height + stride / 2
    assert stride <= found_width <= 6 * input_height + stride / 2


@given(height=st.integers(100, 5000), width=st.integers(100, 5000), input_height=st.integers(64, 1000))
def test_the_aspect_is_kept_to_half_a_stride(height, width, input_height):
    placement = Placement.fit((height, width), input_height)
    factor = min(input_height / height, 6 * input_height / width)
    for side, found in zip((height, width), placement.input_size, strict=True):
        assert abs(found - max(8, side * factor)) <= 4 + 1e-6


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((720, 1280), (256, 456)),
        ((480, 640), (256, 344)),
        ((1, 1), (256, 256)),
        ((1, 100_000), (8, 1536)),
        ((100_000, 1), (256, 8)),
        ((256, 456), (256, 456)),
    ],
    ids=str,
)
def test_input_sizes_at_height_256(size, expected):
    assert Placement.fit(size, 256).input_size == expected


def test_frames_of_one_size_share_a_placement_that_nobody_can_change():
    placement = Placement.fit((720, 1280), 256)
    assert Placement.fit((720, 1280), 256) is placement
    assert Placement.fit((720, 1280), 256, stride=16) != placement
    with pytest.raises(ValueError, match="read-only"):
        placement.factor[0] = 1


def test_the_zoom_is_that_of_an_area():
    placement = Placement((100, 200), (50, 400))
    assert placement.zoom**2 == pytest.approx(0.5 * 2)
    assert Placement((10, 10), (40, 40)).zoom == 4


def test_a_picture_of_the_inputs_size_stays_as_it_is():
    placement = Placement((64, 96), (64, 96))
    xy = np.random.default_rng(0).uniform(0, 90, (5, 2)).astype(np.float32)
    np.testing.assert_allclose(placement.to_input(xy), xy, rtol=1e-6)


@pytest.mark.parametrize("factor", [8, 0.125, 1.7, (2.0, 0.5)], ids=str)
def test_rescaling_keeps_dtype_shape_and_nan_and_leaves_its_argument_alone(factor):
    xy = np.array([[[1, 2], [np.nan, np.nan]]], np.float32)
    before = xy.copy()
    moved = rescale(xy, factor)
    assert (moved.dtype, moved.shape) == (np.float32, xy.shape)
    np.testing.assert_array_equal(np.isnan(moved), np.isnan(xy))
    np.testing.assert_array_equal(xy, before)
    np.testing.assert_allclose(rescale(moved, 1 / np.asarray(factor)), xy, rtol=1e-6)


def test_the_centre_of_eight_pixels_is_the_centre_of_one_cell():
    np.testing.assert_array_equal(rescale(np.array([3.5, 11.5]), 1 / 8), [0, 1])


def test_rescaling_as_a_matrix_is_rescaling():
    xy = np.random.default_rng(0).uniform(0, 90, (5, 2))
    for factor in (1 / 8, 1, 2.5):
        moved = np.column_stack([xy, np.ones(5)]) @ to_rescaling(factor).T
        np.testing.assert_allclose(moved, np.column_stack([rescale(xy, factor), np.ones(5)]), rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_middle_of_the_first_pixel_is_half_a_pixel_from_its_corner(dtype):
    xy = np.array([[0, 0], [10, 7.5]], dtype)
    np.testing.assert_array_equal(to_corner(xy), [[0.5, 0.5], [10.5, 8]])
    np.testing.assert_array_equal(from_corner(to_corner(xy)), xy)
    assert to_corner(xy).dtype == from_corner(xy).dtype == dtype


def test_points_of_torch_are_rescaled_as_those_of_numpy():
    torch = pytest.importorskip("torch")
    xy = np.random.default_rng(0).uniform(0, 90, (5, 2)).astype(np.float32)
    for factor in (8, 1 / 8):
        moved = rescale(torch.from_numpy(xy), factor)
        assert moved.dtype == torch.float32
        np.testing.assert_array_equal(moved.numpy(), rescale(xy, factor))


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (-1, 5)], ids=str)
def test_no_picture_has_no_place(size):
    with pytest.raises(ShapeError, match="positive"):
        Placement(size, (8, 8))
    with pytest.raises(ShapeError, match="positive"):
        Placement.fit(size, 256)


def test_an_input_lower_than_one_cell_is_refused():
    with pytest.raises(ShapeError, match="at least the stride 8, got 7"):
        Placement.fit((100, 100), 7)
    assert Placement.fit((100, 100), 8).input_size == (8, 8)


@pytest.mark.parametrize("turns", range(-4, 5))
def test_points_turn_with_their_picture(turns):
    picture = np.zeros((5, 8))
    picture[1, 6] = 1
    row, column = np.argwhere(np.rot90(picture, turns))[0]
    np.testing.assert_array_equal(turn_points(np.array([6.0, 1.0]), (5, 8), turns), [column, row])


@pytest.mark.parametrize("size", [(480, 640), (640, 480), (1920, 1080), (300, 2400), (2400, 300)])
def test_every_shape_has_the_same_number_of_input_pixels(size):
    placement = Placement.cover(size, 70_000)
    height, width = placement.input_size
    assert height % 8 == width % 8 == 0
    assert height * width == pytest.approx(70_000, rel=0.05)
    assert height / width == pytest.approx(size[0] / size[1], rel=0.06)


@pytest.mark.parametrize("size", [(1, 60_000), (60_000, 1), (1, 1)])
def test_no_shape_takes_much_more_than_that(size):
    height, width = Placement.cover(size, 70_000).input_size
    assert min(height, width) >= 8
    assert height * width <= 1.05 * 70_000


def test_what_is_covered_is_the_picture_as_it_is_shown():
    height, width = Placement.cover((576, 720), 70_000, pixel_aspect=64 / 45).input_size
    assert width / height == pytest.approx(16 / 9, rel=0.03)


@pytest.mark.parametrize(("pixels", "aspect"), [(63, 1.0), (70_000, 0.0), (70_000, np.nan)])
def test_what_cannot_be_covered_is_refused(pixels, aspect):
    with pytest.raises(ShapeError):
        Placement.cover((480, 640), pixels, pixel_aspect=aspect)
