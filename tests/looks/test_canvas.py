"""Where a look's pixels come from, and the way back."""

import numpy as np
import pytest

from nimblepose.core.metadata import InputSpec
from nimblepose.looks.canvas import Canvas, build_canvas
from nimblepose.looks.framing import Frames
from nimblepose.runtime.prepare import prepare_canvas

SPEC = InputSpec(mean=0.0, scale=1.0, channels="rgb")


def frames(turns=(0,)):
    boxes = np.array([[10.0, 20.0, 50.0, 84.0]] * len(turns))
    return Frames(boxes, np.full(len(turns), 2.0), np.array(turns, np.intp))


def find_spot(plane):
    """Centre of what is bright, (x, y)."""
    weights = plane.astype(np.float64)
    rows, columns = np.mgrid[: plane.shape[0], : plane.shape[1]]
    return np.array([(columns * weights).sum(), (rows * weights).sum()]) / weights.sum()


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_a_lit_square_comes_back_to_its_place(turns):
    picture = np.zeros((100, 100, 3), np.uint8)
    picture[40:44, 20:24] = 255  # centre (21.5, 41.5)
    canvas = build_canvas(frames((turns,)), stride=8, gap=1)
    batch = prepare_canvas(picture, canvas, SPEC)
    assert batch.shape == (1, 3, *canvas.input_size)
    np.testing.assert_allclose(canvas.to_picture(0, find_spot(batch[0, 0])), [21.5, 41.5], atol=0.05)


def test_every_look_has_cells_of_its_own_and_gray_is_between():
    picture = np.full((100, 100, 3), 200, np.uint8)
    canvas = build_canvas(frames((0, 1, 2)), stride=8, gap=1)
    batch = prepare_canvas(picture, canvas, SPEC)
    cells = batch[0, 0, 4::8, 4::8]
    assert cells.shape == canvas.size
    covered = np.zeros(canvas.size, bool)
    for look in range(3):
        assert (canvas.cut(look, cells[None]) == 200).all()
        (row, column), (height, width) = canvas.corners[look], canvas.sizes[look]
        covered[row : row + height, column : column + width] = True
    assert (cells[~covered] == 128).all()
    assert not covered.all()


def test_a_turned_look_lies_on_its_side():
    canvas = build_canvas(frames((0, 1)), stride=8, gap=1)
    assert canvas.sizes.tolist() == [[16, 10], [10, 16]]


def test_the_canvas_of_an_earlier_picture_is_filled_anew():
    canvas = build_canvas(frames((0, 1)), stride=8, gap=1)
    first = prepare_canvas(np.full((100, 100, 3), 10, np.uint8), canvas, SPEC)
    expected = prepare_canvas(np.full((100, 100, 3), 90, np.uint8), canvas, SPEC)
    again = prepare_canvas(np.full((100, 100, 3), 90, np.uint8), canvas, SPEC, out=first)
    assert again is first
    np.testing.assert_array_equal(again, expected)


@pytest.mark.parametrize("spec", [InputSpec(), InputSpec(dtype="uint8", mean=0.0, scale=1.0)], ids=["float", "pixels"])
def test_channels_and_levels_are_those_of_whole_pictures(spec):
    from nimblepose.core.geometry import Placement
    from nimblepose.runtime.prepare import prepare

    picture = np.random.default_rng(0).integers(0, 256, (64, 48, 3), np.uint8)
    whole = Canvas(
        np.array([[0, 0, 48, 64]]), np.array([[8, 6]]), np.zeros((1, 2), np.intp), np.zeros(1, np.intp), (8, 6), 8
    )
    np.testing.assert_array_equal(
        prepare_canvas(picture, whole, spec), prepare([picture], Placement((64, 48), (64, 48)), spec)
    )


def test_a_pixel_of_a_look_spans_so_much_of_the_picture():
    canvas = build_canvas(frames((0, 1)), stride=8, gap=1)
    for look in range(2):
        np.testing.assert_allclose(canvas.measure_pixel(look), [0.5, 0.5])
