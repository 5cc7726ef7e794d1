import numpy as np
import pytest
import torch

from nimblepose.core.errors import TrainingError
from nimblepose.model.network import FieldTensors
from nimblepose.training.loss import LossOptions, compute_field_loss, compute_stage_losses


def test_loss_equals_the_reference(shared):
    golden = np.load(shared / "golden/loss.npz")
    arrays = (torch.from_numpy(golden[key]) for key in ("prediction", "target", "mask"))
    torch.testing.assert_close(
        compute_field_loss(*arrays), torch.tensor(golden["loss"]), rtol=1e-6, atol=0, check_dtype=False
    )


def test_every_stage_counts_and_what_is_masked_does_not():
    heatmaps, pafs, loss_mask = torch.rand(2, 3, 4, 5), torch.rand(2, 4, 4, 5), torch.ones(2, 4, 5)
    wrong = heatmaps.clone()
    wrong[1, 2, 3, 4] += 2
    stages = [FieldTensors(heatmaps, pafs), FieldTensors(wrong, pafs)]
    losses = compute_stage_losses(stages, heatmaps, pafs, loss_mask)
    assert {key: round(float(value), 4) for key, value in losses.items()} == {
        "stage0_heatmaps": 0.0,
        "stage0_pafs": 0.0,
        "stage1_heatmaps": 1.0,  # 2 squared, half, over two pictures
        "stage1_pafs": 0.0,
    }
    loss_mask[1, 3, 4] = 0
    assert float(sum(compute_stage_losses(stages, heatmaps, pafs, loss_mask).values())) == 0


def test_weights_say_what_each_kind_of_field_counts_for():
    heatmaps, pafs, loss_mask = torch.rand(2, 3, 4, 5), torch.rand(2, 4, 4, 5), torch.ones(2, 4, 5)
    stages = [FieldTensors(torch.rand_like(heatmaps), torch.rand_like(pafs))]
    usual = compute_stage_losses(stages, heatmaps, pafs, loss_mask)
    weighted = compute_stage_losses(stages, heatmaps, pafs, loss_mask, LossOptions(heatmaps=8, pafs=0.5))
    assert weighted["stage0_heatmaps"] == 8 * usual["stage0_heatmaps"]
    assert weighted["stage0_pafs"] == usual["stage0_pafs"] / 2


@pytest.mark.parametrize("weights", [{"heatmaps": -1}, {"heatmaps": 0, "pafs": 0}])
def test_weights_that_teach_nothing_are_refused(weights):
    with pytest.raises(TrainingError, match="weights must not be negative, and one must be positive"):
        LossOptions(**weights)
