"""Closer views of a teacher brought back to its pupil's cells: what `close_looks.py` teaches beside drawn labels.

A network says the same of a keypoint however large it is seen: a Gaussian as wide as those it was taught, in pixels of
what it sees. Resized to the cells of a pupil that sees less, the Gaussian is narrower than the pupil's, and its peak
falls between cells. So fields are widened first, and their heights kept.
"""

import dataclasses
import math

import torch
from torch import Tensor
from torch.nn import functional

from nimblepose.codec.decode import compute_paf_offset
from nimblepose.codec.encode import EncodeOptions
from nimblepose.core.geometry import rescale
from nimblepose.core.metadata import ModelMetadata
from nimblepose.model.network import FieldTensors
from nimblepose.training.recipe import DistillOptions
from nimblepose.training.teacher import flip_back, mix_targets

_CLOSER, _MUCH_CLOSER = 1.05, 1.7  # scale from which on heatmaps, and PAFs too, are widened
_FAINT = 0.06  # height of a heatmap up to which it is not widened: noise, not a peak
_REACH = 2.6  # sigmas; a Gaussian is 0.03 there
_BACKGROUND = 0.5  # the teacher's least say away from the labelled; all where labels may miss people


def spread_max(heatmaps: Tensor, sigma: float) -> Tensor:
    """The maximum over a Gaussian's reach of height times Gaussian: peaks keep their height and get wider.

    A Gaussian peak of sigma s becomes one of sqrt(s^2 + sigma^2), as if the two had been convolved: logarithms turn
    the maximum of products into that of sums of parabolas, whose widths add up. It is done by rows, then by columns.

    Args:
        heatmaps: (..., h, w).
        sigma: In cells; below 0.1 nothing changes.
    """
    if sigma < 0.1:
        return heatmaps
    reach = math.ceil(_REACH * sigma)
    gaussian = [math.exp(-0.5 * (offset / sigma) ** 2) for offset in range(-reach, reach + 1)]
    spread = heatmaps.where(heatmaps > _FAINT, 0)
    for dim, padding in ((-1, (reach, reach, 0, 0)), (-2, (0, 0, reach, reach))):
        wide, length = functional.pad(spread, padding), spread.shape[dim]
        spread = torch.zeros_like(spread)
        for i, height in enumerate(gaussian):
            spread = spread.maximum(wide.narrow(dim, i, length) * height)
    return heatmaps.maximum(spread)


def take_strongest(pafs: Tensor) -> Tensor:
    """Every cell takes the longest vector of the 3 x 3 cells around it: stripes get a cell wider to either side.

    Args:
        pafs: (B, 2L, h, w).
    """
    batch, channels, height, width = pafs.shape
    best = pafs.reshape(batch, channels // 2, 2, height, width)
    longest = best.square().sum(2)
    padded = functional.pad(pafs, (1, 1, 1, 1)).reshape(batch, channels // 2, 2, height + 2, width + 2)
    for top in range(3):
        for left in range(3):
            vectors = padded[..., top : top + height, left : left + width]
            lengths = vectors.square().sum(2)
            best = torch.where((lengths > longest)[:, :, None], vectors, best)
            longest = longest.maximum(lengths)
    return best.flatten(1, 2)


def bring_back(fields: FieldTensors, cells: int, *, mirrored: bool, metadata: ModelMetadata) -> FieldTensors:
    """Fields of a view as its pupil should see them: heights as they were, widths and places those of the pupil.

    Args:
        fields: Heatmaps (B, K + 1, n, n) and PAFs (B, 2L, n, n) of the same look n / cells times as large.
        cells: Of a side of the pupil's fields.
        mirrored: Whether the view was.
        metadata: Of the network; says where PAFs are.
    """
    side, stride = fields.heatmaps.shape[-1], metadata.input.stride
    scale = side / cells
    if mirrored:  # cell by cell; where PAFs lie in their cells is put right below, with the scale, in one interpolation
        fields = flip_back(fields, dataclasses.replace(metadata, paf_geometry="centre"))
    heatmaps, pafs = fields
    if scale > _CLOSER:
        drawn = EncodeOptions().heatmap_sigma / stride
        heatmaps = torch.cat([spread_max(heatmaps[:, :-1], drawn * math.sqrt(scale**2 - 1)), heatmaps[:, -1:]], dim=1)
    if scale > _MUCH_CLOSER:
        pafs = take_strongest(pafs)
    cell = torch.arange(cells, device=pafs.device, dtype=torch.float32)
    offset = compute_paf_offset(stride, metadata.paf_geometry)
    places = rescale(cell - offset, scale)  # of the pupil's vectors, in the view's cells from centre to centre
    across = places - offset if mirrored else places + offset  # in a mirror, a cell's left is its right
    return FieldTensors(
        _read_at(heatmaps, rescale(cell, scale), rescale(cell, scale), mode="bicubic"),
        _read_at(pafs, across, places + offset, mode="bilinear"),
    )


def _read_at(field: Tensor, x: Tensor, y: Tensor, *, mode: str) -> Tensor:
    """Values of a field (B, C, n, n) at columns x (w,) and rows y (h,); the border's beyond it."""
    grid = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1) * (2 / (field.shape[-1] - 1)) - 1
    grid = grid.expand(len(field), -1, -1, -1)
    return functional.grid_sample(field, grid, mode=mode, padding_mode="border", align_corners=True)


def mix(labels: FieldTensors, teacher: FieldTensors, partial: Tensor, alone: Tensor, share: float) -> FieldTensors:
    """Targets: near labelled people so much of the labels, elsewhere at least half of the teacher.

    Args:
        labels: Drawn fields, (B, K + 1, h, w) and (B, 2L, h, w).
        teacher: Its fields, of the same shapes.
        partial: (B,), 1 where labels may miss people: elsewhere is the teacher's alone. Else 0.
        alone: (B,), 1 where the teacher alone is believed, else 0.
        share: Of the labels, 0..1.
    """
    say = _BACKGROUND + (1 - _BACKGROUND) * partial
    options = DistillOptions(teacher="start", weight=1 - share, background=1.0)
    heatmaps, pafs = mix_targets(labels, teacher, say, alone, options)
    keypoints = heatmaps[:, :-1]
    return FieldTensors(torch.cat([keypoints, 1 - keypoints.amax(1, keepdim=True)], dim=1), pafs)
