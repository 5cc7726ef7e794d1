"""`nimblepose export`: a checkpoint -> ONNX that every runtime reads."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from nimblepose.cli.options import OnnxOption, PixelsOption


def export(
    checkpoint: Annotated[Path, typer.Argument(help="Checkpoint (.safetensors), see `nimblepose import`.")],
    out: OnnxOption,
    check_picture: Annotated[
        list[Path] | None, typer.Option(help="Picture to compare with torch on, besides noise; repeatable.")
    ] = None,
    pixels: PixelsOption = False,
) -> None:
    """Write a checkpoint as ONNX with dynamic batch, height and width, checked against torch.

    Examples:
        nimblepose export trained.safetensors --out trained.onnx
        nimblepose export trained.safetensors --out trained.onnx --pixels
    """
    from nimblepose.convert.export import export_onnx
    from nimblepose.media.pictures import read_picture
    from nimblepose.model.checkpoint import load_checkpoint

    network, metadata = load_checkpoint(checkpoint)
    pictures = [read_picture(path) for path in check_picture or []]
    report = export_onnx(network, metadata, out, pictures=pictures, pixels=pixels)
    console = Console()
    operators = ", ".join(f"{count} {kind}" for kind, count in report.operators.items())
    console.print(f"{report.path}: {report.size / 1e6:.1f} MB; {operators}", markup=False, soft_wrap=True)
    for name, difference in report.differences.items():
        console.print(f"  {name}: differs from torch by at most {difference:.1e}", markup=False, soft_wrap=True)
