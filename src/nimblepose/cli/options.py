"""Options that several verbs have, so that they read alike everywhere."""

from typing import Annotated, Literal

import typer

ModelOption = Annotated[str | None, typer.Option("--model", "-m", help="Name or file; see `nimblepose model list`.")]
BackendOption = Annotated[
    Literal["auto", "onnxruntime", "openvino", "torch"], typer.Option(help="What runs the network.")
]
