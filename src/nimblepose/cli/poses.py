"""`nimblepose model poses`: what poses look like and what a model's own are worth, learnt from annotated pictures."""

from pathlib import Path
from typing import Annotated

import typer

_LEARNT = "; poses learnt from "  # in the origin of a model


def poses(
    model: Annotated[str, typer.Argument(help="Name or file, .onnx or .safetensors; its weights stay as they are.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write, of the same kind.")],
    data: Annotated[
        Path | None, typer.Option("--data", "-d", help="Folder in COCO layout; or give --images and --annotations.")
    ] = None,
    images: Annotated[Path | None, typer.Option(help="Folder of the pictures.")] = None,
    annotations: Annotated[Path | None, typer.Option(help="COCO keypoint file, .json or .json.gz.")] = None,
    input_height: Annotated[int, typer.Option(min=32, max=4096, help="Height the network sees.")] = 368,
    seed: Annotated[int, typer.Option(help="Of the scorer's first weights.")] = 0,
    threads: Annotated[int, typer.Option(min=0, help="0: all cores.")] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
) -> None:
    """Teach a model what poses look like, and what its own poses are worth.

    Poses then score the similarity (OKS) to expect of them, and keypoints that were not found can be put where they
    should be. Take the pictures that the model was trained on, not those that it is measured on.
    """
    import dataclasses

    import numpy as np

    from nimblepose.cli.progress import counted, download_bar, stages_bar
    from nimblepose.convert.export import with_metadata
    from nimblepose.convert.quantization.layers import import_onnx
    from nimblepose.core.errors import DataError
    from nimblepose.core.files import check_folders
    from nimblepose.data.coco import load_records
    from nimblepose.data.sets import choose_set
    from nimblepose.runtime.estimator import PoseEstimator
    from nimblepose.runtime.models import find_model
    from nimblepose.training.poses import fit_scorer, learn_prior, rate_poses

    with download_bar() as downloaded:
        path = find_model(model, progress=downloaded)
    if out.suffix != path.suffix or out.suffix not in (".onnx", ".safetensors"):
        raise DataError(f"{path} and --out {out} must be of one kind, .onnx or .safetensors")
    if out.suffix == ".onnx":
        import_onnx()  # what is missing is said now, not after the last picture
    check_folders(out)
    file, folder = choose_set(data, images, annotations)
    estimator = PoseEstimator(path, threads=threads, input_height=input_height)
    records = load_records([file], [folder], estimator.skeleton)
    records = [record for record in records if len(record.xy) or not record.partial]
    if not records:
        raise DataError(f"{file}: no pictures to learn from")
    prior = learn_prior(np.concatenate([record.xy for record in records]), estimator.skeleton)
    with stages_bar(quiet=quiet) as told:
        rated = rate_poses(estimator, records, prior, progress=lambda n: told("poses", n, len(records)))
    scorer = fit_scorer(rated, seed=seed)
    origin = f"{estimator.metadata.origin.partition(_LEARNT)[0]}{_LEARNT}{len(rated.oks)} of {file.name}"
    with_metadata(path, dataclasses.replace(estimator.metadata, prior=prior, scorer=scorer, origin=origin), out)
    if not quiet:
        print(f"-> {out}: {counted(len(rated.oks), 'pose', 'poses')} in {counted(len(records), 'picture', 'pictures')}")
