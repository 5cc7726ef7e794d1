"""Regions of a picture as COCO stores them: polygons, run lengths (plain or compressed), or a box."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from nimblepose.core.geometry import Size, from_corner


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
            KeyError, TypeError, ValueError: neither can be read.
        """
        segmentation = annotation.get("segmentation")
        if isinstance(segmentation, Mapping):
            height, width = (int(v) for v in segmentation["size"])
            counts = segmentation["counts"]
            runs = decompress_runs(counts) if isinstance(counts, str) else np.array(counts, np.int64)
            if (height, width) != size or (runs < 0).any() or runs.sum() != height * width:
                raise ValueError(
                    f"{int(runs.sum())} pixels in run lengths of {height} x {width} do not fill {size[0]} x {size[1]}"
                )
            return cls(runs=runs, size=size)
        polygons = [np.array(p, np.float32).reshape(-1, 2) for p in segmentation or () if len(p) >= 6]
        if polygons:
            return cls(polygons=tuple(polygons))
        left, top, w, h = (float(v) for v in annotation["bbox"])
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
