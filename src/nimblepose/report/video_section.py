"""The section about one video: who was there when, where, how fast, and how well it was seen."""

import math
from collections.abc import Sequence

import numpy as np

from nimblepose.report.bins import Sighting
from nimblepose.report.charts import (
    choose_hue,
    choose_top,
    draw_axis,
    draw_curves,
    draw_presence,
    draw_timeline,
)
from nimblepose.report.figures import describe_heat, draw_heat, draw_ways, encode_still
from nimblepose.report.gathering import Identity
from nimblepose.report.measures import UNITS, Measure, Measures, find_hub, make_readable
from nimblepose.report.moments import choose_weakest, list_weakest
from nimblepose.report.parts import make_moments, make_part, make_shares, make_tiles, mean_score
from nimblepose.report.series import MOST_LINES, MOST_ROWS, Series, choose_identities, make_series, thin_series
from nimblepose.report.subject import Subject
from nimblepose.report.tables import Cell, make_table
from nimblepose.report.text import (
    NOTHING,
    embed_json,
    escape,
    format_duration,
    format_number,
    format_share,
    format_time,
)

_MOMENTS = 12
_TITLES = {
    "speed": "Speed of a keypoint",
    "angle": "Angle at a joint",
    "tilt": "Tilt of a limb (0° hangs, 180° points up)",
}


def make_video_section(subject: Subject, section: str, *, most_values: int) -> str:
    """HTML of everything about one video.

    Args:
        subject: What it is about.
        section: Its id on the page.
        most_values: Of all measures that it may bring along.
    """
    gathered = subject.gathered
    start, end = gathered.start, max(gathered.end, gathered.start + 1e-3)
    shown = choose_identities(gathered, MOST_ROWS)
    series = make_series(gathered, shown)
    gap = max(2.5 * gathered.bins.width, 0.4 + gathered.step)
    often = {identity.number: -identity.sightings for identity in shown}
    ways = sorted(series, key=lambda one: often[one.identity])[:MOST_LINES]
    curves = thin_series(ways, most_values)
    curves.sort(key=lambda one: one.identity)
    parts = [
        make_tiles(_list_tiles(subject)),
        _make_timeline(subject, shown, start, end, section),
        _make_places(subject, ways, gap),
        _make_curves(subject, curves, start, end, gap, section),
        make_shares(subject),
        make_moments(subject, _choose_moments(subject), section=f"{section}-time"),
        _make_people_table(subject, series),
    ]
    return "".join(parts)


def _list_tiles(subject: Subject) -> list[tuple[str, str]]:
    gathered = subject.gathered
    looked = "frames" if subject.complete else "frames with somebody"
    tiles = [
        ("long", format_duration(gathered.end - gathered.start)),
        (looked, f"{gathered.frames:,}"),
        ("poses in a frame, mean and most", f"{gathered.poses / max(1, gathered.frames):.1f}, {gathered.most}"),
        ("of the keypoints found", format_share(gathered.share_found)),
        ("mean score", format_number(mean_score(subject))),
    ]
    if gathered.identities:
        tiles.insert(2, ("identities", f"{len(gathered.identities):,}"))
    return tiles


