"""Every bump of a heatmap is one peak, and a Gaussian's peak is where the Gaussian is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nimblepose.codec.encode import EncodeOptions, encode_heatmaps
from nimblepose.codec.options import DecodeOptions
from nimblepose.codec.peaks import Peaks, find_peaks, refine_peaks
from nimblepose.core.geometry import rescale

KEEP_ALL = DecodeOptions(min_peak_score=0.1, max_saddle=1.0)


def heatmap(*rows):
    """A map of one keypoint, written in tenths; dots are zero."""
    return np.array([[0 if c == "." else int(c) / 10 for c in row] for row in rows], np.float32)[None]


def places(peaks):
    return sorted(map(tuple, peaks.xy.astype(int).tolist()))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (["...", ".5.", "..."], [(1, 1)]),
        (["5..", "...", "..."], [(0, 0)]),
        (["...", "...", "..5"], [(2, 2)]),
        ([".5.", "...", ".5."], [(1, 0), (1, 2)]),
        (["....", ".55.", "...."], [(1, 1)]),
        (["...", ".5.", ".5.", "..."], [(1, 1)]),
        (["....", ".55.", ".55.", "...."], [(1, 1)]),
        (["55", "55"], [(0, 0)]),
        (["...", ".1.", "..."], []),
        (["...", ".2.", "..."], [(1, 1)]),
        (["....", ".36.", "...."], [(2, 1)]),
        (["...", "...", "..."], []),
        (["5"], [(0, 0)]),
        (["5.5.5"], [(0, 0), (2, 0), (4, 0)]),
    ],
    ids=["middle", "first cell", "last cell", "top and bottom", "two equal beside", "two equal below", "four equal",
         "nothing but a plateau", "at the threshold", "above the threshold", "slope", "nothing", "one cell", "one row"],
)  # fmt: skip
def test_where_peaks_are(rows, expected):
    peaks = find_peaks(heatmap(*rows), DecodeOptions(min_peak_score=0.1))
    assert places(peaks) == expected
    assert (peaks.score > 0.1).all()


@pytest.mark.parametrize(
    ("rows", "max_saddle", "count"),
    [
        (["....", ".59.", ".95.", "...."], 0.5, 1),
        (["....", ".59.", ".95.", "...."], 0.6, 2),
        (["....", ".49.", ".85.", "...."], 0.6, 1),
        (["....", ".49.", ".85.", "...."], 0.7, 2),
        (["....", ".94.", ".58.", "...."], 0.6, 1),
        (["....", ".9..", "..9.", "...."], 0.0, 2),
        (["....", ".88.", ".9.8", "..88"], 1.0, 3),
    ],
    ids=["equal, high way", "equal, low way", "lower goes", "lower stays", "other diagonal", "no way", "all kept"],
)
def test_peaks_that_touch_at_a_corner_are_one_if_the_way_between_is_high(rows, max_saddle, count):
    peaks = find_peaks(heatmap(*rows), DecodeOptions(max_saddle=max_saddle))
    assert len(peaks) == count
    assert peaks.score.max() == heatmap(*rows).max()


def test_of_each_kind_on_its_own_sorted_by_kind():
    maps = np.zeros((3, 4, 6), np.float32)
    maps[2, 0, 0], maps[0, 3, 5], maps[0, 1, 1] = 0.3, 0.4, 0.5
    peaks = find_peaks(maps, DecodeOptions())
    assert peaks.kind.tolist() == [0, 0, 2]
    assert peaks.xy.tolist() == [[1, 1], [5, 3], [0, 0]]
    np.testing.assert_allclose(peaks.score, [0.5, 0.4, 0.3])


def touches_a_higher_one(cells, x, y, max_saddle):
    """Does a cell at a corner stand above (of equal ones before) this one, and a way to it above its share?"""
    value = cells[y, x]
    for dy, dx in ((-1, -1), (-1, 1), (1, -1), (1, 1)):
        corner, way = cells[y + dy, x + dx], max(cells[y, x + dx], cells[y + dy, x])
        if (corner >= value if dy < 0 else corner > value) and way > max_saddle * value:
            return True
    return False


@pytest.mark.parametrize("max_saddle", [0.25, 0.6, 1.0])
@given(eighths=arrays(np.int8, (2, 6, 7), elements=st.integers(0, 8)))
def test_peaks_are_as_a_plain_loop_finds_them(max_saddle, eighths):
    compare_with_a_plain_loop(eighths.astype(np.float32) / 8, max_saddle)


@pytest.mark.parametrize("max_saddle", [0.25, 0.6, 0.9])
def test_in_maps_full_of_bumps_too(max_saddle):
    maps = np.random.default_rng(0).integers(0, 9, (20, 30, 30)).astype(np.float32) / 8
    compare_with_a_plain_loop(maps, max_saddle)


def compare_with_a_plain_loop(maps, max_saddle):
    framed = np.pad(maps, ((0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
    expected = [
        (k, x - 1, y - 1)
        for k, y, x in np.argwhere(np.isfinite(framed)).tolist()
        if framed[k, y, x] > np.float32(0.1)
        and framed[k, y, x] > max(framed[k, y, x - 1], framed[k, y - 1, x])
        and framed[k, y, x] >= max(framed[k, y, x + 1], framed[k, y + 1, x])
        and not touches_a_higher_one(framed[k], x, y, max_saddle)
    ]
    peaks = find_peaks(maps, DecodeOptions(min_peak_score=0.1, max_saddle=max_saddle))
    assert sorted((int(k), int(x), int(y)) for k, (x, y) in zip(peaks.kind, peaks.xy, strict=True)) == sorted(expected)


def test_one_kind_may_have_too_many_and_another_few():
    maps = np.zeros((2, 3, 20), np.float32)
    maps[0, 1, 1::2] = np.linspace(0.3, 0.8, 10)
    maps[1, 1, 5] = 0.5
    peaks = find_peaks(maps, DecodeOptions(max_peaks=3))
    assert places(Peaks(peaks.xy[peaks.kind == 0], peaks.score, peaks.kind)) == [(15, 1), (17, 1), (19, 1)]
    assert peaks.kind.tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize("shape", [(18, 32, 57), (1, 1, 1), (3, 2, 2)], ids=str)
def test_an_empty_picture_has_no_peaks(shape):
    maps = np.zeros(shape, np.float32)
    peaks = find_peaks(maps, DecodeOptions())
    assert len(peaks) == len(refine_peaks(peaks, maps)) == 0
    assert refine_peaks(peaks, maps).xy.shape == (0, 2)


@pytest.mark.parametrize("most", [1, 3, 7, 1000])
def test_of_too_many_peaks_of_a_kind_the_highest_are_kept_in_their_order(most):
    """Of equal ones the first."""
    tenths = np.random.default_rng(0).integers(0, 10, (3, 15, 40))
    tenths[1, :, 9:] = 0  # fewer of this kind
    maps = (tenths / 10).astype(np.float32)
    everything = find_peaks(maps, KEEP_ALL)
    chosen = []
    for kind in range(3):
        of_kind = np.flatnonzero(everything.kind == kind).tolist()
        chosen += sorted(sorted(of_kind, key=lambda i: -everything.score[i])[:most])
    kept = find_peaks(maps, DecodeOptions(max_saddle=1.0, max_peaks=most))
    np.testing.assert_array_equal(kept.xy, everything.xy[chosen])
    np.testing.assert_array_equal(kept.score, everything.score[chosen])
    np.testing.assert_array_equal(kept.kind, everything.kind[chosen])


# Refinement ----------------------------------------------------------------------------------------------------------


@given(x=st.floats(0, 95.5), y=st.floats(0, 63.5), sigma=st.sampled_from([7.0, 9.0]))
def test_a_gaussian_is_found_where_it_is(x, y, sigma):
    """Wherever it lies, border and corners included, to 0.05 input pixels at stride 8."""
    xy = np.array([[[x, y]]])
    maps = encode_heatmaps(xy, (8, 12), EncodeOptions(heatmap_sigma=sigma))[:-1].astype(np.float32)
    peaks = refine_peaks(find_peaks(maps, DecodeOptions()), maps)
    np.testing.assert_allclose(rescale(peaks.xy[peaks.score.argmax()], 8), xy[0, 0], atol=0.05)


def between(values, t):
    """Catmull and Rom's spline through four values, at t in [0, 1] between the second and the third."""
    a, b, c, d = values
    return b + t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a))) / 2


