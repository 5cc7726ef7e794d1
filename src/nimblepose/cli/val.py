"""`nimblepose val`: how good is a model on annotated pictures?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nimblepose.cli import options as given
from nimblepose.cli.contradictions import Given, check_folder
from nimblepose.cli.options import find_set
from nimblepose.cli.pixel_table import PIXELS_OF, tabulate_pixels

if TYPE_CHECKING:
    from nimblepose.evaluation.measurement import Measurement


def val(
    context: typer.Context,
    data: given.DataOption = None,
    images: given.ImagesOption = None,
    annotations: given.AnnotationsOption = None,
    model: given.ModelOption = None,
    backend: given.BackendOption = "auto",
    threads: given.ThreadsOption = 0,
    quality: given.QualityOption = None,
    input_height: given.PassHeightOption = None,
    flip: given.FlipOption = False,
    any_way_up: given.AnyWayOption = False,
    scales: given.ScalesOption = given.ONE_SCALE,
    as_used: Annotated[
        bool, typer.Option("--as-used", help="With the thresholds that `predict` has, not those for AP.")
    ] = False,
    category: Annotated[
        int | None, typer.Option(help="Category id; without it, all with the model's keypoints.")
    ] = None,
    limit: given.LimitOption = 0,
    max_pixels: given.MaxPixelsOption = 100_000_000,
    detections: Annotated[Path | None, typer.Option(help="Write the detections as COCO results (.json).")] = None,
    report: given.ReportOption = None,
    worst: Annotated[Path | None, typer.Option(help="Write pictures of the worst mistakes into this folder.")] = None,
    worst_count: Annotated[int, typer.Option(min=1, max=1000, help="How many of each kind.")] = 20,
    quiet: given.QuietOption = False,
) -> None:
    """Measure COCO keypoint average precision (AP) and recall (AR) of a model, and how many pixels keypoints are off.

    Average precision asks how detections are ranked and punishes only what is left out, so by default the decoder keeps
    every guess, also those that nobody would draw, and completes poses if the model knows what they look like. Pixels
    are those of the poses among them whose score would be shown.

    Examples:
        nimblepose val --data coco/val2017
        nimblepose val --data coco/val2017 --quality fast --limit 500
        nimblepose val --images photos --annotations people.json --worst bad
    """
    from nimblepose.cli.progress import show_count_bar, show_download_bar
    from nimblepose.codec.options import FOR_RANKING, DecodeOptions
    from nimblepose.core.files import check_folders
    from nimblepose.data.sets import AnnotatedSet
    from nimblepose.evaluation.coco import check_available
    from nimblepose.evaluation.measurement import measure, write_report, write_worst
    from nimblepose.evaluation.provenance import write_json
    from nimblepose.runtime.estimator import PoseEstimator
    from nimblepose.runtime.models import find_model

    if not worst:
        Given.of(context).refuse(["worst_count"], "needs --worst, the folder for the pictures")
    check_folder(worst, option="--worst")
    check_available()  # what is missing is said now, not after the last picture
    check_folders(*(file for file in (detections, report) if file))
    file, folder = find_set(data, images, annotations)
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
        scales=given.parse_scales(scales),
        decode=DecodeOptions() if as_used else FOR_RANKING,
        streaming=True,
    )
    annotated = AnnotatedSet.read(file, folder, estimator.skeleton, limit=limit, category_id=category)
    with show_count_bar("val", len(annotated.records), quiet=quiet) as progress:
        measured = measure(estimator, annotated, progress=progress, max_pixels=max_pixels)
    if not quiet:
        _print_table(measured)
    written: list[Path] = []
    if detections:
        write_json(detections, measured.detections)
        written.append(detections)
    if report:
        write_report(report, measured, threads=threads, limit=limit)
        written.append(report)
    if worst:
        written += write_worst(worst, measured, count=worst_count)
    if not quiet:
        print("".join(f"-> {file}\n" for file in written), end="")


def _print_table(measured: "Measurement") -> None:
    from rich.console import Console
    from rich.table import Table

    names = {
        "ap": "AP", "ap50": "AP50", "ap75": "AP75", "ap_medium": "AP medium", "ap_large": "AP large",
        "ar": "AR", "ar50": "AR50", "ar75": "AR75", "ar_medium": "AR medium", "ar_large": "AR large",
    }  # fmt: skip
    metrics, seconds = measured.metrics, measured.seconds
    table = Table("", "value")
    for key, value in metrics.to_dict().items():
        if key in names:
            table.add_row(names[key], "nobody to measure by" if value is None else f"{value:.4f}")
    console = Console()
    console.print(table)
    pixels = measured.pixels
    caption = f"{pixels.subjects} labelled, {pixels.subjects_missed} of them missed; {PIXELS_OF}"
    console.print(tabulate_pixels(pixels.overall, pixels.keypoints, caption))
    console.print(
        f"{metrics.pictures} pictures, {metrics.people} annotated people, {metrics.detections} detections; "
        f"{seconds:.1f} s, {metrics.pictures / seconds:.1f} pictures per second",
        highlight=False,
        soft_wrap=True,
    )
    estimator = measured.estimator
    if estimator.quality is None:
        whose = ", which the model was made for" if estimator.input_height == estimator.metadata.input_height else ""
        console.print(f"one pass at height {estimator.input_height}{whose}", highlight=False)
    console.print(
        f"{measured.looks:.1f} looks per picture; cost: {measured.cost.mean:.2f} passes at height 368, "
        f"{measured.cost.most:.2f} at most",
        highlight=False,
        soft_wrap=True,
    )
    if measured.estimator.skeleton.sigmas_are_guessed:
        console.print("OKS sigmas: not given; 0.06 is a guess, so AP will not compare with other work", highlight=False)
