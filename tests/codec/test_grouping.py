"""Peaks and PAFs to people: each step is what a plain loop would do."""

import dataclasses
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nimblepose import HUMAN_18, Skeleton
from nimblepose.codec import limbs
from nimblepose.codec.encode import EncodeOptions, encode_pafs
from nimblepose.codec.grouping import assemble, choose, match_limbs
from nimblepose.codec.limbs import Connections, score_limbs
from nimblepose.codec.options import DecodeOptions
from nimblepose.codec.peaks import Peaks
from nimblepose.core.geometry import rescale

STICK = Skeleton("stick", ("head", "tail"), (("head", "tail"),))
CHAIN = Skeleton("chain", ("a", "b", "c", "d"), (("a", "b"), ("b", "c"), ("c", "d"), ("d", "a")))
OPEN = DecodeOptions(
    min_limb_score=0,
    min_limb_share=0,
    long_limb=100,
    min_pose_score=0,
    min_keypoints=1,
    max_saddle=1,
    prune_crowds=False,
)
CENTRE = EncodeOptions(paf_geometry="centre")


def peaks(*rows):
    """Peaks from (kind, x, y, score)."""
    table = np.array(sorted(rows), np.float32).reshape(-1, 4)
    return Peaks(table[:, 1:3].copy(), table[:, 3].copy(), table[:, 0].astype(np.intp))


def connections(*rows):
    """Connections from (limb, start, end, score)."""
    table = np.array(rows, np.float32).reshape(-1, 4)
    return Connections(*(table[:, i].astype(np.intp) for i in range(3)), table[:, 3].copy())


def rows(found):
    return list(zip(found.limb.tolist(), found.start.tolist(), found.end.tolist(), strict=True))


# Scoring -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def right():
    """A PAF that points to the right everywhere, strength 0.8."""
    pafs = np.zeros((2, 12, 30), np.float32)
    pafs[0] = 0.8
    return pafs


@pytest.mark.parametrize(
    ("end", "share"),
    [((10, 5), 1.0), ((5, 10), 0.0), ((0, 5), 0.0), ((9, 9), np.sqrt(0.5)), ((8, 9), 0.6)],
    ids=["along", "across", "against", "45 degrees", "3 of 5"],
)
def test_a_limb_scores_the_paf_along_it_times_its_weaker_end(right, end, share):
    found = score_limbs(peaks((0, 5, 5, 0.5), (1, *end, 0.9)), right, STICK, OPEN)
    expected = [0.8 * share * 0.5] if share else []
    np.testing.assert_allclose(found.score, expected, rtol=1e-5)


@pytest.mark.parametrize(("strength", "share"), [(-0.8, 0.5), (3.0, 1.0)], ids=["against the limb", "above one"])
def test_each_place_of_a_limb_counts_from_none_to_one(right, strength, share):
    """The second half of the way is other than the first, which is 0.8; no place outweighs another."""
    right[:, :, 10:] *= strength / 0.8
    found = score_limbs(peaks((0, 5, 5, 1), (1, 14, 5, 1)), right, STICK, OPEN)
    np.testing.assert_allclose(found.score, [0.8 * 0.5 + share - 0.5], rtol=1e-5)


@pytest.mark.parametrize("scores", [(0.2, 0.7), (0.7, 0.2)], ids=str)
def test_either_end_may_be_the_weaker(right, scores):
    found = score_limbs(peaks((0, 5, 5, scores[0]), (1, 10, 5, scores[1])), right, STICK, OPEN)
    np.testing.assert_allclose(found.score, [0.8 * 0.2], rtol=1e-5)


def test_all_pairs_of_all_limbs_that_could_be_and_no_others():
    pafs = np.ones((8, 12, 12), np.float32)
    some = peaks(*((k, 2 + k, 2 + k + n, 1) for k in range(4) for n in range(k + 1)))  # 1, 2, 3, 4 of a kind
    found = score_limbs(some, pafs, CHAIN, dataclasses.replace(OPEN, limb_samples=2))
    possible = {
        (limb, start, end)
        for limb, (a, b) in enumerate(CHAIN.limb_indices)
        for start in np.flatnonzero(some.kind == a).tolist()
        for end in np.flatnonzero(some.kind == b).tolist()
        if (some.xy[end] - some.xy[start]).sum() > 0  # the field points to the lower right
    }
    assert set(rows(found)) == possible
    assert len(rows(found)) == len(possible) > 15


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("min_limb_score", 0.39, 1),
        ("min_limb_score", 0.41, 0),
        ("min_limb_share", 0.5, 1),
        ("min_limb_share", 0.6, 0),
    ],
    ids=str,
)
def test_thresholds_of_a_limb(right, name, value, found):
    """Half of the way has no PAF, the other half is 0.8."""
    right[:, :, 10:] = 0
    ends = peaks((0, 5, 5, 1), (1, 14, 5, 1))
    assert len(score_limbs(ends, right, STICK, dataclasses.replace(OPEN, **{name: value}))) == found


