"""Picture + Poses -> new picture."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from nimblepose.core.heads import gather_heads
from nimblepose.core.palette import Colour, choose_person_colour, make_limb_palette
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import Skeleton
from nimblepose.drawing.faces import blur_heads
from nimblepose.drawing.trails import Trails
from nimblepose.media.pictures import Picture, read_picture

__all__ = ["PLAIN", "DrawOptions", "choose_person_colour", "draw_poses", "make_limb_palette"]

_SHIFT = 4  # OpenCV draws at 1/16 pixel
_OUTLINE = (20, 20, 20)
_LOOK = (255, 255, 255)
_FAR = 1e6  # pixels; beyond any picture, within what OpenCV's fixed point holds
_TRAIL_BREAK = 0.4  # seconds; over a longer absence no line is drawn, nobody saw that way


@dataclass(frozen=True, kw_only=True)
class DrawOptions:
    """How people are drawn; widths follow the size of each person, so that a crowd stays readable."""

    colour_by: Literal["limb", "person"] = "limb"
    show_skeletons: bool = True
    show_scores: bool = False
    show_ids: bool = False  # the identities, of people who have them
    show_boxes: bool = False
    show_looks: bool = False  # the parts of the picture that were looked at again, `Poses.looks`
    blur_faces: bool = False  # make heads unrecognisable: `Poses.heads`, and those of the people drawn
    min_keypoint_score: float = 0.0  # leave out keypoints below it
    line_width: float = 0.016  # of a person's size, the diagonal of the box
    max_line_width: float = 0.012  # of the picture's smaller side; at least 1 pixel is drawn
    dot_size: float = 1.0  # radius of a keypoint's dot in line widths


PLAIN = DrawOptions()


def draw_poses(
    picture: Picture,
    poses: Poses,
    options: DrawOptions = PLAIN,
    *,
    trails: Trails | None = None,
    pixel_aspect: float = 1.0,
) -> Picture:
    """A copy of the picture with everybody drawn, the best on top; keypoints not found are left out, guesses thin.

    Args:
        picture: (H, W, 3) uint8 RGB.
        poses: People in pixels of this picture.
        options: Colours, widths, and what is drawn.
        trails: Where people came from, drawn below them; see `Trails.extend`.
        pixel_aspect: Width over height of the picture's pixels as they are shown: heads are round there.
    """
    canvas = read_picture(picture).copy()
    boxes = poses.boxes
    if options.blur_faces:
        blur_heads(canvas, gather_heads(poses, pixel_aspect=pixel_aspect))
    if options.show_looks and poses.looks is not None:
        for look in poses.looks:
            _draw_look(canvas, look)
    size = np.hypot(*np.nan_to_num(boxes[:, 2:]).T)
    widest = options.max_line_width * min(canvas.shape[:2])
    widths = [max(1, round(min(options.line_width * float(s), widest))) for s in size]
    people = list(range(len(poses))) if poses.track_ids is None else poses.track_ids.tolist()
    if trails is not None:
        known = dict(zip(people, widths, strict=True))
        for person, way in trails.points.items():
            _draw_trail(canvas, way, choose_person_colour(person), known.get(person, 1))
    limb_colours = make_limb_palette(poses.skeleton)
    visible = poses.found & (poses.keypoint_scores >= options.min_keypoint_score)
    seen = visible & poses.seen  # the others are guesses: drawn thin
    for i in reversed(range(len(poses))):
        own = choose_person_colour(people[i])
        if options.show_boxes:
            _draw_box(canvas, boxes[i], own, widths[i])
        if options.show_skeletons:
            colours = [own] * len(limb_colours) if options.colour_by == "person" else limb_colours
            radius = 0.5 + options.dot_size * widths[i]
            if (visible[i] & ~seen[i]).any():
                thin = max(1, widths[i] // 3)
                _draw_person(canvas, poses.skeleton, poses.keypoints[i], visible[i], colours, own, thin, radius / 2)
            _draw_person(canvas, poses.skeleton, poses.keypoints[i], seen[i], colours, own, widths[i], radius)
    show_ids = options.show_ids and poses.track_ids is not None
    if show_ids or options.show_scores:
        for i in range(len(poses)):
            texts = ([f"#{people[i]}"] if show_ids else []) + (
                [f"{poses.scores[i]:.2f}"] if options.show_scores else []
            )
            _draw_label(canvas, " ".join(texts), boxes[i], choose_person_colour(people[i]) if show_ids else None)
    return canvas


def _draw_person(
    canvas: Picture,
    skeleton: Skeleton,
    keypoints: NDArray[np.float32],
    visible: NDArray[np.bool_],
    limb_colours: list[Colour],
    lone_colour: Colour,
    width: int,
    radius: float,
) -> None:
    """Outlines first, then limbs, then dots, so that no dark edge cuts through a joint."""
    points = [_to_fixed_point(xy) if seen else (0, 0) for xy, seen in zip(keypoints, visible, strict=True)]
    limbs = [(int(a), int(b), c) for (a, b), c in zip(skeleton.limb_indices, limb_colours, strict=True)]
    limbs = [(a, b, colour) for a, b, colour in limbs if visible[a] and visible[b]]
    dot_colours: dict[int, Colour] = dict.fromkeys(np.flatnonzero(visible).tolist(), lone_colour)
    dot_colours |= {k: colour for a, b, colour in reversed(limbs) for k in (a, b)}  # of the first limb that ends there
    fixed_radius = round(radius * 2**_SHIFT)
    edge = 0 if width == 1 else max(1, round(width / 4))  # small people would drown in dark edges
    for a, b, _ in limbs:
        cv2.line(canvas, points[a], points[b], _OUTLINE, width + 2 * edge, cv2.LINE_AA, _SHIFT)
    for k in dot_colours:
        cv2.circle(canvas, points[k], fixed_radius + (edge << _SHIFT), _OUTLINE, cv2.FILLED, cv2.LINE_AA, _SHIFT)
    for a, b, colour in limbs:
        cv2.line(canvas, points[a], points[b], colour, width, cv2.LINE_AA, _SHIFT)
    for k, colour in dot_colours.items():
        cv2.circle(canvas, points[k], fixed_radius, colour, cv2.FILLED, cv2.LINE_AA, _SHIFT)


def _draw_trail(canvas: Picture, way: NDArray[np.float64], colour: Colour, width: int) -> None:
    """A line that grows from thin to the person's own width, towards now."""
    points = [_to_fixed_point(xy) for xy in way[:, 1:]]
    for i in np.flatnonzero(np.diff(way[:, 0]) <= _TRAIL_BREAK).tolist():
        thickness = max(1, round(width * (i + 1) / len(way)))
        cv2.line(canvas, points[i], points[i + 1], colour, thickness, cv2.LINE_AA, _SHIFT)


