"""Run the notebooks again and keep what they show: python docs/site/notebooks.py [NAME...]."""

import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
SECONDS = 300  # for a cell, on a machine that does much else


def run(path: Path) -> Any:
    """The notebook with what its cells show today; what differs from run to run is left out.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell fails.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, timeout=SECONDS, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}
    )
    client.execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    notebook.metadata["language_info"] = {"name": "python"}  # without the version that it ran on
    return notebook


def main() -> None:
    """Run those named, or all."""
    for path in sorted(FOLDER.glob("*.ipynb")):
        if path.stem in sys.argv[1:] or not sys.argv[1:]:
            nbformat.write(run(path), path)
            print(path.name)


if __name__ == "__main__":
    main()
