"""Annotated sets: where annotations and pictures lie, and what is in them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nimblepose.core.errors import DataError
from nimblepose.core.reduction import Reduced
from nimblepose.core.skeleton import Skeleton
from nimblepose.data.categories import match_categories
from nimblepose.data.coco import Record, build_records, read_json
from nimblepose.data.entries import is_file
from nimblepose.media.pictures import MAX_PIXELS, read_reduced

_NAMED = 5  # missing files listed in an error
_PARTS = {"train": ("train", "training"), "val": ("val", "valid", "validation")}  # names of folders
_PURPOSES = {"train": "learn from", "val": "measure with"}


@dataclass(frozen=True, eq=False)
class AnnotatedSet:
    """Pictures and their annotations: what AP is measured on.

    Attributes:
        annotations: The COCO keypoint file.
        skeleton: Of its people.
        category_ids: Of the people that are labelled: all categories with the keypoints of the skeleton, or one.
        files: Every picture that the file names, by its id.
        records: Those of the pictures that are looked at, in the file's order.
    """

    annotations: Path
    skeleton: Skeleton
    category_ids: tuple[int, ...]
    files: Mapping[int, Path]
    records: Sequence[Record]

    @classmethod
    def read(
        cls,
        annotations: Path,
        images: Path,
        skeleton: Skeleton,
        *,
        limit: int = 0,
        keep: Callable[[Record], bool] = lambda _: True,
        category_id: int | None = None,
    ) -> "AnnotatedSet":
        """Read the annotations; pictures are read when they are looked at.

        Args:
            annotations: COCO keypoint file, `.json` or `.json.gz`.
            images: Folder of its pictures.
            skeleton: Must have the keypoints of a category, in their order.
            limit: Only the first so many; 0 takes all.
            keep: Which pictures to look at.
            category_id: Only people of this category are looked for; None takes all with the skeleton's keypoints.

        Raises:
            DataError: a broken file, other keypoints, or files missing in the folder.
        """
        chosen = cls.build(
            read_json(annotations), annotations, images, skeleton, limit=limit, keep=keep, category_id=category_id
        )
        paths = [record.path for record in chosen.records]
        if missing := [path.name for path in paths if not is_file(path)]:
            raise DataError(
                f"{images} lacks {len(missing)} of the {len(paths)} pictures that the annotations name: "
                f"{', '.join(missing[:_NAMED])}{' ...' if len(missing) > _NAMED else ''}; give the folder of the "
                f"pictures"
            )
        return chosen

    @classmethod
    def build(
        cls,
        coco: Mapping[str, Any],
        annotations: Path,
        images: Path,
        skeleton: Skeleton,
        *,
        limit: int = 0,
        keep: Callable[[Record], bool] = lambda _: True,
        category_id: int | None = None,
    ) -> "AnnotatedSet":
        """The same of a parsed file; whether its pictures are there is not looked at.

        Raises:
            DataError: entries that are broken, or other keypoints.
        """
        every = build_records(coco, images, skeleton, annotations, category_id=category_id)
        return cls(
            annotations,
            skeleton,
            match_categories(coco, skeleton, annotations, category_id),
            {record.image_id: record.path for record in every},
            [record for record in every if keep(record)][: limit or None],
        )


def locate_sets(folder: Path) -> list[tuple[Path, Path]]:
    """Annotation files of a folder (or its `annotations/`), each with the folder of its pictures.

    Where names tell keypoints from other annotations (`person_keypoints_val2017.json` beside `captions_val2017.json`)
    only those of keypoints are meant. Hidden files are none. Pictures lie in `images/`, in a folder named like the end
    of the annotation file (`val2017/`), in that below `images/`, or beside the annotations.

    Raises:
        DataError: there is no folder, or no annotation file in it.
    """
    files = [path for place in (folder, folder / "annotations") for path in sorted(place.glob("*.json*"))]
    files = [path for path in files if path.name.endswith((".json", ".json.gz")) and not path.name.startswith(".")]
    files = [path for path in files if "keypoints" in path.name] or files
    if not files:
        raise DataError(f"{folder}: no annotation file (*.json, *.json.gz) here or in {folder / 'annotations'}")
    return [(path, _locate_pictures(folder, path)) for path in files]


def _locate_pictures(folder: Path, annotations: Path) -> Path:
    split = annotations.name.partition(".")[0].rpartition("_")[2]
    places = (folder / "images" / split, folder / split, folder / "images")
    return next((place for place in places if place.is_dir() and place != annotations.parent), folder)


def locate_set(folder: Path) -> tuple[Path, Path]:
    """The one annotation file of a folder that is meant for measuring, and the folder of its pictures.

    Of several that `locate_sets` finds, the one with `val` in its name.

    Raises:
        DataError: there is no annotation file, or it cannot be told which one is meant.
    """
    found = locate_sets(folder)
    found = [pair for pair in found if "val" in pair[0].name] or found
    if len(found) > 1:
        names = ", ".join(str(path.relative_to(folder)) for path, _ in found)
        raise DataError(f"{folder} has several annotation files ({names}); choose with --images and --annotations")
    return found[0]


def locate_parts(folder: Path) -> dict[str, tuple[Path, Path]]:
    """What to learn from, `train`, and what to measure with, `val` if there is any: annotations and pictures of each.

    They lie in folders of these names, or in one, with `val` in the name of the annotations to measure with; files
    with `test` in their names are left aside.

    Raises:
        DataError: nothing to learn from, or several files of one part.
    """
    found: dict[str, list[tuple[Path, Path]]] = {"train": [], "val": []}
    for part, names in _PARTS.items():
        for place in (folder / name for name in names):
            if any(path.suffix in (".json", ".gz") for path in [*place.glob("*"), *place.glob("annotations/*")]):
                found[part] += locate_sets(place)
    if not found["train"]:
        for pair in locate_sets(folder):
            if "test" not in pair[0].name:
                found["val" if "val" in pair[0].name else "train"].append(pair)
    for part, pairs in found.items():
        if len(pairs) > 1 or (part == "train" and not pairs):
            there = ", ".join(str(path.relative_to(folder)) for path, _ in pairs) or "none"
            raise DataError(f"{folder}: expected one annotation file to {_PURPOSES[part]}, found {there}")
    return {part: pairs[0] for part, pairs in found.items() if pairs}


def read_annotated(record: Record, *, max_pixels: int = MAX_PIXELS) -> Reduced:
    """The picture of a record; a JPEG with more than `max_pixels` is reduced.

    Raises:
        MediaError: it cannot be read.
        DataError: it has another size than its annotations are for.
    """
    reduced = read_reduced(record.path, max_pixels=max_pixels)
    if reduced.size != record.size:
        height, width = reduced.size
        raise DataError(
            f"{record.path} has {width} x {height} pixels, its annotations are for {record.size[1]} x "
            f"{record.size[0]}: resized or turned pictures need their own annotations"
        )
    return reduced
