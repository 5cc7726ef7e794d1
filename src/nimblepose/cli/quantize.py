"""`nimblepose quantize`: float32 ONNX -> int8 ONNX that is as accurate as agreed, or none."""

from pathlib import Path
from typing import Annotated, Any

import typer

from nimblepose.cli.options import PixelsOption

_FEW = 6  # pictures on which layers are compared


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
    import math
    import tempfile

    from nimblepose.cli.progress import picture_bar
    from nimblepose.codec.options import FOR_RANKING
    from nimblepose.core.errors import DataError, MediaError
    from nimblepose.data.coco import read_json
    from nimblepose.evaluation.coco import Metrics, check_available, evaluate, find_category
    from nimblepose.evaluation.detect import annotated_pictures, chosen_set, detect
    from nimblepose.evaluation.gate import check_runtimes, costs, quantise_within
    from nimblepose.evaluation.provenance import machine, model_facts, sha256, write_json
    from nimblepose.media.files import write_atomically
    from nimblepose.runtime.estimator import PoseEstimator
    from nimblepose.runtime.export import take_pixels
    from nimblepose.runtime.quantization.equalisation import equalise
    from nimblepose.runtime.quantization.plan import make_plan
    from nimblepose.runtime.quantization.sources import calibration_batches, load_network
    from nimblepose.runtime.quantization.statistics import observe

    check_available()
    original, metadata = load_network(model)
    for folder in {file.absolute().parent for file in (out, report) if file}:
        if not folder.is_dir():
            raise MediaError(f"no folder {folder} to write into; make it first")
    if not (val or images or annotations):
        raise DataError("AP is measured before and after: give --val, or both --images and --annotations")
    annotations, images = chosen_set(val, images, annotations, option="--val")
    coco = read_json(annotations)
    measured = annotated_pictures(coco, images, limit=limit)
    category = find_category(coco, metadata.skeleton)
    named = [images / str(entry.get("file_name")) for entry in coco["images"]]
    batches, files = calibration_batches(
        calibration, metadata.input, count=pictures, height=input_height, leave_out=named
    )

    def say(line: str) -> None:
        if not quiet:
            print(line, flush=True)

    def figures(path: Path) -> Metrics:
        estimator = PoseEstimator(
            path, backend="onnxruntime", threads=threads, input_height=input_height, decode=FOR_RANKING
        )
        with picture_bar(len(measured), quiet=quiet) as bar:
            task = bar.add_task("AP", total=len(measured))
            found = detect(estimator, measured, category_id=category, progress=lambda n: bar.update(task, completed=n))
        ids = [picture.image_id for picture in measured]
        return evaluate(coco, found, skeleton=metadata.skeleton, image_ids=ids, category_id=category)

    def measure(proto: Any) -> Metrics:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "candidate.onnx"
            path.write_bytes(proto.SerializeToString())
            return figures(path)

    before = figures(model)
    if math.isnan(before.ap):
        raise DataError(f"{annotations}: nobody with keypoints in the {len(measured)} pictures, so there is no AP")
    say(f"float32: AP {before.ap:.4f} on {len(measured)} pictures")
    with picture_bar(len(batches), quiet=quiet) as bar:
        task = bar.add_task("statistics", total=len(batches))
        statistics = observe(
            original, batches, seed=seed, threads=threads, progress=lambda n: bar.update(task, completed=n)
        )
    network, statistics = equalise(original, statistics)
    with picture_bar(len(network.layers), quiet=quiet) as bar:
        task = bar.add_task("rounding", total=len(network.layers))
        plan = make_plan(network, statistics, metadata.input, progress=lambda n: bar.update(task, completed=n))
    few = batches[:: -(-len(batches) // _FEW)]
    gated = quantise_within(network, plan, measure, before=before.ap, max_drop=max_drop, batches=few, told=say)
    differences = check_runtimes(gated.model, network, few[:1])
    typical = sorted(batches, key=lambda batch: batch.size)[len(batches) // 4]  # half of them have the height of video
    times = costs(network, plan, gated.stay_float, typical, threads=threads)
    data = (take_pixels(gated.model) if pixels else gated.model).SerializeToString()
    write_atomically(out, data)
    names = {layer.output: layer.name for layer in network.layers}
    kept = [{"layer": names[output], "milliseconds": round(times.of_float[output], 3)} for output in gated.stay_float]
    height, width = times.size
    say(f"network alone at {height} x {width}: {times.float32:.1f} ms in float32, {times.int8:.1f} ms in int8")
    for layer in kept:
        say(f"  stays float32: {layer['layer']}, {layer['milliseconds']:+.2f} ms")
    for runtime, difference in differences.items():
        say(f"  {runtime}: fields differ from the file's exact integers by {difference:.1e} of their mean square")
    say(f"-> {out}: {len(data) / 1e6:.1f} MB, AP {gated.metrics.ap:.4f}, {before.ap - gated.metrics.ap:.4f} lost")
    if report:
        value = {
            "format": "nimblepose-quantize",
            "version": 1,
            "float32": {**model_facts(model, metadata), "metrics": before.to_dict(), "milliseconds": times.float32},
            "int8": {
                "file": out.name,
                "sha256": sha256(out),
                "size": len(data),
                "metrics": gated.metrics.to_dict(),
                "milliseconds": times.int8,
                "disagreement": differences,
            },
            "timed_at": times.size,
            "stay_float": kept,
            "layers": len(network.layers),
            "tried": gated.tried,
            "options": {
                "max_drop": max_drop, "limit": limit, "input_height": input_height, "seed": seed, "threads": threads,
            },
            "data": {"file": annotations.name, "sha256": sha256(annotations), "category": category},
            "calibration": [file.name for file in files],
            "machine": machine(),
        }  # fmt: skip
        write_json(report, value)
        say(f"-> {report}")
