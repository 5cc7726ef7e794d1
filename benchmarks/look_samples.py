"""Annotated pictures that a device holds decoded, and looks at the people in them: what `close_looks.py` trains on.

Where a look is, is decided on the CPU by a few numbers per sample; pixels are touched on the device only. A picture is
held with its halves: a look that makes it smaller reads the level whose pixels are next to its own.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nimblepose.core.errors import DataError
from nimblepose.core.geometry import Size, from_corner, rescale, to_rescaling
from nimblepose.data.augment import GRAY, build_warp
from nimblepose.data.coco import Record
from nimblepose.data.dataset import read_reduced
from nimblepose.data.regions import paint_regions

LEVELS = 3  # of a picture: itself, its half, its quarter
MIN_KEYPOINTS, MIN_DIAGONAL = 3, 24  # of the people who are looked at; the latter in pixels of the picture
MAX_FACTOR = 3.0  # input pixels per picture pixel: nobody is enlarged more
MARGIN, UNEVEN = (0.15, 0.4), (0.7, 1.1)  # from a person to a look's border, in diagonals; the four sides differ


@dataclass(frozen=True, eq=False)
class HeldPictures:
    """N pictures and their labels on a device, and C people in them who can be looked at.

    Attributes:
        shapes: (N, 2) height, width, on the CPU.
        people: (C,) the picture of each, on the CPU.
        boxes: (C, 4) x, y, width, height of each in pixels, on the CPU.
        pixels: (P,) int32, all pictures and levels row by row: bytes R, G, B, and 255 where the loss does not count.
        starts: (N, LEVELS) int64, the first pixel of each.
        sizes: (N, LEVELS, 2) int64 height, width.
        xy: (N, M, K, 2) float32 pixel centres of the people with keypoints; NaN where not labelled or nobody.
        partial: (N,) float32, 1 for a picture whose labels may miss people.
    """

    shapes: NDArray[np.int64]
    people: NDArray[np.int64]
    boxes: NDArray[np.float64]
    pixels: Tensor
    starts: Tensor
    sizes: Tensor
    xy: Tensor
    partial: Tensor


@dataclass(frozen=True, kw_only=True)
class Regime:
    """How people are looked at. Lengths are in input pixels."""

    size: int  # of the square input
    diagonal: tuple[float, float]  # least and largest of the person's box
    shift: float  # of the person from the middle to either side, as a part of the size
    rotation: float  # degrees to either side
    views: tuple[float, ...]  # sizes in which the teacher sees it; two are drawn
    cut: float  # of the looks: nothing is seen beyond a border around the person
    weight: float  # of its loss
    count: int  # looks in a batch


class Looks(NamedTuple):
    """B looks: where each is, in numbers."""

    numbers: NDArray[np.int64]  # (B,) pictures
    matrices: NDArray[np.float64]  # (B, 3, 3) affines from picture pixels to input pixels
    factors: NDArray[np.float64]  # (B,) input pixels per picture pixel
    bounds: NDArray[np.float64]  # (B, 2, 2) least and largest (x, y) in picture pixels; beyond them all is gray
    mirrored: NDArray[np.bool_]  # (B,)


class Colours(NamedTuple):
    """value * gain + offset."""

    gain: NDArray[np.float64]  # (B, 3)
    offset: NDArray[np.float64]  # (B, 3) in 0..255


# Pictures on the device ----------------------------------------------------------------------------------------------


def hold_pictures(records: Sequence[Record], device: torch.device, *, threads: int) -> HeldPictures:
    """Read all pictures with so many threads: four bytes a pixel and a third more for the halves.

    Raises:
        DataError: nobody in them can be looked at.
        MediaError: a picture is missing, damaged, or of another size than the annotations say.
    """
    shapes = np.array([record.size for record in records], np.int64).reshape(-1, 2)
    sizes = np.maximum(shapes[:, None] >> np.arange(LEVELS)[:, None], 1)
    ends = sizes.prod(-1).cumsum().reshape(-1, LEVELS)
    starts = ends - sizes.prod(-1)
    people, boxes = _list_people(records)
    pixels = torch.empty(int(ends[-1, -1]), dtype=torch.int32, device=device)
    with ThreadPoolExecutor(threads) as pool:
        for number, levels in enumerate(pool.map(_read_levels, records)):
            pixels[starts[number, 0] : ends[number, -1]] = levels.to(device)
    labels = [record.xy for record in records]
    xy = np.full((len(records), max(map(len, labels)), *labels[0].shape[1:]), np.nan, np.float32)
    for row, label in zip(xy, labels, strict=True):
        row[: len(label)] = label
    partial = np.array([record.partial for record in records], np.float32)
    on_device = (torch.from_numpy(array).to(device) for array in (starts, sizes, xy, partial))
    return HeldPictures(shapes, people, boxes, pixels, *on_device)


def _list_people(records: Sequence[Record]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Pictures (C,) and boxes (C, 4) of those who are labelled and large enough to be looked at."""
    people, boxes = [], []
    for number, record in enumerate(records):
        labelled = (~np.isnan(record.xy[..., 0])).sum(-1) >= MIN_KEYPOINTS
        chosen = record.boxes[labelled & (np.hypot(*record.boxes[:, 2:].T) >= MIN_DIAGONAL)]
        people += [number] * len(chosen)
        boxes.append(chosen)
    if not people:
        raise DataError(
            f"nobody in {len(records)} pictures has {MIN_KEYPOINTS} labelled keypoints and a box whose diagonal is "
            f"{MIN_DIAGONAL} pixels; give other annotations"
        )
    return np.array(people, np.int64), np.concatenate(boxes).astype(np.float64)


