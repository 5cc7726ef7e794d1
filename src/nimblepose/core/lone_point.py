"""The skeleton of one keypoint: labels and results may have it, models cannot, as they group keypoints by limbs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nimblepose.core.errors import SkeletonError
from nimblepose.core.skeleton import Skeleton


@dataclass(frozen=True)
class LonePoint(Skeleton):
    """One keypoint without limbs, such as the food beside a mouse: to be written and read, not to be trained or found.

    >>> LonePoint("food", ("pellet",), ()).limb_indices.shape
    (0, 2)

    Raises:
        SkeletonError: several keypoints, or what a `Skeleton` refuses, too.
    """

    def _check_connected(self) -> None:
        if len(self.keypoints) != 1:
            raise SkeletonError(f"skeleton {self.name!r}: a lone point is 1 keypoint, got {len(self.keypoints)}")


def read_skeleton(value: Mapping[str, Any]) -> Skeleton:
    """The skeleton of results, from plain data as `Skeleton.from_dict` takes it; that of one keypoint, too.

    Raises:
        SkeletonError: it is none.
    """
    names = value.get("keypoints") if isinstance(value, Mapping) else None
    lone = isinstance(names, list | tuple) and len(names) == 1
    return (LonePoint if lone else Skeleton).from_dict(value)
