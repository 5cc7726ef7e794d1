"""One of the people in a picture."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.errors import SkeletonError
from nimblepose.core.sketch import tabulate

if TYPE_CHECKING:
    from nimblepose.core.poses import Poses


class Keypoint(NamedTuple):
    """A keypoint of somebody: x and y in picture pixels, NaN where it was not found, and a score in [0, 1]."""

    x: float
    y: float
    score: float


@dataclass(frozen=True, eq=False, repr=False)
class Person:
    """A view of one of N people: `poses[0]`, or what iterating over `poses` gives.

    >>> from nimblepose.core.poses import Poses
    >>> from nimblepose.core.skeleton import Skeleton
    >>> arm = Skeleton("arm", ("shoulder", "wrist"), (("shoulder", "wrist"),))
    >>> poses = Poses(arm, np.float32([[[1, 2], [3, 8]]]), np.float32([[0.5, 0.75]]), np.float32([0.875]))
    >>> x, y, score = poses[0]["wrist"]
    >>> (x, y, score), poses[0].score, poses[0].box.tolist()
    ((3.0, 8.0, 0.75), 0.875, [1.0, 2.0, 2.0, 6.0])

    Attributes:
        poses: This person alone, as `Poses` of length 1, for all that `Poses` can do.
    """

    poses: "Poses"

    @property
    def score(self) -> float:
        """Of the whole pose, in [0, 1]."""
        return float(self.poses.scores[0])

    @property
    def track_id(self) -> int | None:
        """The identity, of people who were followed."""
        return None if self.poses.track_ids is None else int(self.poses.track_ids[0])

    @property
    def box(self) -> NDArray[np.float32]:
        """Smallest around the found keypoints, (4,) as x, y, width, height in pixels; NaN if none was found."""
        return self.poses.boxes.reshape(4)

    @property
    def keypoints(self) -> NDArray[np.float32]:
        """In the skeleton's order, (K, 2), x and y in picture pixels; NaN = not found."""
        return self.poses.keypoints.reshape(-1, 2)

    @property
    def keypoint_scores(self) -> NDArray[np.float32]:
        """In the skeleton's order, (K,) in [0, 1]; 0 where not found."""
        return self.poses.keypoint_scores.reshape(-1)

    @property
    def keypoint_errors(self) -> NDArray[np.float32] | None:
        """How far each is expected to be off, (K,) in picture pixels, one standard deviation along x and along y.

        NaN where it was not seen; None: the model does not know.
        """
        errors = self.poses.keypoint_errors
        return None if errors is None else errors.reshape(-1)

    @property
    def found(self) -> NDArray[np.bool_]:
        """Which keypoints were found, (K,)."""
        return self.poses.found.reshape(-1)

    def __getitem__(self, name: str) -> Keypoint:
        """A keypoint by its name.

        Raises:
            SkeletonError: the skeleton has none of that name.
        """
        skeleton = self.poses.skeleton
        if name not in skeleton.keypoints:
            raise SkeletonError(
                f"skeleton {skeleton.name!r} has no keypoint {name!r}; it has {', '.join(skeleton.keypoints)}"
            )
        place = skeleton.keypoints.index(name)
        x, y = self.keypoints[place].tolist()
        return Keypoint(x, y, float(self.keypoint_scores[place]))

    def __repr__(self) -> str:
        who = "" if self.track_id is None else f", track_id={self.track_id}"
        found = f"{int(self.found.sum())} of {len(self.found)} keypoints"
        return f"<Person: score {self.score:.2f}, {found}{who}>"

    def _repr_html_(self) -> str:
        return tabulate(self.poses)
