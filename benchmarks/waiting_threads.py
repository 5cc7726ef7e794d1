"""What it costs that a thread of ONNX Runtime that waits for the others keeps its core busy, by how long it does.

python benchmarks/waiting_threads.py MODEL.onnx PICTURE [--threads 2] [--rounds 40] [--microseconds 0 20 50 100]

All in turn, in one process: the network alone, and the whole of a single pass at height 256. Run it on a machine that
does nothing else, and again beside other work.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nimblepose import PoseEstimator
from nimblepose.core.metadata import ModelMetadata
from nimblepose.core.optional import import_optional
from nimblepose.media.pictures import read_picture
from nimblepose.runtime.prepare import Batch
from nimblepose.runtime.protocols import Fields

HEIGHT = 256


def open_session(model: Path, threads: int, microseconds: int | None) -> Any:
    """None: as long as ONNX Runtime chooses; 0: not at all."""
    onnxruntime = import_optional("onnxruntime", "this benchmark")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    if microseconds == 0:
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    elif microseconds is not None:
        options.add_session_config_entry("session.intra_op.spin_duration_us", str(microseconds))
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


class Session:
    """A session of ONNX Runtime as a backend for the estimator."""

    def __init__(self, session: Any, metadata: ModelMetadata) -> None:
        self._session, self._input = session, session.get_inputs()[0].name
        self.metadata, self.callers = metadata, 1

    def run(self, image: Batch) -> Fields:
        """Fields of a prepared batch."""
        heatmaps, pafs = self._session.run(["heatmaps", "pafs"], {self._input: image})
        return Fields(heatmaps, pafs)


def measure(work: Callable[[], object]) -> tuple[float, float]:
    """Milliseconds that pass, and that processors are busy for this process."""
    passed, busy = time.perf_counter(), time.process_time()
    work()
    return 1e3 * (time.perf_counter() - passed), 1e3 * (time.process_time() - busy)


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--microseconds", type=int, nargs="+", default=[0, 20, 50, 100])
    asked = parser.parse_args()
    estimator = PoseEstimator(asked.model, threads=asked.threads, input_height=HEIGHT)
    picture = read_picture(asked.picture)
    batch = estimator.prepare([picture], estimator.place(picture))
    names = {None: "its own choice", 0: "not at all"}
    rows = []
    for wait in (None, *asked.microseconds):
        session = open_session(asked.model, asked.threads, wait)
        rows.append((names.get(wait, f"{wait}"), Session(session, estimator.metadata), []))
    for number in range(asked.rounds + 2):
        for _, backend, times in rows:
            alone = measure(lambda backend=backend: backend.run(batch))
            whole = measure(lambda backend=backend: estimator.estimate(picture, backend))
            if number > 1:
                times.append((*alone, *whole))
    print("| microseconds | network, ms | its CPU, ms | whole, ms | its CPU, ms |\n|---|---|---|---|---|")
    for name, _, times in rows:
        print(
            f"| {name} | "
            + " | ".join(f"{statistics.median(column):.1f}" for column in zip(*times, strict=True))
            + " |"
        )


if __name__ == "__main__":
    main()
