"""How far off keypoints are, as a table."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from nimblepose.evaluation.pixels import ErrorFigures

PIXELS_OF = "pixels of the pictures, of poses that would be shown"


def tabulate_pixels(overall: "ErrorFigures", keypoints: Mapping[str, "ErrorFigures"], caption: str) -> Table:
    """A row for each keypoint, and one for all."""
    table = Table("keypoint", title="how far off", caption=caption, title_justify="left", caption_justify="left")
    for column in ("mean px", "median", "RMSE", "PCK@0.1", "missed", "exchanged"):
        table.add_column(column, justify="right")
    for name, row in keypoints.items():
        table.add_row(name, *_list_cells(row))
    table.add_section()
    table.add_row("all", *_list_cells(overall))
    return table


def _list_cells(row: "ErrorFigures") -> list[str]:
    pixels = [_format(value, ".1f") for value in (row.mean, row.median, row.rmse)]
    return [*pixels, _format(row.pck, ".3f"), _format(row.missed, ".1%"), _format(row.exchanged, ".1%")]


def _format(value: float, how: str) -> str:
    return "" if math.isnan(value) else format(value, how)
