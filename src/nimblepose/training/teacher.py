"""Distillation: the fields of a trained network, alone or averaged over the mirror image, as soft targets."""

from dataclasses import dataclass

import torch
from torch import Tensor

from nimblepose.codec.decode import paf_offset
from nimblepose.core.errors import TrainingError
from nimblepose.core.metadata import ModelMetadata
from nimblepose.core.skeleton import Skeleton
from nimblepose.model.checkpoint import load_checkpoint
from nimblepose.model.network import Fields, PoseNetwork
from nimblepose.runtime import averaging, backends
from nimblepose.training.feed import normalise
from nimblepose.training.recipe import Recipe


@dataclass(frozen=True)
class Teacher:
    """A frozen network that sees the samples of its pupil."""

    network: PoseNetwork
    metadata: ModelMetadata
    mirrored: bool  # also ask for the mirror image and take the mean

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Fields:
        """Float32 fields of the last stage for (B, 3, H, W) uint8 pictures."""
        pictures = normalise(images, self.metadata.input)
        fields = self._predict(pictures)
        if not self.mirrored:
            return fields
        other = self._predict(pictures.flip(-1))
        back = averaging.mirror(
            backends.Fields(other.heatmaps.cpu().numpy(), other.pafs.cpu().numpy()),
            self.metadata.skeleton,
            paf_offset=paf_offset(self.metadata.input.stride, self.metadata.paf_geometry),
        )
        means = [(one + torch.from_numpy(two.copy()).to(one.device)) / 2 for one, two in zip(fields, back, strict=True)]
        return Fields(*means)

    def _predict(self, pictures: Tensor) -> Fields:
        fields = self.network(pictures)[-1]
        return Fields(fields[0].float(), fields[1].float())


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
    if options.mirrored:
        _ = skeleton.limb_flip  # raises here, not at the first step
    return Teacher(network.requires_grad_(False), metadata, options.mirrored)
