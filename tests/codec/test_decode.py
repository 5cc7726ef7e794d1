"""The whole decoder: people drawn into fields come back, and the reference's people are found."""

import dataclasses
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from nimblepose import COCO_17, HUMAN_18, Skeleton
from nimblepose.codec.decode import compute_paf_offset, decode
from nimblepose.codec.encode import EncodeOptions, encode
from nimblepose.codec.options import FOR_RANKING, DecodeOptions
from nimblepose.codec.peaks import find_peaks
from nimblepose.core.errors import SkeletonError
from nimblepose.core.geometry import Placement, rescale
from nimblepose.core.prior import PosePrior
from nimblepose.core.scorer import PoseScorer, count_features

FOX = Skeleton(
    "fox",
    ("nose", "neck", "left paw", "right paw", "tail"),
    (("neck", "nose"), ("neck", "left paw"), ("neck", "right paw"), ("neck", "tail"), ("left paw", "right paw")),
)
STICK = Skeleton("stick", ("head", "tail"), (("head", "tail"),))
SKELETONS = pytest.mark.parametrize("skeleton", [HUMAN_18, COCO_17, FOX, STICK], ids=lambda s: s.name)
OWN = EncodeOptions(paf_geometry="centre", overlap="max")
ALL = DecodeOptions(min_keypoints=1, min_pose_score=0, long_limb=10)