@pytest.mark.parametrize("middle", [(2, 2), (0, 3), (4, 0)], ids=["inside", "on a border", "in a corner"])
def test_a_peak_is_as_high_as_the_map_is_a_quarter_cell_beside_it_in_the_best_direction(middle):
    rng = np.random.default_rng(sum(middle))
    for _ in range(8):  # so that each direction is once the best
        maps = rng.uniform(0.2, 0.5, (1, 5, 5)).astype(np.float32)
        maps[0, middle[1], middle[0]] = 0.6
        around = np.pad(maps[0], 2, "edge")[middle[1] : middle[1] + 5, middle[0] : middle[0] + 5]
        sides = [(slice(0, 4), 0.75), (slice(1, 5), 0.25)]  # before the middle cell, and after it
        heights = [between([between(row[x], tx) for row in around[y]], ty) for x, tx in sides for y, ty in sides]
        (found,) = refine_peaks(Peaks(np.float32([middle]), np.float32([0.6]), np.array([0])), maps).score
        assert found == pytest.approx(max(heights), rel=1e-5)


def top_of_the_quadric(cells):
    """Of nine values: along both axes the parabola through three, of what the corners say of a tilt one half."""
    c = np.log(np.maximum(cells.astype(np.float64), 0.01))
    slope_x, slope_y = (c[1, 2] - c[1, 0]) / 2, (c[2, 1] - c[0, 1]) / 2
    bend_x, bend_y = (min(a - 2 * c[1, 1] + b, -1e-3) for a, b in ((c[1, 0], c[1, 2]), (c[0, 1], c[2, 1])))
    most = 0.97 * np.sqrt(bend_x * bend_y)
    tilt = np.clip((c[2, 2] - c[2, 0] - c[0, 2] + c[0, 0]) / 4 / 2, -most, most)
    top = -np.linalg.solve([[bend_x, tilt], [tilt, bend_y]], [slope_x, slope_y])
    return np.clip(top, -0.5, 0.5)


