"""The section about pictures: how many are in each, and how well they were seen."""

import math
from collections import Counter

from nimblepose.report.figures import describe_heat, draw_heat
from nimblepose.report.moments import choose_weakest
from nimblepose.report.parts import make_moments, make_part, make_shares, make_tiles, mean_score
from nimblepose.report.subject import Subject
from nimblepose.report.tables import MOST_ROWS, Cell, make_table
from nimblepose.report.text import format_number, format_share

_MOMENTS = 12
_BARS = 12  # numbers of poses that have a bar of their own


def make_picture_section(subject: Subject, section: str) -> str:
    """HTML of everything about the pictures in one file of results."""
    gathered = subject.gathered
    looked = "pictures" if subject.complete else "pictures with somebody"
    tiles = [
        (looked, f"{gathered.frames:,}"),
        ("of them with somebody", f"{gathered.frames_with:,}"),
        ("poses", f"{gathered.poses:,}"),
        ("of the keypoints found", format_share(gathered.share_found)),
        ("mean score", format_number(mean_score(subject))),
    ]
    weakest = choose_weakest(gathered.weakest, count=_MOMENTS, apart=1.0)
    return "".join(
        (
            make_tiles(tiles),
            _make_counts(subject),
            _make_places(subject),
            make_shares(subject),
            make_moments(subject, weakest, section=section),
            _make_picture_table(subject),
        )
    )


def _make_counts(subject: Subject) -> str:
    """How many pictures have how many poses."""
    counts = Counter(min(row.poses, _BARS) for row in subject.gathered.pictures)
    if not counts:
        return ""
    most = max(counts.values())
    bars = "".join(
        f"<li><span>{n}{' or more' if n == _BARS else ''} {'pose' if n == 1 else 'poses'}</span>"
        f'<span class="bar" style="--w:{100 * counts[n] / most:.1f}%"></span><b>{counts[n]:,}</b></li>'
        for n in range(min(counts), max(counts) + 1)
    )
    return make_part("How many in a picture", f'<ul class="bars">{bars}</ul>')


def _make_places(subject: Subject) -> str:
    """The heat of all pictures together, over a frame of their most frequent size."""
    gathered = subject.gathered
    if gathered.size is None or not gathered.poses:
        return ""
    said = f"Where they were, over all pictures: {describe_heat(gathered.heat)}"
    figure = draw_heat(gathered.heat, gathered.size, still="", said=said)
    note = ""
    if len(gathered.sizes) > 1:
        note = f"{len(gathered.sizes)} sizes occur; all are laid upon one another, edge on edge."
    return make_part(
        "Where", f'<div class="pair"><figure>{figure}<figcaption>{said}.</figcaption></figure></div>', note
    )


def _make_picture_table(subject: Subject) -> str:
    pictures = sorted(subject.gathered.pictures, key=lambda row: (math.isnan(row.score), row.score))
    rows = [
        (
            Cell(row.file),
            Cell(f"{row.size[1]} x {row.size[0]}", row.size[0] * row.size[1]),
            Cell(str(row.poses), row.poses),
            Cell(format_share(row.found), row.found),
            Cell(format_number(row.score), row.score),
        )
        for row in pictures[:MOST_ROWS]
    ]
    heads = ("picture", "size", "poses", "keypoints", "mean score")
    return make_part("Pictures", make_table("All pictures, the weakest first", heads, rows, of=len(pictures)))
