"""What the prior of poses says of groups: limbs too long are cut, parts that no limb joins are joined, or are left."""

import numpy as np
import pytest
from handmade_limbs import OPEN, connections, peaks

from nimblepose import HUMAN_18, Poses
from nimblepose.codec import grouping
from nimblepose.codec.decode import decode
from nimblepose.codec.encode import EncodeOptions, encode
from nimblepose.codec.grouping import assemble, connect
from nimblepose.codec.mending import find_overlong, find_parts, measure_limbs
from nimblepose.core.prior import PosePrior
from nimblepose.runtime.estimator import PoseEstimator

STANDING = {
    "nose": (200, 40), "neck": (200, 75), "right_shoulder": (175, 75), "right_elbow": (165, 125),
    "right_wrist": (162, 170), "left_shoulder": (225, 75), "left_elbow": (235, 125), "left_wrist": (238, 170),
    "right_hip": (184, 165), "right_knee": (182, 230), "right_ankle": (181, 290), "left_hip": (216, 165),
    "left_knee": (218, 230), "left_ankle": (219, 290), "right_eye": (195, 35), "left_eye": (205, 35),
    "right_ear": (187, 38), "left_ear": (213, 38),
}  # fmt: skip
BODY = np.array([STANDING[name] for name in HUMAN_18.keypoints], float)
RIGHT_LEG, LEFT_LEG, NECK = [8, 9, 10], [11, 12, 13], 1
SIZE = (40, 100)  # cells


@pytest.fixture(scope="module")
def prior() -> PosePrior:
    found = PoseEstimator().metadata.prior
    assert found is not None
    return found


def only(kinds, shift=0.0):
    """The standing person with these keypoints only, so many input pixels to the right."""
    xy = np.full_like(BODY, np.nan)
    xy[kinds] = BODY[kinds] + (shift, 0)
    return xy


def found_in(*people, prior=None) -> Poses:
    drawn = encode(np.stack(people), SIZE, HUMAN_18, EncodeOptions(paf_geometry="centre", overlap="max"))
    heatmaps, pafs = (field.astype(np.float32) for field in drawn)
    return decode(heatmaps, pafs, HUMAN_18, paf_geometry="centre", prior=prior)


# Parts ---------------------------------------------------------------------------------------------------------------


def test_somebody_of_whom_only_the_legs_are_in_the_picture_is_one_person(prior):
    poses = found_in(only(RIGHT_LEG + LEFT_LEG), prior=prior)
    assert len(poses) == 1
    assert np.flatnonzero(poses.found[0]).tolist() == RIGHT_LEG + LEFT_LEG


def test_legs_cut_above_the_ankles_are_one_person_too(prior):
    poses = found_in(only(RIGHT_LEG[:2] + LEFT_LEG[:2]), prior=prior)
    assert [np.flatnonzero(row).tolist() for row in poses.found] == [RIGHT_LEG[:2] + LEFT_LEG[:2]]


def test_without_a_prior_parts_that_no_limb_joins_stay_apart():
    assert len(found_in(only(RIGHT_LEG + LEFT_LEG))) == 2


@pytest.mark.parametrize("shift", [150, 400])
def test_legs_of_two_people_far_apart_stay_two(prior, shift):
    poses = found_in(only(RIGHT_LEG), only(LEFT_LEG, shift), prior=prior)
    assert len(poses) == 2
    assert sorted(np.flatnonzero(row).tolist() for row in poses.found) == [RIGHT_LEG, LEFT_LEG]


def test_legs_of_two_people_side_by_side_go_to_whom_they_belong(prior):
    poses = found_in(only(RIGHT_LEG + LEFT_LEG), only(RIGHT_LEG + LEFT_LEG, 150), prior=prior)
    assert len(poses) == 2
    for row in poses.keypoints:
        assert np.ptp(row[RIGHT_LEG + LEFT_LEG, 0]) < 60


def test_where_a_limb_could_lead_and_none_does_two_stay_two(prior):
    """The network was asked whether this hip belongs to that neck, and has said no."""
    drawn = encode(BODY[None], SIZE, HUMAN_18, EncodeOptions(paf_geometry="centre", overlap="max"))
    heatmaps, pafs = (field.astype(np.float32) for field in drawn)
    pafs[0:2] = pafs[6:8] = 0  # neck to hips
    poses = decode(heatmaps, pafs, HUMAN_18, paf_geometry="centre", prior=prior)
    assert not any(row[NECK] and row[8:14].any() for row in poses.found)
    assert [np.flatnonzero(row).tolist() for row in poses.found if not row[NECK]] == [RIGHT_LEG + LEFT_LEG]


def test_legs_of_which_one_is_upside_down_are_of_two(prior):
    left = only(LEFT_LEG)
    left[:, 1] = 2 * BODY[10, 1] - left[:, 1]  # below the ankles of the other
    first = find_parts(np.stack([only(RIGHT_LEG), left]).astype(np.float32), HUMAN_18, prior)
    assert first.tolist() == [0, 1]


