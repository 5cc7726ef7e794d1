"""Skeletons, peaks and connections written by hand."""

import numpy as np

from nimblepose import Skeleton
from nimblepose.codec.limbs import Connections
from nimblepose.codec.options import DecodeOptions
from nimblepose.codec.peaks import Peaks

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
