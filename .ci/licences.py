"""Write docs/licences.md: every package that any extra brings along, with its licence as its own metadata say it.

    python .ci/licences.py [SITE-PACKAGES...]

Looks at what is installed beside the interpreter, then in other environments, for extras that do not fit into one.
"""

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/licences.md"
BINDING = re.compile(r"\bA?GPL|(?<!Lesser )General Public|Affero", re.IGNORECASE)  # LGPL is none
READ = {  # licences of packages whose metadata hold none, from their files
    "faster-coco-eval": "Apache-2.0",
    "tiktoken": "MIT",
    "torch": "BSD-3-Clause",
    "torchao": "BSD-3-Clause",
}
HEAD = """# Licences

nimblepose is under Apache-2.0, its weights included ([NOTICE](../NOTICE)). These are all packages that it, or any of
its extras, brings along on Linux with Python 3.11, with the licence that their own metadata name. Made by
`python .ci/licences.py`; `tests/test_licences.py` holds that none is missing and that none is GPL or AGPL.

What wheels bundle has licences of its own, which the wheels hold. One matters to who passes it on: the wheels of PyAV
(extra `video`) hold FFmpeg with x264 and x265, which are GPL. torch is listed as its build for processors; builds for
CUDA bring libraries of NVIDIA along, under its own terms.
"""

Installed = Mapping[str, Distribution]


def find_installed(folders: Iterable[str]) -> Installed:
    """Packages by name; the first folder that has one counts."""
    found: dict[str, Distribution] = {}
    for folder in folders:
        for one in distributions(path=[folder]):
            if name := one.metadata["Name"]:
                found.setdefault(canonicalize_name(name), one)
    return found


def list_extras(project: Mapping[str, Any]) -> dict[str, list[str]]:
    """Requirements by extra; those of the base install under an empty name."""
    return {"": project["dependencies"], **project["optional-dependencies"]}


def follow(requirements: Sequence[str], installed: Installed) -> set[str]:
    """Names of all that requirements bring along here, extras of packages included."""
    seen: set[tuple[str, str]] = set()
    waiting = [Requirement(one) for one in requirements]
    while waiting:
        need = waiting.pop()
        name = canonicalize_name(need.name)
        for extra in ("", *need.extras):
            if (name, extra) in seen or name == "nimblepose":
                continue
            seen.add((name, extra))
            for text in (installed[name].requires or ()) if name in installed else ():
                further = Requirement(text)
                if further.marker is None or further.marker.evaluate({"extra": extra}):
                    waiting.append(further)
    return {name for name, _ in seen}


def read_licence(package: Distribution) -> str:
    """What a package's metadata say of its licence, in a line; classifiers where the field holds a whole text."""
    about = package.metadata
    text = (about.get("License-Expression") or about.get("License") or "").strip()
    classified = [one.rpartition(" :: ")[2] for one in about.get_all("Classifier", []) if one.startswith("License :: ")]
    short = text if len(text) < 80 and "\n" not in text and text != "UNKNOWN" else ""
    return (short or ", ".join(classified) or READ.get(canonicalize_name(about["Name"]), "")).replace("|", "/")


def list_packages(project: Mapping[str, Any], installed: Installed) -> dict[str, list[str]]:
    """Extras by the packages that they bring along."""
    brought: dict[str, list[str]] = {}
    for extra, requirements in list_extras(project).items():
        for name in follow(requirements, installed):
            brought.setdefault(name, []).append(extra)
    return dict(sorted(brought.items()))


def write_page(project: Mapping[str, Any], installed: Installed) -> Iterator[str]:
    """The page, line by line.

    Raises:
        SystemExit: a package is nowhere installed, or says nothing of its licence.
    """
    yield HEAD
    yield "| package | licence | with |\n| -- | -- | -- |"
    for name, extras in list_packages(project, installed).items():
        if name not in installed:
            raise SystemExit(f"{name} is not installed: name the site-packages of an environment that has it")
        licence = read_licence(installed[name])
        if not licence:
            raise SystemExit(f"{name} does not say its licence: read it in its files, and put it into READ")
        where = "always" if "" in extras else ", ".join(f"`{extra}`" for extra in sorted(extras))
        yield f"| {name} | {licence} | {where} |"


def main() -> None:
    """Write it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    installed = find_installed([*sys.path[1:], *sys.argv[1:]])
    PAGE.write_text("\n".join(write_page(project, installed)) + "\n", "utf-8")


if __name__ == "__main__":
    main()
