"""How far predicted fields are from the targets."""

from collections.abc import Sequence

from torch import Tensor

from nimblepose.model.network import Fields


def field_loss(prediction: Tensor, target: Tensor, counts: Tensor) -> Tensor:
    """Half the sum of squared differences where it counts, per picture: sum(((p - t) m)^2) / 2 / B, as the paper's.

    Args:
        prediction: (B, C, h, w).
        target: (B, C, h, w).
        counts: (B, 1 or C, h, w), 1 where the loss counts, 0 where not.
    """
    return (((prediction - target) * counts) ** 2).sum() / 2 / len(prediction)


def stage_losses(stages: Sequence[Fields], heatmaps: Tensor, pafs: Tensor, counts: Tensor) -> dict[str, Tensor]:
    """The loss of every stage for heatmaps and PAFs, by name; their sum is what is minimised.

    Args:
        stages: As the network gives them, coarse to fine.
        heatmaps: (B, K + 1, h, w) targets.
        pafs: (B, 2L, h, w) targets.
        counts: (B, h, w), 1 where the loss counts.
    """
    mask = counts[:, None]
    losses = {}
    for i, stage in enumerate(stages):
        losses[f"stage{i}_heatmaps"] = field_loss(stage.heatmaps.float(), heatmaps, mask)
        losses[f"stage{i}_pafs"] = field_loss(stage.pafs.float(), pafs, mask)
    return losses
