"""Charts over time as HTML and SVG: their lines stretch with the page, their letters do not."""

import math
from collections.abc import Iterable, Sequence

from nimblepose.report.gathering import Identity
from nimblepose.report.text import escape, format_duration, format_time

WIDE = 1000  # units of every chart's width, however wide it is shown
TALL = 200  # units of the height of curves
_NARROWEST = 1.5  # units; shorter times in view are still seen
_GOLDEN_ANGLE = 137.5  # degrees of hue from one identity to the next, as in drawn people


def choose_hue(identity: int) -> int:
    """The colour of an identity everywhere on the page, in degrees; lightness is the page's, light or dark.

    >>> choose_hue(1), choose_hue(3)
    (138, 52)
    """
    return round(identity * _GOLDEN_ANGLE) % 360


def choose_ticks(low: float, high: float, *, most: int) -> list[float]:
    """Round numbers from `low` to `high`, at most `most`; of times, those that clocks have.

    >>> choose_ticks(0, 97, most=6)
    [0, 20, 40, 60, 80]
    """
    span = max(high - low, 1e-9)
    decade = 10 ** math.floor(math.log10(span / most))
    step = next(step for factor in (1, 2, 5, 10, 20) if span / (step := factor * decade) <= most - 1)
    return _list_multiples(step, low, high)


def choose_time_ticks(start: float, end: float) -> list[float]:
    """Seconds for an axis of time, at most six."""
    steps = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)
    step = next((step for step in steps if (end - start) / step <= 5), (end - start) / 5)
    return _list_multiples(step, start, end)


