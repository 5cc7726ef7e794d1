"""Text and numbers as they stand on a page, whatever strangers wrote into names."""

import html
import json
import math
import re
from typing import Any

from nimblepose.core.text import make_printable

NOTHING = "\N{EN DASH}"
"""Stands where there is no value."""


def escape(text: object) -> str:
    """Text that stays text, in elements and in quoted attributes.

    >>> escape('<b onclick="x">&')
    '&lt;b onclick=&quot;x&quot;&gt;&amp;'
    """
    return html.escape(make_printable(str(text)).replace("\n", " "))


def embed_json(value: Any) -> str:
    r"""JSON for a `<script>` element, which nothing in it can end.

    >>> embed_json({"name": "</script>"})
    '{"name":"\\u003c/script\\u003e"}'
    """
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def format_time(seconds: float, *, fine: bool = True) -> str:
    """As players show it.

    >>> format_time(62.34), format_time(3723.9), format_time(62.6, fine=False)
    ('1:02.3', '1:02:03.9', '1:03')
    """
    tenths = round(seconds * 10) if fine else 10 * round(seconds)
    minutes, rest = divmod(abs(tenths), 600)
    hours, minutes = divmod(minutes, 60)
    tail = f"{rest / 10:04.1f}" if fine else f"{rest // 10:02d}"
    sign = "-" if tenths < 0 else ""
    return f"{sign}{hours}:{minutes:02d}:{tail}" if hours else f"{sign}{minutes}:{tail}"


def format_duration(seconds: float) -> str:
    """As people say it.

    >>> format_duration(0.42), format_duration(75), format_duration(7380)
    ('0.4 s', '1 min 15 s', '2 h 3 min')
    """
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def format_share(share: float) -> str:
    """A percentage, or a dash where there is none.

    >>> format_share(0.873), format_share(float("nan")) == NOTHING
    ('87 %', True)
    """
    return NOTHING if math.isnan(share) else f"{100 * share:.0f} %"


def format_number(value: float, decimals: int = 2) -> str:
    """A number, or a dash where there is none.

    >>> format_number(0.5), format_number(12345.6, 0), format_number(float("nan")) == NOTHING
    ('0.50', '12,346', True)
    """
    return NOTHING if math.isnan(value) else f"{value:,.{decimals}f}"


def shorten(name: str) -> str:
    r"""The last part of a path or address, which is what people call it.

    >>> shorten("/films/match.mp4"), shorten("rtsp://door"), shorten("a\\b.mp4")
    ('match.mp4', 'door', 'b.mp4')
    """
    return re.split(r"[/\\]", name.rstrip("/\\"))[-1] or name
