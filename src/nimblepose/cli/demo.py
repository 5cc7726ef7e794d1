"""`nimblepose demo`: a picture before and after, at once: no download, no path, no network."""

from pathlib import Path
from typing import Annotated

import typer

from nimblepose.cli.options import BackendOption, ModelOption


def demo(
    picture: Annotated[Path | None, typer.Argument(help="A picture of yours; without it, one in the package.")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Picture to write.")] = Path("nimblepose-demo.jpg"),
    model: ModelOption = None,
    backend: BackendOption = "auto",
    open_it: Annotated[bool, typer.Option("--open", help="Open it in the system's viewer, too.")] = False,
) -> None:
    """Find people in a picture and write it beside itself: before on the left, after on the right.

    Examples:
        nimblepose demo
        nimblepose demo photo.jpg --out beside.jpg --open
    """
    import numpy as np

    from nimblepose.core.files import write_atomically
    from nimblepose.core.text import format_count
    from nimblepose.drawing.people import draw_poses
    from nimblepose.media.encoding import encode_picture
    from nimblepose.media.pictures import read_picture
    from nimblepose.runtime.estimator import PoseEstimator
    from nimblepose.runtime.models import DEMO_PICTURE

    before = read_picture(picture or DEMO_PICTURE)
    poses = PoseEstimator(model, backend=backend)(before)
    write_atomically(out, encode_picture(np.concatenate([before, draw_poses(before, poses)], axis=1), out.suffix))
    print(f"{format_count(len(poses), 'person', 'people')}: {out}")
    if open_it and typer.launch(str(out)) != 0:
        print("no viewer could be opened; the picture is there")
