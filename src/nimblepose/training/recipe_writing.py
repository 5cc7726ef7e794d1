"""From a folder of annotated pictures to the files of a recipe."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nimblepose.core.errors import DataError, SkeletonError
from nimblepose.core.files import write_atomically
from nimblepose.core.skeleton import BUILT_IN, Skeleton
from nimblepose.data.categories import find_skeleton
from nimblepose.data.coco import build_records, read_json
from nimblepose.data.sets import locate_parts
from nimblepose.data.subjects import Subjects, describe_subjects, propose_skeleton, share_joined
from nimblepose.training.recipe import load_recipe
from nimblepose.training.recipe_check import check_recipe
from nimblepose.training.recipe_design import Facts, design_recipe, write_recipe, write_value


@dataclass(frozen=True)
class Written:
    """What was written, and what is to be looked at."""

    files: tuple[Path, ...]
    remarks: tuple[str, ...]


def write_fitting_recipe(
    folder: Path, out: Path, *, skeleton: str | None, name: str | None, licence: str, force: bool
) -> Written:
    """Write a recipe that fits a folder of annotated pictures, and its skeleton beside it.

    Args:
        folder: See `locate_parts`.
        out: The recipe; paths in it start at its folder.
        skeleton: A built-in name or a file; None: the file's own if it is whole, else one that is made of the labels.
        name: Of the run; None: that of the folder.
        licence: Of the weights.
        force: Replace what is there.

    Raises:
        DataError: no annotations, nobody labelled, or a file that is there.
        SkeletonError: the keypoints make no skeleton.
        MediaError: it cannot be written.
    """
    parts = locate_parts(folder)
    annotations, images = parts["train"]
    coco = read_json(annotations)
    labels = Skeleton.load(skeleton) if skeleton else find_skeleton(coco, annotations)
    subjects = describe_subjects(build_records(coco, images, labels, annotations), labels.annotated)
    if not subjects.pictures:
        raise DataError(f"{annotations}: nobody is labelled, so there is nothing to choose a recipe by")
    name = name or folder.resolve().name
    kept = labels if skeleton else _find_built_in(subjects)
    beside = out.with_name(f"{out.stem}.skeleton.yaml")
    new = [out] if kept else [out, beside]
    if there := [str(path) for path in new if path.exists() and not force]:
        raise DataError(f"{', '.join(there)}: there already; give another --out, or --force to replace")
    limbs = _read_limbs(coco, subjects)
    chosen = kept or propose_skeleton(subjects, labels.name, limbs)
    sets: dict[str, Any] = {
        "data.annotations": [relate(annotations, out)],
        "data.images": [relate(images, out)],
        "data.skeleton": beside.name if kept is None else _name(chosen, skeleton, out),
    }
    if "val" in parts:
        sets["validation.annotations"], sets["validation.images"] = (relate(path, out) for path in parts["val"])
    if kept is None:
        why = (
            "as in the file" if limbs else "they join what is near and seen together, away from the middle of the body"
        )
        write_atomically(beside, describe_skeleton(chosen, subjects, why_limbs=why).encode())
    choices = design_recipe(Facts(train=subjects, skeleton=chosen))
    write_atomically(out, write_recipe(name, sets, choices, licence=licence).encode())
    remarks = check_recipe(load_recipe(out))
    if "val" not in parts:
        remarks.append(
            f"no pictures to validate with, so nobody knows how good it will be: put some into {folder / 'val'}"
        )
    return Written(tuple(new), tuple(remarks))


def _find_built_in(subjects: Subjects) -> Skeleton | None:
    return next((known for known in BUILT_IN.values() if known.annotated == subjects.names), None)


def _read_limbs(coco: Mapping[str, Any], subjects: Subjects) -> tuple[tuple[str, str], ...]:
    """Limbs that the file itself has, if they join all keypoints; else none."""
    for category in coco["categories"]:
        if isinstance(category, Mapping) and category.get("keypoints") == list(subjects.names):
            try:
                return Skeleton.from_coco_category(category).limbs
            except SkeletonError:
                return ()
    return ()


def _name(chosen: Skeleton, given: str | None, out: Path) -> str:
    """As the recipe names it."""
    if given and given not in BUILT_IN:
        return relate(Path(given), out)
    return chosen.name


def relate(path: Path, out: Path) -> str:
    """A path as it is seen from the folder of a file."""
    try:
        return Path(os.path.relpath(path.resolve(), out.resolve().parent)).as_posix()
    except ValueError:  # another drive of Windows
        return path.resolve().as_posix()


def describe_skeleton(skeleton: Skeleton, subjects: Subjects, *, why_limbs: str) -> str:
    """The YAML text of a skeleton that was made of labels, with reasons."""
    plain = skeleton.to_dict()
    pairs = "by their names; what a mirror exchanges" if skeleton.mirror_pairs else "names say no left and right"
    lines = [
        f"# Made of the labels of {len(subjects.sizes)} subjects; change what is wrong.",
        f"name: {write_value(plain['name'])}",
        f"keypoints: {write_value(plain['keypoints'])}  # in the order of the annotations",
        f"limbs: {write_value(plain['limbs'])}  # {why_limbs}; in {share_joined(subjects, skeleton.limbs):.0%} of the "
        "subjects they join all that is labelled",
        f"mirror_pairs: {write_value(plain['mirror_pairs'])}  # {pairs}",
        f"oks_sigmas: {write_value(dict(zip(skeleton.keypoints, skeleton.oks_sigmas, strict=True)))}  # a guess, "
        "smaller where another keypoint is near; `nimblepose skeleton sigmas` measures them",
    ]
    return "\n".join(lines) + "\n"
