"""Batches of looks: what the pupil sees, what labels say of it, and what its teacher sees. See `close_looks.py`."""

import copy
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from look_samples import HeldPictures, Regime, draw_colours, draw_looks, mask_loss, place_labels, see
from look_targets import bring_back
from torch import Tensor

from nimblepose.codec.encode import EncodeOptions, encode
from nimblepose.core.metadata import ModelMetadata
from nimblepose.model.network import FieldTensors, PoseNetwork
from nimblepose.training.feed import normalise
from nimblepose.training.teacher import blend

BLENDED, COARSER = 0.15, 0.1  # of the samples

Look = Callable[[Tensor], FieldTensors]
"""Normalised pictures (B, 3, H, W) to the fields of a network's last stage."""


class Batch(NamedTuple):
    """Samples of one regime."""

    images: Tensor  # (B, 3, H, W) as the network takes them
    labels: FieldTensors  # drawn
    soft: FieldTensors  # the teacher's
    loss_mask: Tensor  # (B, h, w), 1 where the loss counts
    partial: Tensor  # (B,), 1 where labels may miss people
    alone: Tensor  # (B,), 1 for blends, which the teacher alone can label


def make_batch(
    held: HeldPictures, regime: Regime, teacher: Look, metadata: ModelMetadata, rng: np.random.Generator
) -> Batch:
    """Draw looks, and what labels and teacher say of them."""
    stride, skeleton, size = metadata.input.stride, metadata.skeleton, regime.size
    looks = draw_looks(held, regime, rng)
    coarser, colours = rng.random(regime.count) < COARSER, draw_colours(regime.count, rng)
    blends = int(rng.integers(2**32))  # the pupil and every view have the same ones

    def finish(pictures: Tensor) -> tuple[Tensor, Tensor]:
        blended, alone = blend(pictures, BLENDED, np.random.default_rng(blends))
        return normalise(blended, metadata.input).contiguous(memory_format=torch.channels_last), alone

    images, alone = finish(see(held, looks, size, size, coarser=coarser, colours=colours))
    cells = size // stride
    views = []
    for scale, mirrored in zip(rng.choice(regime.views, 2), (False, True), strict=True):
        side = round(size * float(scale) / stride) * stride
        fields = teacher(finish(see(held, looks, size, side, mirrored=mirrored))[0])
        views.append(bring_back(fields, cells, mirrored=mirrored, metadata=metadata))
    soft = FieldTensors(*(torch.stack(kind).mean(0) for kind in zip(*views, strict=True)))
    xy = place_labels(held, looks, skeleton.flip_permutation.tolist())
    drawing = EncodeOptions(stride=stride, paf_geometry=metadata.paf_geometry)
    labels = FieldTensors(*encode(xy, (cells, cells), skeleton, drawing))
    loss_mask = mask_loss(held, looks, (cells, cells), stride)
    partial = held.partial[torch.from_numpy(looks.numbers).to(held.partial.device)]
    return Batch(images, labels, soft, loss_mask, partial, alone)


def build_teacher(network: PoseNetwork, device: torch.device) -> Look:
    """A frozen copy of a folded network, and how it looks."""
    frozen = copy.deepcopy(network).to(device, memory_format=torch.channels_last).requires_grad_(False)  # type: ignore[call-overload]

    @torch.no_grad()
    def look(images: Tensor) -> FieldTensors:
        with compute_briefly(device):
            heatmaps, pafs = frozen(images)[-1]
        return FieldTensors(heatmaps.float(), pafs.float())

    return look


def compute_briefly(device: torch.device) -> torch.autocast:
    """Where what is computed has bfloat16 on CUDA; float32 elsewhere."""
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")