@pytest.mark.parametrize("lying", [True, False], ids=["in a panorama", "in a tall picture"])
def test_a_limb_longer_than_its_share_of_the_longer_side_loses_score(right, lying):
    """12 x 30 cells, a limb of 24; and the same turned by 90 degrees."""
    ends = peaks((0, 2, 5, 1), (1, 26, 5, 1)) if lying else peaks((0, 5, 2, 1), (1, 5, 26, 1))
    pafs = right if lying else right[::-1].transpose(0, 2, 1)
    (free,) = score_limbs(ends, pafs, STICK, dataclasses.replace(OPEN, long_limb=0.8)).score
    (less,) = score_limbs(ends, pafs, STICK, dataclasses.replace(OPEN, long_limb=0.6)).score
    assert free == pytest.approx(0.8)
    assert less == pytest.approx(0.8 - 0.25)


@pytest.mark.parametrize(("geometry", "offset"), [("centre", 0.0), ("corner", 0.4375)])
def test_a_drawn_limb_is_read_where_it_was_drawn(geometry, offset):
    ends = rescale(np.array([[4.0, 3.0], [14.0, 9.0]]), 8)
    pafs = encode_pafs(ends[None], (12, 20), STICK, EncodeOptions(paf_geometry=geometry)).astype(np.float32)
    ends = peaks((0, 4, 3, 1), (1, 14, 9, 1))
    before, here, after = (
        score_limbs(ends, pafs, STICK, OPEN, paf_offset=offset + aside).score[0] for aside in (-2, 0, 2)
    )
    assert here > 0.9
    assert here > max(before, after) + 0.1


@pytest.mark.parametrize("x", [3.0, 3.01, 3.02, 3.3])
@pytest.mark.parametrize("path", ["plain", "crowd", "great crowd"])
def test_the_paf_is_read_where_the_line_is_and_nowhere_near(monkeypatch, path, x):
    """On a ramp: OpenCV below 5 moves each place to a 32nd of a cell, and reads 3.01 as 3."""
    monkeypatch.setattr(limbs, "_CROWD", 500 if path == "plain" else 0)
    monkeypatch.setattr(limbs, "_GREAT_CROWD", 0 if path == "great crowd" else 20_000)
    pafs = np.zeros((2, 12, 8), np.float32)
    pafs[1] = np.arange(8) / 8  # down, and the stronger the further to the right
    options = dataclasses.replace(OPEN, prune_crowds=path != "plain")
    found = score_limbs(peaks((0, x, 2, 1), (1, x, 9, 1)), pafs, STICK, options)
    np.testing.assert_allclose(found.score, [x / 8], rtol=1e-5)


def test_ends_on_the_border_are_read_inside():
    pafs = np.zeros((2, 6, 9), np.float32)
    pafs[0] = 1
    found = score_limbs(peaks((0, -0.5, -0.5, 1), (1, 8.5, -0.5, 1)), pafs, STICK, OPEN, paf_offset=0.4375)
    np.testing.assert_allclose(found.score, [1], rtol=1e-5)


@pytest.mark.parametrize(
    ("border", "offset"),
    [("left", 0.0), ("top", 0.0), ("right", 0.0), ("bottom", 0.0), ("right", 0.4375), ("bottom", 0.4375)],
)
def test_ends_on_the_border_are_read_in_its_cells(border, offset):
    """Peaks lie up to half a cell beyond the middle of the last cell, whose PAF is other than all around."""
    pafs = np.full((2, 8, 8), -1, np.float32)
    cells = {"left": np.s_[1, :, 0], "right": np.s_[1, :, -1], "top": np.s_[0, 0], "bottom": np.s_[0, -1]}[border]
    pafs[cells] = 0.75
    beyond = -0.5 if border in ("left", "top") else 7.5
    ends = [(beyond, -0.5), (beyond, 7.5)] if border in ("left", "right") else [(-0.5, beyond), (7.5, beyond)]
    found = score_limbs(peaks((0, *ends[0], 1), (1, *ends[1], 1)), pafs, STICK, OPEN, paf_offset=offset)
    np.testing.assert_allclose(found.score, [0.75], rtol=1e-5)