def _read_levels(record: Record) -> Tensor:
    """All levels of a picture as `HeldPictures.pixels` has them."""
    ignore = np.where(paint_regions(record.ignore, record.size), np.uint8(255), np.uint8(0))
    level = np.dstack([read_reduced(record.path, record.size, 1), ignore])
    levels = [level]
    for number in range(1, LEVELS):
        width, height = (max(1, record.size[axis] >> number) for axis in (1, 0))
        level = np.asarray(cv2.resize(level, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
        levels.append(level)
    return torch.from_numpy(np.concatenate([one.reshape(-1, 4) for one in levels])).view(torch.int32)[:, 0]


def _fetch(held: HeldPictures, which: tuple[Tensor, Tensor], rows: Tensor, columns: Tensor) -> Tensor:
    """Bytes (B, h, w, 4) at rows and columns (B, h, w) of pictures and levels (B,)."""
    first, width = held.starts[which][:, None, None], held.sizes[which][:, 1, None, None]
    at = first + rows.long() * width + columns.long()
    return held.pixels[at][..., None].view(torch.uint8)


# Looks ---------------------------------------------------------------------------------------------------------------


def draw_looks(held: HeldPictures, regime: Regime, rng: np.random.Generator) -> Looks:
    """Throw the dice: people, how large and where they are seen, what is cut off."""
    count, size = regime.count, regime.size
    chosen = rng.integers(len(held.people), size=count)
    numbers, boxes = held.people[chosen], held.boxes[chosen]
    corners = from_corner(np.stack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1))  # (B, 2, 2)
    diagonals = np.hypot(boxes[:, 2], boxes[:, 3])
    shortest, longest = np.log(regime.diagonal)
    lengths = np.exp(rng.uniform(shortest, longest, count))
    factors = np.minimum(lengths / diagonals, MAX_FACTOR)
    angles = np.deg2rad(rng.uniform(-1, 1, count) * regime.rotation)
    shifts = rng.uniform(-1, 1, (count, 2)) * regime.shift * size
    mirrored = rng.random(count) < 0.5
    warps = [
        build_warp(middle, factor, angle, shift, mirrored=bool(mirror), size=(size, size)).matrix
        for middle, factor, angle, shift, mirror in zip(
            corners.mean(axis=1), factors, angles, shifts, mirrored, strict=True
        )
    ]
    matrices = np.concatenate([warps, np.broadcast_to([[[0.0, 0.0, 1.0]]], (count, 1, 3))], axis=1)

    far = from_corner(held.shapes[numbers][:, ::-1].astype(np.float64))
    whole = np.stack([np.broadcast_to(from_corner(np.zeros(2)), far.shape), far], axis=1)
    margins = (rng.uniform(*MARGIN, count) * diagonals)[:, None] * rng.uniform(*UNEVEN, (count, 4))
    low = np.maximum(whole[:, 0], corners[:, 0] - margins[:, :2])
    high = np.minimum(whole[:, 1], corners[:, 1] + margins[:, 2:])
    cut = rng.random(count) < regime.cut
    bounds = np.where(cut[:, None, None], np.stack([low, high], axis=1), whole)
    return Looks(numbers, matrices, factors, bounds, mirrored)


def draw_colours(count: int, rng: np.random.Generator) -> Colours:
    """Light and its tint: a gain for all channels and a smaller one for each, and an offset."""
    gain = (1 + rng.uniform(-0.2, 0.2, (count, 1))) * (1 + rng.uniform(-0.07, 0.07, (count, 3)))
    return Colours(gain, np.broadcast_to(rng.uniform(-14, 14, (count, 1)), (count, 3)))


def see(
    held: HeldPictures,
    looks: Looks,
    size: int,
    side: int,
    *,
    mirrored: bool = False,
    coarser: NDArray[np.bool_] | None = None,
    colours: Colours | None = None,
) -> Tensor:
    """What looks show, bilinear in the level next to their scale, (B, 3, side, side) uint8 RGB.

    Args:
        held: The pictures.
        looks: Where they look.
        size: Of the input that the looks' matrices lead to.
        side: Of what is made: the same look, larger or smaller.
        mirrored: Left becomes right, beyond what the looks themselves mirror.
        coarser: (B,) which ones read the next smaller level, and are a little blurred.
        colours: None: as they are.
    """
    view = to_rescaling(side / size)
    if mirrored:
        view = np.array([[-1.0, 0, side - 1], [0, 1, 0], [0, 0, 1]]) @ view
    level = np.floor(np.log2(np.maximum(size / side / looks.factors, 1)))
    level = np.minimum(level + (0 if coarser is None else coarser), LEVELS - 1).astype(np.int64)
    to_level = np.stack([to_rescaling(0.5**number) for number in level])
    device = held.pixels.device
    inverse = _send(to_level @ np.linalg.inv(view @ looks.matrices), device)
    low, high = _send(rescale(looks.bounds, 0.5 ** level[:, None, None]), device).unbind(1)

    pixel = torch.arange(side, device=device, dtype=torch.float32)
    x, y = _move(inverse, pixel[None, :], pixel[:, None])
    inside = (x >= low[:, 0, None, None]) & (x <= high[:, 0, None, None])
    inside &= (y >= low[:, 1, None, None]) & (y <= high[:, 1, None, None])
    which = torch.from_numpy(looks.numbers).to(device), torch.from_numpy(level).to(device)
    last_row, last_column = ((length - 1)[:, None, None].float() for length in held.sizes[which].unbind(1))
    x, y = x.clamp(min=0).minimum(last_column), y.clamp(min=0).minimum(last_row)
    left, top = x.floor(), y.floor()
    right, bottom = (left + 1).minimum(last_column), (top + 1).minimum(last_row)
    across, down = (x - left)[..., None], (y - top)[..., None]
    corners = (_fetch(held, which, row, column)[..., :3].float() for row in (top, bottom) for column in (left, right))
    upper_left, upper_right, lower_left, lower_right = corners
    values = torch.lerp(torch.lerp(upper_left, upper_right, across), torch.lerp(lower_left, lower_right, across), down)
    if colours is not None:
        gain, offset = (_send(part, device)[:, None, None] for part in colours)
        values = values * gain + offset
    values = values.round().clamp(0, 255).where(inside[..., None], values.new_tensor(GRAY))
    return values.to(torch.uint8).permute(0, 3, 1, 2)


def place_labels(held: HeldPictures, looks: Looks, flip_permutation: Sequence[int]) -> Tensor:
    """Keypoints (B, M, K, 2) in input pixels; NaN beyond what is seen. In a mirror left and right swap their names."""
    device = held.pixels.device
    xy = held.xy[torch.from_numpy(looks.numbers).to(device)]
    low, high = _send(looks.bounds, device)[:, None, None].unbind(-2)
    xy = xy.masked_fill(~((xy >= low) & (xy <= high)).all(-1, keepdim=True), float("nan"))
    matrices = _send(looks.matrices, device)
    xy = torch.einsum("bij,bnkj->bnki", matrices[:, :2, :2], xy) + matrices[:, None, None, :2, 2]
    mirrored = torch.from_numpy(looks.mirrored).to(device)[:, None, None, None]
    return torch.where(mirrored, xy[:, :, list(flip_permutation)], xy)


def mask_loss(held: HeldPictures, looks: Looks, cells: Size, stride: int) -> Tensor:
    """(B, h, w) float32: 0 for cells whose middle shows somebody who is not labelled, else 1, outside too."""
    device = held.pixels.device
    y, x = (rescale(torch.arange(count, device=device, dtype=torch.float32), stride) for count in cells)
    x, y = _move(_send(np.linalg.inv(looks.matrices), device), x[None, :], y[:, None])
    number = torch.from_numpy(looks.numbers).to(device)
    which = number, torch.zeros_like(number)
    height, width = (length[:, None, None] for length in held.sizes[which].unbind(1))
    row, column = y.round().long(), x.round().long()
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    ignored = _fetch(held, which, row.where(inside, 0), column.where(inside, 0))[..., 3] > 0
    return 1 - (ignored & inside).float()


def _move(matrices: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Points (h, w) through affines (B, 3, 3): x and y (B, h, w)."""
    columns = matrices[..., None, None]
    moved_x, moved_y = (columns[:, i, 0] * x + columns[:, i, 1] * y + columns[:, i, 2] for i in (0, 1))
    return moved_x, moved_y


def _send(array: NDArray[np.floating], device: torch.device) -> Tensor:
    """To the device, as float32."""
    return torch.from_numpy(np.asarray(array, np.float32)).to(device)
