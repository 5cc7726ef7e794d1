"""What batch work costs beside the same frames in one process, what seeking costs, and 100,000 pictures.

    python benchmarks/batch_study.py overhead VIDEO [--engine local|ray] [--seconds 30] [--rounds 3]
    python benchmarks/batch_study.py seek [--hours 1]
    python benchmarks/batch_study.py pictures [--count 100000] [--minutes 5]
    python benchmarks/batch_study.py killed VIDEO [--times 5]
    python benchmarks/batch_study.py equal SOURCES... [--engine ray]

CPU time is of all processes that a command brings about, Ray's own included: run `overhead` where it is alone,
as in `unshare --net --pid --fork --kill-child --mount-proc`, where Ray is heard by nobody, too. Figures are in
benchmarks/README.md.
"""

import argparse
import contextlib
import os
import random
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

TICK = os.sysconf("SC_CLK_TCK")
NIMBLEPOSE = [sys.executable, "-m", "nimblepose"]


class CpuMeter:
    """CPU seconds of all processes that this one has begun, and theirs, also of those that live on their own."""

    def __init__(self) -> None:
        self._before = self._look()
        self._seen: dict[tuple[str, str], float] = {}
        self._most = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def read(self) -> float:
        """Until now."""
        self._over.set()
        self._thread.join()
        self._note()
        return sum(self._seen.values())

    def _watch(self) -> None:
        while not self._over.wait(0.25):
            self._note()

    def _note(self) -> None:
        for key, seconds in self._look().items():
            if key not in self._before and key[0] != str(os.getpid()):
                self._seen[key] = max(seconds, self._seen.get(key, 0.0))

    @staticmethod
    def _look() -> dict[tuple[str, str], float]:
        found = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = stat.read_text().rpartition(")")[2].split()
                found[stat.parent.name, fields[19]] = (int(fields[11]) + int(fields[12])) / TICK
        return found


def run(*arguments: object, check: bool = True) -> subprocess.CompletedProcess[str]:
    """A command of ours, to its end."""
    ran = subprocess.run([*NIMBLEPOSE, *map(str, arguments)], capture_output=True, text=True)
    if check and ran.returncode:
        raise SystemExit(ran.stdout + ran.stderr)
    return ran


def measure(*arguments: object) -> float:
    """CPU seconds of a command and all that it starts."""
    meter = CpuMeter()
    run(*arguments)
    return meter.read()


def study_overhead(video: Path, engine: str, seconds: float, rounds: int, known: float | None) -> None:
    """A batch beside one process, in turn."""
    ratios, finding = [], []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            batch = Path(folder, f"batch{number}")
            track = ["track", video, "--no-video", "--out", Path(folder, "whole"), "--threads", 2, "-q"]
            alone = known or measure(*track)
            run("batch", "plan", video, "--out", batch, "--seconds", seconds)
            started = time.perf_counter()
            together = measure("batch", "run", batch, "--engine", engine, "--workers", 2)
            wall = time.perf_counter() - started
            finish = measure("batch", "finish", batch, "--workers", 1)
            inside = sum(read_cpu(batch))
            if not known:
                tell_equal(batch / "results", Path(folder, "whole"))
            ratios.append(together / alone)
            finding.append(inside / alone)
            print(
                f"alone {alone:.1f} s of CPU; run {together:.1f} (in units {inside:.1f}, {wall:.0f} s), "
                f"finish {finish:.1f}; ratio {ratios[-1]:.3f}, of the units alone {finding[-1]:.3f}",
                flush=True,
            )
    print(f"{engine}: median {statistics.median(ratios):.3f}, of the units alone {statistics.median(finding):.3f}")


def read_cpu(batch: Path) -> Iterator[float]:
    """Seconds of each unit, as its part says."""
    from nimblepose.batch.parts import read_part

    for path in (batch / "parts").glob("*.parquet"):
        yield read_part(path.read_bytes(), path.name).facts["cpu"]


