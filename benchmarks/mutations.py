"""What do the tests hold? Code is changed in one place at a time; tests that still pass do not hold that place.

    python benchmarks/mutations.py src/nimblepose/tracking [FILE ...] [--tests tests/tracking ...] [--limit 200] [-j 2]
        [--table FILE.csv] [--again survived] [--reached-only]

Comparisons, arithmetic, numbers, `and`, `or`, `not`, `min` and `max`, conditions, returns, calls, raises and keywords
are changed, one by one, in a copy of this checkout in a temporary folder, never here. Tests that reach the changed
function run first, in a process forked from one that has imported what is heavy, and the first failure ends the run;
then all others (`--reached-only` leaves these out: for rooms whose tests take minutes). The table grows with every
mutant, so a run that broke off goes on where it was; mutants are known again until the function around them changes.

mutmut and cosmic-ray do this too, but leave out what stands at module level, or start an interpreter per mutant.
"""

import argparse
import contextlib
import csv
import dataclasses
import importlib
import multiprocessing
import os
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from forked_tests import HUNG, Order, Reach, run_tests
from mutants import Mutant, mutate

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("numpy", "cv2", "scipy.optimize", "hypothesis", "PIL.Image", "av", "onnxruntime", "openvino", "torch")
PATIENCE = 5, 20.0  # times as long as the tests take, and seconds: a mutant that runs for longer hangs
NOTHING_RAN = 5  # exit status of pytest


@dataclasses.dataclass
class Bench:
    """A copy of the checkout, and what its tests reach."""

    copy: Path
    tests: Sequence[str]
    reach: dict[str, tuple[float, list[list[str]]]] = dataclasses.field(default_factory=dict)
    reached_only: bool = False

    def measure(self) -> None:
        """Run all tests unchanged.

        Raises:
            SystemExit: one fails.
        """
        status, answer = run_tests(self.copy, self.tests, Reach(self.copy / "src"), 3600, keep=True)
        if status:
            log = (self.copy.parent / "log.txt").read_text(errors="replace")
            raise SystemExit(f"{log[-3000:]}\ntests fail without any change: {answer.get('failed') or status}")
        self.reach = answer["tests"]

    def judge(self, mutant: Mutant) -> tuple[Mutant, str, str, float]:
        """Is it killed, by which test, in how many seconds?"""
        start, path = time.perf_counter(), self.copy / mutant.file
        original = path.read_bytes()
        path.write_text(mutant.source, "utf-8")
        os.utime(path, (time.time() + 1000,) * 2)  # so that no bytecode of the original is taken for it
        try:
            result, by = self._run_stages(mutant)
        finally:
            path.write_bytes(original)
            os.utime(path, (1e9, 1e9))
        return mutant, result, by, time.perf_counter() - start

    def _run_stages(self, mutant: Mutant) -> tuple[str, str]:
        mirrored = f"/test_{Path(mutant.file).stem}.py::"
        order = sorted(self.reach, key=lambda name: (mirrored not in name, self.reach[name][0]))
        reaching = [name for name in order if [mutant.file, mutant.where] in self.reach[name][1]]
        rest = [name for name in order if name not in set(reaching)]
        stages = [reaching] if reaching and self.reached_only else [reaching, rest]
        for chosen in filter(None, stages):
            files = list(dict.fromkeys(name.split("::")[0] for name in chosen))
            limit = PATIENCE[0] * sum(self.reach[name][0] for name in chosen) + PATIENCE[1]
            status, answer = run_tests(self.copy, files, Order(chosen), limit)
            if status not in (0, NOTHING_RAN):
                return "killed", answer.get("failed") or ("too long" if status == HUNG else f"exit status {status}")
        return "survived", "" if reaching or not mutant.where else "(no test calls it by itself)"


def copy_checkout(folder: Path) -> Path:
    """All files that git knows or would add, and the way to ../shared."""
    listed = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
    )
    copy = folder / "checkout"
    for name in listed.stdout.decode().strip("\0").split("\0"):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, copy / name)
            os.utime(copy / name, (1e9, 1e9))
    if (ROOT.parent / "shared").is_dir():
        (folder / "shared").symlink_to((ROOT.parent / "shared").resolve())
    return copy


_bench: list[Bench] = []  # of this process


def start_worker(folder: Path, bench: Bench) -> None:
    """A copy for each process."""
    copy = Path(tempfile.mkdtemp(dir=folder)) / "checkout"
    shutil.copytree(bench.copy.parent, copy.parent, symlinks=True, dirs_exist_ok=True)
    _bench[:] = [dataclasses.replace(bench, copy=copy)]


def judge(mutant: Mutant) -> tuple[Mutant, str, str, float]:
    """By the bench of this process."""
    return _bench[0].judge(mutant)


