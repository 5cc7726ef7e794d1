"""`nimblepose predict` of two source trees, in turn on one machine: time, CPU, memory, and whether results agree.

    python benchmarks/predict_speed.py OLD/src NEW/src coco-eval/images
    python benchmarks/predict_speed.py OLD/src NEW/src coco-eval/images --busy 2

Every run is a process of its own, as a person starts it. CPU is user and system time of all its threads; memory is its
largest resident set. A ratio is the median of the new tree's runs over the median of the old one's.
"""

import argparse
import filecmp
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

WAYS = {"with pictures": [], "without": ["--no-pictures"], "one picture": []}
COLUMNS = ("wall s", "CPU s", "MB")


class Run(NamedTuple):
    """What a process took."""

    wall: float
    cpu: float
    memory: float


def main() -> None:
    """Print a table of all runs, and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path, help="`src` of a checkout")
    parser.add_argument("new", type=Path, help="`src` of another one")
    parser.add_argument("pictures", type=Path, help="folder of pictures")
    parser.add_argument("--ways", nargs="*", choices=WAYS, default=list(WAYS))
    parser.add_argument("--rounds", type=int, default=5, help="of each tree and way, after one to warm up")
    parser.add_argument("--busy", type=int, default=0, help="other processes that keep cores busy meanwhile")
    parser.add_argument("--options", nargs=argparse.REMAINDER, default=[], help="last: more options for `predict`")
    options = parser.parse_args()
    trees = {"old": options.old.resolve(), "new": options.new.resolve()}
    print(f"{options.busy} busy processes beside, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start\n")
    print(f"| way | tree | {' | '.join(COLUMNS)} |\n|---|---|{'---|' * len(COLUMNS)}")
    with tempfile.TemporaryDirectory() as name, busy(options.busy):
        for way in options.ways:
            source = min(options.pictures.glob("*.jpg")) if way == "one picture" else options.pictures
            runs: dict[str, list[Run]] = {tree: [] for tree in trees}
            for number in range(-1, options.rounds):
                for tree, folder in trees.items():
                    out = Path(name) / tree / way.replace(" ", "-")
                    run = predict(folder, source, out, [*WAYS[way], *options.options])
                    if number >= 0:
                        runs[tree].append(run)
            for tree, done in runs.items():
                cells = (" ".join(f"{value:.{digits}f}" for value in values) for values, digits in columns(done))
                print(f"| {way} | {tree} | {' | '.join(cells)} |")
            medians = {tree: [statistics.median(values) for values, _ in columns(done)] for tree, done in runs.items()}
            ratios = (new / old for old, new in zip(medians["old"], medians["new"], strict=True))
            print(f"| {way} | **new / old** | {' | '.join(f'**{ratio:.2f}**' for ratio in ratios)} |", flush=True)
            same = compare(*(Path(name) / tree / way.replace(" ", "-") for tree in trees))
            print(f"| {way} | files | {same} | | |", flush=True)


def columns(runs: list[Run]) -> Iterator[tuple[tuple[float, ...], int]]:
    """Values of each column over the runs, and how many digits to show."""
    yield from zip(zip(*runs, strict=True), (2, 2, 0), strict=True)


def predict(tree: Path, source: Path, out: Path, options: list[str]) -> Run:
    """One process from its start to its end."""
    command = [sys.executable, "-m", "nimblepose", "predict", str(source), "--out", str(out), "--quiet", *options]
    start = time.perf_counter()
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(tree)})
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} with {tree} ended in {process.returncode}")
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def compare(old: Path, new: Path) -> str:
    """Are the files of two folders the same, byte for byte? Of documents in different forms, what they say."""
    names = sorted({path.name for folder in (old, new) for path in folder.iterdir()})
    _, differing, missing = filecmp.cmpfiles(old, new, names, shallow=False)
    other_form = [
        name for name in differing if name.endswith(".json") and read_poses(old / name) == read_poses(new / name)
    ]
    differing = [name for name in differing if name not in other_form]
    if not differing and not missing:
        return f"{len(names)}, all equal" + (f", {', '.join(other_form)} in another form" if other_form else "")
    return (
        f"{len(names)}, of which {len(differing)} differ ({', '.join(differing[:3])}), {len(missing)} are in one only"
    )


def read_poses(path: Path) -> list[object]:
    """Per picture its file, and people with box, score and keypoints, whichever version of our JSON it is."""
    found: list[object] = []
    for picture in json.loads(path.read_text("utf-8"))["pictures"]:
        people = []
        for person in picture["people"]:
            keypoints = person["keypoints"]
            if isinstance(keypoints, dict):  # version 1
                keypoints = [{"name": name, **values} for name, values in keypoints.items()]
            people.append((person["score"], person["box"], keypoints))
        found.append((picture["file"], picture["height"], picture["width"], people))
    return found


@contextmanager
def busy(count: int) -> Iterator[None]:
    """Processes that do nothing as fast as they can."""
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


if __name__ == "__main__":
    main()
