"""Figures in the frame: ways, heat, and single poses, as SVG in pixels of the frame."""

import base64
import math
from collections.abc import Iterable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from nimblepose.core.geometry import Size
from nimblepose.core.skeleton import Skeleton
from nimblepose.media.encoding import encode_picture
from nimblepose.media.pictures import Picture
from nimblepose.report.charts import choose_hue
from nimblepose.report.text import escape

Way = tuple[int, Sequence[tuple[float, float, float]]]
"""Identity, and its times and places: seconds, x, y in pixels."""

_HEAT_COLOUR = (226, 88, 34)  # RGB; seen on light, on dark and on pictures
_MARGIN = 0.12  # around a pose, of its size
_JPEG_SIDE = 960  # pixels; larger stills would make the page too large for a mail


def draw_ways(ways: Iterable[Way], size: Size, *, gap: float, still: str, said: str) -> str:
    """Lines from a ring, where somebody was first, to a dot with the identity, where last.

    Args:
        ways: Of everybody who is drawn.
        size: (height, width) of the frame in pixels.
        gap: Seconds; over a longer absence no line is drawn, nobody saw that way.
        still: Address of the picture below, `data:...`; "" for an empty frame.
        said: The figure in words.
    """
    height, width = size
    dot = max(size) / 140
    lines, marks = [], []
    for identity, way in ways:
        if not way:
            continue
        parts, last = [], -math.inf
        for time, x, y in way:
            parts.append(f"{'M' if time - last > gap else 'L'}{x:.0f} {y:.0f}")
            last = time
        hue = f'style="--h:{choose_hue(identity)}"'
        (_, x, y), (_, to_x, to_y) = way[0], way[-1]
        lines.append(f'<path class="way" {hue} d="{"".join(parts)}"/>')
        anchor = "end" if to_x > 0.85 * width else "start"
        label_x = to_x + (-2 * dot if anchor == "end" else 2 * dot)
        marks.append(
            f'<g {hue}><circle class="ring" cx="{x:.0f}" cy="{y:.0f}" r="{dot:.1f}"/>'
            f'<circle class="dot" cx="{to_x:.0f}" cy="{to_y:.0f}" r="{dot:.1f}"/>'
            f'<text x="{label_x:.0f}" y="{to_y - dot:.0f}" text-anchor="{anchor}" '
            f'font-size="{max(size) / 26:.1f}">#{identity}</text></g>'
        )
    return (
        f'<svg class="frame" viewBox="0 0 {width} {height}" style="--aspect:{width / height:.4f}" role="img" '
        f'aria-label="{escape(said)}">'
        f'{_lay_below(still, size)}{"".join(lines)}{"".join(marks)}<g class="now" data-r="{1.4 * dot:.1f}"></g></svg>'
    )


def draw_heat(heat: NDArray[np.float64], size: Size, *, still: str, said: str) -> str:
    """Where everybody was: the stronger the colour, the longer.

    Args:
        heat: (rows, columns) counts over the frame.
        size: (height, width) of the frame in pixels.
        still: As of `draw_ways`.
        said: The figure in words.
    """
    height, width = size
    return (
        f'<svg class="frame" viewBox="0 0 {width} {height}" style="--aspect:{width / height:.4f}" role="img" '
        f'aria-label="{escape(said)}">'
        f'{_lay_below(still, size)}<image width="{width}" height="{height}" preserveAspectRatio="none" '
        f'href="data:image/png;base64,{_encode_heat(heat)}"/></svg>'
    )


