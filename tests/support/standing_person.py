"""Somebody who stands, as keypoints."""

import numpy as np

from nimblepose.core.skeleton import HUMAN_18

_PLACES = {  # of a person of height 1, feet at (0, 0); right is the person's own
    "nose": (0, -0.93), "neck": (0, -0.82), "shoulder": (0.11, -0.82), "elbow": (0.14, -0.63), "wrist": (0.15, -0.47),
    "hip": (0.07, -0.52), "knee": (0.08, -0.28), "ankle": (0.08, -0.04), "eye": (0.02, -0.95), "ear": (0.05, -0.94),
}  # fmt: skip
BODY = np.array(
    [
        np.array(_PLACES[name.split("_")[-1]]) * ((-1 if name.startswith("right") else 1), 1)
        for name in HUMAN_18.keypoints
    ]
)
