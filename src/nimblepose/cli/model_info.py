"""`nimblepose model info`: layers, parameters and MACs per part, or all variants in one table."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from nimblepose.cli.contradictions import Given
from nimblepose.cli.options import parse_size
from nimblepose.core.errors import MissingPackageError
from nimblepose.core.geometry import Size
from nimblepose.core.metadata import ModelMetadata
from nimblepose.core.skeleton import HUMAN_18

if TYPE_CHECKING:
    from nimblepose.model.count import PartCount
    from nimblepose.model.network import PoseNetwork


def model_info(
    context: typer.Context,
    model: Annotated[
        str, typer.Argument(help="Variant (see --variants), `human`, checkpoint or exported ONNX.")
    ] = "lightweight",
    size: Annotated[str, typer.Option(help="Input as HEIGHTxWIDTH, multiples of 8.")] = "368x368",
    variants: Annotated[bool, typer.Option("--variants", help="One table of all variants instead.")] = False,
) -> None:
    """Print layers, parameters and multiply-accumulates (MACs) of a network, part by part.

    Examples:
        nimblepose model info human
        nimblepose model info trained.onnx --size 256x456
        nimblepose model info --variants
    """
    from nimblepose.convert.model_files import find_file, open_network, read_onnx_metadata

    height_width = parse_size(size)
    console = Console()
    if variants:
        Given.of(context).refuse(["model"], "--variants shows all of them; leave out one of both")
        from nimblepose.model.variants import VARIANTS

        console.print(_tabulate_variants(height_width))
        for name, variant in VARIANTS.items():
            console.print(f"{name}: {variant.change}", markup=False, highlight=False)
        return
    path = find_file(model)
    metadata = read_onnx_metadata(path) if path.suffix.lower() == ".onnx" and path.is_file() else None
    try:
        network, metadata = open_network(model)
    except (MissingPackageError, ModuleNotFoundError):
        if metadata is None:  # neither is there anything to say
            raise
        network = None
    if metadata is not None:
        skeleton = metadata.skeleton
        for line in (
            f"skeleton: {skeleton.name}, {len(skeleton.keypoints)} keypoints, {len(skeleton.limbs)} limbs",
            f"input:    {_list_facts(asdict(metadata.input))}{_describe_height(metadata)}",
            f"origin:   {metadata.origin or 'not stated'}",
            f"licence:  {metadata.licence}",
            f"poses:    {_describe_poses(metadata)}",
        ):
            console.print(line, markup=False, soft_wrap=True)
    if network is None:
        for line in (
            f"network:  {_list_facts(metadata.network if metadata else {})}",
            "parts:    layers, parameters and MACs are counted with torch: pip install 'nimblepose[train]'",
        ):
            console.print(line, markup=False, soft_wrap=True)
        return
    console.print(f"network:  {_list_facts(network.options.to_dict())}", markup=False, soft_wrap=True)
    console.print(_tabulate_network(model, network, height_width))


def _list_facts(facts: Mapping[str, object]) -> str:
    """As a recipe has them, so that they can be copied."""
    plain = {True: "true", False: "false"}
    return ", ".join(f"{name}: {plain[value] if isinstance(value, bool) else value}" for name, value in facts.items())


def _tabulate_network(name: str, network: "PoseNetwork", size: Size) -> Table:
    """One network: a row per part, with the paper's figures where it has them."""
    from nimblepose.model.count import count_parts, sum_parts
    from nimblepose.model.variants import PAPER_SIZE, VARIANTS

    paper: dict[str, str] = {}
    if size == PAPER_SIZE and name in VARIANTS:
        variant = VARIANTS[name]
        paper = {part: str(value) for part, value in variant.paper_part_gmacs.items()}
        paper["total"] = variant.paper_gmacs
    parts = count_parts(network, size)
    columns = ("convolutions", "parameters", "GMAC", "paper")
    table = _start_table(f"{Path(name).name} at {size[0]} x {size[1]}", "part", *columns)
    for part in parts:
        table.add_row(*_list_cells(part), paper.get(part.part, ""))
    table.add_section()
    table.add_row(*_list_cells(sum_parts(parts)), paper.get("total", ""))
    return table


def _tabulate_variants(size: Size) -> Table:
    """All variants: a row each, MACs by part, the paper's total beside ours."""
    from nimblepose.model.count import count_options, sum_parts
    from nimblepose.model.variants import PAPER_SIZE, VARIANTS

    columns = ("parameters", "backbone", "c4_3", "c4_4", "init", "refine", "total", "paper")
    table = Table(  # within 80 columns
        title=f"GMAC at {size[0]} x {size[1]}", title_justify="left", box=None, pad_edge=False, padding=(0, 1, 0, 0)
    )
    table.add_column("variant", no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    for name, variant in VARIANTS.items():
        parts = count_options(variant.options, HUMAN_18, size)
        whole = sum_parts(parts)
        gmacs = {part.part: part.macs for part in parts}
        refinement = sum(macs for part, macs in gmacs.items() if part.startswith("refinement"))
        cells = [gmacs["backbone"], gmacs["conv4_3"], gmacs["conv4_4"], gmacs["initial stage"], refinement, whole.macs]
        table.add_row(
            name,
            f"{whole.parameters:,}",
            *[_format_gmacs(cell) for cell in cells],
            variant.paper_gmacs if size == PAPER_SIZE else "",
        )
    return table


def _describe_height(metadata: ModelMetadata) -> str:
    """Of the pictures that the model was made for, and that every verb takes for it."""
    return "" if metadata.input_height is None else f", made for pictures seen at height {metadata.input_height}"


def _describe_poses(metadata: ModelMetadata) -> str:
    """What the model has learnt of poses, see `nimblepose model poses`."""
    scored = "scored by their limbs" if metadata.scorer is None else "scored by the OKS to expect"
    size = "" if metadata.best_size is None else f", seen best at {metadata.best_size:.0f} input pixels"
    errors = "" if metadata.errors is None else ", keypoints with errors to expect"
    return scored + errors + ("" if metadata.prior is None else ", completed with --complete") + size


def _start_table(title: str, first: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column(first)
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _list_cells(part: "PartCount") -> tuple[str, str, str, str]:
    return part.part, str(part.layers), f"{part.parameters:,}", _format_gmacs(part.macs)


def _format_gmacs(macs: int) -> str:
    return f"{macs / 1e9:.2f}"
