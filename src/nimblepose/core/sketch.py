"""What notebooks show of people: a table, and the bodies without the picture, in one piece of HTML."""

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from nimblepose.core.body import list_body_limbs
from nimblepose.core.palette import choose_person_colour, make_limb_palette

if TYPE_CHECKING:
    from nimblepose.core.poses import Poses

_MOST = 20  # people; more are counted
_HEIGHT, _WIDTH = 220, 460  # CSS pixels that the sketch has at most
_CELL = "padding:2px 10px;text-align:right"


def tabulate(poses: "Poses") -> str:
    """HTML that needs nothing else: bodies as SVG, and a row per person."""
    people = len(poses)
    count = f"{people} {'person' if people == 1 else 'people'}, {escape(poses.skeleton.name)}"
    if not people:
        return f"<div>{count}</div>"
    shown = poses[:_MOST]
    ids: Iterable[int] = range(len(shown)) if shown.track_ids is None else shown.track_ids.tolist()
    first = "" if poses.track_ids is None else "id"
    rows = [_start_row(first, "score", "keypoints", "x", "y", "width", "height", tag="th")]
    for who, score, found, box in zip(ids, shown.scores, shown.found, shown.boxes, strict=True):
        places = ["" if np.isnan(v) else f"{v:.0f}" for v in box]
        rows.append(_start_row(str(who), f"{score:.2f}", f"{found.sum()} of {len(found)}", *places, tag="td"))
    rest = f"<div>and {people - _MOST} more</div>" if people > _MOST else ""
    table = f'<table style="border-collapse:collapse;font-size:12px">{"".join(rows)}</table>'
    return (
        f'<div style="display:flex;gap:16px;align-items:flex-start;flex-wrap:wrap">{sketch(shown)}'
        f"<div><div>{count}</div>{table}{rest}</div></div>"
    )


def sketch(poses: "Poses") -> str:
    """The bodies as SVG, on the dark, within their own bounds; nothing where no keypoint was found."""
    points = poses.keypoints[poses.found]
    if not len(points):
        return ""
    low, high = points.min(axis=0).astype(float), points.max(axis=0).astype(float)
    size = max(float((high - low).max()), 1.0)
    left, top = low - 0.06 * size
    width, height = high - low + 0.12 * size
    scale = min(_HEIGHT / height, _WIDTH / width)
    unit = 1 / scale  # one CSS pixel
    colours, body = make_limb_palette(poses.skeleton), list_body_limbs(poses.skeleton)
    lines = []
    for i in reversed(range(len(poses))):
        for limb, (a, b) in enumerate(poses.skeleton.limb_indices.tolist()):
            if limb not in body or not (poses.found[i, a] and poses.found[i, b]):
                continue
            (x1, y1), (x2, y2) = poses.keypoints[i, [a, b]].tolist()
            red, green, blue = colours[limb]
            lines.append(
                f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="rgb({red},{green},{blue})" '
                f'stroke-width="{3 * unit:.2f}" stroke-linecap="round"/>'
            )
        own = (
            "#fff"
            if poses.track_ids is None
            else "rgb({},{},{})".format(*choose_person_colour(int(poses.track_ids[i])))
        )
        lines += [
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{2 * unit:.2f}" fill="{own}"/>'
            for x, y in poses.keypoints[i][poses.found[i]].tolist()
        ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width * scale:.0f}" height="{height * scale:.0f}" '
        f'viewBox="{left:.1f} {top:.1f} {width:.1f} {height:.1f}" style="background:#181818;border-radius:4px">'
        f"{''.join(lines)}</svg>"
    )


def _start_row(*cells: str, tag: str) -> str:
    return "<tr>" + "".join(f'<{tag} style="{_CELL}">{escape(cell)}</{tag}>' for cell in cells) + "</tr>"
