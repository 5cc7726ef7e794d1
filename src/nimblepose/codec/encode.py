"""Keypoints -> fields: what the network is taught to answer.

Every function takes numpy arrays or torch tensors (on any device, with any leading batch dimensions) and answers in
kind: the arithmetic is written once, for both. Nothing loops over pixels, people, keypoints or limbs.
"""

import sys
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from nimblepose.core.errors import ModelError
from nimblepose.core.geometry import Array, Size, rescale
from nimblepose.core.metadata import PafGeometry
from nimblepose.core.skeleton import Skeleton


@dataclass(frozen=True, kw_only=True)
class EncodeOptions:
    """How targets are drawn. The defaults are the reference's, on which the public weights were trained.

    The deliberate differences on offer, each a flag: `overlap="max"` keeps two near people apart where adding melts
    them into one plateau; `paf_geometry="centre"` puts the stripe of a limb where the limb is, while "corner" puts it
    half a cell (less half a pixel) to the lower right and cuts it at the far side of the limb's box.
    """

    stride: int = 8  # input pixels per cell
    heatmap_sigma: float = 7.0  # input pixels
    heatmap_cut: float = 4.6052  # a Gaussian ends where it is exp(-heatmap_cut) = 0.01
    overlap: Literal["add", "max"] = "add"  # "add" is clamped at 1
    paf_thickness: float = 1.0  # cells from the limb's line to the border of its stripe
    paf_geometry: PafGeometry = "corner"  # travels with the weights: the decoder must know it

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        if self.stride < 1 or min(self.heatmap_sigma, self.heatmap_cut, self.paf_thickness) <= 0:
            raise ModelError(f"stride, heatmap_sigma, heatmap_cut and paf_thickness must be positive: {self}")
        if self.overlap not in ("add", "max") or self.paf_geometry not in ("corner", "centre"):
            raise ModelError(f"overlap is 'add' or 'max', paf_geometry is 'corner' or 'centre': {self}")


REFERENCE = EncodeOptions()
"""Exactly the targets of the reference implementation."""


def encode(xy: Array, size: Size, skeleton: Skeleton, options: EncodeOptions = REFERENCE) -> tuple[Array, Array]:
    """Heatmaps (..., K + 1, h, w), the last of them background, and PAFs (..., 2L, h, w) of everybody in a picture.

    Args:
        xy: (..., N, K, 2) pixel centres of the network input; NaN where not labelled. Later people lie on top.
        size: (h, w) of the fields in cells.
        skeleton: Names K keypoints and L limbs.
        options: How to draw.
    """
    return encode_heatmaps(xy, size, options), encode_pafs(xy, size, skeleton, options)


def encode_heatmaps(xy: Array, size: Size, options: EncodeOptions = REFERENCE) -> Array:
    """One Gaussian per keypoint, measured at the cells' centres, cut at `heatmap_cut`; then 1 - max as background.

    Args:
        xy: (..., N, K, 2) pixel centres of the network input; NaN where not labelled.
        size: (h, w) of the maps in cells.
        options: How to draw; where people overlap, values are added and clamped at 1, or the larger one wins.

    Returns:
        (..., K + 1, h, w) in the dtype of `xy`.
    """
    xp, stride = _find_namespace(xy), options.stride
    xy = _leave_out_outside(xy, size, stride)
    centre_y, centre_x = (rescale(_count_cells(n, xy), stride) for n in size)
    scale = -0.5 / options.heatmap_sigma**2
    power_x = (xy[..., 0, None] - centre_x) ** 2 * scale  # (..., N, K, w)
    power_y = (xy[..., 1, None] - centre_y) ** 2 * scale  # (..., N, K, h)
    # exp(a + b) = exp(a) exp(b): exponentials of rows and columns, not of pixels
    gaussians = (
        xp.nan_to_num(xp.exp(power_y))[..., None] * xp.nan_to_num(xp.exp(power_x))[..., None, :]
    )  # (..., N, K, h, w)
    far = power_y[..., None] + power_x[..., None, :] < -options.heatmap_cut
    gaussians = xp.where(far, xp.zeros_like(gaussians), gaussians)
    maps = gaussians.sum(-4).clip(0, 1) if options.overlap == "add" else xp.amax(gaussians, -4)
    background = 1 - xp.amax(maps, -3, keepdims=True)
    return xp.concatenate([maps, background], -3)


