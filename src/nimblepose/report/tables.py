"""Tables that sort by a click or a key on the head of a column."""

from collections.abc import Sequence
from dataclasses import dataclass

from nimblepose.report.text import escape

MOST_ROWS = 500


@dataclass(frozen=True)
class Cell:
    """What is shown, and what it is sorted by: a number, or the text itself."""

    text: str
    value: float | None = None
    html: str = ""  # instead of the text, already escaped


def make_table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[Cell]], *, of: int | None = None) -> str:
    """A table with a caption, at most `MOST_ROWS` rows; that there were more is said.

    Args:
        caption: What it is about.
        heads: Of the columns.
        rows: The first one most important.
        of: How many rows there would be; None: as many as there are.
    """
    of = len(rows) if of is None else of
    shown = rows[:MOST_ROWS]
    note = f" (the first {len(shown)} of {of:,})" if of > len(shown) else ""
    numeric = [all(row[n].value is not None for row in shown) for n in range(len(heads))]
    head = "".join(
        f'<th scope="col"{" class=number" if number else ""}><button type="button">{escape(name)}</button></th>'
        for name, number in zip(heads, numeric, strict=True)
    )
    body = "".join(f"<tr>{''.join(map(_make_cell, row))}</tr>" for row in shown)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}"><table class="sortable">'
        f"<caption>{escape(caption + note)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _make_cell(cell: Cell) -> str:
    content = cell.html or escape(cell.text)
    if cell.value is None:
        return f"<td>{content}</td>"
    value = "" if cell.value != cell.value else f"{cell.value:.6g}"  # NaN: sorted last
    return f'<td class="number" data-v="{value}">{content}</td>'
