"""An annotated set of pictures through an estimator: COCO results and AP out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.errors import DataError
from nimblepose.core.geometry import Size
from nimblepose.core.progress import Progress, say_nothing
from nimblepose.core.skeleton import Skeleton
from nimblepose.data.check import locate
from nimblepose.data.coco import read_json
from nimblepose.evaluation.coco import MAX_PEOPLE, Metrics, evaluate, find_category
from nimblepose.media.pictures import read_picture
from nimblepose.results.recording import Estimator

_NAMED = 5  # missing files listed in an error


@dataclass(frozen=True)
class AnnotatedPicture:
    """A picture file that annotations speak of."""

    image_id: int
    path: Path
    size: Size | None  # (height, width) as the annotations say; None where they do not


@dataclass(frozen=True, eq=False)
class AnnotatedSet:
    """Pictures and their annotations: what AP is measured on.

    Attributes:
        annotations: The COCO keypoint file.
        images: Folder of its pictures.
        coco: The file's content.
        pictures: Those of its pictures that are looked at, in its order.
    """

    annotations: Path
    images: Path
    coco: Mapping[str, Any]
    pictures: Sequence[AnnotatedPicture]

    @classmethod
    def read(
        cls,
        annotations: Path,
        images: Path,
        *,
        limit: int = 0,
        keep: Callable[[Mapping[str, Any]], bool] = lambda _: True,
    ) -> "AnnotatedSet":
        """Read the annotations; pictures are read when they are looked at.

        Args:
            annotations: COCO keypoint file, `.json` or `.json.gz`.
            images: Folder of its pictures.
            limit: Only the first so many; 0 takes all.
            keep: Which entries of the file's `images` to look at.

        Raises:
            DataError: a broken file, or files missing in the folder.
        """
        coco = read_json(annotations)
        kept = {**coco, "images": [entry for entry in coco["images"] if keep(entry)]}
        return cls(annotations, images, coco, annotated_pictures(kept, images, limit=limit))

    def measure(
        self, estimator: Estimator, *, category_id: int | None = None, progress: Progress = say_nothing
    ) -> Metrics:
        """AP and AR of an estimator; arguments and errors as in `detect` and `evaluate`."""
        return self.evaluate(
            self.detect(estimator, category_id=category_id, progress=progress), estimator.skeleton, category_id
        )

    def detect(
        self, estimator: Estimator, *, category_id: int | None = None, progress: Progress = say_nothing
    ) -> list[dict[str, Any]]:
        """COCO results of all pictures; only the few under way are held in memory.

        Args:
            estimator: Finds the people.
            category_id: Written into every result; None takes the one with the keypoints of the estimator's skeleton.
            progress: Told after each picture.

        Raises:
            MediaError: a picture that cannot be read.
            DataError: a picture of another size than its annotations are for, or no such category.
        """
        category_id = find_category(self.coco, estimator.skeleton, category_id)
        results: list[dict[str, Any]] = []
        stream = estimator.stream(read_annotated(picture) for picture in self.pictures)
        for done, (picture, poses) in enumerate(zip(self.pictures, stream, strict=True), start=1):
            results += poses.to_coco(picture.image_id, category_id=category_id, max_people=MAX_PEOPLE)
            progress(done)
        return results

    def evaluate(
        self, results: Sequence[Mapping[str, Any]], skeleton: Skeleton, category_id: int | None = None
    ) -> Metrics:
        """AP and AR of COCO results on the pictures of the set, see `nimblepose.evaluation.coco.evaluate`."""
        ids = [picture.image_id for picture in self.pictures]
        return evaluate(self.coco, results, skeleton=skeleton, image_ids=ids, category_id=category_id)


def locate_set(folder: Path) -> tuple[Path, Path]:
    """The annotation file of a folder in COCO layout, and the folder of its pictures.

    Of several files the one of keypoints is meant (`person_keypoints_val2017.json`), of several of those the one with
    `val` in its name. Pictures lie in `images/`, in a folder named like the end of the annotation file (`val2017/`), in
    that below `images/`, or beside the annotations.

    Raises:
        DataError: there is no annotation file, or it cannot be told which one is meant.
    """
    files = [path for path, _ in locate(folder)]
    for word in ("keypoints", "val"):
        files = [path for path in files if word in path.name] or files
    if len(files) > 1:
        names = ", ".join(str(path.relative_to(folder)) for path in files)
        raise DataError(f"{folder} has several annotation files ({names}); choose with --images and --annotations")
    split = files[0].name.partition(".")[0].rpartition("_")[2]
    places = (folder / "images" / split, folder / split, folder / "images")
    return files[0], next((place for place in places if place.is_dir()), folder)


def annotated_pictures(coco: Mapping[str, Any], folder: Path, *, limit: int = 0) -> list[AnnotatedPicture]:
    """The pictures of a parsed COCO file, in its order; `limit` keeps only the first so many, 0 keeps all.

    Raises:
        DataError: an entry is broken, or files are missing in the folder.
    """
    pictures = []
    for entry in coco["images"][: limit or None]:
        try:
            name, image_id = Path(entry["file_name"]), int(entry["id"])
            size = (int(entry["height"]), int(entry["width"])) if {"height", "width"} <= set(entry) else None
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"picture {entry}: broken entry ({error!r})") from error
        if name.is_absolute() or ".." in name.parts:  # annotations of strangers must not reach elsewhere
            raise DataError(f"picture {image_id}: file_name {str(name)!r} leads out of the picture folder")
        pictures.append(AnnotatedPicture(image_id, folder / name, size))
    if missing := [p.path.name for p in pictures if not p.path.is_file()]:
        raise DataError(
            f"{folder} lacks {len(missing)} of the {len(pictures)} pictures that the annotations name: "
            f"{', '.join(missing[:_NAMED])}{' ...' if len(missing) > _NAMED else ''}; give the folder of the pictures"
        )
    return pictures


def read_annotated(picture: AnnotatedPicture) -> NDArray[np.uint8]:
    """The picture, (H, W, 3) RGB.

    Raises:
        MediaError: it cannot be read.
        DataError: it has another size than its annotations are for.
    """
    pixels = read_picture(picture.path)
    if picture.size and pixels.shape[:2] != picture.size:
        height, width = pixels.shape[:2]
        raise DataError(
            f"{picture.path} has {width} x {height} pixels, its annotations are for {picture.size[1]} x "
            f"{picture.size[0]}: resized or turned pictures need their own annotations"
        )
    return pixels
