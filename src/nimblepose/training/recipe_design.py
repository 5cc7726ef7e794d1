"""A recipe that fits a set of annotated pictures, every choice with its reason."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import yaml

from nimblepose.core.geometry import Size
from nimblepose.core.skeleton import Skeleton
from nimblepose.data.augment import find_unpaired_sides
from nimblepose.data.subjects import Subjects
from nimblepose.training.recipe_choice import Choice
from nimblepose.training.recipe_learning import choose_learning

_STRIDE = 8
_CELLS = 1.5  # between neighbouring keypoints
_LEAST_SIZE = 96  # input pixels of a subject's longer side: 12 cells, or AP at its strict thresholds suffers
_HEIGHTS = (128, 640)
_ENLARGED = 2.0  # times a picture may be: what was never in it cannot be seen
_MOST_PIXELS = 420_000  # of the input: more is slow
_SAMPLES = (192, 448)  # sides of samples, in input pixels
_ROOM = 1.4  # of a sample's side over the largest subjects, so that they turn and move in it
_MANY_SIZES = 6.0  # times that the largest subjects are larger than the smallest, in one set
_SCALE = (0.8, 1.25)
_UPRIGHT = 35.0  # degrees that directions spread, up to which animals lie one way


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a recipe is chosen by."""

    train: Subjects
    skeleton: Skeleton


def design_recipe(facts: Facts) -> list[Choice]:
    """Choose what depends on the data; what does not is as in the examples.

    Args:
        facts: At least one labelled subject.
    """
    height, why_height = _choose_height(facts.train)
    framing = _frame(facts.train, height)
    size: Size = framing["data.size"].value
    rotation, why_rotation = _choose_rotation(facts.train)
    flip, why_flip = _choose_flip(facts.skeleton)
    return [
        *framing.values(),
        Choice("augment.rotation", rotation, why_rotation),
        Choice("augment.flip", flip, why_flip),
        Choice("augment.colour", 0.15, "light and cameras differ a little"),
        Choice("centres.min_keypoints", 1, "everybody who is labelled is the centre of a sample"),
        Choice("centres.min_area", 0, "however small"),
        Choice("encode.overlap", "max", "near keypoints stay two peaks"),
        Choice("encode.paf_geometry", "centre", "limbs lie where they are drawn"),
        *choose_learning(facts.train.pictures, size),
        Choice("validation.height", height, why_height),
    ]


