"""How far predicted fields are from the targets."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from nimblepose.core.errors import TrainingError
from nimblepose.model.network import FieldTensors


@dataclass(frozen=True, kw_only=True)
class LossOptions:
    """What each kind of field counts for. The paper weighs them alike, so that PAFs, with their larger sums, lead.

    Raises:
        TrainingError: a weight below nothing, or none above it.
    """

    heatmaps: float = 1.0
    pafs: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what teaches nothing."""
        if min(self.heatmaps, self.pafs) < 0 or self.heatmaps == self.pafs == 0:
            raise TrainingError(f"loss: weights must not be negative, and one must be positive: {self}")


def compute_field_loss(prediction: Tensor, target: Tensor, loss_mask: Tensor) -> Tensor:
    """Half the sum of squared differences where it counts, per picture: sum(((p - t) m)^2) / 2 / B, as the paper's.

    Args:
        prediction: (B, C, h, w).
        target: (B, C, h, w).
        loss_mask: (B, 1 or C, h, w), 1 where the loss counts, 0 where not.
    """
    return (((prediction - target) * loss_mask) ** 2).sum() / 2 / len(prediction)


def compute_stage_losses(
    stages: Sequence[FieldTensors],
    heatmaps: Tensor,
    pafs: Tensor,
    loss_mask: Tensor,
    options: LossOptions = LossOptions(),
) -> dict[str, Tensor]:
    """The weighted loss of every stage for heatmaps and PAFs, by name; their sum is what is minimised.

    Args:
        stages: As the network gives them, coarse to fine.
        heatmaps: (B, K + 1, h, w) targets.
        pafs: (B, 2L, h, w) targets.
        loss_mask: (B, h, w), 1 where the loss counts.
        options: The weights.
    """
    mask = loss_mask[:, None]
    losses = {}
    for i, stage in enumerate(stages):
        losses[f"stage{i}_heatmaps"] = options.heatmaps * compute_field_loss(stage.heatmaps.float(), heatmaps, mask)
        losses[f"stage{i}_pafs"] = options.pafs * compute_field_loss(stage.pafs.float(), pafs, mask)
    return losses
