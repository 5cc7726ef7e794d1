import numpy as np
import pytest

from nimblepose.core.errors import ModelError
from nimblepose.data.augment import (
    AugmentOptions,
    Sample,
    Warp,
    build_warp,
    choose_warp,
    disturb_picture,
    measure_subject,
    warp,
)


def centroid(image):
    weights = image[..., 0]
    y, x = np.mgrid[: weights.shape[0], : weights.shape[1]]
    return np.array([(x * weights).sum(), (y * weights).sum()]) / weights.sum()


CASES = {
    "as it is": {"factor": 1.0, "angle": 0.0},
    "smaller": {"factor": 0.6, "angle": 0.0},
    "larger": {"factor": 1.7, "angle": 0.0},
    "rotated": {"factor": 1.0, "angle": 0.6},
    "all at once": {"factor": 0.8, "angle": -0.5, "shift": [6.0, -9.0], "mirrored": True},
}


@pytest.mark.parametrize("detail", [1.0, 1.5], ids="{} times as large".format)
@pytest.mark.parametrize("reduced", [1, 2, 4], ids="read at 1/{}".format)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_lit_keypoint_stays_lit(bird, case, reduced, detail):
    point = np.array([63.5, 55.5])
    image = np.full((128, 160, 3), 128, np.uint8)  # gray, as beyond the border
    image[48:64, 56:72] = 255  # centre (63.5, 55.5)
    small = image.reshape(128 // reduced, reduced, 160 // reduced, reduced, 3).mean((1, 3)).astype(np.uint8)
    xy = np.full((1, 4, 2), np.nan, np.float32)
    xy[0, 0] = point
    case = {"shift": [0.0, 0.0], "mirrored": False} | case
    how = build_warp(
        (70.0, 60.0), case["factor"], case["angle"], np.array(case["shift"]), mirrored=case["mirrored"], size=(96, 112)
    )
    moved = warp(Sample(small, xy, np.zeros((128, 160), bool)), how, (96, 112), bird, reduced=reduced, detail=detail)
    assert moved.image.shape == (96 * detail, 112 * detail, 3)
    np.testing.assert_allclose((moved.xy[0, 0] + 0.5) * detail - 0.5, centroid(moved.image - 128.0), atol=0.1 * detail)
    assert how.factor == pytest.approx(case["factor"])


def test_a_sample_is_read_where_its_pixels_come_from_and_nowhere_near(bird):
    """A ramp enlarged 64 times is no staircase: OpenCV below 5 reads to a 32nd of a pixel, 4 gray levels here."""
    picture = np.repeat(np.array([[0, 250]], np.uint8), 3, axis=0)[..., None].repeat(3, axis=2)
    nobody = Sample(picture, np.full((0, 4, 2), np.nan, np.float32), np.zeros((3, 2), bool))
    enlarged = warp(nobody, Warp(np.array([[64.0, 0, 0], [0, 1, 0]]), False), (3, 64), bird).image
    np.testing.assert_allclose(enlarged[1, :, 0], 250 * np.arange(64) / 64, atol=0.6)


def test_a_mirror_swaps_left_and_right_and_two_mirrors_are_none(bird):
    xy = np.random.default_rng(0).uniform(20, 80, (2, 4, 2)).astype(np.float32)
    sample = Sample(np.zeros((100, 100, 3), np.uint8), xy, np.zeros((100, 100), bool))
    mirror = build_warp((49.5, 49.5), 1.0, 0.0, np.zeros(2), mirrored=True, size=(100, 100))
    once = warp(sample, mirror, (100, 100), bird)
    np.testing.assert_allclose(once.xy[:, 1], [99, 0] - xy[:, 2] * [1, -1], atol=1e-4)  # left wing was right wing
    np.testing.assert_allclose(once.xy[:, 0], [99, 0] - xy[:, 0] * [1, -1], atol=1e-4)
    np.testing.assert_allclose(warp(once, mirror, (100, 100), bird).xy, xy, atol=1e-4)


def test_the_mask_moves_with_the_picture(bird):
    ignore = np.zeros((128, 160), bool)
    ignore[48:64, 56:72] = True
    image = np.repeat(ignore[..., None], 3, axis=2).astype(np.uint8) * 255
    how = build_warp((60.0, 50.0), 1.5, 0.4, np.array([3.0, 5.0]), mirrored=True, size=(96, 96))
    moved = warp(Sample(image, np.zeros((0, 4, 2), np.float32), ignore), how, (96, 96), bird)
    seen = moved.image[..., 0] > 191
    assert (seen & moved.ignore).sum() / (seen | moved.ignore).sum() > 0.9


def test_arguments_are_left_alone_and_the_same_dice_throw_the_same(bird):
    image = np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8)
    sample = Sample(image.copy(), np.full((1, 4, 2), 20, np.float32), np.ones((64, 64), bool))
    options = AugmentOptions(colour=0.3, blur=1.0, jpeg=1.0)

    def throw(seed):
        rng = np.random.default_rng(seed)
        how = choose_warp((32.0, 32.0), 40.0, (64, 64), options, rng)
        return disturb_picture(warp(sample, how, (64, 64), bird), options, rng)

    one, two, other = throw(5), throw(5), throw(6)
    np.testing.assert_array_equal(one.image, two.image)
    np.testing.assert_array_equal(one.xy, two.xy)
    assert (one.image != other.image).any()
    np.testing.assert_array_equal(sample.image, image)
    assert (sample.xy == 20).all()


def test_the_dice_stay_within_their_ranges():
    options = AugmentOptions()
    rng = np.random.default_rng(0)
    warps = [choose_warp((100.0, 80.0), 120.0, (368, 368), options, rng) for _ in range(300)]
    heights = np.array([how.factor * 120 / 368 for how in warps])  # of the person, in heights of the input
    middles = np.array([how.matrix @ [100, 80, 1] for how in warps]) - 183.5
    upright = [h.matrix[:, :2] * [[-1], [1]] if h.mirrored else h.matrix[:, :2] for h in warps]
    angles = np.degrees([np.arctan2(m[1, 0], m[0, 0]) for m in upright])
    assert heights.min() > 0.3 > heights.min() - 0.03
    assert heights.max() < 0.66 < heights.max() + 0.03
    assert 35 < np.abs(angles).max() <= 40
    assert 35 < np.abs(middles).max() <= 40
    assert 0.4 < np.mean([how.mirrored for how in warps]) < 0.6


@pytest.mark.parametrize(
    "wrong",
    [
        {"scale": (1.0, 0.5)},
        {"flip": 1.5},
        {"centre": "box"},
        {"relative_to": "box"},
        {"rotation": 200.0},
        {"jpeg": -0.1},
    ],
    ids=str,
)
def test_ranges_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ModelError, match=next(iter(wrong))):
        AugmentOptions(**wrong)


def test_what_lies_across_is_not_enlarged_beyond_its_sample():
    """A box of 20 x 100: scaled by its height it would be three times as long as the sample."""
    across, upright, picture = (20.0, 100.0), (100.0, 20.0), (480, 640)
    by_person, by_side = AugmentOptions(), AugmentOptions(relative_to="side")
    assert [measure_subject(box, picture, by_person) for box in (across, upright)] == [20, 100]
    assert [measure_subject(box, picture, by_side) for box in (across, upright)] == [100, 100]
    assert measure_subject(across, picture, AugmentOptions(relative_to="picture")) == 480
