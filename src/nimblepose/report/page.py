"""The page: sections, style and script in one file that needs nothing else."""

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files

from nimblepose import __version__
from nimblepose.report.parts import mean_score
from nimblepose.report.picture_section import make_picture_section
from nimblepose.report.series import MOST_VALUES
from nimblepose.report.subject import Subject
from nimblepose.report.tables import Cell, make_table
from nimblepose.report.text import NOTHING, escape, format_duration, format_number, format_share, shorten
from nimblepose.report.video_section import make_video_section

MOST_SECTIONS = 24  # files of results that are shown whole; of more there is a row each


def make_page(subjects: Sequence[Subject]) -> str:
    """One HTML document: no address in it is fetched, and its own script is the only one that runs.

    Args:
        subjects: A section each, in this order.
    """
    shown = subjects[:MOST_SECTIONS]
    style, script = _read("style.css"), _read("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{digest}'"
    title = shorten(subjects[0].name) if len(subjects) == 1 else f"{len(subjects)} sources"
    sections = "".join(
        _make_section(subject, f"s{n}", most_values=MOST_VALUES // len(shown)) for n, subject in enumerate(shown)
    )
    overview = _make_overview(subjects, len(shown)) if len(subjects) > 1 else ""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">'
        f"<title>Report: {escape(title)}</title><style>{style}</style></head>\n<body>"
        f"<header><p>Pose report</p><h1>{escape(title)}</h1></header>\n"
        f"<main>{overview}{sections}</main>\n"
        f"<footer>nimblepose {escape(__version__)}. Everything is in this page; it opens no connection.</footer>"
        f"<script>{script}</script></body></html>\n"
    )


def _make_section(subject: Subject, section: str, *, most_values: int) -> str:
    if subject.is_video:
        content = make_video_section(subject, section, most_values=most_values)
    else:
        content = make_picture_section(subject, section)
    title = shorten(subject.name)
    about = [subject.name] if title != subject.name else []
    about.append(f"read from {subject.results}")
    if subject.model:
        about.append(f"model {subject.model}")
    if subject.gathered.skeleton:
        about.append(f"skeleton {subject.gathered.skeleton.name}")
    if subject.started:
        about.append(f"began {subject.started.isoformat(sep=' ', timespec='seconds')}")
    nobody = "" if subject.gathered.poses else '<p class="note">Nobody was found.</p>'
    return (
        f'<article id="{section}"><h2>{escape(title)}</h2><p class="about">{escape(", ".join(about))}</p>'
        f"{content}{nobody}</article>\n"
    )


def _make_overview(subjects: Sequence[Subject], shown: int) -> str:
    rows = []
    for n, subject in enumerate(subjects):
        gathered = subject.gathered
        name = escape(shorten(subject.name))
        long = gathered.end - gathered.start
        rows.append(
            (
                Cell("", html=f'<a href="#s{n}">{name}</a>' if n < shown else name),
                Cell(format_duration(long) if subject.is_video else "pictures", long),
                Cell(f"{gathered.frames:,}", gathered.frames),
                Cell(str(len(gathered.identities) or NOTHING), len(gathered.identities)),
                Cell(f"{gathered.poses:,}", gathered.poses),
                Cell(format_share(gathered.share_found), gathered.share_found),
                Cell(format_number(mean_score(subject)), mean_score(subject)),
            )
        )
    heads = ("source", "long", "frames", "identities", "poses", "keypoints", "mean score")
    note = f'<p class="note">The first {shown} are shown below.</p>' if shown < len(subjects) else ""
    return f"<nav>{make_table('Sources', heads, rows)}{note}</nav>"


def _read(name: str) -> str:
    return files("nimblepose.report").joinpath(name).read_text("utf-8")
