"""`nimblepose model info`: layers, parameters and MACs per part, or all variants in one table."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from nimblepose.core.errors import ModelError
from nimblepose.core.geometry import Size
from nimblepose.core.metadata import ModelMetadata
from nimblepose.core.optional import import_optional
from nimblepose.core.skeleton import HUMAN_18

if TYPE_CHECKING:
    from nimblepose.model.count import PartCount
    from nimblepose.model.network import PoseNetwork


def model_info(
    model: Annotated[
        str, typer.Argument(help="Variant (see --variants), `human`, checkpoint or exported ONNX.")
    ] = "lightweight",
    size: Annotated[str, typer.Option(help="Input as HEIGHTxWIDTH, multiples of 8.")] = "368x368",
    variants: Annotated[bool, typer.Option("--variants", help="One table of all variants instead.")] = False,
) -> None:
    """Print layers, parameters and multiply-accumulates (MACs) of a network, part by part."""
    height_width = parse_size(size)
    console = Console()
    if variants:
        console.print(variants_table(height_width))
        return
    network, metadata = _open(model)
    if metadata is not None:
        skeleton = metadata.skeleton
        for line in (
            f"skeleton: {skeleton.name}, {len(skeleton.keypoints)} keypoints, {len(skeleton.limbs)} limbs",
            f"input:    {metadata.input}",
            f"origin:   {metadata.origin or 'not stated'}",
            f"licence:  {metadata.licence}",
            f"poses:    {_poses(metadata)}",
        ):
            console.print(line, markup=False, soft_wrap=True)
    console.print(f"options:  {network.options}", markup=False, soft_wrap=True)
    console.print(network_table(model, network, height_width))


def parse_size(text: str) -> Size:
    """HEIGHTxWIDTH in pixels.

    >>> parse_size("256x456")
    (256, 456)
    """
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text.strip().lower())
    if match is None:
        raise ModelError(f"size must be HEIGHTxWIDTH, such as 256x456, got {text!r}")
    return int(match[1]), int(match[2])


def network_table(name: str, network: "PoseNetwork", size: Size) -> Table:
    """One network: a row per part, with the paper's figures where it has them."""
    from nimblepose.model.count import count_parts, total
    from nimblepose.model.variants import PAPER_SIZE, VARIANTS

    paper: dict[str, str] = {}
    if size == PAPER_SIZE and name in VARIANTS:
        variant = VARIANTS[name]
        paper = {part: str(value) for part, value in variant.paper_part_gmacs.items()}
        paper["total"] = variant.paper_gmacs
    parts = count_parts(network, size)
    table = _table(f"{Path(name).name} at {size[0]} x {size[1]}", "part", "convolutions", "parameters", "GMAC", "paper")
    for part in parts:
        table.add_row(*_row(part), paper.get(part.part, ""))
    table.add_section()
    table.add_row(*_row(total(parts)), paper.get("total", ""))
    return table


def variants_table(size: Size) -> Table:
    """All variants: a row each, MACs by part, the paper's total beside ours."""
    from nimblepose.model.count import count_options, total
    from nimblepose.model.variants import PAPER_SIZE, VARIANTS

    columns = ("parameters", "backbone", "conv4_3", "conv4_4", "initial", "refinement", "total", "paper")
    table = _table(f"GMAC at {size[0]} x {size[1]}", "variant", *columns)
    for name, variant in VARIANTS.items():
        parts = count_options(variant.options, HUMAN_18, size)
        whole = total(parts)
        gmacs = {part.part: part.macs for part in parts}
        refinement = sum(macs for part, macs in gmacs.items() if part.startswith("refinement"))
        cells = [gmacs["backbone"], gmacs["conv4_3"], gmacs["conv4_4"], gmacs["initial stage"], refinement, whole.macs]
        table.add_row(
            f"{name}\n[dim]{variant.change}[/dim]",
            f"{whole.parameters:,}",
            *[_gmacs(cell) for cell in cells],
            variant.paper_gmacs if size == PAPER_SIZE else "",
        )
    return table


def _open(model: str) -> "tuple[PoseNetwork, ModelMetadata | None]":
    """A variant by name, or a network rebuilt from a file."""
    from nimblepose.model.checkpoint import load_checkpoint
    from nimblepose.model.network import NetworkOptions, build_network
    from nimblepose.model.variants import VARIANTS
    from nimblepose.runtime.models import PACKAGED

    if model in PACKAGED:
        model = str(PACKAGED[model].path)
    if model in VARIANTS:
        return build_network(VARIANTS[model].options, HUMAN_18, seed=0), None
    if not Path(model).is_file():
        raise ModelError(f"no variant or file {model!r}; variants are {', '.join(VARIANTS)}")
    if Path(model).suffix.lower() != ".onnx":
        return load_checkpoint(model)
    metadata = _onnx_metadata(model)
    return build_network(NetworkOptions.from_dict(metadata.network), metadata.skeleton, seed=0), metadata


def _poses(metadata: ModelMetadata) -> str:
    """What the model has learnt of poses, see `nimblepose model poses`."""
    scored = "scored by their limbs" if metadata.scorer is None else "scored by the OKS to expect"
    return scored + ("" if metadata.prior is None else ", completed with --complete")


def _onnx_metadata(path: str) -> ModelMetadata:
    onnxruntime = import_optional("onnxruntime", "reading an ONNX file")
    try:
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own errors share no public parent
        raise ModelError(f"{path} is not a readable ONNX file: {error}") from error
    return ModelMetadata.from_strings(session.get_modelmeta().custom_metadata_map, source=path)


def _table(title: str, first: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column(first)
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _row(part: "PartCount") -> tuple[str, str, str, str]:
    return part.part, str(part.layers), f"{part.parameters:,}", _gmacs(part.macs)


def _gmacs(macs: int) -> str:
    return f"{macs / 1e9:.2f}"
