"""Whatever the options leave out, where a head may be is known; and looking for heads changes no result."""

import dataclasses

import numpy as np
import pytest

from nimblepose.codec.decode import decode
from nimblepose.codec.encode import EncodeOptions, encode
from nimblepose.codec.options import FOR_RANKING, DecodeOptions
from nimblepose.core.skeleton import HUMAN_18, Skeleton

SIZE = (32, 48)  # cells
LOOKING = DecodeOptions(find_heads=True)


def blank(skeleton=HUMAN_18):
    heatmaps = np.zeros((skeleton.heatmap_channels, *SIZE), np.float32)
    heatmaps[-1] = 1
    return heatmaps, np.zeros((skeleton.paf_channels, *SIZE), np.float32)


def one_person(strength=1.0):
    """Somebody upright, the nose at (200, 40), whose fields are that strong."""
    xy = np.stack([200 + 30 * np.cos(np.arange(18) * 2.0), np.linspace(40, 220, 18)], axis=-1)[None]
    xy[0, 0] = 200, 40
    heatmaps, pafs = encode(xy, SIZE, HUMAN_18, EncodeOptions(paf_geometry="corner", overlap="max"))
    return (heatmaps * strength).astype(np.float32), (pafs * strength).astype(np.float32)


def covers(heads, x, y):
    return ((((heads[:, :2] - (x, y)) / heads[:, 2:4]) ** 2).sum(axis=1) <= 1).any()


def test_they_are_looked_for_only_on_request():
    assert decode(*one_person(), HUMAN_18).heads is None


def test_nothing_is_nowhere():
    assert decode(*blank(), HUMAN_18, options=LOOKING).heads.shape == (0, 5)


def test_a_peak_without_anybody_is_covered():
    heatmaps, pafs = blank()
    heatmaps[HUMAN_18.keypoints.index("left_eye"), 10, 20] = 0.02
    poses = decode(heatmaps, pafs, HUMAN_18, options=LOOKING)
    assert len(poses) == 0
    np.testing.assert_allclose(poses.heads[:, :4], [[163.5, 83.5, 20, 20]], atol=4.1)  # 2.5 cells of 8 pixels
    assert 0 < poses.heads[0, 4] < 0.03
    heatmaps[:-1] = 0
    heatmaps[HUMAN_18.keypoints.index("left_knee"), 10, 20] = 0.9
    assert len(decode(heatmaps, pafs, HUMAN_18, options=LOOKING).heads) == 0, "a knee is no head"


@pytest.mark.parametrize(
    "options",
    [DecodeOptions(min_pose_score=1.0), DecodeOptions(min_keypoints=19), DecodeOptions(min_peak_score=1.0)],
    ids=["score", "keypoints", "peaks"],
)
def test_no_threshold_of_results_uncovers_anybody(options):
    poses = decode(*one_person(), HUMAN_18, options=dataclasses.replace(options, find_heads=True))
    assert len(poses) == 0
    assert covers(poses.heads, 200, 40)


def test_somebody_weak_is_covered():
    poses = decode(*one_person(0.12), HUMAN_18, options=LOOKING)
    assert len(poses) == 0
    assert covers(poses.heads, 200, 40)


def test_a_head_that_is_not_there_is_covered_above_shoulders_of_two_keypoints():
    heatmaps, pafs = one_person()
    for name in HUMAN_18.keypoints:
        if name not in ("neck", "right_shoulder"):
            heatmaps[HUMAN_18.keypoints.index(name)] = 0
    poses = decode(heatmaps, pafs, HUMAN_18, options=LOOKING)
    assert len(poses) == 0
    assert len(poses.heads) == 1
    assert poses.heads[0, 2] >= 20


@pytest.mark.parametrize("options", [DecodeOptions(), FOR_RANKING], ids=["use", "ranking"])
def test_results_are_the_same_with_it(options):
    rng = np.random.default_rng(1)
    heatmaps, pafs = one_person()
    noisy = (heatmaps + rng.normal(0, 0.1, heatmaps.shape)).astype(np.float32), pafs
    plain = decode(*noisy, HUMAN_18, options=options)
    looking = decode(*noisy, HUMAN_18, options=dataclasses.replace(options, find_heads=True))
    for name in ("keypoints", "keypoint_scores", "scores"):
        np.testing.assert_array_equal(getattr(plain, name), getattr(looking, name))


def test_a_skeleton_without_a_head_has_none():
    stick = Skeleton("stick", ("top", "tip"), (("top", "tip"),))
    heatmaps, pafs = blank(stick)
    heatmaps[0, 5, 5] = 1
    assert decode(heatmaps, pafs, stick, options=LOOKING).heads.shape == (0, 5)
