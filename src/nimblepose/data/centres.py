"""Which people samples are centred on."""

from dataclasses import dataclass

import numpy as np

from nimblepose.core.errors import ModelError
from nimblepose.core.skeleton import Skeleton
from nimblepose.data.coco import Record

_OF_COCO = 17  # annotated keypoints that the usual limits were made for
_USUAL_KEYPOINTS = 5
_USUAL_AREA = 32.0**2  # COCO calls whom is smaller small, and labels none of their keypoints


@dataclass(frozen=True, kw_only=True)
class CentreOptions:
    """Which people become the centre of a sample (the others are in the picture all the same).

    Raises:
        ModelError: a limit below nothing.
    """

    min_keypoints: int | None = None  # labelled ones; None: 5, and of fewer than 17 in the same proportion
    min_area: float | None = None  # square pixels of the picture; None: 32^2, likewise
    min_distance: float = 0.3  # from earlier centres, in widths of the earlier person's box

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        if min(self.min_keypoints or 0, self.min_area or 0, self.min_distance) < 0:
            raise ModelError(f"limits of centres must not be negative: {self}")

    def limits(self, skeleton: Skeleton) -> tuple[int, float]:
        """Keypoints and area that it takes with a skeleton: what has fewer keypoints is told by fewer, and smaller.

        >>> from nimblepose.core.skeleton import HUMAN_18
        >>> CentreOptions().limits(HUMAN_18), CentreOptions().limits(Skeleton("pair", ("a", "b"), (("a", "b"),)))[0]
        ((5, 1024.0), 1)
        """
        share = min(1.0, len(skeleton.annotated) / _OF_COCO)
        keypoints = max(1, round(_USUAL_KEYPOINTS * share)) if self.min_keypoints is None else self.min_keypoints
        return keypoints, _USUAL_AREA * share if self.min_area is None else self.min_area


def choose_centres(record: Record, options: CentreOptions) -> list[int]:
    """Indices of the people that samples are centred on, in file order; derived keypoints do not count."""
    chosen: list[int] = []
    boxes = record.boxes
    middle = boxes[:, :2] + boxes[:, 2:] / 2
    labelled = (record.people.keypoints[record.people.labelled, :, 2] > 0).sum(axis=1)
    min_keypoints, min_area = options.limits(record.skeleton)
    for person in np.flatnonzero((labelled >= min_keypoints) & (record.areas >= min_area)).tolist():
        distance = np.linalg.norm(middle[chosen] - middle[person], axis=1)
        if (distance >= options.min_distance * boxes[chosen, 2]).all():
            chosen.append(person)
    return chosen
