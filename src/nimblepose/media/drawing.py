"""Picture + Poses -> new picture."""

import colorsys
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import Skeleton
from nimblepose.media.pictures import Picture, read_picture

Colour = tuple[int, int, int]
_SHIFT = 4  # OpenCV draws at 1/16 pixel
_OUTLINE = (20, 20, 20)
_FAR = 1e6  # pixels; beyond any picture, within what OpenCV's fixed point holds
_GOLDEN_ANGLE = 0.381966  # of a turn: neighbouring people get distant hues, however many there are


@dataclass(frozen=True, kw_only=True)
class DrawOptions:
    """How people are drawn; widths follow the size of each person, so that a crowd stays readable."""

    colour_by: Literal["limb", "person"] = "limb"
    show_scores: bool = False
    min_keypoint_score: float = 0.0  # leave out keypoints below it
    line_width: float = 0.016  # of a person's size, the diagonal of the box
    max_line_width: float = 0.012  # of the picture's smaller side; at least 1 pixel is drawn


def draw_poses(picture: Picture, poses: Poses, options: DrawOptions = DrawOptions()) -> Picture:
    """A copy of the picture with everybody in it drawn, the best on top; keypoints not found are left out.

    Args:
        picture: (H, W, 3) uint8 RGB.
        poses: People in pixels of this picture.
        options: Colours and widths.
    """
    canvas = read_picture(picture).copy()
    limb_colours = limb_palette(poses.skeleton)
    visible = poses.found & (poses.keypoint_scores >= options.min_keypoint_score)
    size = np.hypot(*np.nan_to_num(poses.boxes[:, 2:]).T)
    widest = options.max_line_width * min(canvas.shape[:2])
    for i in reversed(range(len(poses))):
        width = max(1, round(min(options.line_width * float(size[i]), widest)))
        same = person_colour(i if poses.track_ids is None else int(poses.track_ids[i]))
        colours = [same] * len(limb_colours) if options.colour_by == "person" else limb_colours
        _draw_person(canvas, poses.skeleton, poses.keypoints[i], visible[i], colours, same, width)
    if options.show_scores:
        for i in range(len(poses)):
            _label(canvas, f"{poses.scores[i]:.2f}", poses.boxes[i])
    return canvas


def limb_palette(skeleton: Skeleton) -> list[Colour]:
    """One colour per limb, around the colour wheel in the order of the limbs.

    >>> from nimblepose.core.skeleton import HUMAN_18
    >>> len(set(limb_palette(HUMAN_18))) == len(HUMAN_18.limbs)
    True
    """
    return [_hue(i / max(1, len(skeleton.limbs))) for i in range(len(skeleton.limbs))]


def person_colour(identity: int) -> Colour:
    """The colour of a person or track id; the same id always has the same."""
    return _hue(identity * _GOLDEN_ANGLE)


def _hue(turn: float) -> Colour:
    red, green, blue = colorsys.hsv_to_rgb(turn % 1, 0.82, 1.0)
    return round(255 * red), round(255 * green), round(255 * blue)


def _draw_person(
    canvas: Picture,
    skeleton: Skeleton,
    keypoints: NDArray[np.float32],
    visible: NDArray[np.bool_],
    limb_colours: list[Colour],
    lone_colour: Colour,
    width: int,
) -> None:
    """Outlines first, then limbs, then dots, so that no dark edge cuts through a joint."""
    points = [_fixed(xy) if seen else (0, 0) for xy, seen in zip(keypoints, visible, strict=True)]
    limbs = [(int(a), int(b), c) for (a, b), c in zip(skeleton.limb_indices, limb_colours, strict=True)]
    limbs = [(a, b, colour) for a, b, colour in limbs if visible[a] and visible[b]]
    dot_colours: dict[int, Colour] = dict.fromkeys(np.flatnonzero(visible).tolist(), lone_colour)
    dot_colours |= {k: colour for a, b, colour in reversed(limbs) for k in (a, b)}  # of the first limb that ends there
    radius = round((0.5 + width) * 2**_SHIFT)
    edge = 0 if width == 1 else max(1, round(width / 4))  # small people would drown in dark edges
    for a, b, _ in limbs:
        cv2.line(canvas, points[a], points[b], _OUTLINE, width + 2 * edge, cv2.LINE_AA, _SHIFT)
    for k in dot_colours:
        cv2.circle(canvas, points[k], radius + (edge << _SHIFT), _OUTLINE, cv2.FILLED, cv2.LINE_AA, _SHIFT)
    for a, b, colour in limbs:
        cv2.line(canvas, points[a], points[b], colour, width, cv2.LINE_AA, _SHIFT)
    for k, colour in dot_colours.items():
        cv2.circle(canvas, points[k], radius, colour, cv2.FILLED, cv2.LINE_AA, _SHIFT)


def _fixed(xy: NDArray[np.float32]) -> tuple[int, int]:
    x, y = np.rint(np.clip(xy, -_FAR, _FAR).astype(np.float64) * 2**_SHIFT).astype(int).tolist()
    return x, y


def _label(canvas: Picture, text: str, box: NDArray[np.float32]) -> None:
    """Small text above a box, light on dark, kept inside the picture."""
    if np.isnan(box).any():
        return
    scale = max(0.35, min(canvas.shape[:2]) / 1200)
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
    x = int(np.clip(box[0], 0, max(0, canvas.shape[1] - width - 4)))
    y = int(np.clip(box[1] - 6, height + 4, max(height + 4, canvas.shape[0] - 4)))
    cv2.rectangle(canvas, (x, y - height - 3), (x + width + 4, y + 3), _OUTLINE, cv2.FILLED)
    cv2.putText(canvas, text, (x + 2, y), cv2.FONT_HERSHEY_SIMPLEX, scale, (255, 255, 255), 1, cv2.LINE_AA)
