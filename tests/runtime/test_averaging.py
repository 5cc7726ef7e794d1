"""A mirror twice is nothing, and the mean of equals is the same."""

import numpy as np
import pytest

from nimblepose import COCO_17, HUMAN_18, Skeleton
from nimblepose.codec.decode import DecodeOptions, decode
from nimblepose.codec.encode import EncodeOptions, encode
from nimblepose.core.errors import SkeletonError
from nimblepose.runtime.averaging import average, mirror
from nimblepose.runtime.protocols import Fields

TREE = Skeleton(  # COCO's skeleton has limbs across the body, this one has none that cross
    "fork", ("stem", "left", "right"), (("stem", "left"), ("stem", "right")), mirror_pairs=(("left", "right"),)
)
SKELETONS = pytest.mark.parametrize("skeleton", [HUMAN_18, COCO_17, TREE], ids=lambda s: s.name)


def random_fields(skeleton, size=(6, 9), batch=2):
    rng = np.random.default_rng(0)
    return Fields(
        rng.normal(size=(batch, skeleton.heatmap_channels, *size)).astype(np.float32),
        rng.normal(size=(batch, skeleton.paf_channels, *size)).astype(np.float32),
    )


def drawn(xy, size, skeleton, geometry="centre"):
    options = EncodeOptions(paf_geometry=geometry, overlap="max")
    return Fields(*(field[None].astype(np.float32) for field in encode(xy, size, skeleton, options)))


def mirrored(xy, width, skeleton):
    return (xy * [-1, 1] + [width - 1, 0])[..., skeleton.flip_permutation, :]


@SKELETONS
def test_a_mirror_twice_is_nothing(skeleton):
    fields = random_fields(skeleton)
    for once, twice in zip(fields, mirror(mirror(fields, skeleton), skeleton), strict=True):
        np.testing.assert_array_equal(twice, once)


@SKELETONS
def test_the_fields_of_the_mirrored_picture_become_those_of_the_picture(skeleton):
    """Drawn for a person and for the person in a mirror: left becomes right, and limbs point the other way."""
    xy = np.random.default_rng(1).uniform(8, 88, (1, len(skeleton.keypoints), 2))
    expected = drawn(xy, (12, 12), skeleton)
    found = mirror(drawn(mirrored(xy, 96, skeleton), (12, 12), skeleton), skeleton)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize("aside", [0.0, 0.2, 0.4375])
def test_pafs_that_lie_aside_are_brought_together_before_they_are_averaged(aside):
    """Whatever lies `aside` to the right in the picture and in its mirror image lies on one another again."""
    columns = np.arange(24)

    def seen(place):
        bump = np.exp(-((columns - place - aside) ** 2) / (2 * 2**2)).astype(np.float32)
        return Fields(np.zeros((1, 4, 1, 24), np.float32), np.broadcast_to(bump, (1, 4, 1, 24)))

    def centre(pafs):
        strength = np.abs(pafs).sum(axis=(0, 1, 2))
        return (strength * columns).sum() / strength.sum()

    back = mirror(seen(23 - 9.0), TREE, paf_offset=aside)
    np.testing.assert_allclose(centre(back.pafs), centre(seen(9.0).pafs), atol=1e-3)


def test_a_shift_moves_to_the_right_and_repeats_the_edge():
    fields = random_fields(TREE)
    plain, moved = mirror(fields, TREE).pafs, mirror(fields, TREE, paf_offset=0.25).pafs
    np.testing.assert_allclose(moved[..., 1:], (plain[..., 1:] + plain[..., :-1]) / 2, atol=1e-6)
    np.testing.assert_allclose(moved[..., 0], plain[..., 0], atol=1e-6)


def test_people_are_the_same_after_averaging_with_the_mirror():
    xy = np.random.default_rng(3).uniform(20, 170, (1, 18, 2))
    fields = drawn(xy, (24, 24), HUMAN_18)
    both = average([fields, mirror(drawn(mirrored(xy, 192, HUMAN_18), (24, 24), HUMAN_18), HUMAN_18)], (24, 24))
    options = DecodeOptions(min_keypoints=1)
    alone, together = (decode(*(f[0] for f in one), HUMAN_18, options=options) for one in (fields, both))
    assert len(alone) >= 1
    np.testing.assert_allclose(together.keypoints, alone.keypoints, atol=0.01)


def test_a_skeleton_without_mirror_image_is_refused():
    lame = Skeleton("lame", ("a", "l", "r"), (("a", "l"), ("l", "r")), mirror_pairs=(("l", "r"),))
    with pytest.raises(SkeletonError, match="has no mirror image"):
        mirror(random_fields(lame), lame)


def test_the_mean_of_equals_is_the_same():
    fields = random_fields(TREE)
    for ours, theirs in zip(average([fields, fields, fields], (6, 9)), fields, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_the_mean_is_the_mean():
    one, other = random_fields(TREE), Fields(*(2 * field + 1 for field in random_fields(TREE)))
    for mean, a, b in zip(average([one, other], (6, 9)), one, other, strict=True):
        np.testing.assert_allclose(mean, (a + b) / 2, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("size", [(24, 32), (12, 16), (17, 23)], ids=str)
def test_a_peak_stays_in_its_place_at_every_size(size):
    """A field of twice or half the size covers the same picture."""
    rows, columns = np.mgrid[:24, :32].astype(np.float32)
    bump = np.exp(-((rows - 9) ** 2 + (columns - 20) ** 2) / (2 * 3**2)).astype(np.float32)
    fields = Fields(bump[None, None], np.repeat(bump[None, None], 2, axis=1))
    heatmaps, pafs = average([fields], size)
    assert heatmaps.shape == (1, 1, *size)
    assert pafs.shape == (1, 2, *size)
    place = np.array([(heatmaps[0, 0] * grid).sum() for grid in np.indices(size)]) / heatmaps.sum()
    expected = (np.array([9.5, 20.5]) * np.array(size) / [24, 32]) - 0.5
    np.testing.assert_allclose(place, expected, atol=0.1)


def test_between_cells_a_peak_is_as_high_as_it_was_drawn():
    """Of half the size in, of the whole out: straight lines between cells would cut off its top."""
    rows, columns = (np.mgrid[:24, :32].astype(np.float32) - 0.5) / 2  # cells of the small field
    whole, small = (
        np.exp(-((y - 5) ** 2 + (x - 8) ** 2) / (2 * 1.2**2)).astype(np.float32)
        for y, x in ((rows, columns), np.mgrid[:12, :16].astype(np.float32))
    )
    heatmaps, pafs = average([Fields(small[None, None], np.repeat(small[None, None], 2, axis=1))], (24, 32))
    for field in (heatmaps[0, 0], *pafs[0]):
        assert field.dtype == np.float32
        np.testing.assert_allclose(field, whole, atol=0.02)