def _make_timeline(subject: Subject, shown: Sequence[Identity], start: float, end: float, section: str) -> str:
    gathered = subject.gathered
    bins = [(begin, bin_) for begin, bin_ in gathered.bins if bin_.frames]
    if not bins:
        return ""
    times = [begin + gathered.bins.width / 2 for begin, _ in bins]
    counts = [bin_.poses / bin_.frames for _, bin_ in bins]
    times = [min(max(time, start), end) for time in times]
    said = f"Poses in view over time, at most {gathered.most}"
    slider = (
        f'<label class="at script">Moment <output>{format_time(start)}</output>'
        f'<input type="range" min="{start:.3f}" max="{end:.3f}" step="{max((end - start) / 1000, 1e-3):.4f}" '
        f'value="{start:.3f}"></label>'
    )
    content = (
        f'<div id="{section}-time">{draw_presence(times, counts, start, end, said)}'
        f"{draw_timeline(shown, start, end)}{draw_axis(start, end)}{slider}</div>"
    )
    note = "Top: how many were in view. "
    if shown:
        note += "Bars: in view; thin lines: gaps, with the identity kept. "
    if len(shown) < len(gathered.identities):
        note += f"The {len(shown)} of {len(gathered.identities):,} identities that were seen most often. "
    if not gathered.identities and gathered.poses:
        note += "These results have no identities: `nimblepose track` gives them. "
    if gathered.bins.width > gathered.step:
        note += f"Each point stands for {gathered.bins.width:.3g} s."
    return make_part("Who was there when", content, note.strip())


def _make_places(subject: Subject, series: Sequence[Series], gap: float) -> str:
    gathered = subject.gathered
    size = gathered.size
    if size is None or gathered.skeleton is None or not gathered.poses:
        return ""
    hub = make_readable(gathered.skeleton.keypoints[find_hub(gathered.skeleton)])
    still = "" if subject.still is None else encode_still(subject.still)
    ways = [
        (one.identity, [(t, x, y) for t, (x, y) in zip(one.times, one.places, strict=True) if not math.isnan(x)])
        for one in series
    ]
    heat_said = f"Where they were: {describe_heat(gathered.heat)}"
    heat = draw_heat(gathered.heat, size, still=still, said=heat_said)
    figures = f"<figure>{heat}<figcaption>{heat_said}.</figcaption></figure>"
    if ways:
        said = f"Ways of {len(ways)} identities through the frame"
        caption = f"Ways of the {hub}, from the ring to the dot"
        caption += "." if len(ways) == len(gathered.identities) else f", of the {len(ways)} seen most often."
        figures = (
            f"<figure>{draw_ways(ways, size, gap=gap, still=still, said=said)}"
            f"<figcaption>{escape(caption)}</figcaption></figure>{figures}"
        )
    known = (
        f"{size[1]} x {size[0]} pixels"
        if subject.sizes_known
        else "as large as the places in it: its size is not known"
    )
    if len(gathered.sizes) > 1:
        known += f"; {len(gathered.sizes)} sizes occur, ways are drawn as in this one"
    return make_part("Where", f'<div class="pair">{figures}</div>', f"Frame: {known}.")


