"""What long results cost in every form: CPU seconds, peak memory and bytes, ours beside the neighbours' own writers.

    python benchmarks/interop_size.py --frames 108000 --people 5 [--only dlc,slp] [--rounds 5]

Each writer runs in a process of its own; rounds go through all of them in turn, and medians are shown. Written are 17
keypoints of people who walk, a tenth of them not found. All are given the same poses frame by frame, as `track` has
them: ours write them as they come, for the neighbours they are put into arrays, which is counted as theirs.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import COCO_17
from nimblepose.media.frames import Stamp
from nimblepose.results.formats import FORMATS
from nimblepose.results.output_format import Header

OURS = ("json", "csv", "parquet", "coco-dataset", "dlc", "dlc-h5", "slp", "nwb", "trc", "c3d")
THEIRS = ("pandas csv", "pandas h5", "sleap-io", "movement nwb")
NAMES = list(COCO_17.keypoints)


def make_frames(frames: int, people: int):
    """Stamp and poses, frame by frame."""
    rng = np.random.default_rng(0)
    base = rng.uniform(0, 1000, (people, 17, 2)).astype(np.float32)
    whole, ids = np.ones(people, np.float32), np.arange(people) + 1
    for index in range(frames):
        xy = base + np.float32(np.sin(index / 50) * 40)
        scores = rng.random((people, 17), np.float32)
        gone = scores < 0.1
        xy[gone], scores[gone] = np.nan, 0
        yield Stamp(index, index / 30, (1080, 1920)), Poses(COCO_17, xy, scores, whole, ids)


def write_ours(name: str, folder: Path, frames: int, people: int) -> None:
    """By the format's own class."""
    maker = next(one for one in FORMATS if one.name == name).video
    assert maker is not None
    file = maker.begin(folder / f"walk{maker.ending}", Header(model="m", skeletons=(COCO_17,), source="w.mp4", rate=30))
    for stamp, poses in make_frames(frames, people):
        file.add(stamp, poses)
    file.finish()


def write_theirs(name: str, folder: Path, frames: int, people: int) -> None:
    """By the neighbour's package."""
    places = np.full((frames, people, 17, 3), np.nan, np.float32)
    for stamp, poses in make_frames(frames, people):
        places[stamp.index, ..., :2], places[stamp.index, ..., 2] = poses.keypoints, poses.keypoint_scores
    if name.startswith("pandas"):
        import pandas as pd

        who = [f"person{i}" for i in range(people)]
        columns = pd.MultiIndex.from_product([["m"], who, NAMES, ["x", "y", "likelihood"]])
        columns.names = ["scorer", "individuals", "bodyparts", "coords"]
        table = pd.DataFrame(places.reshape(frames, -1), columns=columns)
        if name == "pandas csv":
            table.to_csv(folder / "a.csv", float_format="%.4f")
        else:
            table.to_hdf(folder / "a.h5", key="df_with_missing", mode="w", format="table")
    elif name == "sleap-io":
        import sleap_io as sio

        skeleton = sio.Skeleton(NAMES, edges=list(COCO_17.limbs))
        tracks = [sio.Track(f"person{i}") for i in range(people)]
        video = sio.Video(filename="w.mp4")
        labelled = []
        for index, rows in enumerate(places):
            made = [
                sio.PredictedInstance.from_numpy(
                    row[:, :2], skeleton=skeleton, point_scores=row[:, 2], score=1, track=track
                )
                for row, track in zip(rows, tracks, strict=True)
            ]
            labelled.append(sio.LabeledFrame(video, index, made))
        sio.Labels(labelled).save(str(folder / "a.slp"), verbose=False, embed=False)
    else:
        import pynwb
        from movement.io import load_poses, save_poses

        array = places.transpose(0, 3, 2, 1)
        ds = load_poses.from_numpy(array[:, :2], array[:, 2], [f"person{i}" for i in range(people)], NAMES, fps=30)
        for number, nwb in enumerate(save_poses.to_nwb_file(ds)):
            with pynwb.NWBHDF5IO(str(folder / f"{number}.nwb"), "w") as out:
                out.write(nwb)


def run_one(name: str, frames: int, people: int) -> None:
    """Print CPU and wall seconds, peak megabytes, and megabytes of what was written."""
    with tempfile.TemporaryDirectory() as folder:
        before, wall = time.process_time(), time.perf_counter()
        (write_ours if name in OURS else write_theirs)(name, Path(folder), frames, people)
        spent, wall = time.process_time() - before, time.perf_counter() - wall
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(spent, wall, peak, size / 1e6)


def main() -> None:
    """One process per writer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=108_000)
    parser.add_argument("--people", type=int, default=5)
    parser.add_argument("--only", default=",".join((*OURS, *THEIRS)))
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--here", action="store_true", help="in this process; for one writer")
    given = parser.parse_args()
    if given.here:
        run_one(given.only, given.frames, given.people)
        return
    names = given.only.split(",")
    seen: dict[str, list[list[float]]] = {name: [] for name in names}
    for _ in range(given.rounds):
        for name in names:
            line = [sys.executable, __file__, "--here", "--only", name]
            line += ["--frames", str(given.frames), "--people", str(given.people)]
            ran = subprocess.run(line, check=False, capture_output=True, text=True)
            if ran.returncode:
                print(f"{name}: {ran.stderr.strip().splitlines()[-1]}", file=sys.stderr)
                continue
            seen[name].append([float(value) for value in ran.stdout.splitlines()[-1].split()])
    print("| writer | frames | CPU s | wall s | peak MB | file MB |\n|---|---|---|---|---|---|")
    for name, rows in seen.items():
        if rows:
            spent, wall, peak, size = np.median(rows, axis=0)
            print(f"| {name} | {given.frames:,} | {spent:.2f} | {wall:.1f} | {peak:.0f} | {size:.1f} |")


if __name__ == "__main__":
    main()
