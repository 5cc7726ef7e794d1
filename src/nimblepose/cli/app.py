"""`nimblepose`: all verbs, and how errors leave: a message and exit code 2, never a traceback.

The modules of the verbs import what is heavy when they run, so that `nimblepose --help` is fast and needs nothing.
"""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from nimblepose import __version__
from nimblepose.cli import (
    benchmark,
    data,
    demo,
    doctor,
    export,
    import_,
    mean,
    model_info,
    models,
    poses,
    predict,
    quantize,
    sigmas,
    skeleton,
    track,
    train,
    val,
)
from nimblepose.core.errors import PoseError
from nimblepose.core.optional import find_installer

app = typer.Typer(
    name="nimblepose",
    help="Real-time 2D multi-person pose estimation on an ordinary CPU.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(predict.predict)
app.command()(demo.demo)
app.command()(track.track)
app.command()(train.train)
app.command()(val.val)
app.command()(benchmark.benchmark)
app.command("import")(import_.import_model)
app.command()(export.export)
app.command()(quantize.quantize)
app.command()(doctor.doctor)

model_app = typer.Typer(
    help="Which models there are, where they lie, what is in them; what they may learn besides.", no_args_is_help=True
)
model_app.command("list")(models.list_models)
model_app.command("fetch")(models.fetch)
model_app.command("info")(model_info.model_info)
model_app.command("mean")(mean.mean)
model_app.command("poses")(poses.poses)
app.add_typer(model_app, name="model")

skeleton_app = typer.Typer(help="Skeletons of your own.", no_args_is_help=True)
skeleton_app.command("check")(skeleton.check)
skeleton_app.command("sigmas")(sigmas.sigmas)
app.add_typer(skeleton_app, name="skeleton")

data_app = typer.Typer(help="Data sets to train on.", no_args_is_help=True)
data_app.command("check")(data.check)
app.add_typer(data_app, name="data")


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"nimblepose {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 some files failed, 2 cannot start, 130 interrupted."""
    try:
        app(args=None if arguments is None else list(arguments))
    except KeyboardInterrupt:
        sys.exit(130)
    except PoseError as error:
        print(f"nimblepose: {error}", file=sys.stderr)
        sys.exit(2)
    except ModuleNotFoundError as error:
        installer = find_installer(error.name or "")
        if installer is None:
            raise
        print(f"nimblepose: this needs {error.name}: pip install {installer}", file=sys.stderr)
        sys.exit(2)
