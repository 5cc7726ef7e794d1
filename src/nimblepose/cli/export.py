"""`nimblepose export`: a checkpoint -> ONNX that every runtime reads, or a model -> the form of another runtime."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from nimblepose.cli.options import PixelsOption
from nimblepose.core.errors import OptionError

if TYPE_CHECKING:
    from nimblepose.media.pictures import Picture

_ONNX = "onnx"


def list_targets() -> list[str]:
    """Names for shells to complete."""
    from nimblepose.convert.deploy.targets import TARGETS

    return [_ONNX, *TARGETS]


def export(
    model: Annotated[
        Path,
        typer.Argument(
            help="Checkpoint (.safetensors), see `nimblepose import`; with --to also an ONNX file of ours, or the name "
            "of a model in the package."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="ONNX file to write; with --to, a folder.")],
    to: Annotated[
        str,
        typer.Option(
            autocompletion=list_targets,
            help="For whom: onnx, onnx-float-input (OpenCV and others that take no pixels), onnx-float32 (what knows "
            "no integers), openvino (IR), openvino-float16, ort (ONNX Runtime's own format), litert, litert-int8 (of "
            "an int8 model), coreml (float16), executorch (XNNPACK), mnn, ncnn (weights in 16 bits), ncnn-float32; see "
            "docs/deploy.md.",
        ),
    ] = _ONNX,
    check_picture: Annotated[
        list[Path] | None,
        typer.Option(help="Picture to compare on, besides noise or the picture in the package; repeatable."),
    ] = None,
    pixels: PixelsOption = False,
) -> None:
    """Write a checkpoint as ONNX, checked against torch; with --to a model for OpenCV, OpenVINO, LiteRT and others.

    Batch, height and width of the ONNX file are dynamic. With --to, write a model in the form of another runtime with a
    JSON file that says how to feed and to decode it; nothing is written unless that runtime has found the same people.

    Examples:
        nimblepose export trained.safetensors --out trained.onnx
        nimblepose export trained.safetensors --out trained.onnx --pixels
        nimblepose export human --to onnx-float-input --out for-opencv
    """
    from nimblepose.media.pictures import read_picture

    pictures = [read_picture(path) for path in check_picture or []]
    if to != _ONNX:
        if pixels:
            raise OptionError("--pixels is for --to onnx; other forms take what the model that is given takes")
        _export_for(model, to, out, pictures)
        return
    from nimblepose.convert.export import export_onnx
    from nimblepose.model.checkpoint import load_checkpoint

    network, metadata = load_checkpoint(model)
    report = export_onnx(network, metadata, out, pictures=pictures, pixels=pixels)
    console = Console()
    operators = ", ".join(f"{count} {kind}" for kind, count in report.operators.items())
    console.print(f"{report.path}: {report.size / 1e6:.1f} MB; {operators}", markup=False, soft_wrap=True)
    for name, difference in report.differences.items():
        console.print(f"  {name}: differs from torch by at most {difference:.1e}", markup=False, soft_wrap=True)


def _export_for(model: Path, to: str, out: Path, pictures: "list[Picture]") -> None:
    from nimblepose.convert.deploy.exporting import export_for

    report = export_for(model, to, out, pictures=pictures)
    for path, size in report.files.items():
        print(f"{path}: {size / 1e6:.1f} MB")
    spec = report.metadata.input
    takes = "pixels" if spec.dtype == "uint8" else f"(pixel - {spec.mean:g}) * {spec.scale:g}"
    print(f"takes {spec.dtype}, {takes}, channels {spec.channels}, sides in multiples of {spec.stride}")
    for runtime, differences in report.differences.items():
        for name, one in differences.items():
            print(
                f"  {runtime}, {name}: heatmaps differ by at most {one.heatmaps:.1e}, pafs {one.pafs:.1e}, on average "
                f"{one.mean:.1e}; the same {one.people[0]} people, keypoints move by at most {one.pixels:.2g} px"
            )
    if not report.finds_swapped:
        print("this network hardly tells red from blue: the check of the JSON file would not find swapped channels")
