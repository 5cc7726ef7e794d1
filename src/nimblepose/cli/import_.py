"""`nimblepose import`: public weights -> a checkpoint of ours."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from nimblepose.cli.options import CheckpointOption, LicenceOption, SkeletonOption
from nimblepose.core.skeleton import HUMAN_18, Skeleton


def import_model(
    source: Annotated[
        Path,
        typer.Argument(
            help=".pth, .pth.tar or .safetensors with public weights, the .xml of an OpenVINO IR, or an .onnx of ours."
        ),
    ],
    out: CheckpointOption,
    skeleton: SkeletonOption = HUMAN_18.name,
    drop_extra_stages: Annotated[
        bool, typer.Option("--drop-extra-stages", help="Keep only the first refinement stage.")
    ] = False,
    licence: LicenceOption = None,
) -> None:
    """Turn public weights into a nimblepose checkpoint; the keys decide which network they belong to.

    Examples:
        nimblepose import checkpoint.pth --out public.safetensors
        nimblepose import trained-int8.onnx --out trained.safetensors
    """
    from nimblepose.model.checkpoint import save_checkpoint
    from nimblepose.model.importing import import_weights

    network, metadata = import_weights(
        source, skeleton=Skeleton.load(skeleton), drop_extra_stages=drop_extra_stages, licence=licence
    )
    save_checkpoint(network, metadata, out)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    options = network.options
    Console().print(
        f"{out}: {parameters:,} parameters, cpm form {options.cpm!r}, {options.refinement_stages} refinement stage(s), "
        f"skeleton {network.skeleton.name!r}, licence {metadata.licence}",
        markup=False,
        soft_wrap=True,
    )
