"""What the decoder may be told."""

from dataclasses import dataclass

from nimblepose.core.errors import PoseError


@dataclass(frozen=True, kw_only=True)
class DecodeOptions:
    """When is a bump a keypoint, a pair of them a limb, and a handful of limbs a person?

    The defaults were chosen on pictures of COCO 2017 that no reported figure is computed on
    (`benchmarks/decoder_study.py` reprints the table).

    Raises:
        PoseError: a value out of its range.
    """

    min_peak_score: float = 0.03  # heatmap value; lower finds more keypoints, and more noise
    limb_samples: int = 10  # points at which the PAF is read along a limb, both ends included
    min_limb_score: float = 0.002  # mean PAF along the limb times its weaker end, in [0, 1]
    min_keypoints: int = 3  # poses of fewer are noise
    min_pose_score: float = 0.0  # poses of a lower score are left out, in [0, 1]
    max_poses: int = 0  # keep only so many, the best; 0 keeps all

    def __post_init__(self) -> None:
        """Name the option that cannot be."""
        for name in ("min_peak_score", "min_limb_score", "min_pose_score"):
            if not 0 <= getattr(self, name) <= 1:
                raise PoseError(f"{name} must lie in [0, 1], got {getattr(self, name)}")
        if self.limb_samples < 2 or self.min_keypoints < 1 or self.max_poses < 0:
            raise PoseError(f"limb_samples must be 2 or more, min_keypoints 1 or more, max_poses 0 or more: {self}")