def test_three_parts_become_one_and_rows_of_nobody_stay(prior):
    parts = [only(RIGHT_LEG), np.full_like(BODY, np.nan), only(LEFT_LEG), only([2, 3, 4])]  # an arm
    first = find_parts(np.stack(parts).astype(np.float32), HUMAN_18, prior)
    assert first.tolist() == [0, 1, 0, 0]


def test_single_limbs_far_apart_for_their_size_are_no_body(prior):
    parts = np.stack([only([14, 16]), only([9, 10])])  # an eye and its ear, a knee and its ankle
    assert find_parts(parts.astype(np.float32), HUMAN_18, prior).tolist() == [0, 1]


def test_the_order_of_parts_says_nothing(prior):
    parts = np.stack([only(kinds, shift) for shift in (0, 180, 360) for kinds in (RIGHT_LEG, LEFT_LEG)])
    for order in np.random.default_rng(0).permuted(np.tile(np.arange(6), (10, 1)), axis=1):
        first = find_parts(parts[order].astype(np.float32), HUMAN_18, prior)
        groups = {tuple(sorted(order[first == i] // 2)) for i in np.unique(first)}
        assert groups == {(0, 0), (1, 1), (2, 2)}


def test_a_joined_pose_scores_by_the_limbs_of_both(prior):
    some = peaks(*((k, *BODY[k] / 8, 1) for k in RIGHT_LEG + LEFT_LEG))
    limbs = (1, 0, 1, 0.9), (2, 1, 2, 0.8), (4, 3, 4, 0.7), (5, 4, 5, 0.6)
    people = assemble(connections(*limbs), some, HUMAN_18, OPEN, prior)
    np.testing.assert_allclose(people.limb_scores, [np.sqrt(3.0 / np.sqrt(4 * 19))], rtol=1e-6)


@pytest.mark.parametrize("seed", [0, 1, 22, 30, 86, 123])
def test_no_two_parts_of_one_person_have_a_kind_or_a_limb_in_common(prior, seed):
    """However many rounds it took: what one part of a person could be joined to is asked of all of them."""
    rng = np.random.default_rng(seed)
    single = [[0, 14, 16], [2, 3], [3, 4], [4], [5, 6], [6, 7], [7], [8, 9], [9, 10], [10], [11, 12], [12, 13], [13]]
    parts = [only(single[n], rng.uniform(0, 4)) for n in rng.integers(0, len(single), 24)]
    xy = np.stack(parts).astype(np.float32)
    first = find_parts(xy, HUMAN_18, prior)
    has = (~np.isnan(xy[..., 0])).astype(float)
    related = has @ HUMAN_18.relations @ has.T > 0
    same = first[:, None] == first
    assert not (related & same & ~np.eye(len(xy), dtype=bool)).any()
    assert same.sum(axis=1).max() > 2, "some are of three parts or more"


@pytest.mark.parametrize("parts", [[], [RIGHT_LEG], [RIGHT_LEG, [1, 0]], [RIGHT_LEG, RIGHT_LEG]])
def test_where_there_can_be_no_parts_every_pose_stays(prior, parts):
    xy = np.stack([only(kinds) for kinds in parts] + [np.full_like(BODY, np.nan)]).astype(np.float32)
    assert find_parts(xy, HUMAN_18, prior).tolist() == list(range(len(xy)))


# Limbs too long ------------------------------------------------------------------------------------------------------


def upper_body(wrist):
    """Connections of head, shoulders and arms; the right wrist is `wrist`, in cells."""
    kinds = [0, 1, 2, 3, 4, 5, 6, 7]
    at = {k: BODY[k] / 8 for k in kinds} | {4: np.array(wrist)}
    some = peaks(*((k, *at[k], 1) for k in kinds))
    ends = {tuple(pair): i for i, pair in enumerate(HUMAN_18.limb_indices.tolist())}
    limbs = [(1, 0), (1, 2), (2, 3), (3, 4), (1, 5), (5, 6), (6, 7)]
    return connections(*((ends[pair], *pair, 0.9 - 0.01 * n) for n, pair in enumerate(limbs))), some


def test_a_limb_across_the_picture_is_cut(prior):
    people = assemble(*upper_body((90, 20)), HUMAN_18, OPEN, prior)
    assert np.isnan(people.keypoints[0, 4]).all()
    assert (~np.isnan(people.keypoints[0, :8, 0])).sum() == 7
    assert np.ptp(people.keypoints[0, [0, 1, 2, 3, 5, 6, 7], 0]) < 12


def test_what_hangs_on_the_far_end_becomes_its_own_pose(prior):
    found, some = upper_body(BODY[4] / 8)
    some.xy[[3, 4]] += (60, 0)  # elbow and wrist: somebody else's
    people = assemble(found, some, HUMAN_18, OPEN, prior)
    kinds = sorted(np.flatnonzero(~np.isnan(row[:, 0])).tolist() for row in people.keypoints)
    assert kinds == [[0, 1, 2, 5, 6, 7], [3, 4]]


def test_the_score_knows_of_the_cut(prior):
    found, some = upper_body((90, 20))
    whole, cut = assemble(found, some, HUMAN_18, OPEN), assemble(found, some, HUMAN_18, OPEN, prior)
    assert cut.limb_scores[0] < whole.limb_scores[0]
    score = np.delete(found.score, np.flatnonzero(found.end == 4)).sum()
    np.testing.assert_allclose(cut.limb_scores[0], np.sqrt(score / np.sqrt(6 * 19)), rtol=1e-6)
    assert cut.peak_heights[0, 4] == 0


def test_an_outstretched_arm_is_an_arm(prior):
    people = assemble(*upper_body(BODY[3] / 8 + (-9, 0)), HUMAN_18, OPEN, prior)
    assert (~np.isnan(people.keypoints[0, :8, 0])).all()


def test_foreshortened_limbs_cut_nobody(prior):
    found, some = upper_body(BODY[4] / 8)
    some.xy[3] = some.xy[2] + (0.5, 0.5)  # an arm towards the camera
    some.xy[4] = some.xy[2] + (0.5, 1.5)
    people = assemble(found, some, HUMAN_18, OPEN, prior)
    assert (~np.isnan(people.keypoints[0, :8, 0])).all()


def test_of_three_limbs_two_across_the_picture_both_are_cut(prior):
    some = peaks((0, 10, 10, 1), (1, 10, 14, 1), (2, 60, 14, 1), (5, 70, 20, 1))
    limbs = (14, 1, 0, 0.9), (6, 1, 2, 0.8), (10, 1, 3, 0.7)
    people = assemble(connections(*limbs), some, HUMAN_18, OPEN, prior)
    assert [np.flatnonzero(~np.isnan(row[:, 0])).tolist() for row in people.keypoints] == [[0, 1]]


def take_everything_apart(found, some, prior):
    """The poses, as sets of peaks, where after each cut all are put together again from nothing."""
    size, left = measure_limbs(found, some, HUMAN_18, prior), np.arange(len(found))
    for last in (False, False, False, True):
        pose, _ = connect(found.start[left], found.end[left], some.kind.tolist())
        ends = pose[found.start[left]], pose[found.end[left]]
        inner = np.flatnonzero(ends[0] == ends[1])
        overlong = inner[find_overlong(size[left[inner]], ends[0][inner])]
        if not len(overlong) or last:
            return {frozenset(np.flatnonzero(pose == i).tolist()) for i in set(pose.tolist()) - {-1}}
        left = np.delete(left, overlong)
    raise AssertionError


@pytest.mark.parametrize("seed", range(20))
def test_taking_apart_only_what_was_cut_gives_the_poses_of_taking_everything_apart(prior, seed, monkeypatch):
    rng = np.random.default_rng(seed)
    some = peaks(*((k, *rng.uniform(0, 60, 2), 1) for k in range(18) for _ in range(8)))
    limbs = [
        (limb, 8 * a + i, 8 * b + j, 0.5)
        for limb, (a, b) in enumerate(HUMAN_18.limb_indices.tolist())
        for i, j in enumerate(rng.permutation(8)[: rng.integers(2, 9)])
    ]
    found = connections(*rng.permutation(limbs))
    monkeypatch.setattr(grouping, "find_parts", lambda xy, *_: np.arange(len(xy)))
    people = assemble(found, some, HUMAN_18, OPEN, prior)
    at = {tuple(xy): number for number, xy in enumerate(some.xy.tolist())}
    assembled = {frozenset(at[tuple(xy)] for xy in row.tolist() if xy[0] == xy[0]) for row in people.keypoints}
    assert assembled == take_everything_apart(found, some, prior)


def test_without_a_prior_nothing_is_too_long():
    people = assemble(*upper_body((90, 20)), HUMAN_18, OPEN)
    assert people.keypoints[0, 4].tolist() == [90, 20]


# Both ----------------------------------------------------------------------------------------------------------------


def test_noise_gives_the_same_poses_each_time_and_no_keypoint_twice(prior):
    rng = np.random.default_rng(0)
    heatmaps = rng.normal(0.3, 0.6, (19, 24, 30)).astype(np.float32)
    pafs = rng.normal(0, 1, (38, 24, 30)).astype(np.float32)
    one, two = (decode(heatmaps, pafs, HUMAN_18, prior=prior) for _ in range(2))
    assert len(one) > 0
    np.testing.assert_array_equal(one.keypoints, two.keypoints)
    np.testing.assert_array_equal(one.scores, two.scores)
    for kind in range(18):
        places = one.keypoints[one.found[:, kind], kind]
        assert len(np.unique(places, axis=0)) == len(places)


def test_nobody_is_nobody(prior):
    assert len(assemble(connections(), peaks(), HUMAN_18, OPEN, prior)) == 0
