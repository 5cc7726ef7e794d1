"""How good is it now? Real AP, by the estimator that users run, and pictures of fields beside their targets."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from nimblepose.codec.encode import EncodeOptions, encode
from nimblepose.codec.options import FOR_RANKING
from nimblepose.core.metadata import InputSpec, ModelMetadata
from nimblepose.core.skeleton import Skeleton
from nimblepose.data.augment import AugmentOptions
from nimblepose.data.coco import Record
from nimblepose.data.dataset import PoseDataset, SampleOptions
from nimblepose.data.sets import AnnotatedSet
from nimblepose.drawing.fields import draw_fields, tile
from nimblepose.evaluation.detect import measure
from nimblepose.model.checkpoint import save_checkpoint
from nimblepose.model.network import PoseNetwork
from nimblepose.runtime.estimator import PoseEstimator
from nimblepose.training.feed import normalise, resize
from nimblepose.training.loss import compute_field_loss
from nimblepose.training.recipe import Recipe

_AS_IT_IS = AugmentOptions(
    centre="picture", relative_to="picture", fill=1.0, scale=(1.0, 1.0), rotation=0.0, shift=0.0, flip=0.0
)


@dataclass(frozen=True)
class Validator:
    """Measures a network on the recipe's validation pictures, or only draws where there are none."""

    recipe: Recipe
    skeleton: Skeleton
    dataset: PoseDataset

    def measure(self, network: PoseNetwork, metadata: ModelMetadata) -> dict[str, float]:
        """AP over OKS 0.5 to 0.95 as `ap`, at 0.5 as `ap50`, of the file that would be shipped, and `field_errors`.

        AP counts people and jumps; errors move smoothly. Where they rise while the loss falls, the network learns its
        training pictures by heart.

        Raises:
            DataError: the validation pictures or annotations cannot be used.
        """
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "candidate.safetensors"
            save_checkpoint(network, metadata, path)
            threads = torch.get_num_threads()
            estimator = PoseEstimator(path, input_height=self.recipe.height, threads=threads, decode=FOR_RANKING)
            metrics = measure(self.pictures, estimator)
        errors = measure_field_errors(network, metadata.input, self.samples)
        return {"ap": metrics.ap, "ap50": metrics.ap50, **errors}

    @cached_property
    def pictures(self) -> AnnotatedSet:
        """The validation pictures; their annotations are read once in a run."""
        options = self.recipe.validation
        annotations, images = Path(options.annotations), Path(options.images)
        return AnnotatedSet.read(annotations, images, self.skeleton, limit=options.max_pictures)

    @cached_property
    def samples(self) -> PoseDataset:
        """The same as they are, with targets."""
        return build_whole_pictures(self.pictures.records, self.skeleton, self.recipe.height, self.recipe.encode)

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
            seen = resize(batch.image.float(), self.recipe.data.size)
            image = seen[0].permute(1, 2, 0).round().to(torch.uint8).contiguous().numpy()
            fields = network(normalise(seen.to(device), metadata.input))[-1]
            predicted = draw_fields(image, *(field[0].float().cpu().numpy() for field in fields))
            wanted = draw_fields(image, *encode(batch.xy[0].numpy(), cells, self.skeleton, self.recipe.encode))
            rows.append(np.concatenate([predicted, wanted], axis=1))
        return tile(rows, 1)


def build_whole_pictures(
    records: Sequence[Record], skeleton: Skeleton, height: int, encoding: EncodeOptions
) -> PoseDataset:
    """Samples of pictures with people, not augmented, 4 : 3: wide pictures lose their sides, narrow ones get gray."""
    stride = encoding.stride
    size = (-(-height // stride) * stride, height * 4 // 3 // stride * stride)
    return PoseDataset(records, skeleton, SampleOptions(size=size, augment=_AS_IT_IS, encode=encoding), seed=0)


@torch.no_grad()
def measure_field_errors(network: PoseNetwork, spec: InputSpec, samples: PoseDataset) -> dict[str, float]:
    """`heatmap_error`, `paf_error` of the last stage: half the sum of squared differences from the labels per picture.

    Args:
        network: In evaluation mode.
        spec: What it takes.
        samples: With targets, as `build_whole_pictures` gives them; one that cannot be read has no error.
    """
    device = next(network.parameters()).device
    sums = {"heatmap_error": 0.0, "paf_error": 0.0}
    for number in range(len(samples)):
        batch = samples[number]
        fields = network(normalise(batch.image.to(device), spec))[-1]
        loss_mask = batch.loss_mask.to(device)[:, None]
        sums["heatmap_error"] += float(compute_field_loss(fields.heatmaps, batch.heatmaps.to(device), loss_mask))
        sums["paf_error"] += float(compute_field_loss(fields.pafs, batch.pafs.to(device), loss_mask))
    return {name: total / max(1, len(samples)) for name, total in sums.items()}