def _list_multiples(step: float, low: float, high: float) -> list[float]:
    return [n * step for n in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def draw_axis(start: float, end: float) -> str:
    """Times below a chart."""
    ticks = choose_time_ticks(start, end)
    fine = any(tick % 1 for tick in ticks)
    marks = "".join(
        f'<span style="left:{100 * (t - start) / max(end - start, 1e-9):.2f}%">{format_time(t, fine=fine)}</span>'
        for t in ticks
    )
    return f'<div class="axis" aria-hidden="true">{marks}</div>'


def draw_timeline(identities: Sequence[Identity], start: float, end: float) -> str:
    """A row per identity: bars while it was in view, a thin line over its gaps."""
    scale = WIDE / max(end - start, 1e-9)
    rows = []
    for identity in identities:
        bars = "".join(
            f'<rect x="{x:.1f}" y="3" width="{max(_NARROWEST, w):.1f}" height="12"/>'
            for x, w in _merge_spans(identity, start, scale)
        )
        x, w = (identity.first - start) * scale, (identity.last - identity.first) * scale
        said = escape(describe_identity(identity))
        rows.append(
            f'<div class="row" style="--h:{choose_hue(identity.number)}"><span class="who">#{identity.number}</span>'
            f'<div class="plot"><svg viewBox="0 0 {WIDE} 18" preserveAspectRatio="none" role="img" '
            f'aria-label="{said}"><title>{said}</title><rect class="absence" x="{x:.1f}" y="8.2" width="{w:.1f}" '
            f'height="1.6"/>{bars}</svg><i class="cursor"></i></div></div>'
        )
    return f'<div class="timeline">{"".join(rows)}</div>'


def describe_identity(identity: Identity) -> str:
    """What a bar of the timeline says, in words."""
    gaps = identity.gaps
    text = f"Identity {identity.number}: {format_time(identity.first)} to {format_time(identity.last)}"
    if gaps:
        text += f", {len(gaps)} gap{'s' if len(gaps) > 1 else ''}, the longest {format_duration(max(gaps))}"
    return text


def _merge_spans(identity: Identity, start: float, scale: float) -> list[tuple[float, float]]:
    """Left edge and width in units; what is too near to be told apart becomes one, so that there are few."""
    merged: list[list[float]] = []
    for begin, end in identity.spans:
        left, right = (begin - start) * scale, (end - start) * scale
        if merged and left - merged[-1][1] < 1:
            merged[-1][1] = right
        else:
            merged.append([left, right])
    return [(min(left, WIDE - _NARROWEST), right - left) for left, right in merged]


def draw_presence(times: Sequence[float], counts: Sequence[float], start: float, end: float, said: str) -> str:
    """An area: how many were in view."""
    top = max([1.0, *counts])
    scale = WIDE / max(end - start, 1e-9)
    points = [f"{(t - start) * scale:.1f} {40 - 38 * c / top:.1f}" for t, c in zip(times, counts, strict=True)]
    area = f"M0 40L0 {points[0].split()[1]}L{'L'.join(points)}L{WIDE} {points[-1].split()[1]}L{WIDE} 40Z"
    return (
        f'<div class="row presence"><span class="who">{top:.3g}</span><div class="plot">'
        f'<svg viewBox="0 0 {WIDE} 40" preserveAspectRatio="none" role="img" aria-label="{escape(said)}">'
        f'<path class="area" d="{area}"/></svg><i class="cursor"></i></div></div>'
    )


def draw_curves(
    curves: Iterable[tuple[int, Sequence[float], Sequence[float | None]]],
    start: float,
    end: float,
    *,
    gap: float,
    unit: str,
    top: float,
    said: str,
) -> str:
    """Lines over time, one per identity, from 0 to `top`; broken where there is nothing for longer than `gap`.

    Args:
        curves: Identity, its times in seconds, its values.
        start: First second of the chart.
        end: Last one.
        gap: Seconds.
        unit: Of the values.
        top: The upper end of the chart.
        said: The chart in words.
    """
    lines = "".join(
        f'<path data-id="{identity}" style="--h:{choose_hue(identity)}" '
        f'd="{trace_curve(times, values, start, end, gap=gap, top=top)}"/>'
        for identity, times, values in curves
    )
    ticks = choose_ticks(0, top, most=6)
    marks = "".join(f'<span style="bottom:{100 * tick / top:.2f}%">{tick:g}</span>' for tick in ticks)
    rules = "".join(f'<path class="rule" d="M0 {y:.1f}H{WIDE}"/>' for y in (TALL - TALL * tick / top for tick in ticks))
    return (
        f'<p class="unit">{escape(unit)}</p>'
        f'<div class="curves"><div class="scale" aria-hidden="true">{marks}</div><div class="plot">'
        f'<svg viewBox="0 0 {WIDE} {TALL}" preserveAspectRatio="none" role="img" aria-label="{escape(said)}">'
        f'<g class="rules">{rules}</g><g class="lines">{lines}</g></svg><i class="cursor"></i></div></div>'
    )


def choose_top(values: Iterable[float | None], unit: str) -> float:
    """The upper end of a chart: 180 of degrees, else a little above the largest value; no value is above it.

    >>> choose_top([3.0, None, 87.0], "px/s"), choose_top([12.0], "°")
    (90.0, 180.0)
    """
    if unit == "°":
        return 180.0
    largest = max((value for value in values if value is not None), default=0.0)
    decade = 10.0 ** math.floor(math.log10(max(largest, 1e-3)))
    return next(factor * decade for factor in (1, 1.5, 2, 3, 4, 5, 6, 8, 9, 10) if factor * decade >= largest)


def trace_curve(
    times: Sequence[float], values: Sequence[float | None], start: float, end: float, *, gap: float, top: float
) -> str:
    """The `d` of a path in units of the chart; a point alone is a dot."""
    scale = WIDE / max(end - start, 1e-9)
    parts, last = [], -math.inf
    for time, value in zip(times, values, strict=True):
        if value is None:
            continue
        at = f"{(time - start) * scale:.1f} {TALL - TALL * min(value, top) / top:.1f}"
        parts.append(f"M{at}h0" if time - last > gap else f"L{at}")
        last = time
    return "".join(parts)