@pytest.mark.parametrize("turned", [False, True], ids=["right", "bottom"])
def test_beyond_the_border_a_limb_leads_nowhere(turned):
    pafs = np.zeros((2, 8, 8), np.float32)
    pafs[int(turned)] = 1
    ends = [(7, 1), (7.5, 4)]
    some = peaks(*((k, *(end[::-1] if turned else end), 1) for k, end in enumerate(ends)))
    assert len(score_limbs(some, pafs, STICK, OPEN)) == 0


@pytest.mark.parametrize("great", [10**6, 0], ids=["as a list", "as matrices"])
def test_two_ends_in_one_place_are_no_limb(monkeypatch, right, great):
    monkeypatch.setattr(limbs, "_GREAT_CROWD", great)
    options = dataclasses.replace(OPEN, prune_crowds=True)
    with np.errstate(all="raise"):
        assert len(score_limbs(peaks((0, 5, 5, 1), (1, 5, 5, 1)), right, STICK, options)) == 0


def test_more_pairs_of_one_limb_than_opencv_reads_at_once():
    """217 heads and 151 tails score as they do in seven parts; OpenCV takes 32,766 columns."""
    rng = np.random.default_rng(0)
    pafs = rng.uniform(-1, 1, (2, 20, 30)).astype(np.float32)
    heads, tails = (rng.uniform(0, 19, (n, 2)).astype(np.float32) for n in (217, 151))
    heads = heads[np.argsort(heads[:, 0])]  # in the order of peaks
    whole = score_limbs(peaks(*((0, *xy, 1) for xy in heads), *((1, *xy, 1) for xy in tails)), pafs, STICK, OPEN)
    scores = dict(zip(rows(whole), whole.score.tolist(), strict=True))
    for part in range(7):
        some = peaks(*((0, *xy, 1) for xy in heads[31 * part : 31 * part + 31]), *((1, *xy, 1) for xy in tails))
        found = score_limbs(some, pafs, STICK, OPEN)
        expected = [scores[limb, start + 31 * part, end + 186] for limb, start, end in rows(found)]
        assert len(expected) > 1000
        np.testing.assert_allclose(found.score, expected, atol=2e-3)


def test_limbs_below_each_other_are_more_rows_than_opencv_reads():
    """Four fields of 8,191 rows and one between; OpenCV takes 32,766."""
    pafs = np.zeros((8, 8191, 3), np.float32)
    pafs[[1, 3, 5]], pafs[7] = 0.75, -0.75
    pafs[7, :8180] = 0.5  # elsewhere it points the other way
    some = peaks(*((k, 1, 8181 + 2 * k, 1) for k in range(4)))
    found = score_limbs(some, pafs, CHAIN, OPEN)
    assert rows(found) == [(0, 0, 1), (1, 1, 2), (2, 2, 3), (3, 3, 0)]
    np.testing.assert_allclose(found.score, 0.75, rtol=1e-5)


@pytest.mark.parametrize(
    "some",
    [peaks(), peaks((0, 3, 3, 1)), peaks((1, 3, 3, 1), (1, 5, 5, 1)), peaks((0, 3, 3, 1), (0, 4, 4, 1))],
    ids=["no peaks", "a head", "tails", "heads"],
)
@pytest.mark.parametrize("prune", [True, False])
def test_peaks_without_pairs_go_through_all_steps_as_nobody(right, some, prune):
    options = dataclasses.replace(OPEN, prune_crowds=prune)
    candidates = score_limbs(some, right, STICK, options)
    chosen = match_limbs(candidates, len(some))
    people = assemble(chosen, some, STICK, options)
    assert len(candidates) == len(chosen) == len(people) == 0
    assert people.keypoints.shape == (0, 2, 2)


def crowd(rng, n, spacing):
    """n x n people of three limbs, each in a place of its own, (n * n, 4, 2) in input pixels."""
    centres = np.stack(np.meshgrid(np.arange(n), np.arange(n)), -1).reshape(-1, 1, 2) * spacing + spacing / 2
    square = np.array([[-20, -20], [20, -20], [20, 20], [-20, 20]])
    return centres + square + rng.uniform(-3, 3, (n * n, 4, 2))