def encode_pafs(xy: Array, size: Size, skeleton: Skeleton, options: EncodeOptions = REFERENCE) -> Array:
    """The unit vector of each limb in a stripe along it; where people overlap, the last one wins.

    Args:
        xy: (..., N, K, 2) pixel centres of the network input; NaN where not labelled.
        size: (h, w) of the fields in cells.
        skeleton: Limb i owns channels 2i (x) and 2i + 1 (y).
        options: How to draw.

    Returns:
        (..., 2L, h, w) in the dtype of `xy`.
    """
    xp = _find_namespace(xy)
    xy = _leave_out_outside(xy, size, options.stride)
    centred = options.paf_geometry == "centre"
    cells = rescale(xy, 1 / options.stride) if centred else xy / options.stride
    limbs = skeleton.limb_indices
    start, end = cells[..., limbs[:, 0], :], cells[..., limbs[:, 1], :]  # (..., N, L, 2)
    along = end - start
    length = (along**2).sum(-1)[..., None] ** 0.5
    unit = xp.nan_to_num(along / xp.where(length < 1e-7, xp.ones_like(length), length))
    covered = _cover_stripes(start, end, unit, size, options) & (length[..., None] >= 1e-7)  # (..., N, L, h, w)

    # The last person who covers a cell, counted from 1, is the one who is seen there.
    rank = covered * (_count_cells(xy.shape[-3], xy) + 1)[:, None, None, None]
    on_top = covered & (rank == xp.amax(rank, -4, keepdims=True))
    fields = xp.einsum("...nlyx,...nlc->...lcyx", on_top * xp.ones_like(rank), unit)
    return fields.reshape(*fields.shape[:-4], 2 * len(limbs), *size)


def _cover_stripes(start: Array, end: Array, unit: Array, size: Size, options: EncodeOptions) -> Array:
    """Cells within `paf_thickness` of each limb's line and inside its box, (..., N, L, h, w)."""
    xp, thickness = _find_namespace(start), options.paf_thickness
    inside, offsets = [], []
    for axis, cells in enumerate((size[1], size[0])):
        grid = _count_cells(cells, start)
        low = xp.minimum(start[..., axis], end[..., axis])[..., None] - thickness
        high = xp.maximum(start[..., axis], end[..., axis])[..., None] + thickness
        if options.paf_geometry == "corner":  # as the reference: whole cells, the one at the far side not among them
            low, high = xp.floor(low), xp.floor(high)
            inside.append((grid >= low) & (grid < high))
        else:
            inside.append((grid >= low) & (grid <= high))
        offsets.append(grid - start[..., axis, None])
    across_x = offsets[0] * unit[..., 1, None]  # (..., N, L, w)
    across_y = offsets[1] * unit[..., 0, None]  # (..., N, L, h)
    distance = abs(across_x[..., None, :] - across_y[..., None])
    return (distance <= thickness) & inside[1][..., None] & inside[0][..., None, :]


def _leave_out_outside(xy: Array, size: Size, stride: int) -> Array:
    """NaN for keypoints outside the input; at least one person, so that a maximum over people is defined."""
    xp = _find_namespace(xy)
    nan = float("nan")
    if xy.shape[-3] == 0:
        xy = xp.concatenate([xy, xp.ones_like(xy.sum(-3, keepdims=True)) * nan], -3)
    x, y = xy[..., 0], xy[..., 1]
    outside = ~((x >= 0) & (y >= 0) & (x < size[1] * stride) & (y < size[0] * stride))
    return xp.where(outside[..., None], xp.ones_like(xy) * nan, xy)


def _find_namespace(array: Array) -> Any:
    """The module whose functions take this array: numpy, or torch, which the caller has imported."""
    return np if isinstance(array, np.ndarray) else sys.modules["torch"]


def _count_cells(stop: int, like: Array) -> Array:
    """0 .. stop - 1 in the dtype and on the device of `like`."""
    place = {} if isinstance(like, np.ndarray) else {"device": like.device}
    return _find_namespace(like).arange(stop, dtype=like.dtype, **place)
