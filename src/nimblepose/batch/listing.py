"""What a batch is of: files, folders, patterns, addresses, and lists of those in text files and tables."""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from nimblepose.batch.sources import describe_remote, is_remote
from nimblepose.batch.stores import open_remote
from nimblepose.batch.units import Source
from nimblepose.core.errors import OptionError, PoseError
from nimblepose.core.text import describe_error
from nimblepose.core.web import is_url, without_secrets
from nimblepose.media.finding import ANNOTATED
from nimblepose.media.sources import is_recorded
from nimblepose.media.suffixes import PICTURE_SUFFIXES, PROXY_SUFFIXES, VIDEO_SUFFIXES
from nimblepose.results.collecting import collect_all

_LISTS, _TABLES = (".txt", ".lst"), {".csv": ",", ".tsv": "\t"}
_COLUMNS = ("path", "file", "filename", "source", "video", "picture", "image", "url", "uri")  # that hold the names
_PATTERN = re.compile(r"[*?\[]")


@dataclass
class Listed:
    """Each once, in order, not looked at yet."""

    pictures: dict[str, Source | None] = field(default_factory=dict)  # None: its size is to be found
    videos: dict[str, Source | None] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)  # sources that mean nothing -> why
    notes: list[str] = field(default_factory=list)


def list_sources(sources: Iterable[str]) -> Listed:
    """What is meant by the sources of a batch.

    Args:
        sources: Videos, pictures, folders, patterns, addresses; text files of one a line, tables with a column of them.

    Raises:
        OptionError: a source is live, or a list holds nothing.
    """
    listed = Listed()
    local: list[str] = []
    for source in _read_lists(sources):
        if is_remote(source):
            _collect(local, listed)
            local = []
            _list_remote(source, listed)
        elif not is_recorded(source):
            raise OptionError(f"{source} cannot be read again from its beginning; a batch is of files and addresses")
        else:
            local.append(source)
    _collect(local, listed)
    return listed


def _collect(sources: list[str], listed: Listed) -> None:
    found = collect_all(sources)
    listed.pictures |= dict.fromkeys(found.pictures)
    listed.videos |= dict.fromkeys(found.videos)
    listed.failures |= found.failures
    listed.notes += found.notes


def _read_lists(sources: Iterable[str]) -> Iterator[str]:
    for source in sources:
        suffix = Path(source).suffix.lower()
        if is_remote(source) or suffix not in (*_LISTS, *_TABLES):
            yield source
            continue
        path = Path(source).expanduser()
        try:
            text = path.read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise OptionError(f"cannot read the list {source}: {describe_error(error)}") from error
        names = list(_read_table(text, _TABLES[suffix]) if suffix in _TABLES else _read_lines(text))
        if not names:
            raise OptionError(f"{source}: no names in this list; write one a line, or a column {_COLUMNS[0]!r}")
        yield from names


def _read_lines(text: str) -> Iterator[str]:
    yield from (line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))


def _read_table(text: str, separator: str) -> Iterator[str]:
    """The column that is named as names of files are, or the first one."""
    rows = [row for row in csv.reader(text.splitlines(), delimiter=separator) if any(cell.strip() for cell in row)]
    if not rows:
        return
    head = [cell.strip().lower() for cell in rows[0]]
    column = next((head.index(name) for name in _COLUMNS if name in head), None)
    yield from (row[column or 0].strip() for row in rows[column is not None :] if len(row) > (column or 0))


def _list_remote(address: str, listed: Listed) -> None:
    """What lies at an address: one file; or of a folder or pattern each, where the protocol can list."""
    name = without_secrets(address)
    try:
        files, path = open_remote(address)
        scheme = address.partition("://")[0]
        if is_url(address):
            _sort(name, address, None, listed)
        elif _PATTERN.search(path):
            found = files.glob(path, detail=True)
            _sort_all(scheme, found, listed, name)
        elif files.isdir(path):
            found = files.find(path, maxdepth=1, detail=True)
            _sort_all(scheme, found, listed, name)
        else:
            _sort(name, address, describe_remote(name, address, files.info(path)), listed)
    except FileNotFoundError:
        listed.failures[name] = f"{name}: no such file"
    except PoseError as error:
        listed.failures[name] = str(error)
    except Exception as error:  # each protocol raises what its library does
        listed.failures[name] = f"{name}: not to be reached: {error}"


def _sort_all(scheme: str, found: dict[str, dict[str, object]], listed: Listed, name: str) -> None:
    before = len(listed.pictures) + len(listed.videos)
    for path, about in sorted(found.items()):
        address = f"{scheme}://{path.lstrip('/')}" if scheme != "memory" else f"memory://{path}"
        stem, suffix = Path(path).stem, Path(path).suffix.lower()
        ours = stem.endswith(ANNOTATED) or stem.startswith(".") or suffix in PROXY_SUFFIXES
        if about.get("type") == "file" and not ours and suffix in PICTURE_SUFFIXES + VIDEO_SUFFIXES:
            _sort(address, address, describe_remote(address, address, about), listed)
    if len(listed.pictures) + len(listed.videos) == before:
        listed.failures[name] = f"{name}: no picture or video there"


def _sort(name: str, address: str, source: Source | None, listed: Listed) -> None:
    suffix = Path(re.split(r"[?#]", address)[0]).suffix.lower()
    kind = listed.pictures if suffix in PICTURE_SUFFIXES else listed.videos
    kind[address] = source