def _make_curves(subject: Subject, curves: Sequence[Series], start: float, end: float, gap: float, section: str) -> str:
    gathered, measures = subject.gathered, subject.gathered.measures
    if not curves or measures is None or gathered.skeleton is None:
        return ""
    chosen = find_hub(gathered.skeleton)  # of the measures, too: speeds come first
    values = [[None if math.isnan(v) else round(v) for v in one.values[:, chosen]] for one in curves]
    unit = UNITS["speed"]
    top = choose_top([v for line in values for v in line], unit)
    name = measures.listed[chosen].name
    wide = max([gathered.bins.width, *(_spacing(one) for one in curves)])
    gap = max(gap, 2.5 * wide)
    chart = draw_curves(
        [(one.identity, one.times.tolist(), line) for one, line in zip(curves, values, strict=True)],
        start, end, gap=gap, unit=unit, top=top, said=f"Speed of the {name} over time; the table below sums it up",
    )  # fmt: skip
    rows = "".join(
        f'<tr data-id="{one.identity}" style="--h:{choose_hue(one.identity)}"><th scope="row"><label>'
        f'<input class="script" type="checkbox" checked><i class="swatch"></i>#{one.identity}</label></th>'
        f"{''.join(f'<td>{_format_whole(v)}</td>' for v in _sum_up(line))}</tr>"
        for one, line in zip(curves, values, strict=True)
    )
    legend = (
        '<div class="scroll"><table class="legend"><caption class="unseen">Least, mean and most of each line</caption>'
        f"<thead><tr><th></th><th>least</th><th>mean</th><th>most</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )
    data = {
        "start": start,
        "end": end,
        "gap": gap,
        "units": [UNITS[measure.kind] for measure in measures.listed],
        "names": [f"{_TITLES[measure.kind].split(' (')[0]}: {measure.name}" for measure in measures.listed],
        "series": [one.to_dict(measures) for one in curves],
    }
    select = _make_select(measures, chosen, section)
    note = "Speeds are taken over a fifth of a second, in pixels of the frame. "
    note += f"Lines show the {len(curves)} seen most often"
    note += f", a point for each {wide:.3g} s." if wide > gathered.step else "."
    return make_part(
        "How they moved",
        f'<div class="motion">{select}<p class="only"><b>Speed of the {escape(name)}</b></p>{chart}'
        f'{draw_axis(start, end)}{legend}<script type="application/json">{embed_json(data)}</script></div>',
        note,
    )


def _make_select(measures: Measures, chosen: int, section: str) -> str:
    groups: dict[str, list[tuple[int, Measure]]] = {}
    for number, measure in enumerate(measures.listed):
        groups.setdefault(_TITLES[measure.kind], []).append((number, measure))
    options = "".join(
        f'<optgroup label="{escape(title)}">'
        + "".join(
            f'<option value="{n}"{" selected" if n == chosen else ""}>{m.kind}: {escape(m.name)}</option>'
            for n, m in group
        )
        + "</optgroup>"
        for title, group in groups.items()
    )
    return f'<label class="script">Show <select id="{section}-measure">{options}</select></label>'


def _spacing(series: Series) -> float:
    """Seconds between its points, as most are."""
    return float(np.median(np.diff(series.times))) if len(series.times) > 1 else 0.0


def _sum_up(line: Sequence[float | None]) -> tuple[float, float, float]:
    known = [v for v in line if v is not None]
    return (min(known), sum(known) / len(known), max(known)) if known else (math.nan,) * 3


def _format_whole(value: float) -> str:
    return format_number(value, 0)


def _choose_moments(subject: Subject) -> Sequence[Sighting]:
    gathered = subject.gathered
    apart = max(1.0, 0.02 * (gathered.end - gathered.start))
    return choose_weakest(list_weakest(gathered.bins), count=_MOMENTS, apart=apart)


def _make_people_table(subject: Subject, series: Sequence[Series]) -> str:
    gathered = subject.gathered
    if not gathered.identities or gathered.skeleton is None:
        return ""
    hub, k = find_hub(gathered.skeleton), len(gathered.skeleton.keypoints)
    speeds = {one.identity: one.values[:, hub] for one in series}
    rows = []
    for identity in sorted(gathered.identities.values(), key=lambda one: -one.in_view):
        gaps, n = identity.gaps, identity.sightings
        own = speeds.get(identity.number, np.zeros(0))
        speed = float(np.nanmean(own)) if (~np.isnan(own)).any() else math.nan
        rows.append(
            (
                Cell(
                    "", identity.number,
                    f'<i class="swatch" style="--h:{choose_hue(identity.number)}"></i>#{identity.number}',
                ),
                Cell(format_time(identity.first), identity.first),
                Cell(format_time(identity.last), identity.last),
                Cell(format_number(identity.in_view, 1), identity.in_view),
                Cell(str(len(gaps)), len(gaps)),
                Cell(format_number(max(gaps), 1) if gaps else NOTHING, max(gaps, default=math.nan)),
                Cell(format_share(identity.found / (n * k)), identity.found / (n * k)),
                Cell(format_number(identity.score / n), identity.score / n),
                Cell(_format_whole(speed), speed),
            )
        )  # fmt: skip
    heads = ("identity", "first", "last", "in view, s", "gaps", "longest gap, s", "keypoints", "score", "speed, px/s")
    return make_part("Identities", make_table("Everybody with an identity", heads, rows))
