"""`nimblepose data split`: a set to train on -> parts to train and to measure on."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from nimblepose.cli import options as given


def data_split(
    folder: Annotated[Path, typer.Argument(help="Folder of a set, as `data import` writes it.")],
    val: Annotated[
        float, typer.Option("--val-share", min=0.01, max=0.9, help="Share of the labels to measure on.")
    ] = 0.2,
    test: Annotated[
        float, typer.Option("--test-share", min=0, max=0.9, help="Share to keep for the end; 0: none.")
    ] = 0.0,
    by: Annotated[
        Literal["video", "picture"],
        typer.Option(help="What stays whole. Frames of one video look alike: apart they flatter every figure."),
    ] = "video",
    session: Annotated[
        str | None,
        typer.Option(help="Regular expression: what in the name of a video names its session, such as '(.*)_cam'."),
    ] = None,
    seed: given.SeedOption = 0,
    quiet: given.QuietOption = False,
) -> None:
    """Write annotations/keypoints_train.json and keypoints_val.json beside the pictures; no video is in both.

    Examples:
        nimblepose data split mice --val-share 0.2
        nimblepose data split mice --session "(.*)_cam"
    """
    import json
    import re

    from nimblepose.core.errors import OptionError
    from nimblepose.core.files import make_folder, write_atomically
    from nimblepose.core.text import format_count
    from nimblepose.data.coco import read_json
    from nimblepose.data.sets import locate_sets
    from nimblepose.labels.splitting import name_group, split_set

    try:
        pattern = re.compile(session) if session is not None else None
    except re.error as error:
        raise OptionError(f"--session {session!r} is no regular expression: {error}") from error
    whole = folder / "annotations.json"
    if not whole.is_file():
        found = [path for path, _ in locate_sets(folder)]
        if len(found) != 1:
            raise OptionError(f"{folder} has several annotation files and no annotations.json to split")
        whole = found[0]
    shares = {"train": 1 - val - test, "val": val} | ({"test": test} if test else {})
    parts = split_set(read_json(whole), shares, by_picture=by == "picture", session=pattern, seed=seed)
    make_folder(folder / "annotations")
    for name, part in parts.items():
        path = folder / "annotations" / f"keypoints_{name}.json"
        write_atomically(path, json.dumps(part, ensure_ascii=False).encode() + b"\n")
        if not quiet:
            videos = {name_group(image, pattern) for image in part["images"]} if by == "video" else set()
            whose = f" of {format_count(len(videos), 'video', 'videos')}" if videos and pattern is None else ""
            whose = f" of {format_count(len(videos), 'session', 'sessions')}" if videos and pattern else whose
            pictures = format_count(len(part["images"]), "picture", "pictures")
            print(f"{name}: {pictures}{whose}, {format_count(len(part['annotations']), 'label', 'labels')} -> {path}")
