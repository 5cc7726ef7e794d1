"""`nimblepose quantize`: float32 ONNX -> int8 ONNX that is as accurate as agreed, or none."""

from pathlib import Path
from typing import Annotated

import typer

from nimblepose.cli import options as given
from nimblepose.cli.options import find_set


def quantize(
    model: Annotated[Path, typer.Argument(help="Float32 model (.onnx), see `nimblepose export`.")],
    calibration: Annotated[
        str, typer.Option(help="Folder of pictures like those to come; those of --val are left out.")
    ],
    out: given.OnnxOption,
    val: Annotated[
        Path | None, typer.Option(help="Folder in COCO layout to measure AP on; or give --images and --annotations.")
    ] = None,
    images: given.ImagesOption = None,
    annotations: given.AnnotationsOption = None,
    max_drop: Annotated[float, typer.Option(min=0, max=1, help="AP that may be lost.")] = 0.005,
    limit: given.LimitOption = 200,
    input_height: given.HeightOption = None,
    calibration_pictures: Annotated[
        int, typer.Option(min=1, max=1000, help="How many to calibrate on, spread over the folder.")
    ] = 48,
    pixels: given.PixelsOption = False,
    seed: given.SeedOption = 0,
    threads: given.ThreadsOption = 0,
    report: given.ReportOption = None,
    quiet: given.QuietOption = False,
) -> None:
    """Write a model in 8 bits, a quarter of the size and faster, if its AP stays within --max-drop.

    AP is measured before and after. Layers that lose too much stay in float32. Where even that does not help, nothing
    is written.

    Examples:
        nimblepose quantize my.onnx --calibration photos --val coco --out q.onnx
    """
    from nimblepose.cli.progress import show_stages_bar
    from nimblepose.convert.quantize import QuantizeOptions, quantize_file

    file, folder = find_set(val, images, annotations, option="--val")
    options = QuantizeOptions(
        max_drop=max_drop,
        input_height=input_height,
        limit=limit,
        calibration_pictures=calibration_pictures,
        pixels=pixels,
        seed=seed,
        threads=threads,
    )

    def say(line: str) -> None:
        if not quiet:
            print(line, flush=True)

    with show_stages_bar(quiet=quiet) as progress:
        result = quantize_file(
            model,
            out,
            calibration=calibration,
            annotations=file,
            images=folder,
            options=options,
            report=report,
            say=say,
            progress=progress,
        )
    times, after = result.times, result.gated.metrics
    height, width = times.size
    say(f"network alone at {height} x {width}: {times.float32:.1f} ms in float32, {times.int8:.1f} ms in int8")
    for layer, milliseconds in result.stay_float.items():
        say(f"  stays float32: {layer}, {milliseconds:+.2f} ms")
    for runtime, difference in result.differences.items():
        say(f"  {runtime}: fields differ from the file's exact integers by {difference:.1e} of their mean square")
    say(f"-> {out}: {len(result.data) / 1e6:.1f} MB, AP {after.ap:.4f}, {result.before.ap - after.ap:.4f} lost")
    if report:
        say(f"-> {report}")
