"""Limbs to people: each step is what a plain loop would do."""

import dataclasses
from itertools import combinations

import numpy as np
import pytest
from handmade_limbs import CHAIN, OPEN, connections, peaks, rows
from hypothesis import given
from hypothesis import strategies as st

from nimblepose import HUMAN_18
from nimblepose.codec.grouping import assemble, choose, match_limbs

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
