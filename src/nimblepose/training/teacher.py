"""Distillation: the fields of a trained network, of one view or the mean of several, as soft targets."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from nimblepose.codec.decode import paf_offset
from nimblepose.core.errors import TrainingError
from nimblepose.core.metadata import ModelMetadata
from nimblepose.core.skeleton import Skeleton
from nimblepose.model.checkpoint import load_checkpoint
from nimblepose.model.network import Fields, PoseNetwork
from nimblepose.runtime import averaging, backends
from nimblepose.training.feed import normalise
from nimblepose.training.recipe import DistillOptions, Recipe, View

_LABELLED = 0.05  # height of a heatmap from which on a cell shows a labelled keypoint
_NEAR = 3  # cells around it that labels still lead in


@dataclass(frozen=True)
class Teacher:
    """A frozen network that sees the samples of its pupil."""

    network: PoseNetwork
    metadata: ModelMetadata
    views: tuple[View, ...]  # whose mean it gives

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Fields:
        """Float32 fields of the last stage for (B, 3, H, W) uint8 pictures."""
        pictures = normalise(images, self.metadata.input)
        if self.views == (View(),):
            return self._predict(pictures)
        stride = self.metadata.input.stride
        cells = (pictures.shape[2] // stride, pictures.shape[3] // stride)
        mean = averaging.average([self._view(pictures, view) for view in self.views], cells)
        return Fields(*(torch.from_numpy(field).to(pictures.device) for field in mean))

    def _view(self, pictures: Tensor, view: View) -> backends.Fields:
        """Fields of the pictures as they are seen in one view, but for the size."""
        stride, geometry = self.metadata.input.stride, self.metadata.paf_geometry
        if view.scale != 1:
            size = [max(1, round(side * view.scale / stride)) * stride for side in pictures.shape[2:]]
            pictures = functional.interpolate(pictures, size, mode="bilinear", antialias=view.scale < 1)
        fields = self._predict(pictures.flip(-1) if view.mirrored else pictures)
        arrays = backends.Fields(fields.heatmaps.cpu().numpy(), fields.pafs.cpu().numpy())
        if not view.mirrored:
            return arrays
        return averaging.mirror(arrays, self.metadata.skeleton, paf_offset=paf_offset(stride, geometry))

    def _predict(self, pictures: Tensor) -> Fields:
        fields = self.network(pictures)[-1]
        return Fields(fields[0].float(), fields[1].float())


def mixed(labels: Fields, teacher: Fields, partial: Tensor, options: DistillOptions) -> Fields:
    """Targets: drawn labels and the teacher's fields, by the weights of the recipe.

    With a weight for the background, the teacher has a say away from labelled people only in pictures whose labels may
    miss some: these are not taught as background there, while complete labels are believed when they show nobody.

    Args:
        labels: Drawn fields, (B, K + 1, h, w) and (B, 2L, h, w).
        teacher: Its fields, of the same shapes.
        partial: (B,), 1 where labels may miss people, else 0.
        options: The weights.
    """
    share: float | Tensor = options.weight
    if options.background is not None:
        labelled = (labels.heatmaps[:, :-1].amax(1, keepdim=True) > _LABELLED).float()
        near = functional.max_pool2d(labelled, 2 * _NEAR + 1, stride=1, padding=_NEAR)
        away = options.background * partial[:, None, None, None]
        share = away + near * (options.weight - away)
    return Fields(*(torch.lerp(drawn, soft, share) for drawn, soft in zip(labels, teacher, strict=True)))


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
    return Teacher(network.requires_grad_(False), metadata, options.views)