def _choose_height(subjects: Subjects) -> tuple[int, str]:
    """Input height of the pictures, in multiples of the stride."""
    a, b, near = subjects.nearest
    typical = float(np.median(subjects.sizes))
    apart = 0.0 if math.isnan(near) or not near else _CELLS * _STRIDE / near
    wanted = max(apart, _LEAST_SIZE / max(typical, 1e-6), _HEIGHTS[0])
    aspect = subjects.size[1] / subjects.size[0]
    most = min(_HEIGHTS[1], _ENLARGED * subjects.size[0], math.sqrt(_MOST_PIXELS / aspect))
    height = int(min(wanted, most) // -_STRIDE * -_STRIDE)
    cells = near * height / _STRIDE
    distance = f"{a} and {b}, the nearest keypoints, then lie {cells:.1f} cells of {_STRIDE} pixels apart"
    if math.isnan(cells):
        distance = "no two keypoints are labelled together, so nobody knows how near they lie"
    elif cells < _CELLS - 0.05:
        distance += f"; {_CELLS} would take {wanted:.0f}, which is more than pictures give"
    return height, f"{distance}; subjects are {typical * height:.0f} pixels long. The model carries this height"


def _frame(subjects: Subjects, height: int) -> dict[str, Choice]:
    """How samples are cut out of pictures."""
    low, typical, high = (np.percentile(subjects.sizes, [5, 50, 95]) * height).tolist()
    width = round(height * subjects.size[1] / subjects.size[0] / _STRIDE) * _STRIDE
    seen = f"at this height subjects are {low:.0f} to {high:.0f} pixels long (5 to 95 %)"
    if low and high / low > _MANY_SIZES:
        side = _round_side(min(high, _SAMPLES[1]) * _ROOM)
        scale = [round(low / high, 2), 1.0]
        return _list_framing(
            (side, side),
            f"{seen}",
            centre=("person", "one sample of every subject"),
            relative_to=("side", "sizes differ so much that each is seen in all of them; a box's height says little"),
            fill=(round(min(high, side / _ROOM) / side, 3), "of the longer side over that of the sample"),
            scale=(scale, "from the smallest to the largest"),
            shift=round(0.1 * side),
        )
    side = _round_side(high * _SCALE[1] * _ROOM)
    if side >= 0.8 * min(height, width) and max(height, width) <= _SAMPLES[1]:
        return _list_framing(
            (height, max(width, _STRIDE)),
            f"the whole picture: {seen}",
            centre=("picture", "subjects fill most of it"),
            relative_to=("picture", "in training subjects are as large as they will be"),
            fill=(1.0, "as it will be seen"),
            scale=([_SCALE[0], _enlarge_within(height, high)], "smaller, and larger as far as they stay whole"),
            shift=round(0.1 * min(height, width)),
        )
    return _list_framing(
        (side, side),
        f"{seen}; a sample holds them with room to turn",
        centre=("person", "subjects are small in their pictures: samples are cut out around them"),
        relative_to=("picture", "in training subjects are as large as they will be, whichever way they lie"),
        fill=(round(height / side, 4), f"pictures are {height} pixels high, then"),
        scale=([_SCALE[0], _enlarge_within(side, high)], "smaller, and larger as far as they stay whole"),
        shift=max(16, round((side - typical) / 2)),
    )


def _list_framing(
    size: Size,
    why: str,
    *,
    centre: tuple[str, str],
    relative_to: tuple[str, str],
    fill: tuple[float, str],
    scale: tuple[list[float], str],
    shift: int,
) -> dict[str, Choice]:
    choices = [
        Choice("data.size", size, why),
        Choice("augment.centre", *centre),
        Choice("augment.relative_to", *relative_to),
        Choice("augment.fill", *fill),
        Choice("augment.scale", *scale),
        Choice("augment.shift", shift, "input pixels: subjects, and what is around them, are anywhere"),
    ]
    return {choice.key: choice for choice in choices}


def _enlarge_within(side: int, high: float) -> float:
    """The largest scale at which the largest subjects are not cut; at least 1."""
    return float(np.clip(math.floor(20 * side / high) / 20, 1.0, _SCALE[1])) if high else _SCALE[1]


def _round_side(pixels: float) -> int:
    return int(np.clip(math.ceil(pixels / 32) * 32, *_SAMPLES))


def _choose_rotation(subjects: Subjects) -> tuple[int, str]:
    a, b, degrees = subjects.spread
    if math.isinf(degrees):
        return 180, "directions from keypoint to keypoint say nothing: subjects may lie any way round"
    if degrees > _UPRIGHT:
        return 180, f"from {a} to {b} directions spread by {degrees:.0f} degrees: subjects lie any way round"
    turned = int(np.clip(round(2 * degrees / 5) * 5, 15, 60))
    return turned, f"from {a} to {b} directions spread by {degrees:.0f} degrees: subjects lie one way, and stay so"


def _choose_flip(skeleton: Skeleton) -> tuple[float, str]:
    if skeleton.mirror_pairs and not find_unpaired_sides(skeleton):
        return 0.5, "mirrored samples exchange " + ", ".join(f"{a} and {b}" for a, b in skeleton.mirror_pairs)
    return 0.0, "no mirror pairs: a mirrored subject might be another one"


def write_recipe(name: str, sets: Mapping[str, str], choices: list[Choice], *, licence: str = "unknown") -> str:
    """YAML text, one line for every choice with its reason as a comment.

    Args:
        name: Of the run.
        sets: Dotted keys of files and folders, `data.annotations` among them, with their paths as written.
        choices: What was chosen.
        licence: Of the weights.
    """
    tree: dict[str, Any] = {}
    reasons = {choice.key: choice.reason for choice in choices}
    for key, value in [*sets.items(), *((choice.key, choice.value) for choice in choices)]:
        path = key.split(".")
        place = tree
        for part in path[:-1]:
            place = place.setdefault(part, {})
        place[path[-1]] = value
    lines = [f"name: {write_value(name)}"]
    for key, value in tree.items():
        if not isinstance(value, dict):
            lines.append(_comment(f"{key}: {write_value(value)}", reasons.get(key)))
            continue
        lines.append(f"{key}:")
        lines += [_comment(f"  {k}: {write_value(v)}", reasons.get(f"{key}.{k}")) for k, v in value.items()]
    return "\n".join([*lines, f"licence: {write_value(licence)}", ""])


def _comment(line: str, reason: str | None) -> str:
    return f"{line}  # {reason}" if reason else line


def write_value(value: Any) -> str:
    """A value in one line of YAML."""
    plain = list(value) if isinstance(value, tuple) else value
    text: str = yaml.safe_dump(plain, default_flow_style=True, width=1_000_000, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("...").rstrip("\n")
