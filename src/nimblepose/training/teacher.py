"""Distillation: the fields of a trained network, of one view or the mean of several, as soft targets."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from nimblepose.codec.decode import compute_paf_offset
from nimblepose.core.errors import TrainingError
from nimblepose.core.geometry import Size
from nimblepose.core.metadata import ModelMetadata
from nimblepose.core.skeleton import Skeleton
from nimblepose.model.checkpoint import load_checkpoint
from nimblepose.model.folding import fold_batch_norm
from nimblepose.model.network import FieldTensors, PoseNetwork
from nimblepose.training.feed import normalise, resize
from nimblepose.training.recipe import DistillOptions, Recipe, View

_LABELLED = 0.05  # height of a heatmap from which on a cell shows a labelled keypoint
_NEAR = 3  # cells around it that labels still lead in
_OTHER = (0.15, 0.5)  # least and largest share of the other sample in a blended one


@dataclass(frozen=True)
class Teacher:
    """A frozen network that sees the samples of its pupil."""

    network: PoseNetwork
    metadata: ModelMetadata
    views: tuple[View, ...]  # whose mean it gives
    in_turn: bool = False  # one of them per sample, whose mean over the steps is the same

    @torch.no_grad()
    def __call__(self, images: Tensor, size: Size, *, step: int = 0) -> FieldTensors:
        """Float32 fields of the last stage for what a pupil sees.

        Args:
            images: (B, 3, H, W) uint8, as large as the pupil's input, or larger for views that look closer.
            size: (height, width) of the pupil's input.
            step: Moves the turns on: sample i has view (i + step) mod V.
        """
        pictures = normalise(images, self.metadata.input)
        if not self.in_turn:
            views = [self._look(pictures, size, view) for view in self.views]
            return FieldTensors(*(torch.stack(kind).mean(0) for kind in zip(*views, strict=True)))
        count = len(self.views)
        turns = [slice((number - step) % count, None, count) for number in range(count)]  # of the samples
        fields = {
            number: self._look(pictures[turn], size, self.views[number])
            for number, turn in enumerate(turns)
            if len(pictures[turn])
        }
        whole = FieldTensors(*(field.new_empty(len(images), *field.shape[1:]) for field in next(iter(fields.values()))))
        for number, view in fields.items():
            for place, field in zip(whole, view, strict=True):
                place[turns[number]] = field
        return whole

    def _look(self, pictures: Tensor, size: Size, view: View) -> FieldTensors:
        """Fields of the pictures as they are seen in one view, in the pupil's cells."""
        stride = self.metadata.input.stride
        height, width = (max(1, round(side * view.scale / stride)) * stride for side in size)
        pictures = resize(pictures, (height, width), antialias=view.scale < 1)
        heatmaps, pafs = self.network(pictures.flip(-1) if view.mirrored else pictures)[-1]
        fields = FieldTensors(heatmaps.float(), pafs.float())
        if view.mirrored:
            fields = flip_back(fields, self.metadata)
        cells = [size[0] // stride, size[1] // stride]
        if fields.heatmaps.shape[2:] == tuple(cells):
            return fields
        return FieldTensors(*(functional.interpolate(field, cells, mode="bicubic") for field in fields))


def flip_back(fields: FieldTensors, metadata: ModelMetadata) -> FieldTensors:
    """Fields of mirrored pictures to fields of the pictures: `runtime.averaging.mirror` for tensors of any device."""
    skeleton = metadata.skeleton
    limbs, direction = skeleton.limb_flip
    device = fields.pafs.device
    order = torch.tensor([*skeleton.flip_permutation, len(skeleton.keypoints)], device=device)
    heatmaps = fields.heatmaps[:, order].flip(-1)
    sign = torch.tensor(direction[:, None] * [-1.0, 1.0], dtype=torch.float32, device=device)
    batch, channels, height, width = fields.pafs.shape
    pafs = fields.pafs.reshape(batch, channels // 2, 2, height, width)[:, torch.tensor(limbs, device=device)]
    pafs = (pafs * sign[:, :, None, None]).flatten(1, 2).flip(-1)
    left = torch.cat([pafs[..., :1], pafs[..., :-1]], dim=-1)
    aside = 2 * compute_paf_offset(metadata.input.stride, metadata.paf_geometry)
    return FieldTensors(heatmaps, torch.lerp(pafs, left, aside))


def blend(images: Tensor, share: float, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Blend some samples with their neighbours in the batch: pictures that nobody has labelled, but a teacher can see.

    This is mixup (Zhang et al. 2018, arXiv 1710.09412) without its labels: a pupil that is to answer as its teacher
    does learns the more from few pictures the more of them are made (Beyer et al. 2022, arXiv 2106.05237).

    Args:
        images: (B, 3, H, W) uint8.
        share: Of the samples that are blended, on average. A sample alone has no neighbour and stays as it is.
        rng: The dice.

    Returns:
        The pictures, and (B,) 1 where blended, else 0.
    """
    count = len(images)
    chosen = (rng.random(count) < share) & (count > 1)
    weights = np.where(chosen, rng.uniform(*_OTHER, count), 0).astype(np.float32)
    other = torch.from_numpy(weights).to(images.device)
    pictures = torch.lerp(images.float(), images.roll(-1, 0).float(), other[:, None, None, None])
    return pictures.round().to(torch.uint8), (other > 0).float()


def mix_targets(
    labels: FieldTensors, teacher: FieldTensors, partial: Tensor, alone: Tensor, options: DistillOptions
) -> FieldTensors:
    """Targets: drawn labels and the teacher's fields, by the weights of the recipe.

    With a weight for the background, the teacher has a say away from labelled people only in pictures whose labels may
    miss some: these are not taught as background there, while complete labels are believed when they show nobody.

    Args:
        labels: Drawn fields, (B, K + 1, h, w) and (B, 2L, h, w).
        teacher: Its fields, of the same shapes.
        partial: (B,), 1 where labels may miss people, else 0.
        alone: (B,), 1 where the teacher alone is believed, else 0.
        options: The weights.
    """
    share = torch.full_like(partial, options.weight)[:, None, None, None]
    if options.background is not None:
        labelled = (labels.heatmaps[:, :-1].amax(1, keepdim=True) > _LABELLED).float()
        near = functional.max_pool2d(labelled, 2 * _NEAR + 1, stride=1, padding=_NEAR)
        away = options.background * partial[:, None, None, None]
        share = away + near * (options.weight - away)
    share = share.maximum(alone[:, None, None, None])
    return FieldTensors(*(torch.lerp(drawn, soft, share) for drawn, soft in zip(labels, teacher, strict=True)))


def load_teacher(recipe: Recipe, skeleton: Skeleton) -> Teacher | None:
    """The recipe's teacher; None where it names none.

    Raises:
        ModelError: not a checkpoint.
        SkeletonError: it is to be averaged over the mirror image, which the skeleton does not have.
        TrainingError: it predicts another skeleton, or PAFs of another geometry.
    """
    options = recipe.distill
    if not options.teacher:
        return None
    network, metadata = load_checkpoint(options.teacher)
    if (network.skeleton.keypoints, network.skeleton.limbs) != (skeleton.keypoints, skeleton.limbs):
        raise TrainingError(
            f"distill.teacher predicts skeleton {network.skeleton.name!r}, the recipe has {skeleton.name!r}; "
            f"both must have the same keypoints and limbs"
        )
    if metadata.paf_geometry != recipe.encode.paf_geometry:
        raise TrainingError(
            f"distill.teacher predicts PAFs drawn from the cell's {metadata.paf_geometry}, the recipe draws them from "
            f"its {recipe.encode.paf_geometry}; set encode.paf_geometry={metadata.paf_geometry}"
        )
    if any(view.mirrored for view in options.views):
        _ = skeleton.limb_flip  # raises here, not at the first step
    return Teacher(fold_batch_norm(network).requires_grad_(False), metadata, options.views, options.in_turn)
