"""What a runtime is: it answers a prepared batch with fields."""

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.metadata import ModelMetadata
from nimblepose.runtime.prepare import Batch


class Fields(NamedTuple):
    """What the network answers for a batch: heatmaps (B, K + 1, h, w), the last is background; pafs (B, 2L, h, w)."""

    heatmaps: NDArray[np.float32]
    pafs: NDArray[np.float32]


class Backend(Protocol):
    """A loaded model. `run` may be called from several threads at a time."""

    metadata: ModelMetadata
    callers: int
    """Threads that should call `run` to keep all cores busy, if `parallel` was asked for."""

    def run(self, image: Batch) -> Fields:
        """Fields of a prepared batch (B, 3, h, w) of any size in multiples of the stride."""