def crowd(count, skeleton, rng):
    """People whose keypoints lie on circles of radius 60 in squares of 160, one in each, (N, K, 2) input pixels."""
    k = len(skeleton.keypoints)
    columns = int(np.ceil(np.sqrt(count)))
    centres = np.stack(np.divmod(np.arange(count), columns)[::-1], axis=-1)[:, None] * 160.0 + 80
    angles = 2 * np.pi * np.arange(k) / k + rng.uniform(0, 6, (count, 1))
    radius = rng.uniform(45, 60, (count, 1))[..., None]
    xy = centres + radius * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    return xy, (-(-count // columns) * 20, columns * 20)


def fields(xy, size, skeleton, options=OWN):
    return tuple(field.astype(np.float32) for field in encode(xy, size, skeleton, options))


@SKELETONS
@pytest.mark.parametrize(
    ("count", "geometry"),
    [(1, "centre"), (2, "centre"), (7, "centre"), (30, "centre"), (1, "corner"), (2, "corner"), (7, "corner")],
)
def test_people_drawn_apart_come_back(skeleton, count, geometry):
    """Each once, whole, and every keypoint to 0.3 input pixels.

    "corner" draws limbs along an axis one cell wide, so that of 30 people on circles one loses a limb now and then.
    """
    xy, size = crowd(count, skeleton, np.random.default_rng(count))
    drawn = fields(xy, size, skeleton, EncodeOptions(paf_geometry=geometry, overlap="max"))
    poses = decode(*drawn, skeleton, paf_geometry=geometry, options=ALL)
    assert len(poses) == count
    assert poses.found.all()
    centres, found = xy.mean(axis=1), poses.keypoints.mean(axis=1)
    nearest = ((found[:, None] - centres[None]) ** 2).sum(axis=-1).argmin(axis=1)
    assert sorted(nearest.tolist()) == list(range(count))
    np.testing.assert_allclose(poses.keypoints, xy[nearest], atol=0.3)
    assert (poses.keypoint_scores > 0.7).all()
    assert (poses.scores > 0.5).all()
    assert (np.diff(poses.scores) <= 0).all()


@SKELETONS
def test_nobody_in_the_fields_is_nobody_found(skeleton):
    heatmaps, pafs = fields(np.zeros((0, len(skeleton.keypoints), 2)), (12, 16), skeleton)
    poses = decode(heatmaps, pafs, skeleton)
    assert len(poses) == 0
    assert poses.keypoints.shape == (0, len(skeleton.keypoints), 2)


def test_keypoints_without_limbs_are_nobody():
    xy, size = crowd(4, HUMAN_18, np.random.default_rng(0))
    heatmaps, pafs = fields(xy, size, HUMAN_18)
    assert len(decode(heatmaps, np.zeros_like(pafs), HUMAN_18)) == 0
    assert len(decode(np.zeros_like(heatmaps), pafs, HUMAN_18)) == 0


def test_keypoints_that_are_not_there_are_nan_with_score_zero():
    xy, size = crowd(1, HUMAN_18, np.random.default_rng(0))
    hidden = [0, 4, 10]  # nose, a wrist, an ankle: the rest still hangs together
    xy[:, hidden] = np.nan
    poses = decode(*fields(xy, size, HUMAN_18), HUMAN_18, options=ALL)
    assert len(poses) == 1
    assert np.flatnonzero(~poses.found[0]).tolist() == hidden
    assert (poses.keypoint_scores[0, hidden] == 0).all()
    assert np.isnan(poses.keypoints[0, hidden]).all()


def test_scores_stay_in_bounds_whatever_the_network_says():
    rng = np.random.default_rng(0)
    heatmaps = rng.normal(0.3, 0.6, (19, 16, 20)).astype(np.float32)
    pafs = rng.normal(0, 1, (38, 16, 20)).astype(np.float32)
    poses = decode(heatmaps, pafs, HUMAN_18, options=FOR_RANKING)
    assert len(poses) > 0
    assert ((poses.keypoint_scores >= 0) & (poses.keypoint_scores <= 1)).all()
    assert (poses.scores >= 0).all()
    assert np.isfinite(poses.keypoints[poses.found]).all()


def test_the_stride_scales_the_answer():
    xy, size = crowd(2, FOX, np.random.default_rng(0))
    drawn = fields(xy, size, FOX)
    eight, four = (decode(*drawn, FOX, stride=stride, paf_geometry="centre", options=ALL) for stride in (8, 4))
    np.testing.assert_allclose(four.keypoints, rescale(eight.keypoints, 0.5), rtol=1e-5)


def test_half_precision_views_and_read_only_fields_are_taken_and_left_alone():
    xy, size = crowd(2, FOX, np.random.default_rng(0))
    heatmaps, pafs = fields(xy, size, FOX)
    expected = decode(heatmaps, pafs, FOX)
    turned = np.asfortranarray(heatmaps), np.asfortranarray(pafs)
    for field in (heatmaps, pafs, *turned):
        field.setflags(write=False)
    for given in ((heatmaps, pafs), turned):
        np.testing.assert_array_equal(decode(*given, FOX).keypoints, expected.keypoints)
    half = decode(heatmaps.astype(np.float16), pafs.astype(np.float16), FOX)
    np.testing.assert_allclose(half.keypoints, expected.keypoints, atol=0.1)


@pytest.mark.parametrize(
    ("heatmaps", "pafs"),
    [((18, 8, 8), (38, 8, 8)), ((19, 8, 8), (36, 8, 8)), ((19, 8, 8), (38, 8, 9)), ((38, 8, 8), (19, 8, 8))],
    ids=["heatmaps", "pafs", "sizes", "exchanged"],
)
def test_fields_of_another_skeleton_are_refused(heatmaps, pafs):
    with pytest.raises(SkeletonError, match="'human18' needs 19 heatmaps and 38 pafs of one size"):
        decode(np.zeros(heatmaps, np.float32), np.zeros(pafs, np.float32), HUMAN_18)


@pytest.mark.parametrize(
    ("stride", "geometry", "offset"), [(8, "corner", 7 / 16), (4, "corner", 3 / 8), (8, "centre", 0)]
)
def test_where_pafs_are_read(stride, geometry, offset):
    assert compute_paf_offset(stride, geometry) == offset


# A known keypoint, from the network's fields to the pixel of the picture ---------------------------------------------

PLACES = {
    "centre": (0.5, 0.5), "upper left corner": (0, 0), "lower right corner": (1, 1), "left border": (0, 0.4),
    "right border": (1, 0.6), "upper border": (0.3, 0), "lower border": (0.7, 1), "near the border": (0.01, 0.02),
}  # fmt: skip


def gaussians(head, tail, size):
    """Heatmaps of a stick, sigma 7 input pixels, drawn from the definition: a cell's centre is that of its pixels."""
    y, x = (8 * index + 3.5 for index in np.indices(size))
    drawn = [np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / (2 * 7**2)) for at in (head, tail)]
    return np.array([*drawn, 1 - np.maximum(*drawn)], np.float32)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("size", [(480, 640), (720, 1280), (1080, 1920), (777, 333)], ids=str)
@pytest.mark.parametrize("input_height", [256, 368])
def test_a_known_keypoint_comes_back_to_a_third_of_a_pixel(size, input_height, place):
    """Within 0.3 pixels of the picture, which has up to 4.2 for one of the input, and 34 for one cell."""
    placement = Placement.fit(size, input_height)
    known = np.array(PLACES[place]) * (np.array(size[::-1]) - 1.0)  # first to last pixel centre
    inner = placement.to_input(known)
    width, height = placement.input_size[::-1]
    other = np.where(inner < [width / 2, height / 2], inner + 40, inner - 40)
    cells = (height // 8, width // 8)
    _, pafs = fields(np.array([[inner.clip(0), other]]), cells, STICK, EncodeOptions())
    poses = decode(gaussians(inner, other, cells), pafs, STICK, options=dataclasses.replace(ALL, min_limb_share=0))
    assert len(poses) == 1
    np.testing.assert_allclose(placement.to_image(poses.keypoints)[0, 0], known, atol=0.3)


# The reference's people ----------------------------------------------------------------------------------------------


class Golden(NamedTuple):
    """What is known of one picture, as measured: the floors below may rise, and never fall."""

    people: int  # of the reference
    keypoints: int  # of the reference
    alike: int  # of those, how many we find with options as open as the reference's
    used: int  # of those, how many we find with the defaults


GOLDEN = {
    "000000017379": Golden(0, 0, 0, 0),
    "000000024021": Golden(91, 881, 855, 520),
    "000000067406": Golden(2, 36, 36, 36),
    "000000091406": Golden(4, 61, 61, 61),
    "000000190756": Golden(1, 14, 13, 11),
    "000000334555": Golden(7, 81, 78, 61),
    "000000378284": Golden(1, 3, 3, 0),
    "000000456496": Golden(2, 19, 17, 13),
    "000000568290": Golden(0, 0, 0, 0),
}
AS_OPEN = dataclasses.replace(
    FOR_RANKING, min_keypoints=2, min_limb_score=0.0, max_saddle=1.0, prune_crowds=False
)  # the reference keeps what we would merge or drop


def golden_matches(path: Path, options):
    """How many people and keypoints the reference has, and how many of these have one of ours of the same type within
    4 pixels or 2 % of the person's height."""
    case = np.load(path)
    poses = decode(case["heatmaps"].astype(np.float32), case["pafs"].astype(np.float32), HUMAN_18, options=options)
    top, left = case["padding_top_left_bottom_right"][:2]
    unpadded = poses.keypoints - np.array([left, top], np.float32)
    ours = rescale(unpadded, (case["image_size"] / case["scaled_size"])[::-1])
    theirs = case["poses"][..., :2] - 0.5  # the reference counts from the corner of the first pixel
    height = np.nanmax(theirs[..., 1], axis=1, initial=0) - np.nanmin(theirs[..., 1], axis=1, initial=1e9)
    distance = np.sqrt(((ours[None] - theirs[:, None]) ** 2).sum(axis=-1))  # (theirs, ours, K)
    nearest = np.nan_to_num(distance, nan=np.inf).min(axis=1, initial=np.inf)
    near = nearest <= np.maximum(4, 0.02 * height)[:, None]
    return len(theirs), int((~np.isnan(theirs[..., 0])).sum()), int(near.sum())


@pytest.mark.parametrize("case", GOLDEN)
def test_what_is_found_of_the_references_people(shared, case):
    known = GOLDEN[case]
    path = shared / f"golden/decode_{case}.npz"
    people, keypoints, alike = golden_matches(path, AS_OPEN)
    assert (people, keypoints) == (known.people, known.keypoints)
    assert alike >= known.alike
    assert golden_matches(path, DecodeOptions(min_pose_score=0.3))[2] >= known.used


def test_the_limit_on_peaks_is_far_above_a_real_crowd(shared):
    heatmaps = np.load(shared / "golden/decode_000000024021.npz")["heatmaps"][:-1].astype(np.float32)
    unlimited = find_peaks(heatmaps, dataclasses.replace(AS_OPEN, max_peaks=heatmaps.size))
    assert 60 < np.bincount(unlimited.kind).max() < DecodeOptions().max_peaks / 4


def test_noise_costs_no_more_than_its_limit_of_peaks():
    """A million pairs without a limit, a hundred with it, which are the surest."""
    rng = np.random.default_rng(0)
    heatmaps, pafs = (rng.uniform(0, 1, (channels, 96, 128)).astype(np.float32) for channels in (3, 2))
    options = dataclasses.replace(ALL, max_peaks=10)
    assert len(find_peaks(heatmaps[:2], dataclasses.replace(ALL, max_peaks=heatmaps.size))) > 2000
    poses = decode(heatmaps, pafs, STICK, options=options)
    assert 0 < len(poses) <= 20
    assert poses.keypoint_scores[poses.found].min() > 0.9  # of 2000 peaks, down to 0.3


def test_of_all_the_references_keypoints_97_in_a_hundred_are_found(shared):
    table = [golden_matches(shared / f"golden/decode_{case}.npz", AS_OPEN) for case in GOLDEN]
    keypoints, alike = (sum(row[i] for row in table) for i in (1, 2))
    assert keypoints == 1095
    assert alike >= 0.97 * keypoints


# What a model knows of poses ------------------------------------------------------------------------------------------


@pytest.fixture
def two():
    """Fields of two chains, one small and sharp, one large and fainter; the large one lacks its last keypoint."""
    small = np.array([[20, 20], [44, 20], [68, 20], [92, 20]], float)
    large = np.array([[20, 150], [130, 150], [240, 150], [np.nan, np.nan]])
    heatmaps, pafs = fields(np.stack([small, large]), (24, 40), CHAIN)
    heatmaps[:-1, 12:] *= 0.6
    return heatmaps, pafs


CHAIN = Skeleton("chain", ("a", "b", "c", "d"), (("a", "b"), ("b", "c"), ("c", "d")))


def test_a_scorer_ranks_and_what_is_kept_goes_by_it(two):
    plain = decode(*two, CHAIN, paf_geometry="centre", options=ALL)
    assert plain.keypoints[0, 0, 1] < 40, "limbs say: the sharp one first"
    count = count_features(4)
    by_width = np.zeros((count, 1))
    by_width[-2] = 1
    scorer = PoseScorer(np.zeros(count), np.ones(count), by_width, np.array([-2.8]), np.array([4.0]), np.zeros(1))
    rated = decode(*two, CHAIN, paf_geometry="centre", options=ALL, scorer=scorer)
    np.testing.assert_array_equal(rated.keypoints, plain.keypoints[::-1])
    assert rated.scores[0] > 0.6 > 0.4 > rated.scores[1]
    picky = dataclasses.replace(ALL, min_pose_score=0.5)
    assert len(decode(*two, CHAIN, paf_geometry="centre", options=picky, scorer=scorer)) == 1


def test_a_pose_is_completed_where_that_is_asked_for(two):
    row = np.stack([np.linspace(-0.5, 0.5, 4), np.zeros(4)], axis=-1)
    prior = PosePrior(row, 0.05 * np.cov(np.stack([row.ravel(), -row.ravel()]), rowvar=False) + 1e-5 * np.eye(8))
    options = dataclasses.replace(ALL, complete=True)
    plain = decode(*two, CHAIN, paf_geometry="centre", options=ALL, prior=prior)
    whole = decode(*two, CHAIN, paf_geometry="centre", options=options, prior=prior)
    assert plain.found.sum() == 7
    assert whole.found.all()
    np.testing.assert_array_equal(whole.keypoints[plain.found], plain.keypoints[plain.found])
    np.testing.assert_array_equal(whole.keypoint_scores, plain.keypoint_scores)
    x, y = whole.keypoints[1, 3]
    assert x > 250
    assert y == pytest.approx(150, abs=5)
    np.testing.assert_array_equal(decode(*two, CHAIN, paf_geometry="centre", options=options).found, plain.found)


@pytest.mark.parametrize("count", [2, 3, 4, 6])
def test_of_small_bodies_everybody_is_found_in_perfect_fields(count):
    """With the options that `predict` has: no limit is a person's."""
    names = tuple(f"k{i}" for i in range(count))
    animal = Skeleton("animal", names, tuple(pairwise(names)))
    xy = np.array([[[60 + 50 * i, 60 + 120 * n] for i in range(count)] for n in range(2)], np.float32)
    heatmaps, pafs = encode(xy, (40, 50), animal, EncodeOptions(overlap="max", paf_geometry="centre"))
    poses = decode(heatmaps, pafs, animal, paf_geometry="centre")
    assert poses.found.sum(axis=1).tolist() == [count, count]
