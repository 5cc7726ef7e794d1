"""`nimblepose skeleton check`: is this file a skeleton, and what follows from it?"""

from typing import Annotated

import typer


def skeleton_check(
    source: Annotated[str, typer.Argument(metavar="FILE", help="YAML or JSON file, or a built-in name.")],
) -> None:
    """Check a skeleton and print its keypoints, limbs and what is derived from them.

    Examples:
        nimblepose skeleton check human18
        nimblepose skeleton check fox.yaml
    """
    from rich.console import Console
    from rich.table import Table

    from nimblepose.core.errors import SkeletonError
    from nimblepose.core.naming import find_misread_names
    from nimblepose.core.skeleton import Skeleton

    skeleton = Skeleton.load(source)
    mirror = {a: b for pair in skeleton.mirror_pairs for a, b in (pair, pair[::-1])}
    table = Table("", "keypoint", "mirrored", "OKS sigma", "derived from", title=f"skeleton {skeleton.name!r}")
    for i, (name, sigma) in enumerate(zip(skeleton.keypoints, skeleton.oks_sigmas, strict=True)):
        table.add_row(str(i), name, mirror.get(name, ""), f"{sigma:.3f}", ", ".join(skeleton.derived.get(name, ())))
    console = Console()
    console.print(table)
    loops = skeleton.loop_limbs
    for i, (a, b) in enumerate(skeleton.limbs):
        console.print(f"limb {i}: {a} - {b}{' (closes a loop)' if i in loops else ''}", markup=False, highlight=False)
    console.print(f"channels: {skeleton.heatmap_channels} heatmaps, {skeleton.paf_channels} PAFs", highlight=False)
    if skeleton.sigmas_are_guessed:
        console.print("OKS sigmas: not given; 0.06 is a guess, so AP will not compare with other work", highlight=False)
    try:
        _ = skeleton.limb_flip
    except SkeletonError as error:
        console.print(f"mirroring: not possible: {error}", markup=False, highlight=False)
    else:
        console.print(f"mirroring: possible, {len(skeleton.mirror_pairs)} pairs change sides", highlight=False)
    for warning in find_misread_names(skeleton.keypoints):
        console.print(f"name: {warning}; choose another", markup=False, highlight=False)
    console.print("good")