@pytest.mark.parametrize("great", [10**6, 0], ids=["as a list", "as matrices"])
def test_pruning_a_crowd_changes_nothing_for_people_apart(monkeypatch, great):
    monkeypatch.setattr(limbs, "_GREAT_CROWD", great)
    xy = crowd(np.random.default_rng(0), 7, 96)
    pafs = encode_pafs(xy, (84, 84), CHAIN, CENTRE).astype(np.float32)
    cells = rescale(xy, 1 / 8)
    some = peaks(*((k, *cells[n, k], 1) for n in range(len(cells)) for k in range(4)))
    found = [
        match_limbs(score_limbs(some, pafs, CHAIN, dataclasses.replace(OPEN, prune_crowds=prune)), len(some))
        for prune in (True, False)
    ]
    assert len(found[0]) == 4 * 49
    assert rows(found[0]) == rows(found[1])
    np.testing.assert_array_equal(found[0].score, found[1].score)
    everything = score_limbs(some, pafs, CHAIN, OPEN)
    assert len(score_limbs(some, pafs, CHAIN, dataclasses.replace(OPEN, prune_crowds=True))) < len(everything)


def test_a_great_crowd_is_read_but_for_pairs_without_paf_half_way(monkeypatch):
    """Of those that are left, each is listed once, by limb and start, and scores as ever."""
    rng = np.random.default_rng(1)
    pafs = rng.uniform(-1, 1, (8, 20, 20)).astype(np.float32)
    some = peaks(*((k, *rng.uniform(0, 19, 2), 1) for k in range(4) for _ in range(60)))  # 4 x 3600 pairs
    monkeypatch.setattr(limbs, "_GREAT_CROWD", 4 * 3600 - 1)
    listed = []

    def keep_all(field, lines, row, limb, end):
        listed.append(len(end))
        return np.arange(len(end))

    monkeypatch.setattr(limbs, "_choose_near", keep_all)
    found = score_limbs(some, pafs, CHAIN, dataclasses.replace(OPEN, prune_crowds=True))
    assert sum(listed) < 4 * 3600 / 2
    everything = score_limbs(some, pafs, CHAIN, OPEN)
    scores = dict(zip(rows(everything), everything.score.tolist(), strict=True))
    assert rows(found) == sorted(set(rows(found)))
    np.testing.assert_allclose(found.score, [scores[row] for row in rows(found)], atol=2e-3)


def test_a_crowd_too_large_for_one_block_scores_as_in_parts():
    rng = np.random.default_rng(1)
    pafs = rng.uniform(-1, 1, (8, 20, 20)).astype(np.float32)
    some = peaks(*((k, *rng.uniform(0, 19, 2), 1) for k in range(4) for _ in range(60)))  # 4 x 3600 pairs
    whole = score_limbs(some, pafs, CHAIN, OPEN)
    for limb, (a, b) in enumerate(CHAIN.limbs):
        alone = Skeleton("one", CHAIN.keypoints, ((a, b), *(p for p in CHAIN.limbs if p != (a, b))))
        order = [limb, *(i for i in range(4) if i != limb)]
        part = score_limbs(some, pafs.reshape(4, 2, 20, 20)[order].reshape(8, 20, 20), alone, OPEN)
        ours, theirs = whole[whole.limb == limb], part[part.limb == 0]
        assert ours.start.tolist() == theirs.start.tolist()
        assert ours.end.tolist() == theirs.end.tolist()
        np.testing.assert_allclose(ours.score, theirs.score, atol=2e-3)  # OpenCV reads at 1/32 cells


# Matching ------------------------------------------------------------------------------------------------------------


def by_a_sorted_list(candidates):
    """Go through all candidates, best first; take one if both of its ends are free for this limb."""
    taken, chosen = set(), []
    for i in sorted(range(len(candidates)), key=lambda i: -candidates.score[i]):
        limb, start, end = candidates.limb[i], candidates.start[i], candidates.end[i]
        if ("start", limb, start) not in taken and ("end", limb, end) not in taken:
            taken |= {("start", limb, start), ("end", limb, end)}
            chosen.append(i)
    return candidates[np.array(chosen, np.intp)]


@given(st.data())
def test_matching_is_a_walk_through_a_sorted_list(data):
    count = data.draw(st.integers(1, 12))
    rows_ = st.tuples(
        st.integers(0, 2), st.integers(0, count - 1), st.integers(0, count - 1), st.sampled_from([0.1, 0.2, 0.3, 0.4])
    )
    drawn = data.draw(st.lists(rows_, max_size=60, unique_by=lambda row: row[:3]))
    candidates = connections(*drawn)
    ours, theirs = match_limbs(candidates, count), by_a_sorted_list(candidates)
    assert rows(ours) == rows(theirs)
    assert ours.score.tolist() == theirs.score.tolist()


