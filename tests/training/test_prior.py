"""What poses look like is learnt, not copied, and only from what the labels show."""

import numpy as np
import pytest

from nimblepose import Skeleton
from nimblepose.core.errors import DataError
from nimblepose.core.prior import PosePrior
from nimblepose.training.prior import learn_prior

CROSS = Skeleton(
    "cross", ("top", "left", "right", "low"), (("top", "left"), ("top", "right"), ("top", "low")),
    mirror_pairs=(("left", "right"),),
)  # fmt: skip


def people(count, rng, *, hidden=0.3):
    """Crosses anywhere, of any size, whose left and right arms follow each other; some keypoints are not labelled."""
    arm, up = 1 + 0.2 * rng.normal(size=(2, count))
    zero = np.zeros(count)
    shape = np.stack([(zero, -up), (-arm, zero), (arm, zero), (zero, 1.5 * up)]).transpose(2, 0, 1)
    whole = shape + 0.01 * rng.normal(size=shape.shape)
    whole = whole * rng.uniform(5, 80, (count, 1, 1)) + rng.uniform(0, 500, (count, 1, 2))
    seen = whole.astype(np.float32)
    seen[rng.random((count, 4)) < hidden] = np.nan
    return whole, seen


def test_keypoints_are_found_again_that_were_never_labelled_together_with_all_others():
    rng = np.random.default_rng(0)
    prior = learn_prior(people(600, rng)[1], CROSS)
    whole, seen = people(200, rng, hidden=0)
    seen[:, 2] = np.nan  # the right arm lies as far out as the left one
    size = np.linalg.norm(whole.max(axis=1) - whole.min(axis=1), axis=1)
    off = np.linalg.norm(prior.complete(seen)[:, 2] - whole[:, 2], axis=1) / size
    mean = np.linalg.norm(whole[:, 2] - whole[:, [0, 1, 3]].mean(axis=1), axis=1) / size
    assert np.median(off) < 0.12 < 0.3 < np.median(mean)


def test_what_was_not_labelled_varies_as_much_as_what_was():
    """Filled in by its expectation alone, a keypoint would vary the less the more often it is missing."""
    rng = np.random.default_rng(5)
    square = Skeleton("square", tuple("abcdef"), tuple(zip("abcde", "bcdef", strict=True)))
    whole = np.float32([[-2, -2], [2, -2], [2, 2], [-2, 2], [0, 0], [0, 0]]) + rng.normal(0, 0.3, (2000, 6, 2))
    seen = whole.astype(np.float32)
    seen[rng.random(2000) < 0.7, 4:] = np.nan  # two in the middle, so that poses keep their frame without them
    between = np.float64([0] * 8 + [1, 0, -1, 0])  # how far one lies beside the other, which no other point tells
    expected, found = (between @ learn_prior(poses, square).covariance @ between for poses in (whole, seen))
    assert found == pytest.approx(expected, rel=0.15)


def test_a_mirrored_pose_is_completed_by_the_mirror_image():
    rng = np.random.default_rng(1)
    prior = learn_prior(people(100, rng)[1], CROSS)
    seen = people(1, rng, hidden=0)[1]
    seen[:, 1] = np.nan
    mirrored = seen[:, CROSS.flip_permutation] * np.float32([-1, 1])
    expected = prior.complete(seen)[:, CROSS.flip_permutation] * [-1, 1]
    np.testing.assert_allclose(prior.complete(mirrored), expected, rtol=1e-3, atol=1e-2)


def test_a_skeleton_without_a_mirror_image_is_learnt_too():
    lone = Skeleton("lone", CROSS.keypoints, CROSS.limbs)
    assert isinstance(learn_prior(people(100, np.random.default_rng(1))[1], lone), PosePrior)


@pytest.mark.parametrize(
    ("change", "message"), [(lambda p: p[:49], "too few"), (lambda p: p * [[1], [1], [1], [np.nan]], r"\['low'\]")]
)
def test_what_nothing_can_be_learnt_from_is_refused(change, message):
    with pytest.raises(DataError, match=message):
        learn_prior(change(people(100, np.random.default_rng(2), hidden=0)[1]), CROSS)
