"""What each target of `nimblepose export --to` gives: differences, people, sizes, and CPU time beside ONNX Runtime.

    python benchmarks/deploy_study.py human onnx-float-input openvino ort [--picture FILE] [--rounds 5]

Differences are the largest of three runs in one object, heights 256, 368 and 256 again, from ONNX Runtime computing
the graph that was converted. CPU time is that of all threads at height 256, in turn with ONNX Runtime on the model as
it was given, so that all see the same machine; the ratio is this one's median over that one's. A target that is refused
or whose packages are missing gets a row that says so (docs/deploy.md).
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from nimblepose.convert.deploy.exporting import export_for, load_proto
from nimblepose.convert.deploy.native import run_onnx
from nimblepose.convert.deploy.onnx_forms import read_metadata
from nimblepose.convert.deploy.targets import TARGETS
from nimblepose.convert.deploy.trial import HEIGHTS, largest
from nimblepose.convert.model_files import find_file
from nimblepose.core.errors import PoseError
from nimblepose.core.geometry import Placement
from nimblepose.core.metadata import InputSpec
from nimblepose.evaluation.provenance import read_processor_name
from nimblepose.media.pictures import Picture, read_picture
from nimblepose.runtime.models import DEMO_PICTURE
from nimblepose.runtime.prepare import Batch, prepare
from nimblepose.runtime.protocols import Fields


def prepare_for(spec: InputSpec, picture: Picture) -> Batch:
    """The picture at the first height of the trial."""
    return prepare([picture], Placement.fit(picture.shape[:2], HEIGHTS[0], stride=spec.stride), spec)


def measure_seconds(run: Callable[[Batch], Fields], batch: Batch) -> float:
    """CPU time of one run, all threads together, after one that is not counted."""
    run(batch)
    start = time.process_time()
    run(batch)
    return time.process_time() - start


def main() -> None:
    """A row per target and runtime."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("targets", nargs="*", default=list(TARGETS))
    parser.add_argument("--picture", type=Path, default=DEMO_PICTURE)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    picture = read_picture(args.picture)
    proto = load_proto(find_file(args.model))
    source = run_onnx(proto.SerializeToString()), prepare_for(read_metadata(proto).input, picture)
    print(f"{args.model}, {args.picture.name}; {read_processor_name()}\n")
    print("| target | runtime | heatmaps | PAFs | mean | px | people | MB | CPU time |\n" + "|---" * 9 + "|")
    for target in args.targets:
        with tempfile.TemporaryDirectory() as folder:
            try:
                report = export_for(args.model, target, folder, pictures=[picture])
            except PoseError as error:
                print(f"| {target} | {str(error).splitlines()[0]} |" + " |" * 7)
                continue
            batch = prepare_for(report.metadata.input, picture)
            first, *_ = report.files
            size = sum(list(report.files.values())[:-1]) / 1e6  # without the JSON file
            for name, open_form in TARGETS[target].runtimes.items():
                run, worst = open_form(first), largest(list(report.differences[name].values()))
                pairs = [(measure_seconds(run, batch), measure_seconds(*source)) for _ in range(args.rounds)]
                ratio = statistics.median(a for a, _ in pairs) / statistics.median(b for _, b in pairs)
                print(
                    f"| {target} | {name} | {worst.heatmaps:.1e} | {worst.pafs:.1e} | {worst.mean:.1e} | "
                    f"{worst.pixels:.2f} | {worst.people[1]} of {worst.people[0]} | {size:.1f} | {ratio:.2f} |"
                )


if __name__ == "__main__":
    main()
