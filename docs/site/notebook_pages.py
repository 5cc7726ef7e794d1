"""A notebook with its outputs as a page of Markdown."""

from collections.abc import Iterator
from typing import Any

_PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")


def convert(notebook: Any, name: str) -> str:
    """Text as it is, code and output in fences, pictures within the page.

    Args:
        notebook: As `nbformat` reads it.
        name: Of its file, which the page offers.
    """
    parts = list(_convert_cells(notebook.cells))
    parts.insert(1, f"[This page as a notebook]({name}){{ download }}")
    return "\n\n".join(parts) + "\n"


def _convert_cells(cells: list[Any]) -> Iterator[str]:
    for cell in cells:
        if cell.cell_type == "markdown":
            yield cell.source
        elif cell.cell_type == "code":
            yield f"```python\n{cell.source}\n```"
            for output in cell.outputs:
                yield from _convert_output(output)


def _convert_output(output: Any) -> Iterator[str]:
    if output.output_type == "stream":
        yield f"```text\n{output.text.rstrip()}\n```"
        return
    data = output.get("data", {})
    pictures = [kind for kind in _PICTURES if kind in data]
    if pictures:
        yield f'<img alt="What the cell shows" src="data:{pictures[0]};base64,{"".join(data[pictures[0]].split())}">'
    elif "text/html" in data:
        yield f'<div class="output" markdown="0">{data["text/html"]}</div>'
    elif "text/plain" in data:
        yield f"```text\n{data['text/plain'].rstrip()}\n```"