def test_a_long_chain_of_rivals_is_settled_from_the_best_down():
    """Each candidate shares an end with the next better one: every other one wins."""
    n = 400
    chain = connections(*((0, (i + 1) // 2, i // 2, 1 - i / n) for i in range(n)))
    chosen = match_limbs(chain, n)
    assert rows(chosen) == rows(by_a_sorted_list(chain))
    assert len(chosen) == n // 2


def test_no_candidates_no_connections():
    assert len(match_limbs(connections(), 0)) == len(match_limbs(connections(), 5)) == 0


# Assembling ----------------------------------------------------------------------------------------------------------

TWO_OF_EACH = peaks(*((k, 10 * n, k, 1) for k in range(4) for n in range(2)))  # peak 2k + n is keypoint k of person n


def assembled(*rows_, options=OPEN, some=TWO_OF_EACH):
    return assemble(connections(*rows_), some, CHAIN, options)


def members(people, some=TWO_OF_EACH):
    """Peak of each keypoint, (N, K), -1 where there is none; no two peaks of a kind lie in one place."""
    table = np.full(people.peak_heights.shape, -1)
    for peak, (kind, xy) in enumerate(zip(some.kind, some.xy, strict=True)):
        table[(people.keypoints[:, kind] == xy).all(axis=-1), kind] = peak
    assert ((table < 0) == np.isnan(people.keypoints).any(axis=-1)).all()
    return table


def test_people_are_where_their_peaks_are_and_as_high_as_these_in_bounds():
    some = peaks((0, 2.25, 3, 0.5), (1, 4, 5.5, 1.25), (2, 6, 7, -0.25), (3, 8, 9, 1))
    people = assembled((0, 0, 1, 0.9), (1, 1, 2, 0.8), some=some)
    np.testing.assert_array_equal(people.keypoints, np.float32([[[2.25, 3], [4, 5.5], [6, 7], [np.nan, np.nan]]]))
    np.testing.assert_array_equal(people.peak_heights, np.float32([[0.5, 1, 0, 0]]))
    assert people.keypoints.dtype == people.peak_heights.dtype == people.limb_scores.dtype == np.float32


def test_two_poses_that_turn_out_to_be_one_are_merged():
    people = assembled((0, 0, 2, 0.9), (2, 4, 6, 0.8), (1, 2, 4, 0.7))
    assert members(people).tolist() == [[0, 2, 4, 6]]


def test_merged_poses_have_the_keypoints_of_both():
    people = assembled((0, 0, 2, 0.9), (2, 4, 6, 0.8), (1, 2, 4, 0.7), (3, 7, 0, 0.6))  # d1 - a0: there is d0 already
    assert members(people).tolist() == [[0, 2, 4, 6]]


def test_of_many_equal_people_the_first_are_first():
    some = peaks(*((k, n, k, 1) for k in range(2) for n in range(200)))
    people = assembled(*((0, n, 200 + n, 0.5 + 0.25 * (n % 2)) for n in range(200)), some=some)
    expected = [*range(1, 200, 2), *range(0, 200, 2)]
    assert people.keypoints[:, 0, 0].tolist() == expected
    assert choose(people.limb_scores[np.argsort(expected)], OPEN).tolist() == expected


def test_two_poses_with_a_kind_in_common_stay_two():
    people = assembled((0, 0, 2, 0.9), (1, 2, 4, 0.85), (2, 5, 7, 0.8), (0, 1, 3, 0.7), (3, 7, 0, 0.6))
    # d1 - a0 would join a0 b0 c0 with c1 d1: two of c
    assert members(people).tolist() == [[0, 2, 4, -1], [-1, -1, 5, 7], [1, 3, -1, -1]]


def test_a_second_keypoint_of_a_kind_is_left_out():
    people = assembled((0, 0, 2, 0.9), (1, 2, 4, 0.8), (3, 7, 0, 0.7), (2, 4, 6, 0.6))
    assert members(people).tolist() == [[0, 2, 4, 7]]


def test_a_pose_scores_the_root_of_its_limbs_over_the_root_of_those_it_has_and_could_have():
    one = assembled((0, 0, 2, 0.9))
    np.testing.assert_allclose(one.limb_scores, [np.sqrt(0.9 / np.sqrt(1 * 4))], rtol=1e-6)
    merged = assembled((0, 0, 2, 0.9), (2, 4, 6, 0.8), (1, 2, 4, 0.7), (3, 6, 0, 0.6))
    np.testing.assert_allclose(merged.limb_scores, [np.sqrt((0.9 + 0.8 + 0.7 + 0.6) / np.sqrt(4 * 4))], rtol=1e-6)


def test_a_limb_that_is_left_out_does_not_score():
    with_it = assembled((0, 0, 2, 0.9), (1, 2, 4, 0.8), (3, 7, 0, 0.7), (2, 4, 6, 0.6))
    without = assembled((0, 0, 2, 0.9), (1, 2, 4, 0.8), (3, 7, 0, 0.7))
    np.testing.assert_array_equal(with_it.limb_scores, without.limb_scores)


@pytest.mark.parametrize(
    ("options", "sizes"),
    [
        ({}, [3, 3, 2]),
        ({"min_keypoints": 2}, [3, 3, 2]),
        ({"min_keypoints": 3}, [3, 3]),
        ({"min_keypoints": 4}, []),
    ],
    ids=str,
)
def test_which_poses_are_kept(options, sizes):
    some = peaks(*((k, 10 * n, k, 1) for k in range(4) for n in range(3)))
    limbs = [(0, 0, 3, 0.9), (1, 3, 6, 0.9), (0, 1, 4, 0.6), (1, 4, 7, 0.6), (0, 2, 5, 0.5)]
    people = assembled(*limbs, options=dataclasses.replace(OPEN, **options), some=some)
    assert (members(people, some) >= 0).sum(axis=1).tolist() == sizes
    assert people.limb_scores.tolist() == sorted(people.limb_scores.tolist(), reverse=True)


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({}, [2, 0, 3, 1]),
        ({"max_poses": 1}, [2]),
        ({"max_poses": 2}, [2, 0]),
        ({"max_poses": 9}, [2, 0, 3, 1]),
        ({"min_pose_score": 0.5}, [2, 0, 3]),
        ({"min_pose_score": 0.5, "max_poses": 2}, [2, 0]),
        ({"min_pose_score": 1.0}, []),
    ],
    ids=str,
)
def test_the_best_are_chosen_and_of_equal_ones_the_first(options, kept):
    scores = np.array([0.5, 0.25, 0.75, 0.5], np.float32)
    assert choose(scores, dataclasses.replace(OPEN, **options)).tolist() == kept


@given(st.data())
def test_whatever_is_connected_no_pose_has_two_of_a_kind_and_no_keypoint_two_poses(data):
    counts = data.draw(st.lists(st.integers(0, 4), min_size=4, max_size=4))
    some = peaks(*((k, n, k, 1) for k, count in enumerate(counts) for n in range(count)))
    possible = [
        (limb, int(start), int(end))
        for limb, (a, b) in enumerate(CHAIN.limb_indices)
        for start in np.flatnonzero(some.kind == a)
        for end in np.flatnonzero(some.kind == b)
    ]
    drawn = data.draw(st.lists(st.sampled_from(possible), unique=True)) if possible else []
    scored = [(*row, data.draw(st.floats(0.0625, 1, width=32))) for row in drawn]
    chosen = match_limbs(connections(*scored), len(some))
    people = assemble(chosen, some, CHAIN, OPEN)
    table = members(people, some)
    used = table[table >= 0].tolist()
    assert len(used) == len(set(used))
    for kind, column in enumerate(table.T):
        assert (some.kind[column[column >= 0]] == kind).all()
    joined = set(chosen.start.tolist()) | set(chosen.end.tolist())
    assert set(used) <= joined
    assert ((people.limb_scores > 0) & (people.limb_scores <= 1 + 1e-6)).all()
    for one, other in combinations(table, 2):  # whoever could be joined by a connection has been
        if not ((one >= 0) & (other >= 0)).any():
            between = {
                (limb, s, e) for limb, s, e in rows(chosen) if (s in one and e in other) or (s in other and e in one)
            }
            assert not between


def test_the_human_skeleton_is_assembled_from_a_spanning_tree_alone():
    k = len(HUMAN_18.keypoints)
    some = peaks(*((i, i, i, 1) for i in range(k)))
    limbs = [(i, a, b, 0.5) for i, (a, b) in enumerate(HUMAN_18.limb_indices) if i not in HUMAN_18.loop_limbs]
    people = assemble(connections(*limbs), some, HUMAN_18, OPEN)
    assert members(people, some).tolist() == [list(range(k))]
