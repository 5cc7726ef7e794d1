"""What pictures cost, whatever machine they are looked at on: by the pixels that the network is shown."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nimblepose.core.geometry import Placement, Size
from nimblepose.core.poses import Poses

PASS_HEIGHT = 368  # of the pass over a picture that is one


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Of pictures, each in passes at height 368 over the same picture."""

    mean: float
    most: float


def measure_cost(poses: Sequence[Poses], sizes: Sequence[Size]) -> Cost:
    """Input pixels of all runs of the network for a picture, over those of one pass at height 368.

    Args:
        poses: Of each picture, one at least; they know what was shown to the network.
        sizes: (height, width) of each picture.
    """
    passes = (Placement.fit(size, PASS_HEIGHT).input_size for size in sizes)
    costs = [found.input_pixels / (height * width) for found, (height, width) in zip(poses, passes, strict=True)]
    return Cost(mean=float(np.mean(costs)), most=max(costs))
