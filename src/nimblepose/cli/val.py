"""`nimblepose val`: how good is a model on annotated pictures?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nimblepose.cli.options import BackendOption, ModelOption, numbers

if TYPE_CHECKING:
    from nimblepose.evaluation.coco import Metrics


def val(
    data: Annotated[
        Path | None, typer.Option("--data", "-d", help="Folder in COCO layout; or give --images and --annotations.")
    ] = None,
    images: Annotated[Path | None, typer.Option(help="Folder of the pictures.")] = None,
    annotations: Annotated[Path | None, typer.Option(help="COCO keypoint file, .json or .json.gz.")] = None,
    model: ModelOption = None,
    backend: BackendOption = "auto",
    threads: Annotated[int, typer.Option(min=0, help="0: all cores.")] = 0,
    input_height: Annotated[int, typer.Option(min=32, max=4096, help="Height the network sees.")] = 368,
    flip: Annotated[bool, typer.Option("--flip", help="Average with the mirrored picture.")] = False,
    scales: Annotated[str, typer.Option(help="Average over these multiples of the height, such as 0.5,1,1.5,2.")] = "1",
    as_used: Annotated[
        bool, typer.Option("--as-used", help="With the thresholds that `predict` has, not those for AP.")
    ] = False,
    category: Annotated[
        int | None, typer.Option(help="Category id; without it, all with the model's keypoints.")
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="Only the first so many pictures; 0: all.")] = 0,
    detections: Annotated[Path | None, typer.Option(help="Write the detections as COCO results (.json).")] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write the figures with all it takes to repeat them (.json).")
    ] = None,
    worst: Annotated[Path | None, typer.Option(help="Write pictures of the worst mistakes into this folder.")] = None,
    worst_count: Annotated[int, typer.Option(min=1, max=1000, help="How many of each kind.")] = 20,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
) -> None:
    """Measure COCO keypoint average precision (AP) and recall (AR) of a model.

    Average precision asks how detections are ranked and punishes only what is left out, so by default the decoder keeps
    every guess, also those that nobody would draw, and completes poses if the model knows what they look like.
    """
    import time

    from nimblepose.cli.progress import download_bar, picture_bar
    from nimblepose.codec.options import FOR_RANKING, DecodeOptions
    from nimblepose.data.sets import AnnotatedSet, choose_set
    from nimblepose.evaluation.coco import check_available, evaluate
    from nimblepose.evaluation.detect import detect
    from nimblepose.evaluation.provenance import provenance, sha256, write_json
    from nimblepose.evaluation.worst import find_mistakes, write_mistakes
    from nimblepose.runtime.estimator import PoseEstimator
    from nimblepose.runtime.models import find_model

    check_available()  # what is missing is said now, not after the last picture
    files = choose_set(data, images, annotations)
    with download_bar() as progress:
        path = find_model(model, progress=progress)
    estimator = PoseEstimator(
        path,
        backend=backend,
        threads=threads,
        input_height=input_height,
        flip=flip,
        scales=numbers(scales, option="--scales", like="0.5,1,1.5,2"),
        decode=DecodeOptions() if as_used else FOR_RANKING,
    )
    chosen = AnnotatedSet.read(*files, estimator.skeleton, limit=limit, category_id=category)
    start = time.perf_counter()
    with picture_bar(len(chosen.records), quiet=quiet) as bar:
        task = bar.add_task("val", total=len(chosen.records))
        found = detect(chosen, estimator, progress=lambda n: bar.update(task, completed=n))
    seconds = time.perf_counter() - start
    metrics = evaluate(chosen, found)
    if not quiet:
        _print_table(metrics, guessed_sigmas=estimator.skeleton.sigmas_are_guessed, seconds=seconds)
    written: list[Path] = []
    if detections:
        write_json(detections, found)
        written.append(detections)
    if report:
        file = chosen.annotations
        facts = {
            "file": file.name,
            "sha256": sha256(file),
            "category": chosen.category_ids[0],  # of the detections
            "categories": chosen.category_ids,  # of the people
            "limit": limit,
        }
        value = {
            "format": "nimblepose-val",
            "version": 1,
            **provenance(estimator, threads=threads),
            "data": facts,
            "metrics": metrics.to_dict(),
            "seconds": round(seconds, 3),
        }
        write_json(report, value)
        written.append(report)
    if worst:
        mistakes = find_mistakes(chosen.records, found, skeleton=estimator.skeleton, count=worst_count)
        written += write_mistakes(mistakes, worst)
    if not quiet:
        print("".join(f"-> {file}\n" for file in written), end="")


def _print_table(metrics: "Metrics", *, guessed_sigmas: bool, seconds: float) -> None:
    from rich.console import Console
    from rich.table import Table

    names = {
        "ap": "AP", "ap50": "AP50", "ap75": "AP75", "ap_medium": "AP medium", "ap_large": "AP large",
        "ar": "AR", "ar50": "AR50", "ar75": "AR75", "ar_medium": "AR medium", "ar_large": "AR large",
    }  # fmt: skip
    table = Table("", "value")
    for key, value in metrics.to_dict().items():
        if key in names:
            table.add_row(names[key], "nobody to measure by" if value is None else f"{value:.4f}")
    console = Console()
    console.print(table)
    console.print(
        f"{metrics.pictures} pictures, {metrics.people} annotated people, {metrics.detections} detections; "
        f"{seconds:.1f} s, {metrics.pictures / seconds:.1f} pictures per second",
        highlight=False,
        soft_wrap=True,
    )
    if guessed_sigmas:
        console.print("OKS sigmas: not given; 1/K is a guess, so AP will not compare with other work", highlight=False)
