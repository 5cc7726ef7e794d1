"""Quality and CPU time beside what people would pick instead, on the same pictures: see `peers.md`.

    python benchmarks/peers.py DATA --peer PYTHON --models FOLDER [--limit 120] [--best]

DATA is a folder in COCO layout, PYTHON the interpreter of an environment with `mediapipe`, FOLDER the unpacked npm
package `@mediapipe/pose`. Pictures are shown to everybody in turn, decoded, so that whatever else the machine does
meets all of them; everybody has one thread, and what counts is the CPU time of all threads of a process. They come in
an order that is shuffled once for good, and every 60 of them the table so far is printed.
"""

import argparse
import dataclasses
import json
import statistics
import struct
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nimblepose.codec.options import FOR_RANKING
from nimblepose.core.skeleton import HUMAN_18
from nimblepose.data.coco import Record
from nimblepose.data.sets import AnnotatedSet, locate_set, read_annotated
from nimblepose.evaluation.coco import MAX_PEOPLE, evaluate
from nimblepose.evaluation.provenance import read_processor_name
from nimblepose.runtime.estimator import PoseEstimator

# COCO's 17 keypoints among the 33 of BlazePose:
# https://ai.google.dev/edge/mediapipe/solutions/vision/pose_landmarker
BLAZEPOSE = (0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28)
STEP = 60  # pictures from table to table
MARGIN = 1.5  # a box with its surroundings: of 1.25, 1.5, 2 and 3 the best on 60 pictures of coco-train

Picture = NDArray[np.uint8]
Found = list[dict[str, Any]]
Finder = Callable[[Record, Picture], tuple[Found, float]]  # people and seconds


class MediaPipe:
    """One of its networks, in a process of its own."""

    def __init__(self, python: Path, name: str, people: int, models: Path) -> None:
        """Start it, for so many people per picture."""
        script = Path(__file__).with_name("peer_mediapipe.py")
        command = [str(python), str(script), name, str(people), str(models)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def ask(self, picture: Picture) -> tuple[NDArray[np.float64], float]:
        """(N, 17, 3) x, y, visibility of whom it found, and the seconds of CPU that it took."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(struct.pack("<ii", *picture.shape[:2]) + picture.tobytes())
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        return np.array(answer["people"]).reshape(-1, 33, 3)[:, BLAZEPOSE], answer["seconds"]

    def whole(self, record: Record, picture: Picture) -> tuple[Found, float]:
        """The picture as it is."""
        people, seconds = self.ask(picture)
        return [to_result(record, points) for points in people], seconds

    def boxes(self, record: Record, picture: Picture) -> tuple[Found, float]:
        """Everybody who is labelled, one after the other, as somebody would who has a perfect detector."""
        results, total = [], 0.0
        for x, y, width, height in record.people.boxes[record.people.labelled]:
            left, top = max(0, int(x - width * (MARGIN - 1) / 2)), max(0, int(y - height * (MARGIN - 1) / 2))
            right, bottom = int(x + width * (MARGIN + 1) / 2) + 1, int(y + height * (MARGIN + 1) / 2) + 1
            people, seconds = self.ask(np.ascontiguousarray(picture[top:bottom, left:right]))
            total += seconds
            results += [to_result(record, points + np.array((left, top, 0))) for points in people]
        return results, total


def to_result(record: Record, points: NDArray[np.float64]) -> dict[str, Any]:
    """A COCO result; its score is the mean visibility."""
    return {
        "image_id": record.image_id,
        "category_id": 1,
        "keypoints": points.ravel().tolist(),
        "score": float(points[:, 2].mean()),
    }


def own(**options: Any) -> Finder:
    """The model in the package."""
    estimator = PoseEstimator(threads=1, backend="onnxruntime", decode=FOR_RANKING, **options)

    def find(record: Record, picture: Picture) -> tuple[Found, float]:
        start = time.process_time()
        poses = estimator(picture)
        seconds = time.process_time() - start
        return poses.to_coco(record.image_id, category_id=1, max_people=MAX_PEOPLE), seconds

    return find


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--peer", type=Path, required=True)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("--best", action="store_true", help="also what takes long: best, heavy in every box, lite")
    options = parser.parse_args()
    data = AnnotatedSet.read(*locate_set(options.data), HUMAN_18)
    order = np.random.default_rng(0).permutation(len(data.records))[: options.limit or None]
    print(f"{options.data.name}; {read_processor_name()}", flush=True)
    finders = open_all(options.peer, options.models, best=options.best)
    found, times = defaultdict(list), defaultdict(list)
    for number, index in enumerate(order):
        record = data.records[index]
        picture, _, _ = read_annotated(record)
        for name, find in finders.items():
            people, seconds = find(record, picture)
            found[name] += people
            times[name] += [seconds] * (number > 0)  # the first one also opens
        if (number + 1) % STEP == 0 or number + 1 == len(order):
            seen = dataclasses.replace(data, records=[data.records[i] for i in order[: number + 1]])
            print("\n".join(tabulate(seen, found, times)), flush=True)


def open_all(python: Path, models: Path, *, best: bool) -> dict[str, Finder]:
    """Everybody, by what the table calls them."""
    finders: dict[str, Finder] = {
        "nimblepose, one pass at height 256": own(input_height=256),
        "nimblepose, fast": own(quality="fast"),
        "nimblepose, balanced": own(quality="balanced"),
    }
    if best:
        finders["nimblepose, best"] = own(quality="best")
    for name in ("lite", "full", "heavy") if best else ("full", "heavy"):
        one, many = (MediaPipe(python, name, people, models) for people in (1, MAX_PEOPLE))
        finders[f"MediaPipe Pose {name}, one person"] = one.whole
        finders[f"MediaPipe PoseLandmarker {name}, up to {MAX_PEOPLE} people"] = many.whole
        if best or name == "full":
            finders[f"MediaPipe Pose {name}, given every labelled box"] = one.boxes
    return finders


def tabulate(data: AnnotatedSet, found: Mapping[str, Found], times: Mapping[str, list[float]]) -> Iterator[str]:
    """The table of the pictures so far."""
    alone = [r for r in data.records if len(r.people.boxes) == 1 and r.people.labelled.all()]
    yield f"\n{len(data.records)} pictures, {len(alone)} of one person\n"
    yield "| what | AP | AP50 | AR | AP where one person is | CPU ms per picture: median | mean |\n|" + "---|" * 7
    for name, people in found.items():
        every, single = evaluate(data, people), evaluate(dataclasses.replace(data, records=alone), people)
        median, mean = (1000 * average(times[name]) for average in (statistics.median, statistics.fmean))
        figures = f"{every.ap:.3f} | {every.ap50:.3f} | {every.ar:.3f} | {single.ap:.3f}"
        yield f"| {name} | {figures} | {median:.0f} | {mean:.0f} |"


if __name__ == "__main__":
    main()