def _encode_heat(heat: NDArray[np.float64]) -> str:
    """A PNG of one colour that is the less transparent the longer somebody was there; the root shows what is rare."""
    fine = cv2.resize(heat, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    smooth = np.clip(cv2.GaussianBlur(fine, (0, 0), 3), 0, None)
    alpha = 235 * np.sqrt(smooth / smooth.max()) if smooth.max() > 0 else smooth
    bgra = np.dstack([np.full_like(alpha, channel) for channel in reversed(_HEAT_COLOUR)] + [alpha])
    return base64.b64encode(cv2.imencode(".png", np.rint(bgra).astype(np.uint8))[1].tobytes()).decode()


def describe_heat(heat: NDArray[np.float64]) -> str:
    """The heat in words: in which ninth of the frame most was, and how much.

    >>> describe_heat(np.array([[1.0, 0, 9], [0, 0, 0], [0, 0, 0]]))
    '90 % in the upper right ninth of the frame'
    """
    if heat.sum() == 0:
        return "nobody"
    parts = [[part.sum() for part in np.array_split(row, 3, axis=1)] for row in np.array_split(heat, 3)]
    i, j = divmod(int(np.argmax(parts)), 3)
    name = f"{('upper', 'middle', 'lower')[i]} {('left', 'middle', 'right')[j]}".replace("middle middle", "middle")
    return f"{100 * parts[i][j] / heat.sum():.0f} % in the {name} ninth of the frame"


def draw_pose(
    keypoints: NDArray[np.float32],
    skeleton: Skeleton,
    *,
    said: str,
    shares: NDArray[np.floating] | None = None,
    still: Picture | None = None,
) -> str:
    """One pose alone, as large as there is room.

    Args:
        keypoints: (K, 2) in pixels of the frame; NaN = not found.
        skeleton: Of the K keypoints.
        said: The figure in words.
        shares: (K,) 0 to 1: the larger, the larger the dot; None: all alike.
        still: The picture that it was found in, of which the part around it is laid below; None: nothing.
    """
    found = ~np.isnan(keypoints[:, 0])
    if not found.any():
        return f'<svg class="pose" viewBox="0 0 1 1" role="img" aria-label="{escape(said)}"></svg>'
    low, high = np.nanmin(keypoints, axis=0), np.nanmax(keypoints, axis=0)
    side = max(float((high - low).max()), 1.0) * (1 + 2 * _MARGIN)
    corner = (low + high) / 2 - side / 2
    points = (keypoints - corner) * 100 / side
    limbs = "".join(
        f'<path d="M{points[a, 0]:.1f} {points[a, 1]:.1f}L{points[b, 0]:.1f} {points[b, 1]:.1f}"/>'
        for a, b in skeleton.limb_indices
        if found[a] and found[b]
    )
    radii = np.full(len(points), 2.6) if shares is None else 0.8 + 3 * shares
    dots = "".join(
        f'<circle cx="{points[k, 0]:.1f}" cy="{points[k, 1]:.1f}" r="{radii[k]:.1f}"/>' for k in np.flatnonzero(found)
    )
    below = "" if still is None else _cut_out(still, corner, side)
    return (
        f'<svg class="pose" viewBox="0 0 100 100" role="img" aria-label="{escape(said)}">'
        f'{below}<g class="limbs">{limbs}</g><g class="joints">{dots}</g></svg>'
    )


def _cut_out(picture: Picture, corner: NDArray[np.floating], side: float) -> str:
    """The part of a picture around a pose, small, as an `<image>` of 100 by 100 units."""
    scale = 240 / side
    move = np.array([[scale, 0, -corner[0] * scale], [0, scale, -corner[1] * scale]])
    part = cv2.warpAffine(picture, move, (240, 240), borderValue=(127, 127, 127))
    return f'<image width="100" height="100" href="{encode_still(np.asarray(part, np.uint8))}"/>'


def encode_still(picture: Picture) -> str:
    """An address that holds the picture itself, reduced to what a page needs."""
    scale = min(1.0, _JPEG_SIDE / max(picture.shape[:2]))
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else picture
    data = encode_picture(np.asarray(small, np.uint8), ".jpg")
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"


def _lay_below(still: str, size: Size) -> str:
    if not still:
        return ""
    return f'<image class="still" width="{size[1]}" height="{size[0]}" preserveAspectRatio="none" href="{still}"/>'
