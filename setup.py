"""Everything stands in pyproject.toml; only the README is made fit for pages that do not lie beside the other files."""

import re
import tomllib
from pathlib import Path

from setuptools import setup

HERE = Path(__file__).parent


def make_absolute(readme: str, address: str, version: str) -> str:
    """Links and pictures of files of this project, as they are found at an address under the tag of a version."""

    def replace(match: re.Match[str]) -> str:
        before, target = match.groups()
        if re.match(r"[a-z]+:|#", target):
            return match.group()
        kind = "raw" if before.startswith("!") else "blob"
        return f"{before}({address}/{kind}/v{version}/{target})"

    return re.sub(r"(!?\[[^\]]*\])\(([^)\s]+)\)", replace, readme)


if __name__ == "__main__":
    project = tomllib.loads((HERE / "pyproject.toml").read_text("utf-8"))["project"]
    text = (HERE / "README.md").read_text("utf-8")
    (version,) = re.findall(
        r'^__version__ = "(.+)"$', (HERE / "src/nimblepose/__init__.py").read_text("utf-8"), re.MULTILINE
    )
    setup(
        long_description=make_absolute(text, project["urls"]["Source"], version),
        long_description_content_type="text/markdown",
    )
