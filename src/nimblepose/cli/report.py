"""`nimblepose report`: results to look at, one page that needs nothing else."""

from pathlib import Path
from typing import Annotated

import typer

from nimblepose.cli import options as given


def report(
    results: Annotated[
        list[Path],
        typer.Argument(
            help="Files that `track` and `predict` wrote (.jsonl, .json, .parquet, .csv), or folders of them."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Page to write (.html).")] = Path("report.html"),
    stills: Annotated[
        bool,
        typer.Option("--stills", help="Put pictures from the sources, where they are at hand, below ways and poses."),
    ] = False,
    skeleton: Annotated[
        str | None,
        typer.Option("--skeleton", "-s", help="Of CSV of a skeleton of your own: a YAML or JSON file, or a name."),
    ] = None,
    quiet: given.QuietOption = False,
) -> None:
    """Make one page of results: who was there when and where, how they moved, how well they were seen.

    The page opens in any browser, from a mail too, without a network. A file that cannot be read is listed at the end.

    Examples:
        nimblepose report match.poses.jsonl
        nimblepose report results --out report.html --stills
    """
    from nimblepose.cli.progress import show_count_bar
    from nimblepose.cli.videos import finish
    from nimblepose.core.errors import OptionError, PoseError
    from nimblepose.core.files import check_folders, write_atomically
    from nimblepose.core.skeleton import Skeleton
    from nimblepose.core.text import format_count
    from nimblepose.report.finding import find_results
    from nimblepose.report.making import read_subject
    from nimblepose.report.page import make_page

    if out.suffix.lower() not in (".html", ".htm"):
        raise OptionError(f"--out takes the name of a page, such as report.html; got {out}")
    check_folders(out)
    own = None if skeleton is None else Skeleton.load(skeleton)
    found = find_results(results)
    subjects, failures = [], dict[str, str]()
    with show_count_bar("report", len(found), quiet=quiet) as progress:
        for done, path in enumerate(found, start=1):
            try:
                subjects.append(read_subject(path, out, skeleton=own, stills=stills))
            except PoseError as error:
                if len(found) == 1:
                    raise
                failures[str(path)] = str(error)
            progress(done)
    if subjects:
        write_atomically(out, make_page(subjects).encode("utf-8", "replace"))
        if not quiet:
            print(f"{format_count(len(subjects), 'source', 'sources')}\n-> {out}")
    finish(failures, interrupted=False)
