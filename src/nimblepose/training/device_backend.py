"""The network as it is, on the device that it is trained on: validation need not wait for the CPU."""

from pathlib import Path
from typing import Any

import torch

from nimblepose.core.metadata import ModelMetadata
from nimblepose.model.network import PoseNetwork
from nimblepose.runtime.estimator import PoseEstimator
from nimblepose.runtime.prepare import Batch
from nimblepose.runtime.protocols import Fields


class DeviceBackend:
    """Runs a network on the device that its weights lie on."""

    callers = 1

    def __init__(self, network: PoseNetwork, metadata: ModelMetadata) -> None:
        self.metadata = metadata
        self._network = network.eval()
        self._device = next(network.parameters()).device

    @torch.inference_mode()
    def run(self, image: Batch) -> Fields:
        """Fields of a prepared batch, of the last stage."""
        fields = self._network(torch.from_numpy(image).to(self._device))[-1]
        return Fields(fields.heatmaps.float().cpu().numpy(), fields.pafs.float().cpu().numpy())


class DeviceEstimator(PoseEstimator):
    """An estimator whose network is one that is there already.

    `checkpoint` is the file that it was saved in, and `options` are those of `PoseEstimator`.
    """

    def __init__(self, checkpoint: Path, network: PoseNetwork, metadata: ModelMetadata, **options: Any) -> None:
        super().__init__(checkpoint, **options)
        self._opened.opened = {1: DeviceBackend(network, metadata)}
