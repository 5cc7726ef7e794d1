"""A hook of MkDocs: pages that lie elsewhere in the repository, and links as they are written for its viewers.

A page is read in two places: where it lies, where `../examples/people.jpg` leads out of `docs/`, and on the site. The
files of `SHOWN` become part of the site; links to any other file of the repository lead to where the project lives.
"""

import posixpath
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
DOCS = "docs/"
SHOWN = ("CHANGELOG.md", "CONTRIBUTING.md", "benchmarks/*.md", "benchmarks/*.png", "examples/**/*.md", "examples/*.jpg")
_FENCE = re.compile(r"(^```.*?^```|`[^`\n]+`)", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"(\]\()([^()\s]+)(\))")


def on_files(files: Files, *, config: Any) -> Files:
    """Add what is shown of the rest of the repository."""
    for pattern in SHOWN:
        for path in sorted(ROOT.glob(pattern)):
            place = path.relative_to(ROOT).as_posix()
            files.append(File(place, str(ROOT), config.site_dir, config.use_directory_urls))
    return files


def on_page_markdown(markdown: str, *, page: Any, files: Files, **_: Any) -> str:
    """Links of a page as the site needs them."""
    here = page.file.src_uri
    lies = here if any(Path(here).match(pattern) for pattern in SHOWN) else DOCS + here
    with (ROOT / "pyproject.toml").open("rb") as opened:
        address = tomllib.load(opened)["project"]["urls"]["Source"]
    return relink(markdown, lies, here, address, lambda place: files.get_file_from_path(place) is not None)


def relink(markdown: str, lies: str, here: str, address: str, is_shown: Callable[[str], bool]) -> str:
    """Links of a page that lies at one place of the repository and is shown at another of the site.

    Notebooks lead to the page made of them; what is in code is left alone.

    >>> relink("[a](../LICENSE) [b](../benchmarks/README.md#speed)", "docs/x/a.md", "x/a.md", "https://h", bool)
    '[a](../LICENSE) [b](../benchmarks/README.md#speed)'
    >>> relink("[a](../LICENSE) `[b](c)`", "docs/a.md", "a.md", "https://h", lambda place: place != "LICENSE")
    '[a](https://h/blob/main/LICENSE) `[b](c)`'
    >>> relink("[a](../docs/network.md)", "benchmarks/README.md", "benchmarks/README.md", "https://h", bool)
    '[a](../network.md)'
    """

    def replace(match: re.Match[str]) -> str:
        before, target, after = match.groups()
        path, hash_, anchor = target.partition("#")
        if not path or re.match(r"[a-z][a-z0-9+.-]*:", path):
            return match.group()
        place = posixpath.normpath(posixpath.join(posixpath.dirname(lies), path))
        site_place = place.removeprefix(DOCS)
        site_place = re.sub(r"\.ipynb$", ".md", site_place)
        if not is_shown(site_place):
            kind = "tree" if (ROOT / place).is_dir() else "blob"
            return f"{before}{address}/{kind}/main/{place}{hash_}{anchor}{after}"
        return f"{before}{posixpath.relpath(site_place, posixpath.dirname(here) or '.')}{hash_}{anchor}{after}"

    parts = _FENCE.split(markdown)  # code at odd places
    return "".join(part if number % 2 else _LINK.sub(replace, part) for number, part in enumerate(parts))