def test_a_peak_moves_to_the_top_of_its_quadric():
    maps = (np.random.default_rng(2).uniform(0, 1, (4, 30, 40)) ** 3).astype(np.float32)
    maps[3] = 0.2 + 1e-5 * maps[3]  # as good as flat
    maps[2] = 0.7 + 0.02 * maps[2]
    maps[2, 1::3, 1::3] += 0.05  # bumps that hardly bend
    maps[2, ::3, 2::3] *= 0.1  # and whose corners say that they are ridges
    peaks = find_peaks(maps, KEEP_ALL)
    moved = refine_peaks(peaks, maps)
    tested = 0
    for kind, (x, y), xy in zip(peaks.kind, peaks.xy.astype(int), moved.xy, strict=True):
        if 0 < x < 39 and 0 < y < 29:
            expected = top_of_the_quadric(maps[kind, y - 1 : y + 2, x - 1 : x + 2])
            np.testing.assert_allclose(xy - [x, y], expected, atol=5e-3)
            tested += 1
    assert tested > 300


def test_a_peak_moves_by_half_a_cell_at_most():
    maps = np.random.default_rng(0).uniform(0, 1, (4, 30, 40)).astype(np.float32)
    peaks = find_peaks(maps, KEEP_ALL)
    moved = refine_peaks(peaks, maps)
    assert len(peaks) > 300
    assert np.abs(moved.xy - peaks.xy).max() <= 0.5
    np.testing.assert_array_equal(moved.kind, peaks.kind)
    assert np.isfinite(moved.score).all()


def test_a_peak_moves_towards_its_higher_neighbour():
    maps = heatmap(".....", ".234.", ".384.", ".232.", ".....")
    (moved,) = refine_peaks(find_peaks(maps, DecodeOptions()), maps).xy
    assert moved[0] > 2
    assert abs(moved[1] - 2) < 0.2


def test_a_symmetric_bump_stays_where_it_is():
    maps = heatmap(".....", ".343.", ".484.", ".343.", ".....")
    (moved,) = refine_peaks(find_peaks(maps, DecodeOptions()), maps).xy
    np.testing.assert_allclose(moved, [2, 2], atol=1e-5)


@pytest.mark.parametrize(
    ("rows", "middle"),
    [([".....", ".787.", "....."], (2, 1)), ([".....", ".77..", "....."], (1.5, 1))],
    ids=["ridge", "two equal"],
)
def test_ridges_and_plateaus_keep_their_middle(rows, middle):
    maps = heatmap(*rows)
    (moved,) = refine_peaks(find_peaks(maps, DecodeOptions()), maps).xy
    np.testing.assert_allclose(moved, middle, atol=1e-4)


def test_a_mirrored_map_has_mirrored_peaks():
    """On bumps without equal neighbours; those are counted from the first on."""
    maps = np.random.default_rng(1).uniform(0, 1, (2, 20, 25)).astype(np.float32)
    turned = np.ascontiguousarray(maps[:, ::-1, ::-1])
    whole, whole_turned = find_peaks(maps, KEEP_ALL), find_peaks(turned, KEEP_ALL)
    order = np.lexsort((*whole.xy.T, whole.kind))
    other = np.lexsort((*(-whole_turned.xy.T), whole_turned.kind))
    peaks, mirrored = refine_peaks(whole, maps), refine_peaks(whole_turned, turned)
    np.testing.assert_allclose([24, 19] - mirrored.xy[other], peaks.xy[order], atol=1e-4)
    np.testing.assert_allclose(mirrored.score[other], peaks.score[order], atol=1e-6)


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (5, 1), (2, 2), (3, 3)], ids=str)
def test_maps_of_few_cells_are_no_trouble(size):
    maps = np.random.default_rng(0).uniform(0.2, 1, (3, *size)).astype(np.float32)
    peaks = refine_peaks(find_peaks(maps, DecodeOptions()), maps)
    assert len(peaks) >= 3
    assert np.isfinite(peaks.xy).all()
    if min(size) < 3:
        assert (peaks.xy == peaks.xy.round()).all(), "too small a map to say more"
    assert (peaks.xy >= -0.5).all()
    assert (peaks.xy <= np.array(size[::-1]) - 0.5).all()


def test_arguments_are_left_alone():
    maps = np.random.default_rng(0).uniform(0, 1, (2, 9, 9)).astype(np.float32)
    before = maps.copy()
    peaks = find_peaks(maps, DecodeOptions())
    same = Peaks(peaks.xy.copy(), peaks.score.copy(), peaks.kind.copy())
    refine_peaks(peaks, maps)
    np.testing.assert_array_equal(maps, before)
    np.testing.assert_array_equal(peaks.xy, same.xy)
    np.testing.assert_array_equal(peaks.score, same.score)