def _draw_box(canvas: Picture, box: NDArray[np.float32], colour: Colour, width: int) -> None:
    if np.isnan(box).any():
        return
    corners = _to_fixed_point(box[:2]), _to_fixed_point(box[:2] + box[2:])
    cv2.rectangle(canvas, *corners, colour, max(1, width // 2), cv2.LINE_AA, _SHIFT)


def _draw_look(canvas: Picture, look: NDArray[np.float32]) -> None:
    """The pixels just inside of a look, which is counted from the corner of the first one."""
    left, top = np.rint(look[:2]).astype(int).tolist()
    right, bottom = np.rint(look[:2] + look[2:]).astype(int).tolist()
    width = max(1, round(min(canvas.shape[:2]) / 300))
    for colour, inner in ((_OUTLINE, 0), (_LOOK, width)):
        corners = (left + inner, top + inner), (right - 1 - inner, bottom - 1 - inner)
        cv2.rectangle(canvas, *corners, colour, width)


def _to_fixed_point(xy: NDArray[np.floating]) -> tuple[int, int]:
    x, y = np.rint(np.clip(xy, -_FAR, _FAR).astype(np.float64) * 2**_SHIFT).astype(int).tolist()
    return x, y


def _draw_label(canvas: Picture, text: str, box: NDArray[np.float32], colour: Colour | None) -> None:
    """Small text above a box, light on dark or dark on the colour, kept inside the picture."""
    if np.isnan(box).any():
        return
    scale = max(0.35, min(canvas.shape[:2]) / 1200)
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
    x = int(np.clip(box[0], 0, max(0, canvas.shape[1] - width - 4)))
    y = int(np.clip(box[1] - 6, height + 4, max(height + 4, canvas.shape[0] - 4)))
    cv2.rectangle(canvas, (x, y - height - 3), (x + width + 4, y + 3), colour or _OUTLINE, cv2.FILLED)
    ink = (255, 255, 255) if colour is None else (0, 0, 0)
    cv2.putText(canvas, text, (x + 2, y), cv2.FONT_HERSHEY_SIMPLEX, scale, ink, 1, cv2.LINE_AA)
