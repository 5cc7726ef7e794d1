"""Frames worth labelling: weak, jumping, unlike each other, apart in time."""

import numpy as np
import pytest

from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import Skeleton
from nimblepose.results.reading import ReadResult
from nimblepose.training.picked_set import build_coco
from nimblepose.training.picking import describe_frames, measure_jump, measure_weakness, pick_frames

THREE = Skeleton("three", ("a", "b", "c"), (("a", "b"), ("b", "c")))
SHAPE = np.array([(0.0, 0.0), (20.0, 0.0), (40.0, 0.0)])


def poses(*people, score=0.9, ids=None):
    xy = np.array(people, np.float32).reshape(-1, 3, 2)
    scores = np.where(np.isnan(xy[..., 0]), 0, score).astype(np.float32)
    known = None if ids is None else np.array(ids, np.int64)
    return Poses(THREE, xy, scores, np.full(len(xy), score, np.float32), known)


def frames(*found, rate=10.0, **options):
    results = [ReadResult("clip.mp4", i, i / rate, (200, 300), one) for i, one in enumerate(found)]
    return describe_frames(results, **options)


def lacking(keypoint):
    shape = SHAPE.copy()
    shape[keypoint] = np.nan
    return shape


def test_weak_is_whoever_scores_little_or_lacks_keypoints_or_is_missing():
    assert measure_weakness(poses(SHAPE), 1) == pytest.approx(0.1)
    assert measure_weakness(poses(lacking(2)), 1) == pytest.approx(0.4)
    assert measure_weakness(poses(), 1) == 1
    assert measure_weakness(poses(SHAPE), 2) == pytest.approx(0.55)


def test_a_jump_is_in_sizes_of_the_subject():
    jumped = SHAPE + 2
    jumped[2] += (20, 0)
    assert measure_jump(poses(SHAPE), poses(SHAPE)) == 0
    assert measure_jump(poses(SHAPE), poses(jumped)) == pytest.approx(np.hypot(22, 2) / 60, rel=1e-3)
    assert measure_jump(poses(), poses(SHAPE)) == 0
    far = SHAPE + 100
    assert measure_jump(poses(SHAPE, far), poses(far, SHAPE)) == 0, "told by place"
    exchanged = measure_jump(poses(SHAPE, far, ids=[1, 2]), poses(SHAPE, far, ids=[2, 1]))
    assert exchanged > 2, "told by identity"


def test_the_frame_after_a_jump_has_not_jumped_too():
    jumps = frames(*[poses(SHAPE + (20 if i == 5 else 0)) for i in range(10)]).jumps
    assert np.flatnonzero(jumps).tolist() == [5]
    moved = frames(*[poses(SHAPE + (20 if i >= 5 else 0)) for i in range(10)]).jumps
    assert moved.argmax() == 5, "and stayed there"


def test_of_frames_that_are_alike_the_worst_is_picked():
    """Three places, in each of which one pose is weak."""
    places = [np.array([60.0 * (i // 30), 0.0]) for i in range(90)]
    found = [poses(SHAPE + place) for place in places]
    found[20] = poses(SHAPE + places[20], score=0.2)
    found[45] = poses(SHAPE + places[45], score=0.8)
    found[75] = poses(lacking(2) + places[75])
    assert pick_frames(frames(*found, in_time=False), 3) == [20, 45, 75]


def test_what_a_film_mostly_shows_is_among_them():
    """A fifth of the frames are weak and alike; the others, of two kinds, are all the same picked from."""
    bent = SHAPE * [1, 0] + [(0, 0), (0, 30), (0, 0)]
    found = [poses(SHAPE + 100, score=0.2)] * 20 + [poses(SHAPE + i % 3) for i in range(40)] + [poses(bent)] * 40
    picked = np.array(pick_frames(frames(*found, in_time=False), 6))
    assert [(picked < 20).any(), ((picked >= 20) & (picked < 60)).any(), (picked >= 60).any()] == [True] * 3


def test_neighbours_are_not_picked_together_nor_what_looks_the_same():
    weak = frames(*[poses(SHAPE + i, score=0.2 if 40 <= i < 60 else 0.9) for i in range(100)])
    assert min(np.diff(pick_frames(weak, 4))) >= 5, "apart in time, though all of the weak ones are neighbours"
    alike = [poses(SHAPE + 100)] * 50
    other = [poses(SHAPE * (1, 1) + [(i, 2 * i), (0, i), (i, 0)]) for i in range(50)]
    picked = pick_frames(frames(*alike, *other, in_time=False), 6)
    assert sum(i >= 50 for i in picked) >= 4, "what is alike fifty times counts once"


def test_frames_without_anybody_are_picked_but_not_only():
    picked = pick_frames(frames(*[poses(SHAPE + i) if i % 4 else poses() for i in range(80)]), 8)
    assert 1 <= sum(i % 4 == 0 for i in picked) < 8


@pytest.mark.parametrize("count", [1, 2, 7])
def test_as_many_are_picked_as_are_asked_for_whatever_is_in_them(count):
    """All alike; nobody anywhere; nobody in most."""
    for found in ([poses(SHAPE)] * 9, [poses()] * 9, [poses(SHAPE), poses(SHAPE + 9), *[poses()] * 7]):
        assert len(set(pick_frames(frames(*found), count))) == count


def test_somebody_without_a_keypoint_is_nobody():
    """As results of strangers may have it; k-means takes no NaN."""
    lost = np.full_like(SHAPE, np.nan)
    described = frames(*[poses(lost) if i % 3 == 0 else poses(SHAPE + i, lost) for i in range(12)])
    assert [len(result.poses) for result in described.results] == [i % 3 > 0 for i in range(12)]
    assert np.isnan(described.shapes[:, 0]).tolist() == [i % 3 == 0 for i in range(12)]
    for count in (1, 5):
        assert len(set(pick_frames(described, count))) == count


@pytest.mark.parametrize("seed", [-1, 1 << 40])
def test_any_number_is_a_seed(seed):
    described = frames(*[poses(SHAPE + i) for i in range(9)])
    assert pick_frames(described, 3, seed=seed) == pick_frames(described, 3, seed=seed)


def test_fewer_frames_than_asked_are_all_of_them():
    assert pick_frames(frames(poses(SHAPE), poses(SHAPE)), 5) == [0, 1]
    assert pick_frames(frames(), 5) == []


def test_predictions_become_labels_of_what_was_found():
    result = ReadResult("a.mp4", 7, 0.7, (200, 300), poses(lacking(1) + 10))
    coco = build_coco([("1.png", result)], THREE)
    (annotation,), (image,) = coco["annotations"], coco["images"]
    assert annotation["keypoints"] == [10.5, 10.5, 2, 0, 0, 0, 50.5, 10.5, 2]
    assert (annotation["num_keypoints"], annotation["bbox"]) == (2, [4.5, 4.5, 52, 12])
    assert (image["height"], image["width"], image["frame"]) == (200, 300, 7)
    assert coco["categories"][0]["skeleton"] == [[1, 2], [2, 3]]
