"""`nimblepose model mean`: several checkpoints of one network -> one."""

from pathlib import Path
from typing import Annotated

import typer

from nimblepose.cli.options import CheckpointOption, parse_numbers


def model_mean(
    checkpoints: Annotated[list[Path], typer.Argument(help="Two or more checkpoints (.safetensors) from one start.")],
    out: CheckpointOption,
    shares: Annotated[
        str | None, typer.Option(help="One per checkpoint, together 1, such as 0.75,0.25; without it, equal ones.")
    ] = None,
) -> None:
    """Average the weights of checkpoints, such as a start and its fine-tuned copy; measure the result with `val`.

    Examples:
        nimblepose model mean a.safetensors b.safetensors --out mean.safetensors
    """
    from nimblepose.model.checkpoint import save_checkpoint
    from nimblepose.model.mixing import mix_checkpoints

    network, metadata = mix_checkpoints(
        checkpoints, None if shares is None else parse_numbers(shares, option="--shares", like="0.75,0.25")
    )
    save_checkpoint(network, metadata, out)
    print(f"-> {out}: {metadata.origin}")
