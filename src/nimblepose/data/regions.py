"""Regions of a picture as COCO stores them: polygons, run lengths (plain or compressed), or a box."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from nimblepose.core.geometry import Size, from_corner
from nimblepose.data.entries import read_box, read_id, read_numbers, shorten

_CORNERS = 3  # of a polygon that has an inside


@dataclass(frozen=True, eq=False)
class Region:
    """Polygons (each (P, 2) COCO pixels), or run lengths of a whole picture of `size`; exactly one of the two."""

    polygons: tuple[NDArray[np.float32], ...] = ()
    runs: NDArray[np.int64] | None = None
    size: Size = (0, 0)

    @classmethod
    def read(cls, annotation: Mapping[str, Any], size: Size) -> "Region":
        """The segmentation of an annotation where there is one, else its box.

        Raises:
            ValueError: what is there cannot be read, or neither is there.
        """
        segmentation = annotation.get("segmentation")
        if isinstance(segmentation, Mapping):
            return cls(runs=_read_runs(segmentation, size), size=size)
        if segmentation is not None and not isinstance(segmentation, list):
            raise ValueError(f"segmentation: expected polygons or run lengths, got {shorten(segmentation)}")
        polygons = tuple(_read_polygon(p) for p in segmentation or () if p != [])
        if polygons := tuple(p for p in polygons if len(p) >= _CORNERS):
            return cls(polygons=polygons)
        box = read_box(annotation.get("bbox"))
        if box is None:
            raise ValueError("neither keypoints nor segmentation nor box, so nobody knows where it is")
        left, top, w, h = box.tolist()
        corners = [[left, top], [left + w, top], [left + w, top + h], [left, top + h]]
        return cls(polygons=(np.array(corners, np.float32),))

    def paint(self, mask: NDArray[np.uint8]) -> None:
        """Set the region to 1 in a (height, width) mask, in place."""
        if self.runs is not None:
            values = np.arange(len(self.runs), dtype=np.uint8) % 2
            mask |= np.repeat(values, self.runs).reshape(self.size[::-1]).T  # COCO's runs go down the columns
        for polygon in self.polygons:
            cv2.fillPoly(mask, [np.round(from_corner(polygon)).astype(np.int32)], 1)


def paint_regions(regions: Sequence[Region], size: Size) -> NDArray[np.bool_]:
    """The union of regions as a mask of (height, width)."""
    mask = np.zeros(size, np.uint8)
    for region in regions:
        region.paint(mask)
    return mask.astype(bool)


def bound_region(region: Region, size: Size) -> NDArray[np.float64]:
    """Smallest box around what a region covers of a picture as x, y, width, height; of no size where it is nothing."""
    rows, columns = np.nonzero(paint_regions([region], size))
    if not len(rows):
        return np.zeros(4)
    return np.array([columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1], np.float64)


def _read_polygon(value: object) -> NDArray[np.float32]:
    if not isinstance(value, list) or len(value) % 2:
        raise ValueError(f"segmentation: expected lists of x, y, x, y, ..., got {shorten(value)}")
    return read_numbers(value, "segmentation").astype(np.float32).reshape(-1, 2)


def _read_runs(segmentation: Mapping[str, Any], size: Size) -> NDArray[np.int64]:
    counts, shape = segmentation.get("counts"), segmentation.get("size")
    if not isinstance(shape, list) or len(shape) != 2 or not isinstance(counts, str | list):
        raise ValueError(f"segmentation: expected size and counts of run lengths, got {shorten(dict(segmentation))}")
    height, width = (read_id(v, "segmentation size") for v in shape)
    try:
        runs = (
            decompress_runs(counts)
            if isinstance(counts, str)
            else np.array([read_id(v, "run length") for v in counts], np.int64)
        )
    except OverflowError as error:
        raise ValueError("segmentation: run lengths of more than 64 bits") from error
    if (height, width) != size or (runs < 0).any() or (runs > height * width).any() or runs.sum() != height * width:
        raise ValueError(
            f"segmentation: {int(runs.sum())} pixels in run lengths of {height} x {width} do not fill "
            f"{size[0]} x {size[1]}"
        )
    return runs


def decompress_runs(text: str) -> NDArray[np.int64]:
    """COCO's compressed run lengths: numbers in base 32, low digits first, from the fourth on as differences.

    Each character carries five bits (minus 48) and a sixth that says whether the number goes on; the top bit of its
    last digit is the sign. From the fourth run on, what is stored is the difference to the run two before
    (as in cocodataset/cocoapi, `rleFrString`).

    Raises:
        ValueError: a character that has no place there, or a number without end.

    >>> decompress_runs("54").tolist()
    [5, 4]
    """
    runs: list[int] = []
    value, shift = 0, 0
    for character in text:
        digit = ord(character) - 48
        if not 0 <= digit < 64 or shift > 60:
            raise ValueError(f"not compressed run lengths: {text[:20]!r}")
        value |= (digit & 31) << shift
        shift += 5
        if not digit & 32:
            if digit & 16:
                value -= 1 << shift
            runs.append(value + runs[-2] if len(runs) > 2 else value)
            value, shift = 0, 0
    return np.array(runs, np.int64)
