"""`nimblepose`: all verbs, and how errors leave: a message and exit code 2, never a traceback.

The modules of the verbs import what is heavy when they run, so that `nimblepose --help` is fast and needs nothing.
"""

import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

import typer

from nimblepose import __version__
from nimblepose.cli.batch_finish import batch_finish
from nimblepose.cli.batch_plan import batch_plan
from nimblepose.cli.batch_run import batch_run
from nimblepose.cli.batch_status import batch_status
from nimblepose.cli.benchmark import benchmark
from nimblepose.cli.console import tolerate_streams
from nimblepose.cli.data_check import data_check
from nimblepose.cli.data_convert import data_convert
from nimblepose.cli.data_import import data_import
from nimblepose.cli.data_pick import data_pick
from nimblepose.cli.data_recipe import data_recipe
from nimblepose.cli.data_split import data_split
from nimblepose.cli.demo import demo
from nimblepose.cli.doctor import doctor
from nimblepose.cli.export import export
from nimblepose.cli.import_ import import_model
from nimblepose.cli.model_fetch import model_fetch
from nimblepose.cli.model_info import model_info
from nimblepose.cli.model_list import model_list
from nimblepose.cli.model_mean import model_mean
from nimblepose.cli.model_poses import model_poses
from nimblepose.cli.predict import predict
from nimblepose.cli.quantize import quantize
from nimblepose.cli.report import report
from nimblepose.cli.serve import serve
from nimblepose.cli.skeleton_check import skeleton_check
from nimblepose.cli.skeleton_sigmas import skeleton_sigmas
from nimblepose.cli.track import track
from nimblepose.cli.train import train
from nimblepose.cli.val import val
from nimblepose.cli.verb import VerbApp
from nimblepose.cli.web import web
from nimblepose.core.errors import PoseError
from nimblepose.core.optional import find_installer

app = VerbApp(
    name="nimblepose",
    help="Real-time 2D multi-person pose estimation on an ordinary CPU.",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
model_app = VerbApp(help="Which models there are, where they lie, what is in them; what they may learn besides.")
skeleton_app = VerbApp(help="Skeletons of your own.")
data_app = VerbApp(help="Data sets to train on.")
batch_app = VerbApp(help="Thousands of videos and pictures, on many processes and machines.")
app.add_typer(model_app, name="model")
app.add_typer(skeleton_app, name="skeleton")
app.add_typer(data_app, name="data")
app.add_typer(batch_app, name="batch")

# A verb is a module of its own and a line here; its module and its function are named as it is called.
app.command("predict")(predict)
app.command("demo")(demo)
app.command("track")(track)
app.command("report")(report)
app.command("serve")(serve)
app.command("web")(web)
app.command("train")(train)
app.command("val")(val)
app.command("benchmark")(benchmark)
app.command("import")(import_model)
app.command("export")(export)
app.command("quantize")(quantize)
app.command("doctor")(doctor)
model_app.command("list")(model_list)
model_app.command("fetch")(model_fetch)
model_app.command("info")(model_info)
model_app.command("mean")(model_mean)
model_app.command("poses")(model_poses)
skeleton_app.command("check")(skeleton_check)
skeleton_app.command("sigmas")(skeleton_sigmas)
data_app.command("check")(data_check)
data_app.command("recipe")(data_recipe)
data_app.command("pick")(data_pick)
batch_app.command("plan")(batch_plan)
batch_app.command("run")(batch_run)
batch_app.command("status")(batch_status)
batch_app.command("finish")(batch_finish)
data_app.command("import")(data_import)
data_app.command("split")(data_split)
data_app.command("convert")(data_convert)


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
    with tolerate_streams():
        _run(arguments)


def _run(arguments: Sequence[str] | None) -> None:
    try:
        with _print_warnings_plainly():
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


@contextmanager
def _print_warnings_plainly() -> Iterator[None]:
    """Without the file and line that they come from."""
    before = warnings.formatwarning
    warnings.formatwarning = lambda message, *_, **__: f"nimblepose: {message}\n"
    try:
        yield
    finally:
        warnings.formatwarning = before
