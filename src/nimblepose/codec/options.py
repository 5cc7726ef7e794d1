"""What the decoder may be told."""

from dataclasses import asdict, dataclass
from typing import Any

from nimblepose.core.errors import OptionError

_SINGLE_PASS = 0.35  # expected OKS of what is drawn; the more chances a pose had, the more is asked of it


@dataclass(frozen=True, kw_only=True)
class DecodeOptions:
    """When is a bump a keypoint, a pair of them a limb, and a handful of limbs a person?

    The defaults are for use: nine of ten poses are people. `FOR_RANKING` keeps everything that may be right, for
    average precision, which asks how detections are ranked and punishes only those that are left out. Both were chosen
    on pictures of COCO 2017 that no reported figure is computed on (`benchmarks/decoder_study.py` reprints the tables).

    Raises:
        OptionError: a value out of its range.
    """

    min_peak_score: float = 0.05  # heatmap value; lower finds more keypoints, and more noise
    min_limb_score: float = 0.005  # mean PAF along the limb times its weaker end, in [0, 1]
    min_limb_share: float = 0.8  # share of the way along a limb on which there must be PAF at all
    long_limb: float = 0.5  # share of the picture's longer side from which on a limb's length speaks against it
    min_pose_score: float | None = None  # poses of a lower score are left out, in [0, 1]; None: see `least_score`
    min_keypoints: int | None = None  # poses of fewer are noise; None: 3, of small skeletons half of what they have
    max_poses: int = 0  # keep only so many, the best; 0 keeps all
    complete: bool = False  # put keypoints not found where the model's prior expects them; their score stays 0
    max_peaks: int = 500  # of one kind, the highest; bounds the time that a picture of noise can take
    max_saddle: float = 0.7  # touching peaks are one if the way between stays above this share; 1 keeps them all
    prune_crowds: bool = True  # read only promising pairs of a crowd; False is slower and joins a few more
    find_heads: bool = False  # note wherever a head may be, too, in `Poses.heads`, whatever the other options leave out
    limb_samples: int = 10  # points at which the PAF is read along a limb, both ends included

    def __post_init__(self) -> None:
        """Name the option that cannot be."""
        for name in ("max_saddle", "min_peak_score", "min_limb_score", "min_limb_share", "min_pose_score"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise OptionError(f"{name} must lie in [0, 1], got {value}")
        if not self.long_limb > 0:
            raise OptionError(f"long_limb must be positive, got {self.long_limb}")
        for name, least in (("limb_samples", 2), ("max_peaks", 1), ("max_poses", 0), ("min_keypoints", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise OptionError(f"{name} must be {least} or more, got {value}")

    @property
    def least_score(self) -> float:
        """`min_pose_score`, or what suits poses of a single pass if nothing is said; a quality knows what suits it."""
        return _SINGLE_PASS if self.min_pose_score is None else self.min_pose_score

    def to_dict(self, keypoints: int) -> dict[str, Any]:
        """Plain data for decoders in other languages; what depends on the number of keypoints is settled."""
        settled = {"min_pose_score": self.least_score, "min_keypoints": self.count_needed(keypoints)}
        return asdict(self) | settled

    def count_needed(self, keypoints: int) -> int:
        """How many keypoints make a pose of a skeleton that has so many; two are a limb.

        >>> [DecodeOptions().count_needed(k) for k in (2, 3, 4, 5, 18)]
        [2, 2, 2, 3, 3]
        """
        return min(3, max(2, (keypoints + 1) // 2)) if self.min_keypoints is None else self.min_keypoints


FOR_RANKING = DecodeOptions(
    min_peak_score=0.03, min_limb_score=0.002, min_limb_share=0.0, min_pose_score=0.0, complete=True
)
"""For average precision: 4 points of AP above the defaults, at the price of many poses that nobody should draw."""
