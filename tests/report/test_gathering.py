"""One pass over results keeps what happened, however long it is."""

import numpy as np
import pytest

from nimblepose.core.errors import SkeletonError
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import COCO_17, Skeleton
from nimblepose.report.bins import MAX_BINS, Bin, WideningBins
from nimblepose.report.gathering import gather
from nimblepose.report.moments import choose_weakest, list_weakest
from nimblepose.report.series import choose_identities, make_series, thin_series
from nimblepose.results.reading import ReadResult

CAT = Skeleton("cat", ("nose", "tail"), (("nose", "tail"),))
SIZE = (100, 200)


def cats(ids, x=10.0, score=0.5, y=50.0):
    n = len(ids)
    keypoints = np.tile(np.array([[x, y], [x, y + 20]], np.float32), (n, 1, 1))
    return Poses(
        CAT, keypoints, np.full((n, 2), 0.5, np.float32), np.full(n, score, np.float32), np.array(ids, np.int64)
    )


def film(*frames, step=0.1):
    return [ReadResult("a.mp4", n, n * step, SIZE, poses) for n, poses in enumerate(frames)]


def test_a_gap_is_where_somebody_was_away_for_longer_than_a_moment():
    present = [0, 1, 2, 5, 6, 20, 21]  # tenths of a second: three missing frames are none, thirteen are
    gathered = gather(film(*(cats([3] if n in present else []) for n in range(25))), is_video=True)
    (identity,) = gathered.identities.values()
    assert identity.spans == [(0.0, pytest.approx(0.6)), (2.0, pytest.approx(2.1))]
    assert identity.gaps == [pytest.approx(1.4)]
    assert identity.in_view == pytest.approx(0.7)
    assert (gathered.frames, gathered.frames_with, gathered.poses, gathered.most) == (25, 7, 7, 1)


def test_slow_frames_make_no_gaps():
    gathered = gather(film(*(cats([1]) for _ in range(5)), step=10.0), is_video=True)
    assert gathered.identities[1].spans == [(0.0, 40.0)]


@pytest.mark.parametrize("step", [0.04, 0.5, 7.0])
def test_speed_is_that_of_steady_motion_whatever_the_rate(step):
    frames = film(*(cats([1], x=30 * n * step) for n in range(40)), step=step)
    gathered = gather(frames, is_video=True)
    (series,) = make_series(gathered, choose_identities(gathered, 9))
    speeds = series.values[:, 0]
    assert np.isnan(speeds[0])
    np.testing.assert_allclose(speeds[~np.isnan(speeds)], 30, rtol=1e-3)
    assert (~np.isnan(speeds)).sum() >= 30


def test_after_an_absence_nobody_knows_the_speed():
    frames = film(cats([1]), *(cats([]) for _ in range(30)), cats([1], x=190))
    (series,) = make_series(gathered := gather(frames, is_video=True), choose_identities(gathered, 9))
    assert np.isnan(series.values[:, 0]).all()


def test_heat_counts_to_where_they_were_in_frames_of_any_size():
    frames = [
        ReadResult("a", 0, 0, (100, 200), cats([1], x=199, y=1)),
        ReadResult("a", 1, 1, (50, 100), cats([1], x=99, y=1)),
    ]
    heat = gather(frames, is_video=True).heat
    assert heat.shape == (32, 64)
    assert heat[0, 63] == heat.sum() == 2


def test_bins_stay_few_and_lose_nothing():
    bins = WideningBins()
    for n in range(20_000):
        bins.add(5 + n / 25, Bin(1, 2))
    kept = list(bins)
    assert MAX_BINS / 2 <= len(kept) <= MAX_BINS
    assert (sum(bin_.frames for _, bin_ in kept), sum(bin_.poses for _, bin_ in kept)) == (20_000, 40_000)
    assert kept[0][0] == 5
    assert np.diff([start for start, _ in kept]) == pytest.approx(bins.width)


def test_widened_bins_hold_means_and_the_weakest():
    frames = film(*(cats([1], x=float(n % 2), score=0.1 if n == 777 else 0.9) for n in range(4000)))
    gathered = gather(frames, is_video=True)
    (series,) = make_series(gathered, choose_identities(gathered, 9))
    assert len(series.times) <= MAX_BINS
    np.testing.assert_allclose(series.places[:, 0].mean(), 0.5, atol=0.01)
    (weakest, *_) = choose_weakest(list_weakest(gathered.bins), count=3, apart=5)
    assert (weakest.frame, weakest.score) == (777, pytest.approx(0.1))


def test_weakest_moments_are_apart():
    frames = film(*(cats([1, 2], score=n / 100) for n in range(100)))
    chosen = choose_weakest(list_weakest(gather(frames, is_video=True).bins), count=6, apart=2)
    assert [(s.identity, round(s.time, 1)) for s in chosen] == [(1, 0), (2, 0), (1, 2), (2, 2), (1, 4), (2, 4)]


def test_without_identities_the_weakest_are_found_all_the_same():
    frames = [
        ReadResult("a", n, float(n), SIZE, Poses(CAT, p.keypoints, p.keypoint_scores, p.scores))
        for n, p in enumerate(cats([1], score=abs(n - 3) / 10) for n in range(6))
    ]
    gathered = gather(frames, is_video=True)
    assert not gathered.identities
    assert choose_weakest(list_weakest(gathered.bins), count=1, apart=1)[0].frame == 3


@pytest.mark.parametrize("most", [7000, 900, 200])
def test_thinned_series_hold_so_many_values_and_the_mean(most):
    gathered = gather(film(*(cats([1, 2, 3], x=float(n)) for n in range(700))), is_video=True)
    series = make_series(gathered, choose_identities(gathered, 9))
    thinned = thin_series(series, most)
    assert sum(one.values.size for one in thinned) <= most
    assert [one.identity for one in thinned] == [1, 2, 3][: len(thinned)]
    assert thinned[0].times.mean() == pytest.approx(series[0].times.mean(), rel=0.01)


def test_poses_of_another_skeleton_are_refused():
    other = Poses(COCO_17, np.zeros((1, 17, 2), np.float32), np.ones((1, 17), np.float32), np.ones(1, np.float32))
    with pytest.raises(SkeletonError, match="coco17"):
        gather([*film(cats([1])), ReadResult("a", 1, 1, SIZE, other)], is_video=True)


def test_nobody_and_nothing():
    assert np.isnan(gather(film(Poses.empty(CAT)), is_video=True).share_found)
    assert gather([], is_video=False).size is None