def make_hour(path: Path, hours: float) -> None:
    """A long file: the same ten seconds of 640 x 360, again and again, packets copied."""
    import av

    rng = np.random.default_rng(0)
    wall = rng.integers(0, 256, (45, 130, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    short = path.with_name("short.mp4")
    with av.open(str(short), "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"x264-params": "keyint=125:bframes=3"})
        stream.height, stream.width, stream.pix_fmt = 360, 640, "yuv420p"
        for number in range(250):
            picture = np.ascontiguousarray(wall[:, number : number + 640])
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        out.mux(stream.encode(None))
    with av.open(str(path), "w") as out, av.open(str(short)) as source:
        origin = source.streams.video[0]
        stream = out.add_stream_from_template(origin)
        length = int(10 / origin.time_base)
        for number in range(round(hours * 360)):
            source.seek(0)
            for packet in source.demux(origin):
                if packet.dts is not None:
                    packet.pts, packet.dts = packet.pts + number * length, packet.dts + number * length
                    packet.stream = stream
                    out.mux(packet)


def study_seeking(hours: float) -> None:
    """CPU until the first frame of a piece is there, with and without knowing its number."""
    from nimblepose.media.frames import Selection
    from nimblepose.media.pieces import VideoPiece
    from nimblepose.media.video import VideoFile

    with tempfile.TemporaryDirectory() as folder:
        video = Path(folder, "hour.mp4")
        make_hour(video, hours)
        print(f"{video.stat().st_size / 1e6:.0f} MB")
        for second in (0.0, 60.0, 1800.0 * hours, 3500.0 * hours):
            counted, free, opened = [], [], []
            for _ in range(5):
                started = time.process_time()
                VideoFile(video).close()
                opened.append(time.process_time() - started)
                started = time.process_time()
                frame = next(iter(VideoFile(video, Selection(start=second))))
                counted.append(time.process_time() - started)
                started = time.process_time()
                piece = VideoPiece(video, begin=second, end=None, first=not second)
                other = next(frame for frame in piece if frame.time >= second)
                free.append(time.process_time() - started)
                assert (frame.image == other.image).all()
            times = [1000 * statistics.median(values) for values in (opened, counted, free)]
            print("second {:.0f}: open {:.0f} ms, counted {:.0f} ms, piece {:.0f} ms of CPU".format(second, *times))


def study_pictures(count: int, minutes: float) -> None:
    """Many small pictures: planned, run for a while, asked for the status."""
    from nimblepose.media.encoding import encode_picture

    with tempfile.TemporaryDirectory() as folder:
        pictures, batch = Path(folder, "pictures"), Path(folder, "batch")
        pictures.mkdir()
        data = [
            encode_picture(np.random.default_rng(n).integers(0, 256, (48, 64, 3), np.uint8), ".jpg") for n in range(9)
        ]
        for number in range(count):
            (pictures / f"{number:06}.jpg").write_bytes(data[number % 9])
        started, busy = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        run("batch", "plan", pictures, "--out", batch)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - busy.ru_utime - busy.ru_stime
        print(
            f"planned in {time.perf_counter() - started:.1f} s, {cpu:.1f} s of CPU; at most {after.ru_maxrss >> 10} MB"
        )
        driver = subprocess.Popen([*NIMBLEPOSE, "batch", "run", str(batch), "--workers", "2"])
        ends = time.monotonic() + 60 * minutes
        while time.monotonic() < ends and driver.poll() is None:
            time.sleep(min(30, 60 * minutes / 5))
            processes = [driver.pid, *list_children(driver.pid)]
            memory = [read_memory(pid) for pid in processes]
            started = time.perf_counter()
            said = run("batch", "status", batch).stdout.splitlines()
            took = time.perf_counter() - started
            print(f"MB of driver and workers {memory}; {said[0]}; status took {took:.1f} s", flush=True)
        driver.send_signal(signal.SIGINT)
        driver.wait()


def list_children(pid: int) -> list[int]:
    """Of a process."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def read_memory(pid: int) -> int:
    """MB that a process has to itself and shares, now."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20


def study_killed(video: Path, times: int) -> None:
    """A kill -9 of the driver and of a worker at random moments, then the rest: are the files those of the whole?"""
    with tempfile.TemporaryDirectory() as folder:
        whole, batch = Path(folder, "whole"), Path(folder, "batch")
        run("track", video, "--no-video", "--out", whole, "-q")
        run("batch", "plan", video, "--out", batch, "--seconds", 1)
        chance = random.Random(0)  # noqa: S311
        for number in range(times):
            driver = subprocess.Popen([*NIMBLEPOSE, "batch", "run", str(batch), "--workers", "2", "-q"])
            time.sleep(chance.uniform(2, 12))
            victims = list_children(driver.pid) if number % 2 else [driver.pid]
            for pid in victims[:1] if driver.poll() is None else ():
                os.kill(pid, signal.SIGKILL)
            if number % 2:
                time.sleep(chance.uniform(0, 5))
                driver.kill()
            driver.wait()
            print(
                f"killed {'a worker, then the driver' if number % 2 else 'the driver'}: {count(batch)} parts",
                flush=True,
            )
        run("batch", "run", batch, "--workers", 2)
        run("batch", "finish", batch)
        tell_equal(batch / "results", whole)


def study_equal(sources: list[str], engine: str) -> None:
    """Whole, in pieces of 60, 10 and 5 seconds, in three shards: are all files equal?"""
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder, "whole")
        formats = ["--format", "json,coco,csv,parquet,openpose"]
        run("predict", *sources, "--no-pictures", "--out", whole, "-q", *formats)
        for seconds in (60, 10, 5):
            batch = Path(folder, f"batch{seconds}")
            run("batch", "plan", *sources, "--out", batch, "--seconds", seconds, "--pictures", 10 * seconds)
            for shard in ("0/3", "1/3", "2/3") if seconds == 10 else ("0/1",):
                run("batch", "run", batch, "--workers", 2, "--shard", shard, "--engine", engine)
            run("batch", "finish", batch, *formats)
            print(f"pieces of {seconds} s, {count(batch)} parts: ", end="")
            tell_equal(batch / "results", whole)


def count(batch: Path) -> int:
    """Parts that are there."""
    return len(list((batch / "parts").glob("[0-9a-f]*.parquet")))


def tell_equal(one: Path, other: Path) -> None:
    """Whether two folders hold the same files."""
    found, whole = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (one, other)
    )
    print(f"{len(whole)} files, {'all equal' if found == whole else 'NOT EQUAL'}", flush=True)


def main() -> None:
    """Choose."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    overhead = verbs.add_parser("overhead")
    overhead.add_argument("video", type=Path)
    overhead.add_argument("--engine", choices=["local", "ray"], default="local")
    overhead.add_argument("--seconds", type=float, default=30)
    overhead.add_argument("--rounds", type=int, default=3)
    overhead.add_argument("--alone", type=float, help="CPU seconds of `track`, if they were measured before")
    verbs.add_parser("seek").add_argument("--hours", type=float, default=1)
    pictures = verbs.add_parser("pictures")
    pictures.add_argument("--count", type=int, default=100_000)
    pictures.add_argument("--minutes", type=float, default=5)
    killed = verbs.add_parser("killed")
    killed.add_argument("video", type=Path)
    killed.add_argument("--times", type=int, default=5)
    equal = verbs.add_parser("equal")
    equal.add_argument("sources", nargs="+")
    equal.add_argument("--engine", choices=["local", "ray"], default="local")
    chosen = parser.parse_args()
    match chosen.verb:
        case "overhead":
            study_overhead(chosen.video, chosen.engine, chosen.seconds, chosen.rounds, chosen.alone)
        case "seek":
            study_seeking(chosen.hours)
        case "pictures":
            study_pictures(chosen.count, chosen.minutes)
        case "killed":
            study_killed(chosen.video, chosen.times)
        case "equal":
            study_equal(chosen.sources, chosen.engine)


if __name__ == "__main__":
    main()
