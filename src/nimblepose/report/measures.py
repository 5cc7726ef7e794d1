"""What can be measured of a pose, for any skeleton: speeds of keypoints, angles at joints, tilts of limbs."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.skeleton import Skeleton

Kind = Literal["speed", "angle", "tilt"]
Floats = NDArray[np.floating]

UNITS: dict[Kind, str] = {"speed": "px/s", "angle": "°", "tilt": "°"}
_MOST_LIMBS = 4  # that meet in a joint; of more, such as at a person's neck, nobody asks for all angles between two


@dataclass(frozen=True)
class Measure:
    """One number of a pose."""

    kind: Kind
    name: str  # for people: `left knee (left hip to left ankle)`
    keypoints: tuple[int, ...]  # speed: one; angle: arm, joint, arm; tilt: from, to


@dataclass(frozen=True)
class Measures:
    """All M numbers of a pose of this skeleton, in the order of `listed`."""

    skeleton: Skeleton

    @cached_property
    def listed(self) -> tuple[Measure, ...]:
        """Speeds of all keypoints, then angles at all joints at which few limbs meet, then tilts of all limbs."""
        names = [make_readable(name) for name in self.skeleton.keypoints]
        limbs = [(int(a), int(b)) for a, b in self.skeleton.limb_indices]
        near: list[list[int]] = [[] for _ in names]
        for a, b in limbs:
            near[a].append(b)
            near[b].append(a)
        angles = [
            Measure("angle", f"{names[joint]} ({names[a]} to {names[b]})", (a, joint, b))
            for joint, ends in enumerate(near)
            if len(ends) <= _MOST_LIMBS
            for a, b in combinations(ends, 2)
        ]
        return (
            *(Measure("speed", name, (k,)) for k, name in enumerate(names)),
            *sorted(angles, key=lambda angle: len(near[angle.keypoints[1]])),  # elbows and knees before the rest
            *(Measure("tilt", f"{names[a]} to {names[b]}", (a, b)) for a, b in limbs),
        )

    def compute(self, keypoints: Floats, earlier: Floats, seconds: Floats) -> Floats:
        """All measures of N poses, (N, M), NaN where a keypoint is missing.

        Args:
            keypoints: (N, K, 2) in pixels; NaN = not found.
            earlier: (N, K, 2) the same people a moment before; NaN = not known.
            seconds: (N,) since then.
        """
        angles = [measure.keypoints for measure in self.listed if measure.kind == "angle"]
        return np.concatenate(
            [
                compute_speeds(keypoints, earlier, seconds),
                compute_angles(keypoints, angles),
                compute_tilts(keypoints, self.skeleton.limb_indices),
            ],
            axis=1,
        )


def compute_speeds(keypoints: Floats, earlier: Floats, seconds: Floats) -> Floats:
    """Pixels per second, (N, K), from (N, K, 2) now and (N, K, 2) as many seconds earlier, (N,)."""
    return np.asarray(np.linalg.norm(keypoints - earlier, axis=-1) / seconds[:, None])


def compute_angles(keypoints: Floats, joints: Sequence[tuple[int, ...]]) -> Floats:
    """Degrees between two arms at a joint, 0 folded to 180 straight, (N, J).

    Args:
        keypoints: (N, K, 2) in pixels; NaN = not found.
        joints: J times arm, joint, arm, indices of keypoints.

    >>> compute_angles(np.array([[[0.0, 1.0], [0.0, 0.0], [2.0, 0.0]]]), [(0, 1, 2)])
    array([[90.]])
    """
    a, at, b = np.array(joints, np.intp).reshape(-1, 3).T
    one, other = keypoints[:, a] - keypoints[:, at], keypoints[:, b] - keypoints[:, at]
    cross = one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0]
    turn = np.degrees(np.arctan2(np.abs(cross), (one * other).sum(axis=-1)))
    return np.where((one != 0).any(axis=-1) & (other != 0).any(axis=-1), turn, np.nan)


def compute_tilts(keypoints: Floats, limbs: NDArray[np.intp]) -> Floats:
    """Degrees of limbs from pointing straight down the picture, 0, over level, 90, to straight up, 180, (N, L).

    Args:
        keypoints: (N, K, 2) in pixels, y downwards; NaN = not found.
        limbs: (L, 2) indices of keypoints, from and to.

    >>> compute_tilts(np.array([[[0.0, 0.0], [0.0, 5.0], [3.0, 5.0]]]), np.array([[0, 1], [1, 0], [1, 2]]))
    array([[  0., 180.,  90.]])
    """
    along = keypoints[:, limbs[:, 1]] - keypoints[:, limbs[:, 0]]
    tilts = np.degrees(np.arctan2(np.abs(along[..., 0]), along[..., 1]))
    return np.where((along != 0).any(axis=-1), tilts, np.nan)


def find_hub(skeleton: Skeleton) -> int:
    """The keypoint at which most limbs meet, a person's neck: where somebody is, if it has to be one place."""
    return int(np.bincount(skeleton.limb_indices.ravel(), minlength=len(skeleton.keypoints)).argmax())


def make_readable(name: str) -> str:
    """A keypoint's name as people write it.

    >>> make_readable("left_ear")
    'left ear'
    """
    return name.replace("_", " ")
