"""Picture + Poses -> new picture."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from nimblepose.core.body import list_body_limbs
from nimblepose.core.heads import gather_heads
from nimblepose.core.palette import Colour, choose_person_colour, make_limb_palette
from nimblepose.core.poses import Poses
from nimblepose.drawing.faces import blur_heads
from nimblepose.drawing.labels import draw_label, measure_bodies
from nimblepose.drawing.sticks import draw_dot, draw_frame, draw_ring, draw_stick
from nimblepose.drawing.trails import Trails
from nimblepose.media.pictures import Picture, read_picture

__all__ = ["PLAIN", "DrawOptions", "choose_person_colour", "draw_poses", "make_limb_palette"]

_OUTLINE = (20, 20, 20)
_LOOK = (255, 255, 255)
_ERROR = (255, 255, 255)
_TRAIL_BREAK = 0.4  # seconds; over a longer absence no line is drawn, nobody saw that way


@dataclass(frozen=True, kw_only=True)
class DrawOptions:
    """How people are drawn; widths follow the size of each person, so that a crowd stays readable."""

    colour_by: Literal["limb", "person"] = "limb"
    show_skeletons: bool = True
    all_limbs: bool = False  # those too that only help to group keypoints, from ears to shoulders
    show_scores: bool = False
    show_ids: bool = False  # the identities, of people who have them
    show_boxes: bool = False
    show_errors: bool = False  # circles of one standard deviation around keypoints, `Poses.keypoint_errors`
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
    if options.blur_faces:
        blur_heads(canvas, gather_heads(poses, pixel_aspect=pixel_aspect))
    if options.show_looks and poses.looks is not None:
        for look in poses.looks:
            _draw_look(canvas, look)
    size = np.hypot(*np.nan_to_num(poses.boxes[:, 2:]).T)
    widest = options.max_line_width * min(canvas.shape[:2])
    widths = [max(1.0, min(options.line_width * float(s), widest)) for s in size]
    show_ids = options.show_ids and poses.track_ids is not None
    labelled = show_ids or options.show_scores
    bodies = measure_bodies(poses) if labelled or options.show_boxes else poses.boxes
    people = list(range(len(poses))) if poses.track_ids is None else poses.track_ids.tolist()
    if trails is not None:
        known = dict(zip(people, widths, strict=True))
        for person, way in trails.points.items():
            _draw_trail(canvas, way, choose_person_colour(person), known.get(person, 1.0))
    limb_colours = make_limb_palette(poses.skeleton)
    drawn = frozenset(range(len(limb_colours))) if options.all_limbs else list_body_limbs(poses.skeleton)
    visible = poses.found & (poses.keypoint_scores >= options.min_keypoint_score)
    seen = visible & poses.seen  # the others are guesses: drawn thin
    for i in reversed(range(len(poses))):
        own = choose_person_colour(people[i])
        if options.show_boxes:
            _draw_box(canvas, bodies[i], own, widths[i])
        if options.show_skeletons:
            colours = [own] * len(limb_colours) if options.colour_by == "person" else limb_colours
            limbs = [(*poses.skeleton.limb_indices[k].tolist(), colours[k]) for k in sorted(drawn)]
            radius = 0.5 + options.dot_size * widths[i]
            if (visible[i] & ~seen[i]).any():
                thin = max(1.0, widths[i] / 3)
                _draw_person(canvas, poses.keypoints[i], visible[i], limbs, own, thin, radius / 2)
            _draw_person(canvas, poses.keypoints[i], seen[i], limbs, own, widths[i], radius)
        if options.show_errors and poses.keypoint_errors is not None:
            _draw_errors(canvas, poses.keypoints[i][seen[i]], poses.keypoint_errors[i][seen[i]], widths[i])
    if labelled:
        for i in range(len(poses)):
            texts: list[tuple[str, Colour | None]] = []
            if show_ids:
                texts.append((f"#{people[i]}", choose_person_colour(people[i])))
            if options.show_scores:
                texts.append((f"{poses.scores[i]:.2f}", None))
            draw_label(canvas, texts, bodies[i])
    return canvas


def _draw_person(
    canvas: Picture,
    keypoints: NDArray[np.float32],
    visible: NDArray[np.bool_],
    limbs: list[tuple[int, int, Colour]],
    lone_colour: Colour,
    width: float,
    radius: float,
) -> None:
    """Outlines first, then limbs, then dots, so that no dark edge cuts through a joint."""
    limbs = [(a, b, colour) for a, b, colour in limbs if visible[a] and visible[b]]
    dot_colours: dict[int, Colour] = dict.fromkeys(np.flatnonzero(visible).tolist(), lone_colour)
    dot_colours |= {k: colour for a, b, colour in reversed(limbs) for k in (a, b)}  # of the first limb that ends there
    edge = min(width / 4, (width - 1) / 2)  # small people would drown in dark edges
    for a, b, _ in limbs:
        draw_stick(canvas, keypoints[a], keypoints[b], width + 2 * edge, _OUTLINE, round_ends=False)
    for k in dot_colours:
        draw_dot(canvas, keypoints[k], radius + edge, _OUTLINE)
    for a, b, colour in limbs:
        draw_stick(canvas, keypoints[a], keypoints[b], width, colour, round_ends=False)
    for k, colour in dot_colours.items():
        draw_dot(canvas, keypoints[k], radius, colour)


def _draw_errors(canvas: Picture, keypoints: NDArray[np.float32], errors: NDArray[np.float32], width: float) -> None:
    """White circles with a dark edge; where the error is not known there is none."""
    line = max(1, round(width / 4))
    for k in np.flatnonzero(~np.isnan(errors)).tolist():
        draw_ring(canvas, keypoints[k], float(errors[k]), line + 2, _OUTLINE)
        draw_ring(canvas, keypoints[k], float(errors[k]), line, _ERROR)


def _draw_trail(canvas: Picture, way: NDArray[np.float64], colour: Colour, width: float) -> None:
    """A line that grows from thin to the person's own width, towards now."""
    points = way[:, 1:]
    for i in np.flatnonzero(np.diff(way[:, 0]) <= _TRAIL_BREAK).tolist():
        draw_stick(canvas, points[i], points[i + 1], width * (i + 1) / len(way), colour)


def _draw_box(canvas: Picture, box: NDArray[np.float32], colour: Colour, width: float) -> None:
    if not np.isnan(box).any():
        draw_frame(canvas, box, width / 2, colour)


def _draw_look(canvas: Picture, look: NDArray[np.float32]) -> None:
    """The pixels just inside of a look, which is counted from the corner of the first one."""
    left, top = np.rint(look[:2]).astype(int).tolist()
    right, bottom = np.rint(look[:2] + look[2:]).astype(int).tolist()
    width = max(1, round(min(canvas.shape[:2]) / 300))
    for colour, inner in ((_OUTLINE, 0), (_LOOK, width)):
        corners = (left + inner, top + inner), (right - 1 - inner, bottom - 1 - inner)
        cv2.rectangle(canvas, *corners, colour, width)
