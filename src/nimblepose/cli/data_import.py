"""`nimblepose data import`: labels of another tool -> a set to train on."""

from pathlib import Path
from typing import Annotated

import typer

from nimblepose.cli import options as given

_LISTED = 10  # of what was not taken; the whole list is in the file


def data_import(
    source: Annotated[Path, typer.Argument(help="Project folder or file of the tool.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Empty folder to write the set into.")],
    tool: given.FromOption = None,
    skeleton: Annotated[
        str | None,
        typer.Option("--skeleton", "-s", help="Built-in name or file: keypoints are brought into its order, by name."),
    ] = None,
    predicted: Annotated[
        bool, typer.Option("--predicted", help="Take what a model found, too, where people have labelled others.")
    ] = False,
    recipe: Annotated[
        Path | None,
        typer.Option(
            "--into",
            metavar="RECIPE.yaml",
            help="Name the set in this recipe, beside those there; keypoints as its skeleton has them.",
        ),
    ] = None,
    strict: given.StrictOption = False,
    quiet: given.QuietOption = False,
) -> None:
    """Read labels of DeepLabCut, SLEAP, CVAT, YOLO-pose, Label Studio, Labelme or COCO; write a set to train on.

    What could not be taken is listed in not_taken.csv, with the reason.

    Examples:
        nimblepose data import reaching-anna-2026-01-01 --out reaching
        nimblepose data import a.json --from label-studio --out mice --strict
        nimblepose data import next/cvat --out more --into mice.yaml
    """
    from nimblepose.cli.progress import show_count_bar
    from nimblepose.core.errors import DataError, OptionError
    from nimblepose.core.skeleton import COCO_17, Skeleton
    from nimblepose.core.text import format_count
    from nimblepose.labels.matching import match_skeleton
    from nimblepose.labels.readers import find_reader, restore_kept
    from nimblepose.labels.skipping import write_skipped
    from nimblepose.labels.writing import accept_found, has_found, leave_out_found, write_set

    if recipe is not None:
        if skeleton is not None:
            raise OptionError("--into takes keypoints as the recipe's skeleton has them; leave out --skeleton")
        from nimblepose.training.recipe import load_recipe

        skeleton = load_recipe(recipe).data.skeleton
    reader = find_reader(source, tool)
    if not quiet:
        print(f"{source}: labels of {reader.help}{'' if tool else ' (--from says otherwise)'}")
    told = reader.read(source)
    taken = told if predicted else leave_out_found(told)
    labels = restore_kept(taken, source)
    if not has_found(taken):  # predictions that have lost their scores in a tool: somebody has looked at them there
        labels = accept_found(labels)
    if skeleton is not None:
        labels = match_skeleton(labels, Skeleton.load(skeleton))
    else:  # COCO's own keypoints in another order become those that the package knows
        labels = match_skeleton(labels, COCO_17, whole=True)
    if strict and labels.skipped:
        first = labels.skipped[0]
        raise DataError(f"--strict: {format_count(len(labels.skipped), 'thing', 'things')} could not be taken; "
                        f"the first: {first.file}: {first.reason}")  # fmt: skip
    with show_count_bar("pictures", len(labels.pictures), quiet=quiet) as show:
        written = write_set(labels, out, progress=show, strict=strict)
    if written.skipped:
        write_skipped(written.skipped, out / "not_taken.csv")
    learnt = None
    if recipe is not None:
        from nimblepose.training.recipe_growing import add_set

        learnt = add_set(recipe, written.annotations, out / "images")
    if quiet:
        return
    kinds = (
        f"{kind.name} ({format_count(len(kind.keypoints), 'keypoint', 'keypoints')})" for kind in labels.categories
    )
    print(format_count(written.pictures, "picture", "pictures"), end=", ")
    print(format_count(written.labels, "label", "labels"), "of", ", ".join(kinds))
    for one in written.skipped[:_LISTED]:
        print(f"  not taken: {one.file}: {one.reason}")
    if written.skipped:
        print(f"  {format_count(len(written.skipped), 'line', 'lines')} in {out / 'not_taken.csv'}")
    for path in (written.annotations, *written.skeletons):
        print(f"-> {path}")
    if learnt is not None:
        print(f"-> {recipe}, which learns from {format_count(learnt, 'set', 'sets')} now")
