"""A hook of MkDocs: pages that are made of the code, so that they cannot differ from it.

`cli.md` of the command line, `api.md` of the public names, a page of each notebook.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import command_pages
import nbformat
import notebook_pages
from mkdocs.structure.files import File, Files

import nimblepose
from nimblepose.core import errors

ERRORS = frozenset(name for name, value in vars(errors).items() if isinstance(value, type))
GROUPS = {  # of the public names; what is in none is an error
    "Finding people": ("PoseEstimator", "read_picture", "DecodeOptions"),
    "Who was found": ("Poses", "Person"),
    "Skeletons": ("Skeleton", "HUMAN_18", "COCO_17"),
    "Videos and identities": (
        "Selection", "Frame", "Follower", "Tracker", "OksTracker", "TrackOptions", "Smoother", "OneEuroSmoother",
        "SmoothOptions",
    ),
    "Drawing": ("draw", "draw_poses", "DrawOptions", "draw_pose_map", "Trails"),
    "Errors": ("PoseError", *sorted(ERRORS - {"PoseError"})),
}  # fmt: skip


def on_files(files: Files, *, config: Any) -> Files:
    """Add the pages."""
    files.append(File.generated(config, "cli.md", content=command_pages.describe()))
    files.append(File.generated(config, "api.md", content="\n".join(list_names())))
    for path in sorted(Path(config.docs_dir, "notebooks").glob("*.ipynb")):
        content = notebook_pages.convert(nbformat.read(path, as_version=4), path.name)
        files.append(File.generated(config, f"notebooks/{path.stem}.md", content=content))
    return files


def list_names() -> Iterator[str]:
    """The page of the public names, for mkdocstrings.

    Raises:
        ValueError: a public name has no place in `GROUPS`, or the other way round.
    """
    named = [name for names in GROUPS.values() for name in names]
    if sorted(named) != sorted(set(nimblepose.__all__) - {"__version__"}):
        raise ValueError(f"docs/site/generated.py: put into its GROUPS: {set(nimblepose.__all__) ^ set(named)}")
    yield "# Python, every name\n\nMade of the docstrings. [Examples of each](python.md) stand on a page of their own."
    for title, names in GROUPS.items():
        yield f"\n## {title}\n"
        yield from (f"::: nimblepose.{name}\n" for name in names)
