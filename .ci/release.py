"""Cut a version, and build what is published: see docs/releasing.md.

python .ci/release.py cut 0.2.0
python .ci/release.py build [--no-audit] [--tests tests/core tests/test_readme.py ...]
"""

import argparse
import re
import subprocess
import sys
import tarfile
import tempfile
import venv
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VERSION = re.compile(r'^__version__ = "(.+)"$', re.MULTILINE)
QUICK = ("tests/core", "tests/codec", "tests/test_readme.py", "tests/test_packaging.py")
FIND_PEOPLE = (
    "import sys; from nimblepose import PoseEstimator; found = PoseEstimator()(sys.argv[1]); print(found); "
    "sys.exit(len(found) != 3)"
)


def cut(changelog: str, version: str, day: str) -> str:
    """A changelog whose unreleased part is of a version and a day, below an empty one.

    Raises:
        ValueError: the version is none, or not new, or there is nothing to release.
    """
    if not re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?", version):
        raise ValueError(f"{version!r} is no version such as 0.2.0 or 0.2.0rc1")
    if f"\n## {version} " in changelog:
        raise ValueError(f"CHANGELOG.md has {version} already")
    before, mark, after = changelog.partition("## Unreleased\n")
    if not mark or not after.partition("\n## ")[0].strip():
        raise ValueError("CHANGELOG.md has nothing below '## Unreleased'")
    return f"{before}{mark}\n## {version} - {day}\n{after}"


def run(*command: object, where: Path = ROOT) -> None:
    """A command that must succeed."""
    print("+", *command, flush=True)
    subprocess.run([str(part) for part in command], cwd=where, check=True)


def audit(python: Path, folder: Path) -> None:
    """No dependency of an environment has a known vulnerability; strict, for without it unknown packages pass."""
    frozen = subprocess.run([python, "-m", "pip", "freeze"], capture_output=True, text=True, check=True).stdout
    needs = folder / "needs.txt"
    needs.write_text("".join(line for line in frozen.splitlines(keepends=True) if "nimblepose" not in line))
    run(sys.executable, "-m", "pip_audit", "--strict", "--no-deps", "--disable-pip", "--requirement", needs)


def build(tests: Sequence[str], *, audited: bool) -> None:
    """Wheel and source distribution in `dist/`, checked."""
    dist = ROOT / "dist"
    if dist.is_dir() and any(dist.iterdir()):
        sys.exit(f"{dist} holds something already: remove it first")
    run(sys.executable, "-m", "build", "--outdir", dist)
    (wheel,), (sdist,) = dist.glob("*.whl"), dist.glob("*.tar.gz")
    run(sys.executable, "-m", "twine", "check", "--strict", wheel, sdist)
    run(sys.executable, "-m", "check_wheel_contents", wheel)
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder, "fresh")
        python = fresh / ("Scripts" if sys.platform == "win32" else "bin") / "python"
        venv.create(fresh, with_pip=True)
        constraints = ("--constraint", ROOT / "constraints.txt")
        run(python, "-m", "pip", "install", "--quiet", *constraints, wheel)
        run(python, "-c", FIND_PEOPLE, ROOT / "examples/people.jpg", where=Path(folder))
        if audited:
            audit(python, Path(folder))
        with tarfile.open(sdist) as opened:
            opened.extractall(folder, filter="data")
        unpacked = Path(folder, sdist.name.removesuffix(".tar.gz"))
        extras = "[openvino,serve,table,test,val,video]"
        run(python, "-m", "pip", "install", "--quiet", *constraints, f"{unpacked}{extras}")
        run(python, "-m", "pytest", *tests, where=unpacked)
    print(
        f"{wheel.name} and {sdist.name} are ready in {dist}{'' if audited else '; vulnerabilities were not looked for'}"
    )


def main() -> None:
    """Parse and do."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    steps = parser.add_subparsers(dest="step", required=True)
    steps.add_parser("cut").add_argument("version")
    building = steps.add_parser("build")
    building.add_argument("--tests", nargs="*", default=QUICK)
    building.add_argument("--no-audit", action="store_true", help="where pip-audit cannot reach its service")
    options = parser.parse_args()
    if options.step == "build":
        build(options.tests, audited=not options.no_audit)
        return
    module, changelog = ROOT / "src/nimblepose/__init__.py", ROOT / "CHANGELOG.md"
    text = cut(changelog.read_text("utf-8"), options.version, f"{datetime.now(UTC):%Y-%m-%d}")
    module.write_text(VERSION.sub(f'__version__ = "{options.version}"', module.read_text("utf-8")), "utf-8")
    changelog.write_text(text, "utf-8")
    print(f"{options.version}: __version__ and CHANGELOG.md")


if __name__ == "__main__":
    main()
