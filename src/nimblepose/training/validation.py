"""How good is it now? Real AP, by the estimator that users run, and pictures of fields beside their targets."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from nimblepose.codec.encode import encode
from nimblepose.codec.options import FOR_RANKING
from nimblepose.core.metadata import ModelMetadata
from nimblepose.core.skeleton import Skeleton
from nimblepose.data.dataset import PoseDataset
from nimblepose.data.sheet import draw_fields, tile
from nimblepose.evaluation.detect import AnnotatedSet
from nimblepose.model.checkpoint import save_checkpoint
from nimblepose.model.network import PoseNetwork
from nimblepose.runtime.estimator import PoseEstimator
from nimblepose.training.feed import normalise
from nimblepose.training.recipe import Recipe


@dataclass(frozen=True)
class Validator:
    """Measures a network on the recipe's validation pictures, or only draws where there are none."""

    recipe: Recipe
    skeleton: Skeleton
    dataset: PoseDataset

    def measure(self, network: PoseNetwork, metadata: ModelMetadata) -> dict[str, float]:
        """AP over OKS 0.5 to 0.95 as `ap`, at 0.5 as `ap50`, of the file that would be shipped.

        Raises:
            DataError: the validation pictures or annotations cannot be used.
        """
        options = self.recipe.validation
        chosen = AnnotatedSet.read(Path(options.annotations), Path(options.images), limit=options.max_pictures)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "candidate.safetensors"
            save_checkpoint(network, metadata, path)
            threads = torch.get_num_threads()
            estimator = PoseEstimator(path, input_height=options.height, threads=threads, decode=FOR_RANKING)
            metrics = chosen.measure(estimator)
        return {"ap": metrics.ap, "ap50": metrics.ap50}

    @torch.no_grad()
    def draw(self, network: PoseNetwork, metadata: ModelMetadata) -> NDArray[np.uint8]:
        """The same few training samples every time: what is predicted on the left, the targets on the right.

        Returns:
            (pictures x H, 6 W, 3) uint8 RGB.
        """
        stride = self.recipe.encode.stride
        cells = (self.recipe.data.size[0] // stride, self.recipe.data.size[1] // stride)
        device = next(network.parameters()).device
        rows = []
        for number in range(min(self.recipe.validation.pictures, len(self.dataset))):
            batch = self.dataset[number]
            image = np.ascontiguousarray(batch.image[0].numpy().transpose(1, 2, 0))
            fields = network(normalise(batch.image.to(device), metadata.input))[-1]
            predicted = draw_fields(image, *(field[0].float().cpu().numpy() for field in fields))
            wanted = draw_fields(image, *encode(batch.xy[0].numpy(), cells, self.skeleton, self.recipe.encode))
            rows.append(np.concatenate([predicted, wanted], axis=1))
        return tile(rows, 1)
