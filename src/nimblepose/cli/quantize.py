"""`nimblepose quantize`: float32 ONNX -> int8 ONNX that is as accurate as agreed, or none."""

from pathlib import Path
from typing import Annotated

import typer

from nimblepose.cli.options import PixelsOption


def quantize(
    model: Annotated[Path, typer.Argument(help="Float32 model (.onnx), see `nimblepose export`.")],
    calibration: Annotated[
        str, typer.Option(help="Folder of pictures like those to come; those of --val are left out.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="ONNX file to write.")],
    val: Annotated[
        Path | None, typer.Option(help="Folder in COCO layout to measure AP on; or give --images and --annotations.")
    ] = None,
    images: Annotated[Path | None, typer.Option(help="Folder of the pictures to measure AP on.")] = None,
    annotations: Annotated[Path | None, typer.Option(help="COCO keypoint file, .json or .json.gz.")] = None,
    max_drop: Annotated[float, typer.Option(min=0, max=1, help="AP that may be lost.")] = 0.005,
    limit: Annotated[int, typer.Option(min=0, help="Measure AP on the first so many pictures; 0: all.")] = 200,
    input_height: Annotated[int, typer.Option(min=32, max=4096, help="Height the network sees for AP.")] = 368,
    pictures: Annotated[int, typer.Option(min=1, max=1000, help="To calibrate on, spread over the folder.")] = 48,
    pixels: PixelsOption = False,
    seed: Annotated[int, typer.Option(help="Of the places in pictures that weights are fitted to.")] = 0,
    threads: Annotated[int, typer.Option(min=0, help="0: all cores.")] = 0,
    report: Annotated[
        Path | None, typer.Option(help="Write figures and layers with all it takes to repeat them (.json).")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
) -> None:
    """Write a model in 8 bits, a quarter of the size and faster, if its AP stays within --max-drop.

    Layers that lose too much stay in float32. Where even that does not help, nothing is written.
    """
    import dataclasses

    from nimblepose.cli.progress import stages_bar
    from nimblepose.convert.quantization.sources import load_network
    from nimblepose.convert.quantize import QuantizeOptions, quantize
    from nimblepose.core.errors import DataError
    from nimblepose.core.files import check_folders, write_atomically
    from nimblepose.data.sets import AnnotatedSet, choose_set
    from nimblepose.evaluation.coco import check_available
    from nimblepose.evaluation.provenance import machine, model_facts, sha256, write_json

    check_available()
    network, metadata = load_network(model)
    check_folders(*(file for file in (out, report) if file))
    if not (val or images or annotations):
        raise DataError("AP is measured before and after: give --val, or both --images and --annotations")
    measured = AnnotatedSet.read(*choose_set(val, images, annotations, option="--val"), metadata.skeleton, limit=limit)
    options = QuantizeOptions(
        max_drop=max_drop, input_height=input_height, pictures=pictures, pixels=pixels, seed=seed, threads=threads
    )

    def say(line: str) -> None:
        if not quiet:
            print(line, flush=True)

    with stages_bar(quiet=quiet) as progress:
        result = quantize(model, network, metadata, calibration, measured, options, told=say, progress=progress)
    write_atomically(out, result.data)
    times, after = result.times, result.gated.metrics
    height, width = times.size
    say(f"network alone at {height} x {width}: {times.float32:.1f} ms in float32, {times.int8:.1f} ms in int8")
    for layer, milliseconds in result.stay_float.items():
        say(f"  stays float32: {layer}, {milliseconds:+.2f} ms")
    for runtime, difference in result.differences.items():
        say(f"  {runtime}: fields differ from the file's exact integers by {difference:.1e} of their mean square")
    say(f"-> {out}: {len(result.data) / 1e6:.1f} MB, AP {after.ap:.4f}, {result.before.ap - after.ap:.4f} lost")
    if report:
        facts = model_facts(model, metadata)
        value = {
            "format": "nimblepose-quantize",
            "version": 1,
            "float32": {**facts, "metrics": result.before.to_dict(), "milliseconds": times.float32},
            "int8": {
                "file": out.name,
                "sha256": sha256(out),
                "size": len(result.data),
                "metrics": after.to_dict(),
                "milliseconds": times.int8,
                "disagreement": result.differences,
            },
            "timed_at": times.size,
            "stay_float": [{"layer": name, "milliseconds": round(ms, 3)} for name, ms in result.stay_float.items()],
            "layers": len(result.layer_names),
            "tried": result.gated.tried,
            "options": {"limit": limit, **dataclasses.asdict(options)},
            "data": {
                "file": measured.annotations.name,
                "sha256": sha256(measured.annotations),
                "category": result.category_ids[0],
                "categories": list(result.category_ids),
            },
            "calibration": [file.name for file in result.calibrated_on],
            "machine": machine(),
        }
        write_json(report, value)
        say(f"-> {report}")
