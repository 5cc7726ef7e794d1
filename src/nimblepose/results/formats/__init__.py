"""The output formats. A new one is a file here, which ends in its `FORMAT`, and one line in `FORMATS`."""

from nimblepose.core.errors import OptionError
from nimblepose.results.formats import (
    c3d,
    coco,
    coco_dataset,
    controlnet,
    csv_table,
    dlc,
    excel,
    nwb,
    openpose,
    own,
    parquet,
    slp,
    trc,
)
from nimblepose.results.output_format import OutputFormat

FORMATS: tuple[OutputFormat, ...] = (
    own.FORMAT,
    coco.FORMAT,
    openpose.FORMAT,
    controlnet.FORMAT,
    csv_table.FORMAT,
    excel.FORMAT,
    parquet.FORMAT,
    coco_dataset.FORMAT,
    dlc.CSV_FORMAT,
    dlc.FORMAT,
    slp.FORMAT,
    nwb.FORMAT,
    trc.FORMAT,
    c3d.FORMAT,
)


def parse_formats(text: str) -> tuple[OutputFormat, ...]:
    """A comma-separated list of names of formats, each taken once.

    >>> [chosen.name for chosen in parse_formats("jsonl, CSV")]  # of a video, "json" is one line per frame
    ['json', 'csv']

    Raises:
        MediaError: an unknown format.
    """
    known = {known.name: known for known in FORMATS}
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    names = list(dict.fromkeys("json" if name == "jsonl" else name for name in names))
    if unknown := sorted(set(names) - set(known)):
        raise OptionError(f"unknown format {', '.join(unknown)}; choose from {', '.join(known)}")
    return tuple(known[name] for name in names)
