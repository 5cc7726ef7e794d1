"""How good is it now? Real AP and pixel errors, by the estimator that users run, and pictures to look at."""

import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from nimblepose.codec.encode import EncodeOptions, encode
from nimblepose.codec.options import FOR_RANKING
from nimblepose.core.metadata import InputSpec, ModelMetadata
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import Skeleton
from nimblepose.data.augment import AugmentOptions
from nimblepose.data.coco import Record
from nimblepose.data.dataset import PoseDataset, SampleOptions
from nimblepose.data.sets import AnnotatedSet, read_annotated
from nimblepose.drawing.fields import draw_fields, tile
from nimblepose.evaluation.comparison import draw_comparison, stack
from nimblepose.evaluation.detect import measure
from nimblepose.evaluation.pixels import COLUMNS, Judged, PixelFigures, find_shown_score, judge, summarise
from nimblepose.model.checkpoint import save_checkpoint
from nimblepose.model.network import PoseNetwork
from nimblepose.runtime.estimator import PoseEstimator
from nimblepose.training.device_backend import DeviceEstimator
from nimblepose.training.feed import normalise, resize
from nimblepose.training.loss import compute_field_loss
from nimblepose.training.recipe import Recipe

_DRAWN_HEIGHT = 320  # pixels of a validation picture among those that are drawn
_AS_IT_IS = AugmentOptions(
    centre="picture", relative_to="picture", fill=1.0, scale=(1.0, 1.0), rotation=0.0, shift=0.0, flip=0.0
)


@dataclass(frozen=True, eq=False)
class Validation:
    """What was found on the validation pictures.

    Attributes:
        ap: Over OKS 0.5 to 0.95; NaN where nobody is labelled.
        ap50: At OKS 0.5.
        pixels: How far off the keypoints are of the poses that would be shown.
        field_errors: See `measure_field_errors`.
        drawn: Some of the pictures, labels on the left, poses on the right, (H, W, 3) RGB; None: none were asked for.
    """

    ap: float
    ap50: float
    pixels: PixelFigures
    field_errors: Mapping[str, float]
    drawn: NDArray[np.uint8] | None

    @property
    def rank(self) -> tuple[float, float]:
        """Larger is better: AP to a thousandth, then the relative error, which goes on falling where AP is 1."""
        error = self.pixels.overall.relative
        return round(self.ap, 3), -1.0 if math.isnan(error) else -error

    def to_row(self) -> dict[str, float]:
        """Figures by the names that logs have for them; those that are not known are left out."""
        overall = {column: getattr(self.pixels.overall, name) for name, column in COLUMNS.items()}
        row: dict[str, float] = {"ap": self.ap, "ap50": self.ap50, **overall, **self.field_errors}
        return {key: value for key, value in row.items() if not math.isnan(value)}


@dataclass(frozen=True)
class Validator:
    """Measures a network on the recipe's validation pictures, or only draws where there are none."""

    recipe: Recipe
    skeleton: Skeleton
    dataset: PoseDataset

    def measure(self, network: PoseNetwork, metadata: ModelMetadata) -> Validation:
        """AP, pixel errors and field errors of the file that would be shipped.

        AP counts people and jumps; errors move smoothly. Where those of fields rise while the loss falls, the network
        learns its training pictures by heart.

        Raises:
            DataError: the validation pictures or annotations cannot be used.
        """
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "candidate.safetensors"
            save_checkpoint(network, metadata, path)
            estimator = self._open(path, network, metadata)
            min_score, judged, shown = find_shown_score(estimator), list[Judged](), dict[int, Poses]()

            def watch(record: Record, poses: Poses) -> None:
                judged.append(judge(poses, record, min_score=min_score))
                if record.image_id in self._drawn:
                    shown[record.image_id] = poses[poses.scores >= min_score]

            metrics = measure(self.pictures, estimator, watch=watch)
        return Validation(
            ap=metrics.ap,
            ap50=metrics.ap50,
            pixels=summarise(judged, self.skeleton),
            field_errors=measure_field_errors(network, metadata.input, self.samples),
            drawn=self._draw_poses(shown) if shown else None,
        )

    def _open(self, path: Path, network: PoseNetwork, metadata: ModelMetadata) -> PoseEstimator:
        """The estimator of the file, or on an accelerator of the network that lies there."""
        height = self.recipe.height
        if next(network.parameters()).device.type != "cpu":
            return DeviceEstimator(path, network, metadata, input_height=height, decode=FOR_RANKING)
        return PoseEstimator(path, input_height=height, threads=torch.get_num_threads(), decode=FOR_RANKING)

    def _draw_poses(self, shown: Mapping[int, Poses]) -> NDArray[np.uint8]:
        drawn = []
        for record in self.pictures.records:
            if record.image_id in shown:
                found = shown[record.image_id]
                drawn.append(draw_comparison(record, read_annotated(record).picture, found, height=_DRAWN_HEIGHT))
        return stack(drawn)

    @cached_property
    def _drawn(self) -> frozenset[int]:
        """Ids of the pictures that are drawn: the same ones every time, spread over those with people."""
        there = [record.image_id for record in self.pictures.records if record.people.labelled.any()]
        count = min(self.recipe.validation.pictures, len(there))
        chosen = np.linspace(0, max(0, len(there) - 1), count).round().astype(int).tolist()
        return frozenset(there[i] for i in chosen)

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
    def draw_samples(self, network: PoseNetwork, metadata: ModelMetadata) -> NDArray[np.uint8]:
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