def read_table(path: Path) -> dict[str, dict[str, str]]:
    """What was judged before, by key."""
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        return {row["key"]: row for row in csv.DictReader(file)}


def summarise(rows: Sequence[dict[str, str]]) -> str:
    """How many were killed per file, and who survived, as Markdown."""
    lines = ["| file | mutants | killed | share |", "|---|---|---|---|"]
    for file in [*sorted({row["file"] for row in rows}), ""]:
        of = [row for row in rows if file in ("", row["file"])]
        killed = sum(row["result"] == "killed" for row in of)
        lines.append(f"| {file or 'all'} | {len(of)} | {killed} | {killed / max(len(of), 1):.1%} |")
    lines += ["", "| survivor | in | change |", "|---|---|---|"]
    for row in sorted(rows, key=lambda r: (r["file"], int(r["line"]))):
        if row["result"] == "survived":
            change = row["change"].replace("|", "\\|")
            lines.append(
                f"| {row['file'].removeprefix('src/nimblepose/')}:{row['line']} | {row['where']} | `{change}` |"
            )
    return "\n".join(lines)


def find_files(code: Sequence[str]) -> list[Path]:
    """Python files in files and folders, from the checkout."""
    paths = [ROOT / name for name in code]
    return sorted({file for path in paths for file in (path.rglob("*.py") if path.is_dir() else [path])})


def add_row(path: Path, row: dict[str, str]) -> None:
    """To a CSV file, with a header if it is new."""
    new = not path.is_file()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(row))
        if new:
            writer.writeheader()
        writer.writerow(row)


def main() -> None:
    """Change, test, tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("code", nargs="+", help="Files and folders to be changed, as src/nimblepose/tracking.")
    parser.add_argument("--tests", nargs="+", help="Files and folders; else those that mirror the code.")
    parser.add_argument("--limit", type=int, help="A sample of so many mutants.")
    parser.add_argument("--seed", type=int, default=0, help="Of the sample.")
    parser.add_argument("-j", type=int, default=1, help="How many at a time.")
    parser.add_argument("--table", type=Path, help="CSV file to which every mutant is added, and from which to go on.")
    parser.add_argument(
        "--again", choices=("survived", "killed", "all"), help="Judge these anew though they are known."
    )
    parser.add_argument("--reached-only", action="store_true", help="Run only tests that call the changed function.")
    parser.add_argument("--list", action="store_true", help="Show the mutants, judge none.")
    arguments = parser.parse_args()
    files = find_files(arguments.code)
    mutants = [mutant for file in files for mutant in mutate(ROOT, file.relative_to(ROOT).as_posix())]
    if arguments.limit and arguments.limit < len(mutants):
        chosen = random.Random(arguments.seed).sample(range(len(mutants)), arguments.limit)  # noqa: S311
        mutants = [mutants[i] for i in sorted(chosen)]
    if arguments.list:
        print(*(f"{m.file}:{m.line} {m.where}: {m.change}" for m in mutants), f"{len(mutants)} mutants", sep="\n")
        return
    known = read_table(arguments.table) if arguments.table else {}
    anew = {key for key, row in known.items() if arguments.again in ("all", row["result"])}
    rows = [known[m.key] | {"line": str(m.line)} for m in mutants if m.key in known and m.key not in anew]
    waiting = [m for m in mutants if m.key not in known or m.key in anew]
    rooms = sorted({file.relative_to(ROOT / "src/nimblepose").parts[0] for file in files})
    for name in HEAVY:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    with tempfile.TemporaryDirectory(prefix="mutations-") as folder:
        bench = Bench(copy_checkout(Path(folder) / "first"), arguments.tests or [f"tests/{room}" for room in rooms])
        bench.reached_only = arguments.reached_only
        bench.measure()
        taken = sum(seconds for seconds, _ in bench.reach.values())
        print(f"{len(mutants)} mutants, {len(rows)} known; {len(bench.reach)} tests, {taken:.0f} s", flush=True)
        with multiprocessing.get_context("fork").Pool(arguments.j, start_worker, (Path(folder), bench)) as pool:
            for mutant, result, by, seconds in pool.imap_unordered(judge, waiting):
                row = {n: str(getattr(mutant, n)) for n in ("key", "file", "line", "where", "change")}
                rows.append(row | {"result": result, "by": by, "seconds": f"{seconds:.1f}"})
                if arguments.table:
                    add_row(arguments.table, rows[-1])
                killed = sum(r["result"] == "killed" for r in rows) / len(rows)
                place = f"{mutant.file}:{mutant.line} {mutant.where}"
                print(f"{len(rows)}/{len(mutants)} {killed:.0%} | {result} {place}: {mutant.change} | {by}", flush=True)
    print(f"\n{summarise(rows)}")


if __name__ == "__main__":
    main()
