"""The table of accuracy: AP of one model by input height, averaging and runtime.

    python benchmarks/accuracy.py MODEL.onnx DATA/ [--int8 INT8.onnx] [--reference DETECTIONS.json]
        [--backends onnxruntime openvino] [--rows single as-used flip ...]

DATA is a folder in COCO layout. Each row is what `nimblepose val` prints with the options named in it. The reference is
the row of detections that were made elsewhere, evaluated by the same function.
"""

import argparse
import json
import time
from pathlib import Path

from nimblepose.codec.options import FOR_RANKING, DecodeOptions
from nimblepose.core.skeleton import HUMAN_18
from nimblepose.data.sets import AnnotatedSet, locate_set
from nimblepose.evaluation.coco import Metrics, evaluate
from nimblepose.evaluation.detect import detect
from nimblepose.evaluation.provenance import compute_sha256, read_processor_name
from nimblepose.runtime.estimator import PoseEstimator

_SCALES = (0.5, 1.0, 1.5, 2.0)
_ROWS = {  # name -> what it says, model, height, flip, scales
    "single": ("float32, height 368", "float32", 368, False, (1.0,)),
    "as-used": ("float32, height 368, thresholds for use", "float32", 368, False, (1.0,)),
    "flip": ("float32, height 368, flip", "float32", 368, True, (1.0,)),
    "scales": ("float32, height 368, scales 0.5, 1, 1.5, 2", "float32", 368, False, _SCALES),
    "small": ("float32, height 256", "float32", 256, False, (1.0,)),
    "small-flip": ("float32, height 256, flip", "float32", 256, True, (1.0,)),
    "int8": ("int8, height 368", "int8", 368, False, (1.0,)),
    "int8-small": ("int8, height 256", "int8", 256, False, (1.0,)),
}


def line(what: str, runtime: str, metrics: Metrics, seconds: str) -> str:
    """One row of the table."""
    figures = (metrics.ap, metrics.ap50, metrics.ap75, metrics.ap_medium, metrics.ap_large, metrics.ar)
    return f"| {what} | {runtime} | {' | '.join(f'{value:.4f}' for value in figures)} | {seconds} |"


def main() -> None:
    """Parse, measure, print row by row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--int8", type=Path)
    parser.add_argument("--reference", type=Path)
    parser.add_argument(
        "--backends", nargs="*", choices=("onnxruntime", "openvino"), default=["onnxruntime", "openvino"]
    )
    parser.add_argument("--rows", nargs="*", choices=_ROWS, default=list(_ROWS))
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--limit", type=int, default=0)
    options = parser.parse_args()
    data = AnnotatedSet.read(*locate_set(options.data), HUMAN_18, limit=options.limit)
    print(f"{options.data.name}, {len(data.records)} pictures; model {options.model.name} ", end="")
    print(f"(sha256 {compute_sha256(options.model)[:16]}...); {read_processor_name()}\n")
    print("| what | runtime | AP | AP50 | AP75 | AP medium | AP large | AR | seconds |\n|" + "---|" * 9)
    if options.reference:
        detections = json.loads(options.reference.read_text())
        metrics = evaluate(data, detections)
        print(line("reference implementation, height 368", "PyTorch", metrics, ""), flush=True)
    for row in options.rows:
        what, kind, height, flip, scales = _ROWS[row]
        model = options.model if kind == "float32" else options.int8
        for backend in options.backends if model else ():
            estimator = PoseEstimator(
                model,
                backend=backend,
                threads=options.threads,
                input_height=height,
                flip=flip,
                scales=scales,
                decode=DecodeOptions() if row == "as-used" else FOR_RANKING,
            )
            start = time.perf_counter()
            found = detect(data, estimator)
            seconds = time.perf_counter() - start
            print(line(what, backend, evaluate(data, found), f"{seconds:.0f}"), flush=True)


if __name__ == "__main__":
    main()
