"""Does another runtime find what ONNX Runtime finds? Two sizes in one object and back, with a real picture."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nimblepose.codec.decode import decode
from nimblepose.core.errors import ModelError
from nimblepose.core.geometry import Placement
from nimblepose.core.metadata import InputSpec, ModelMetadata
from nimblepose.core.poses import Poses
from nimblepose.runtime.prepare import Batch, prepare
from nimblepose.runtime.protocols import Fields

HEIGHTS = (256, 368, 256)  # of the input, one after the other: a runtime may keep what it made for the size before

Run = Callable[[Batch], Fields]
"""An opened model, that is asked again and again."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How far fields may be from those of ONNX Runtime."""

    heatmaps: float  # largest difference
    pafs: float
    mean: float  # mean difference of either
    pixels: float  # that a keypoint may move, in the input


EXACT = Limits(heatmaps=1e-5, pafs=1e-5, mean=1e-6, pixels=0.05)
"""The same numbers, added in another order."""
HALF = Limits(heatmaps=0.01, pafs=0.02, mean=4e-4, pixels=0.5)
"""Computed in 16 bits."""
INT8 = Limits(heatmaps=0.06, pafs=0.07, mean=4e-4, pixels=float("inf"))
"""Integers that are rounded elsewhere: half-way cases, and what is computed in float32 between them.

Keypoints of weak peaks may move: of two bumps of 0.08 another one is the higher, 16 px away.
"""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Of one input: how far a runtime's fields are from those expected, and its poses."""

    heatmaps: float  # largest
    pafs: float
    mean: float  # the larger of both means
    pixels: float  # largest shift of a keypoint that both found, in the input; 0 if there is none
    people: tuple[int, int]  # expected, found
    same_keypoints: bool  # the same people with the same keypoints, wherever these are

    def exceeds(self, limits: Limits) -> bool:
        """Is anything more than allowed, or no number?"""
        within = (
            self.heatmaps <= limits.heatmaps
            and self.pafs <= limits.pafs
            and self.mean <= limits.mean
            and self.pixels <= limits.pixels
        )
        return not (within and self.same_keypoints)


def try_sizes(
    run: Run, expected: Run, metadata: ModelMetadata, expected_input: InputSpec, picture: NDArray[np.uint8]
) -> dict[str, Difference]:
    """Differences by the size of the input, in the order in which they were tried.

    Args:
        run: The form on trial, opened once.
        expected: What it should answer.
        metadata: Of the form.
        expected_input: What `expected` takes.
        picture: (H, W, 3) RGB with people.
    """
    found = {}
    for number, height in enumerate(HEIGHTS):
        placement = Placement.fit(picture.shape[:2], height, stride=metadata.input.stride)
        ours = run(prepare([picture], placement, metadata.input))
        theirs = expected(prepare([picture], placement, expected_input))
        name = " x ".join(map(str, placement.input_size)) + (" again" if number >= 2 else "")
        found[name] = compare(ours, theirs, metadata)
    return found


def compare(found: Fields, expected: Fields, metadata: ModelMetadata) -> Difference:
    """Fields of one picture, (1, C, h, w) each, and what is decoded from them.

    Raises:
        ModelError: fields of other sizes.
    """
    shapes = [[field.shape for field in fields] for fields in (found, expected)]
    if shapes[0] != shapes[1]:
        raise ModelError(f"fields are of shapes {shapes[0]} where {shapes[1]} were expected")
    off = [np.abs(ours - theirs) for ours, theirs in zip(found, expected, strict=True)]
    largest = [float(each.max()) if np.isfinite(each).all() else float("inf") for each in off]
    ours, theirs = (_decode(fields, metadata) for fields in (found, expected))
    shift, same = _match(ours, theirs)
    return Difference(
        heatmaps=largest[0],
        pafs=largest[1],
        mean=max(float(each.mean()) for each in off),
        pixels=shift,
        people=(len(theirs), len(ours)),
        same_keypoints=same,
    )


def _decode(fields: Fields, metadata: ModelMetadata) -> Poses:
    return decode(
        np.nan_to_num(fields.heatmaps[0]),
        np.nan_to_num(fields.pafs[0]),
        metadata.skeleton,
        stride=metadata.input.stride,
        paf_geometry=metadata.paf_geometry,
        prior=metadata.prior,
        scorer=metadata.scorer,
        errors=metadata.errors,
    )


def _match(found: Poses, expected: Poses) -> tuple[float, bool]:
    """Largest shift of keypoints that both have, and are people and keypoints the same? Each is the nearest's."""
    same, shift = len(found) == len(expected), 0.0
    left = list(found.keypoints)
    for wanted in expected.keypoints:
        if not left:
            return shift, False
        away = [_measure_shifts(other, wanted) for other in left]
        nearest = int(np.argmin([shifts.mean() if shifts.size else np.inf for shifts in away]))
        other = left.pop(nearest)
        same &= bool(np.array_equal(np.isnan(other), np.isnan(wanted)))
        shift = max(shift, float(away[nearest].max(initial=0)))
    return shift, same


def _measure_shifts(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of the keypoints that both have, in pixels."""
    distances = np.linalg.norm(one - other, axis=-1)
    return np.asarray(distances[~np.isnan(distances)], np.float32)


def list_faults(differences: dict[str, Difference], limits: Limits) -> list[str]:
    """What is too far, in words; empty if nothing is."""
    return [
        f"{name}: heatmaps differ by {one.heatmaps:.2g} (allowed {limits.heatmaps:g}), pafs by {one.pafs:.2g} "
        f"({limits.pafs:g}), on average {one.mean:.2g} ({limits.mean:g}), keypoints move {one.pixels:.2g} px "
        f"({limits.pixels:g}), {one.people[1]} people where {one.people[0]} were expected"
        + ("" if one.same_keypoints else "; not the same people with the same keypoints")
        for name, one in differences.items()
        if one.exceeds(limits)
    ]


def largest(differences: Sequence[Difference]) -> Difference:
    """The worst of all in everything."""
    return Difference(
        heatmaps=max(one.heatmaps for one in differences),
        pafs=max(one.pafs for one in differences),
        mean=max(one.mean for one in differences),
        pixels=max(one.pixels for one in differences),
        people=next((one.people for one in differences if one.people[0] != one.people[1]), differences[0].people),
        same_keypoints=all(one.same_keypoints for one in differences),
    )
