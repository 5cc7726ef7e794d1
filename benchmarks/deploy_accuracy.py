"""AP of what `nimblepose export --to` writes, each target in its own runtime, beside the model it was made of.

    python benchmarks/deploy_accuracy.py human DATA/ [onnx-float-input openvino ...] [--height 368] [--limit 0]

DATA is a folder in COCO layout. One pass at the height, thresholds for ranking, as in `nimblepose val --input-height`;
every target is exported first, so that what is measured is what users get. The last column is what is lost, in points
of AP, against ONNX Runtime on the model as it was given (docs/deploy.md).
"""

import argparse
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from nimblepose.codec.options import FOR_RANKING
from nimblepose.convert.deploy.exporting import export_for, load_proto
from nimblepose.convert.deploy.native import run_onnx
from nimblepose.convert.deploy.onnx_forms import read_metadata
from nimblepose.convert.deploy.targets import TARGETS
from nimblepose.convert.deploy.trial import Run
from nimblepose.convert.model_files import find_file
from nimblepose.core.errors import PoseError
from nimblepose.core.metadata import InputSpec
from nimblepose.core.poses import Poses
from nimblepose.data.sets import AnnotatedSet, locate_set
from nimblepose.evaluation.coco import Metrics
from nimblepose.evaluation.detect import measure
from nimblepose.media.pictures import Picture
from nimblepose.runtime.estimator import PoseEstimator
from nimblepose.runtime.prepare import prepare

EXACT = ("onnx-float32", "litert", "ncnn-float32")
"""Floats in 32 bits: the trial of `export` says that they are the same numbers."""


class Deployed:
    """Finds people with a form that was opened, and decodes what it gives as the estimator of its source does."""

    def __init__(self, source: PoseEstimator, run: Run, spec: InputSpec) -> None:
        self.skeleton = source.skeleton
        self._source, self._run, self._spec = source, run, spec

    def stream(self, pictures: Iterable[Picture]) -> Iterator[Poses]:
        """Poses of pictures, one after the other."""
        for picture in pictures:
            placement = self._source.place(picture)
            fields = self._run(prepare([picture], placement, self._spec))
            yield self._source.decode(fields.heatmaps[0], fields.pafs[0], placement)


def line(target: str, runtime: str, metrics: Metrics, reference: Metrics, seconds: float) -> str:
    """One row of the table."""
    figures = " | ".join(f"{value:.4f}" for value in (metrics.ap, metrics.ap50, metrics.ap75))
    return f"| {target} | {runtime} | {figures} | {100 * (reference.ap - metrics.ap):.2f} | {seconds:.0f} |"


def main() -> None:
    """A row per target and runtime."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("data", type=Path)
    parser.add_argument("targets", nargs="*", default=[name for name in TARGETS if name not in EXACT])
    parser.add_argument("--height", type=int, default=368)
    parser.add_argument("--limit", type=int, default=0)
    args = parser.parse_args()
    source = PoseEstimator(find_file(args.model), input_height=args.height, decode=FOR_RANKING)
    data = AnnotatedSet.read(*locate_set(args.data), source.skeleton, limit=args.limit)
    print(f"{args.data.name}, {len(data.records)} pictures, {args.model}, height {args.height}\n")
    print("| target | runtime | AP | AP50 | AP75 | points lost | seconds |\n" + "|---" * 7 + "|", flush=True)
    proto = load_proto(find_file(args.model))
    start = time.perf_counter()
    own = Deployed(source, run_onnx(proto.SerializeToString()), read_metadata(proto).input)
    reference = measure(data, own)
    print(line("the model", "ONNX Runtime", reference, reference, time.perf_counter() - start), flush=True)
    for target in args.targets:
        with tempfile.TemporaryDirectory() as folder:
            try:
                report = export_for(args.model, target, folder)
            except PoseError as error:
                print(f"| {target} | {str(error).splitlines()[0]} |" + " |" * 5, flush=True)
                continue
            for name, open_form in TARGETS[target].runtimes.items():
                start = time.perf_counter()
                run = open_form(next(iter(report.files)))
                metrics = measure(data, Deployed(source, run, report.metadata.input))
                print(line(target, name, metrics, reference, time.perf_counter() - start), flush=True)


if __name__ == "__main__":
    main()
