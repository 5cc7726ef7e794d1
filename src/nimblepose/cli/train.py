"""`nimblepose train`: a recipe in, a network out."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from nimblepose.cli.contradictions import check_folder
from nimblepose.core.errors import OptionError


def train(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE.yaml", help="What to do; see docs/training.md.")],
    changes: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Such as optimizer.learning_rate=1e-4.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder of the run; without it, runs/NAME.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where the run in --out stopped.")] = False,
    preflight: Annotated[
        bool, typer.Option("--preflight/--no-preflight", help="First do one step of everything.")
    ] = True,
    only_preflight: Annotated[bool, typer.Option("--only-preflight", help="And then stop.")] = False,
) -> None:
    """Train a network; several processes: `torchrun --nproc-per-node N -m nimblepose train RECIPE devices=N`.

    Examples:
        nimblepose train recipe.yaml
        nimblepose train recipe.yaml optimizer.learning_rate=1e-4 --out slow
        nimblepose train recipe.yaml --out runs/slow --resume
    """
    from nimblepose.training.recipe import load_recipe

    if only_preflight and not preflight:
        raise OptionError("--only-preflight, --no-preflight: one of them")
    check_folder(out)
    loaded = load_recipe(recipe, changes or [])

    from nimblepose.cli.interrupts import stop_on_signals
    from nimblepose.cli.training_bar import show_training_bar
    from nimblepose.training.devices import build_fabric
    from nimblepose.training.engine import RunInterruptedError
    from nimblepose.training.engine import train as run
    from nimblepose.training.preflight import preflight as try_out
    from nimblepose.training.run_folder import RunFolder

    fabric = build_fabric(loaded)
    folder = out or Path("runs") / loaded.name
    kept = RunFolder(folder)
    if fabric.is_global_zero:  # the others need not be able to write
        kept.check(resume=resume or only_preflight)
    going_on = resume and kept.state.exists()
    if only_preflight or (preflight and not going_on):
        try_out(loaded, fabric=fabric)
        if fabric.is_global_zero:
            print("preflight: forward, backward, checkpoint, validation and export work")
    if only_preflight:
        return
    asked: list[bool] = []
    ending = stop_on_signals(lambda: asked.append(True), "stopping after this step; the state is saved", apart=1.0)
    try:
        with show_training_bar(shown=fabric.is_global_zero) as watch, ending:
            result = run(loaded, folder, fabric=fabric, resume=resume, watch=watch, stop=lambda: bool(asked))
    except RunInterruptedError as error:
        if fabric.is_global_zero:
            print(f"nimblepose: {error}", file=sys.stderr)
        raise typer.Exit(130) from error
    if fabric.is_global_zero:
        _print_best(folder)
        print(f"-> {result}")


def _print_best(folder: Path) -> None:
    """How good the weights are that were kept, if there were validation pictures."""
    from rich.console import Console

    from nimblepose.cli.pixel_table import PIXELS_OF, tabulate_pixels
    from nimblepose.training.best_validation import read_best_validation

    best = read_best_validation(folder)
    if best is not None:
        caption = f"the best weights, of step {best.step}: AP {best.ap:.3f}, AP50 {best.ap50:.3f}; {PIXELS_OF}"
        Console().print(tabulate_pixels(best.overall, best.keypoints, caption))
