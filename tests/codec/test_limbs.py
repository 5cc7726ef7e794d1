"""Every pair of peaks is scored by the PAF between them; of crowds, those that a plain loop would read."""

import dataclasses
from itertools import chain

import numpy as np
import pytest
from handmade_limbs import CHAIN, OPEN, STICK, peaks, rows
from hypothesis import given
from hypothesis import strategies as st

from nimblepose import Skeleton
from nimblepose.codec import limbs
from nimblepose.codec.encode import EncodeOptions, encode_pafs
from nimblepose.codec.grouping import assemble, match_limbs
from nimblepose.codec.limbs import score_limbs
from nimblepose.core.geometry import rescale

CENTRE = EncodeOptions(paf_geometry="centre")


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

    def keep_all(field, lines, limb, pair):
        listed.append(len(limb))
        return np.arange(len(limb))

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


# Pruning, as plain loops would do it ----------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 30), min_size=1, max_size=12).map(np.array), st.integers(1, 60), st.integers(1, 12))
def test_limbs_are_scored_in_groups_of_bounded_size(pairs, most_pairs, most_limbs):
    groups = [list(range(len(pairs))[group]) for group in limbs._split_limbs(pairs, most_pairs, most_limbs)]
    assert list(chain(*groups)) == list(range(len(pairs)))
    for group in groups:
        assert 0 < len(group) <= most_limbs
        assert pairs[group[1:]].sum() <= most_pairs, "more than that only by the limb that is too large itself"
    if len(pairs) <= most_limbs and pairs.sum() <= most_pairs:
        assert len(groups) == 1


@pytest.mark.parametrize(
    ("pairs", "most_limbs", "sizes"),
    [([5, 5, 5, 5], 4, [2, 2]), ([5, 5, 1, 9, 0], 9, [2, 3]), ([0, 0, 0], 2, [2, 1]), ([0, 0, 11, 1], 9, [2, 2])],
    ids=str,
)
def test_groups_are_as_full_as_they_may_be(pairs, most_limbs, sizes):
    groups = limbs._split_limbs(np.array(pairs), 10, most_limbs)
    assert [group.stop - group.start for group in groups] == sizes


def read_between(field, start, end, share):
    """The PAF along a limb at a share of its length, which is a whole cell, (2, rows, columns) and (x, y) each."""
    x, y = (start + share * (end - start)).astype(int)
    way = end - start
    return float(field[:, y, x] @ way / max(np.linalg.norm(way), 1e-6))


def test_a_glance_lists_what_is_not_much_less_than_the_best_from_either_end():
    rng = np.random.default_rng(0)
    planes = rng.uniform(-0.3, 1, (2, 2, 21, 21)).astype(np.float32)
    xy = 2 * rng.integers(0, 10, (24, 2)).astype(np.float32)  # the middle of any two is a whole cell
    count, ends = np.array([8, 9, 7]), np.array([[0, 1], [2, 0]])
    pafs = planes.swapaxes(0, 1).reshape(4, 21, 21)
    limb, (start, end) = limbs._glance(pafs, xy.T, count, ends)
    found = set(zip(limb.tolist(), start.tolist(), end.tolist(), strict=True))
    kinds = np.repeat(np.arange(3), count)
    expected = set()
    for number, (a, b) in enumerate(ends):
        starts, others = np.flatnonzero(kinds == a), np.flatnonzero(kinds == b)
        seen = np.array([[read_between(planes[:, number], xy[s], xy[e], 0.5) for e in others] for s in starts])
        near = (seen > 0.05) & (seen > 0.4 * seen.max(axis=1, keepdims=True)) & (seen > 0.4 * seen.max(axis=0))
        expected |= {(number, starts[i], others[j]) for i, j in np.argwhere(near)}
    assert found == expected
    assert 20 < len(expected) < 8 * 9


@pytest.mark.parametrize("absent", range(4))
def test_a_great_crowd_may_lack_a_keypoint(monkeypatch, absent):
    monkeypatch.setattr(limbs, "_GREAT_CROWD", 0)
    pafs = np.ones((8, 12, 12), np.float32)
    some = peaks(*((k, 2 + 2 * k, 2 + 2 * k, 1) for k in range(4) if k != absent))
    found = score_limbs(some, pafs, CHAIN, dataclasses.replace(OPEN, prune_crowds=True))
    there = [limb for limb, (a, b) in enumerate(CHAIN.limb_indices) if absent not in (a, b) and a < b]
    assert found.limb.tolist() == there


@pytest.mark.parametrize("first", [0, 1], ids=["from the first row on", "where the first row sees nothing"])
def test_a_crowd_is_read_where_three_places_are_not_much_less_than_the_best_from_either_end(first):
    rng = np.random.default_rng(2)
    heads, tails = (4 * rng.integers(0, 5, (n, 2)).astype(np.float32) for n in (15, 12))  # quarters are whole cells
    pafs = rng.uniform(-0.3, 1, (4, 20, 20)).astype(np.float32)  # of two limbs
    field = np.concatenate([pafs[:2], pafs[2:]], axis=1)  # (2, 40, 20), below each other
    pairs = [(limb, s, e) for limb in (0, 1) for s in range(15) for e in range(12)]
    starts = np.array([heads[s] + np.float32([0, 20 * limb]) for limb, s, _ in pairs])
    ways = np.array([tails[e] - heads[s] for _, s, e in pairs])
    ways[: 12 * first] *= 0  # they lead nowhere
    limb, start, end = np.array(pairs).T
    lines = limbs._Lines(heads[start].T, ways.T, np.maximum(np.hypot(*ways.T), 1e-6), np.float32(40 * limb))
    kept = limbs._choose_near(pafs, lines, limb, np.array([start, 15 + end]))
    seen = {}
    for pair, start, way in zip(pairs, starts, ways, strict=True):
        quarters = [min(max(read_between(field, start, start + way, share), 0), 1) for share in (0.25, 0.5, 0.75)]
        if quarters[1] > 0.05:
            seen[pair] = sum(quarters)
    best = {(limb, s): max(v for (a, b, _), v in seen.items() if (a, b) == (limb, s)) for limb, s, _ in seen}
    seen = {pair: value for pair, value in seen.items() if value > 0.6 * best[pair[:2]] + 1e-6}
    best = {(limb, e): max(v for (a, _, b), v in seen.items() if (a, b) == (limb, e)) for limb, _, e in seen}
    expected = [pair for pair, value in seen.items() if value > 0.6 * best[pair[::2]] + 1e-6]
    assert [pairs[i] for i in kept] == expected
    assert 20 < len(expected) < 200


def test_a_crowd_that_sees_nothing_is_nobody(monkeypatch):
    monkeypatch.setattr(limbs, "_CROWD", 0)
    some = peaks(*((k, 3 * n, 2 * k, 1) for k in range(2) for n in range(4)))
    crowded = dataclasses.replace(OPEN, prune_crowds=True)
    assert len(score_limbs(some, np.zeros((2, 12, 12), np.float32), STICK, crowded)) == 0


def test_no_lines_are_read_as_none():
    none = limbs._Lines(*np.zeros((2, 2, 0), np.float32), *np.zeros((2, 0), np.float32))
    assert limbs._read_along(np.zeros((2, 4, 4), np.float32), none, np.zeros(3, np.float32)).shape == (3, 0)


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
