"""What the tracker may be told."""

import math
from dataclasses import dataclass

from nimblepose.core.errors import OptionError


@dataclass(frozen=True, kw_only=True)
class TrackOptions:
    """When are two sightings one person?

    Raises:
        OptionError: a value out of its range.
    """

    max_gap: float = 3.0  # seconds that somebody may be out of sight and keep the identity
    min_similarity: float = 0.5  # OKS in [0, 1] between where a person is expected and where one was found
    relink_similarity: float = 0.1  # the same for whoever is left over: sooner somebody missing nearby than a newcomer
    confident_score: float = 0.65  # people found with it are matched first, and are known at first sight
    min_sightings: int = 3  # frames in a row in which anybody else must be found to be known
    max_gap_frames: int = 1  # the same in frames of a recording, if they take longer; 1: until the next, however late
    sparse_step: float = 0.5  # seconds between two frames of a recording, beyond which one sighting must do
    min_colour_likeness: float = 0.35  # of the clothes of one person across such a step: places say little by then
    max_resemblance: float = 0.5  # a newcomer more similar than this to somebody seen now is the same person twice

    def __post_init__(self) -> None:
        """Name the option that cannot be."""
        for name in ("max_gap", "sparse_step"):
            if not 0 <= getattr(self, name) < math.inf:
                raise OptionError(f"{name} must be 0 or more seconds, got {getattr(self, name)}")
        if self.max_gap_frames < 0:
            raise OptionError(f"max_gap_frames must be 0 or more, got {self.max_gap_frames}")
        shares = ("min_similarity", "relink_similarity", "confident_score", "min_colour_likeness", "max_resemblance")
        for name in shares:
            if not 0 <= getattr(self, name) <= 1:
                raise OptionError(f"{name} must lie in [0, 1], got {getattr(self, name)}")
        if self.min_sightings < 1:
            raise OptionError(f"min_sightings must be 1 or more, got {self.min_sightings}")
