"""`nimblepose model poses`: what poses look like and what a model's own are worth, learnt from annotated pictures."""

from typing import Annotated

import typer

from nimblepose.cli import options as given
from nimblepose.cli.options import find_set
from nimblepose.core.errors import OptionError


def model_poses(
    model: Annotated[str, typer.Argument(help="Name or file, .onnx or .safetensors; its weights stay as they are.")],
    out: given.FileOption,
    data: given.DataOption = None,
    images: given.ImagesOption = None,
    annotations: given.AnnotationsOption = None,
    input_height: given.HeightOption = None,
    quality: given.QualityOption = "balanced",
    keep: Annotated[
        bool, typer.Option("--keep", help="What the model knows already stays; learn only what it lacks.")
    ] = False,
    calibrate: Annotated[
        bool,
        typer.Option(
            "--calibrate",
            help="Everything stays; only errors of keypoints are put right, by pictures that the model has never seen.",
        ),
    ] = False,
    seed: given.SeedOption = 0,
    threads: given.ThreadsOption = 0,
    quiet: given.QuietOption = False,
) -> None:
    """Teach a model what poses look like, and what its own poses and keypoints are worth.

    Poses then score the similarity (OKS) to expect of them, keypoints have errors to expect, in pixels, and those not
    found can be put where they should be.

    Every picture is seen in one pass at --input-height (without it at the height that the model was made for, or at
    368), and as --quality sees it. Some people are seen in several
    sizes, so that the model knows in which it sees them best, and --quality looks as closely. Take the pictures that
    the model was trained on, not those that it is measured on. What keypoints are worth is told better by pictures
    that were held out from training: give them afterwards, with --calibrate.

    Examples:
        nimblepose model poses my.onnx --data coco/train2017 --out better.onnx
        nimblepose model poses old.onnx --data train2017 --keep --out new.onnx
        nimblepose model poses a.onnx --data held-out --calibrate --out b.onnx
    """
    from nimblepose.cli.progress import show_download_bar, show_stages_bar
    from nimblepose.core.text import format_count
    from nimblepose.runtime.models import find_model
    from nimblepose.training.pose_learning import calibrate_errors, learn_poses

    if calibrate and keep:
        raise OptionError("--keep learns what a model lacks, --calibrate learns nothing new; give one of them")
    file, folder = find_set(data, images, annotations)
    with show_download_bar() as downloaded:
        path = find_model(model, progress=downloaded)
    if calibrate:
        with show_stages_bar(quiet=quiet) as progress:
            count = calibrate_errors(
                path,
                out,
                annotations=file,
                images=folder,
                input_height=input_height,
                quality=quality,
                threads=threads,
                progress=progress,
            )
        if not quiet:
            print(f"-> {out}: errors calibrated on {format_count(count, 'keypoint', 'keypoints')}")
        return
    with show_stages_bar(quiet=quiet) as progress:
        lesson = learn_poses(
            path,
            out,
            annotations=file,
            images=folder,
            input_height=input_height,
            quality=quality,
            keep=keep,
            seed=seed,
            threads=threads,
            progress=progress,
        )
    if not quiet:
        pictures = format_count(lesson.pictures, "picture", "pictures")
        sees = "" if lesson.best_size is None else f"; sees people best at {lesson.best_size:.0f} input pixels"
        print(f"-> {out}: {format_count(lesson.poses, 'pose', 'poses')} in {pictures}{sees}")
