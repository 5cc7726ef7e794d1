"""`nimblepose benchmark`: how fast is a model on this machine, and where does the time go?"""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from nimblepose.cli.contradictions import Given
from nimblepose.cli.options import (
    AnyWayOption,
    BackendOption,
    FlipOption,
    ModelOption,
    PassHeightOption,
    QualityOption,
    QuietOption,
    ReportOption,
    ThreadsOption,
)

if TYPE_CHECKING:
    from nimblepose.evaluation.benchmark import Benchmark


def benchmark(
    context: typer.Context,
    model: ModelOption = None,
    backend: BackendOption = "auto",
    source: Annotated[
        str | None, typer.Option("--source", "-s", help="Picture or folder of pictures; without it, gray noise.")
    ] = None,
    threads: ThreadsOption = 0,
    quality: QualityOption = None,
    input_height: PassHeightOption = None,
    flip: FlipOption = False,
    any_way_up: AnyWayOption = False,
    frames: Annotated[int, typer.Option(min=1, help="One by one, and again streamed; pictures repeat.")] = 100,
    seconds: Annotated[float, typer.Option(min=0, help="Instead of --frames: as many as take about so long.")] = 0,
    report: ReportOption = None,
    quiet: QuietOption = False,
) -> None:
    """Time every stage, frames per second one by one and streamed, and the network alone in the same run.

    Examples:
        nimblepose benchmark
        nimblepose benchmark --source photos --backend openvino --seconds 10
    """
    from nimblepose.cli.progress import show_count_bar, show_download_bar
    from nimblepose.core.files import check_folders
    from nimblepose.core.share import count_usable_cores
    from nimblepose.evaluation.benchmark import BenchmarkOptions, run_benchmark
    from nimblepose.evaluation.benchmark_pictures import count_frames, load_pictures, make_noise
    from nimblepose.evaluation.provenance import describe_run, write_json
    from nimblepose.runtime.backends import open_backend
    from nimblepose.runtime.estimator import PoseEstimator
    from nimblepose.runtime.models import find_model

    if seconds:
        Given.of(context).refuse(["frames"], "--seconds says how many frames; leave out one of them")
    if report:
        check_folders(report)
    files, pictures = load_pictures(source) if source else ([], [make_noise()])
    with show_download_bar() as downloaded:
        path = find_model(model, progress=downloaded)
    estimator = PoseEstimator(
        path,
        backend=backend,
        threads=threads,
        quality=quality,
        input_height=input_height,
        flip=flip,
        any_way_up=any_way_up,
    )
    cores = threads or count_usable_cores()
    parallel = open_backend(path, backend, threads=cores, parallel=cores)
    options = BenchmarkOptions(frames=count_frames(seconds, estimator, pictures[0]) if seconds else frames)
    with show_count_bar("benchmark", options.steps, quiet=quiet) as progress:
        result = run_benchmark(
            estimator,
            parallel,
            pictures,
            files=files,
            threads=cores,
            options=options,
            progress=progress,
        )
    facts = describe_run(estimator, threads=threads)
    if not quiet:
        _print_tables(result, facts, source)
    if report:
        write_json(report, {"format": "nimblepose-benchmark", "version": 1, **facts, "benchmark": result.to_dict()})
        if not quiet:
            print(f"-> {report}")


def _print_tables(result: "Benchmark", facts: dict[str, Any], source: str | None) -> None:
    from rich.console import Console
    from rich.table import Table

    stages = Table("stage", "median ms", "p95 ms", "mean ms", title="one by one")
    named = {**result.stages, "whole, without read and draw": result.whole, "network alone": result.network}
    for name, timing in named.items():
        stages.add_row(name, *(f"{value:.2f}" for value in (timing.median, timing.p95, timing.mean)))
    rates = Table("", "frames per second", title="from a decoded picture to poses")
    for name, rate in {
        "one by one": result.one_by_one_fps,
        "streamed": result.streamed_fps,
        "network alone, all threads on one picture": result.network_fps,
        "network alone, as many pictures at a time as streaming": result.network_parallel_fps,
    }.items():
        rates.add_row(name, f"{rate:.1f}")
    fewest, median, most = result.people
    options, machine = facts["options"], facts["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    sizes = [f"{height} x {width}" for height, width in result.input_sizes]
    inputs = sizes[0] if len(sizes) == 1 else f"{len(sizes)} sizes, {sizes[0]} to {sizes[-1]}"
    console = Console()
    console.print(stages)
    console.print(rates)
    for line in (
        f"one by one: {result.whole_over_network:.3f} x the network alone",
        f"streamed: {result.streamed_over_network:.3f} x the network's own best rate",
        f"people per picture: {fewest} to {most}, median {median:g}; {result.pictures} pictures; input {inputs}",
        f"{result.looks:.1f} looks per picture; cost: {result.cost.mean:.2f} passes at height 368, "
        f"{result.cost.most:.2f} at most",
        f"{options['backend']}, {options['threads']} threads, {machine['processor']}, {machine['usable_cores']} cores",
        f"Python {machine['python']}, {versions}",
        *(["no --source: gray noise, nobody to find, so decoding costs least"] if source is None else []),
    ):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
