"""Results where they lie: files, or folders of them, each result once."""

from collections.abc import Sequence
from pathlib import Path

from nimblepose.core.errors import MediaError
from nimblepose.core.skeleton import Skeleton
from nimblepose.results.reading import ResultsFile
from nimblepose.results.reading_tables import TableFile

_ENDINGS = (".jsonl", ".json", ".parquet", ".csv")  # those that tell most come first
_EXCEL = ".excel.csv"  # the same table as `.csv`
_STEM = "poses"  # `NAME.poses.jsonl`, or `poses.json` about a folder


def find_results(paths: Sequence[Path]) -> list[Path]:
    """Files of results: those given, and of folders the one of each result that tells most.

    A video that is still being written is found, too (`NAME.poses.partial.jsonl`).

    Raises:
        MediaError: nothing is there, or a folder holds no results.
    """
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)  # a missing file gets its error where it is read
            continue
        inside = _list_folder(path)
        if not inside:
            raise MediaError(
                f"{path}: no results in this folder; expected NAME.poses.jsonl, poses.json, .parquet or .csv, as "
                "`nimblepose track` and `predict` write them"
            )
        found += inside
    return list(dict.fromkeys(found))


def open_results(path: Path, skeleton: Skeleton | None = None) -> ResultsFile | TableFile:
    """A file of results of any form that we read, chosen by the ending of its name.

    Args:
        path: `*.json`, `*.jsonl`, `*.csv` or `*.parquet`.
        skeleton: Of the people, where the file does not say.

    Raises:
        MediaError: it cannot be read, or is none of ours.
        MissingPackageError: it is Parquet, and PyArrow is not installed.
    """
    if path.suffix not in _ENDINGS:
        raise MediaError(f"{path}: results end in {', '.join(_ENDINGS)}; give such a file, or the folder of results")
    return (TableFile if path.suffix in (".csv", ".parquet") else ResultsFile)(path, skeleton)


def _list_folder(folder: Path) -> list[Path]:
    best: dict[str, Path] = {}
    for ending in (*_ENDINGS, _EXCEL):
        for path in sorted(folder.glob(f"*{ending}")):
            stem = path.name.removesuffix(ending)
            if not path.name.startswith(".") and stem.rpartition(".")[2] == _STEM:
                best.setdefault(stem, path)
    for path in sorted(folder.glob(f"*.{_STEM}.partial.jsonl")):
        best.setdefault(path.name.removesuffix(".partial.jsonl"), path)
    return [best[stem] for stem in sorted(best)]
