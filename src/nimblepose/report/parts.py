"""Parts that sections about videos and about pictures share."""

import math
from collections.abc import Sequence

import numpy as np

from nimblepose.report.bins import Sighting
from nimblepose.report.figures import draw_pose
from nimblepose.report.measures import make_readable
from nimblepose.report.subject import Subject
from nimblepose.report.text import escape, format_number, format_share, format_time, shorten

_NAMED = 4  # missing keypoints that are named


def make_tiles(tiles: Sequence[tuple[str, str]]) -> str:
    """Large figures with what they are below."""
    return f'<dl class="tiles">{"".join(f"<div><dt>{escape(a)}</dt><dd>{escape(b)}</dd></div>" for a, b in tiles)}</dl>'


def make_part(title: str, content: str, note: str = "") -> str:
    """A titled part of a section."""
    said = f'<p class="note">{escape(note)}</p>' if note else ""
    return f"<section><h3>{escape(title)}</h3>{content}{said}</section>" if content else ""


def make_shares(subject: Subject) -> str:
    """How often each keypoint was found: the best pose with dots of that size, and a bar each."""
    gathered = subject.gathered
    skeleton, best = gathered.skeleton, gathered.best
    if skeleton is None or best is None:
        return ""
    shares = gathered.found / max(1, gathered.poses)
    order = np.argsort(-shares, kind="stable").tolist()
    bars = "".join(
        f'<li><span>{escape(make_readable(skeleton.keypoints[k]))}</span><span class="bar" style="--w:'
        f'{100 * shares[k]:.1f}%"></span><b>{format_share(float(shares[k]))}</b></li>'
        for k in order
    )
    said = f"The pose of most keypoints; the larger a dot, the more often that keypoint was found ({skeleton.name})"
    pose = draw_pose(best.keypoints, skeleton, said=said, shares=shares)
    return make_part(
        "Keypoints found",
        f'<div class="shares"><figure>{pose}</figure><ul class="bars">{bars}</ul></div>',
        f"Of {gathered.poses:,} poses. The figure is the most complete pose; its dots grow with the share.",
    )


def make_moments(subject: Subject, moments: Sequence[Sighting], *, section: str) -> str:
    """Cards of the weakest poses, each with its time or picture."""
    skeleton = subject.gathered.skeleton
    if skeleton is None or not moments:
        return ""
    cards = []
    for moment in moments:
        who = "" if moment.identity is None else f"#{moment.identity} "
        missing = [make_readable(n) for n, seen in zip(skeleton.keypoints, moment.seen, strict=True) if not seen]
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        lacking = f"without {', '.join(missing[:_NAMED])}{more}" if missing else "complete"
        link = subject.find_link(moment)
        if subject.is_video:
            at = format_time(moment.time)
            place = f'<a class="moment" href="#{section}" data-t="{moment.time:.3f}">{at}</a>'
            if link:
                place += f' <a class="video" href="{escape(link)}" aria-label="open the video at {at}">video</a>'
        else:
            at = moment.file
            name = escape(shorten(moment.file))
            place = f'<a href="{escape(link)}">{name}</a>' if link else f"<span>{name}</span>"
        said = f"Pose {who}at {at}, score {format_number(moment.score)}, {lacking}"
        pose = draw_pose(moment.keypoints, skeleton, said=said, still=subject.find_still(moment))
        cards.append(
            f"<li><figure>{pose}<figcaption><b>{escape(who)}{format_number(moment.score)}</b> {place}"
            f"<small>{moment.found} of {len(moment.seen)} keypoints, {escape(lacking)}</small>"
            "</figcaption></figure></li>"
        )
    return make_part(
        "Weakest moments" if subject.is_video else "Weakest pictures",
        f'<ul class="cards">{"".join(cards)}</ul>',
        "The poses of the lowest scores, "
        + ("some time apart: look there first." if subject.is_video else "one of each picture: look there first."),
    )


def mean_score(subject: Subject) -> float:
    """Of all poses; NaN of nobody."""
    gathered = subject.gathered
    return gathered.score / gathered.poses if gathered.poses else math.nan
