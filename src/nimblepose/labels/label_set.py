"""What somebody has labelled, whatever the tool: pictures, and the people or animals in them.

Places are pixel centres (the centre of the first pixel is (0, 0)), whatever the tool counts from.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.errors import DataError, ShapeError
from nimblepose.core.geometry import Size

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Category:
    """A kind of body: its keypoints in order, and which of them are joined. Unlike a `Skeleton` it may be in pieces."""

    name: str
    keypoints: tuple[str, ...]
    limbs: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        """Refuse what no tool could tell apart.

        Raises:
            DataError: keypoints of one name, or limbs of keypoints that there are not.
        """
        if doubled := sorted({name for name in self.keypoints if self.keypoints.count(name) > 1}):
            raise DataError(f"category {self.name!r}: several keypoints are named {', '.join(doubled)}; rename them")
        if unknown := sorted({name for limb in self.limbs for name in limb} - set(self.keypoints)):
            raise DataError(f"category {self.name!r}: limbs name {', '.join(unknown)}, which is no keypoint of it")


@dataclass(frozen=True, eq=False)
class Label:
    """One body in one picture.

    Attributes:
        category: Name of its category.
        xy: (K, 2) pixel centres of the category's keypoints; NaN where nobody said where.
        visibility: (K,) int, 0 not labelled, 1 labelled and hidden, 2 labelled and seen.
        keypoint_scores: (K,) of what a model found; None: a person labelled it.
        score: Of the whole, of what a model found.
        identity: Name or number of the individual; "" where the tool does not say.
        scorer: Who labelled, or which model.
        box: (4,) x, y, width, height in pixels, counted from the corner of the first one; None: not given.
        extra: What only COCO has a place for: `segmentation`, `area`, `iscrowd`.
        keypoint_errors: (K,) pixels by which a model expects to be off, as `Poses.keypoint_errors`; None: not known.

    Raises:
        ShapeError: arrays that do not fit together.
    """

    category: str
    xy: Floats
    visibility: NDArray[np.int64]
    keypoint_scores: Floats | None = None
    score: float | None = None
    identity: str = ""
    scorer: str = ""
    box: Floats | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    keypoint_errors: Floats | None = None

    def __post_init__(self) -> None:
        """Check shapes once, here."""
        k = len(self.visibility)
        scores = (k,) if self.keypoint_scores is None else self.keypoint_scores.shape
        if (self.xy.shape, scores) != ((k, 2), (k,)):
            raise ShapeError(f"expected xy ({k}, 2) and keypoint_scores ({k},), got {self.xy.shape} and {scores}")
        if self.keypoint_errors is not None and self.keypoint_errors.shape != (k,):
            raise ShapeError(f"expected keypoint_errors ({k},), got {self.keypoint_errors.shape}")

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """(K,) which keypoints have a place that counts."""
        return np.asarray((self.visibility > 0) & np.isfinite(self.xy).all(axis=1))


@dataclass(frozen=True, eq=False)
class LabelledPicture:
    """A picture, or the frame of a video, and who is labelled in it.

    Attributes:
        name: A relative path with `/`, unlike that of all other pictures of the set.
        labels: In the tool's order.
        file: Where the picture lies; it may be missing.
        content: Gives the bytes of the picture's file where it lies in no file of its own.
        video_file: Where the video lies that it is a frame of; it may be missing.
        video: Name of the video or session; "" where there is none.
        frame: Index in the video.
        time: Seconds in the video, where the tool says.
        size: (height, width), where the tool says.
        partial: Whether there may be people who are not labelled.
    """

    name: str
    labels: tuple[Label, ...]
    file: Path | None = None
    content: Callable[[], bytes] | None = None
    video_file: Path | None = None
    video: str = ""
    frame: int | None = None
    time: float | None = None
    size: Size | None = None
    partial: bool = False


@dataclass(frozen=True)
class Skipped:
    """Something that was not taken, or not as it stands, and why."""

    file: str
    reason: str


@dataclass(frozen=True, eq=False)
class LabelSet:
    """What a tool has labelled.

    Attributes:
        tool: Its name, as `--from` takes it.
        categories: Of all labels, by unlike names.
        pictures: In the tool's order, by unlike names.
        skipped: What could not be taken.
    """

    tool: str
    categories: tuple[Category, ...]
    pictures: tuple[LabelledPicture, ...]
    skipped: tuple[Skipped, ...] = ()

    def __post_init__(self) -> None:
        """Check once that names tell things apart, and that labels are of the categories.

        Raises:
            DataError: two categories or pictures of one name, or a label of no category or with other keypoints.
        """
        counts = {category.name: len(category.keypoints) for category in self.categories}
        if len(counts) != len(self.categories):
            raise DataError(f"{self.tool}: several categories have one name; rename them")
        if len({picture.name for picture in self.pictures}) != len(self.pictures):
            raise DataError(f"{self.tool}: several pictures have one name")
        for picture in self.pictures:
            for label in picture.labels:
                if counts.get(label.category) != len(label.visibility):
                    raise DataError(
                        f"{picture.name}: a label of {label.category!r} with {len(label.visibility)} keypoints; "
                        f"categories have {counts}"
                    )

    @property
    def label_count(self) -> int:
        """How many bodies are labelled."""
        return sum(len(picture.labels) for picture in self.pictures)


def add_category(categories: dict[str, Category], new: Category) -> str:
    """Its name among the categories, which get it; beside one of that name with other keypoints, a name of its own."""
    name = new.name
    while name in categories and categories[name].keypoints != new.keypoints:
        name += " (other)"
    categories.setdefault(name, replace(new, name=name))
    return name


def choose_names(wanted: Sequence[str]) -> list[str]:
    r"""A name for each picture that is a relative path and unlike all others, whatever the file system makes of case.

    >>> choose_names(["a/1.png", "A/1.png", "../x.png", "C:\\b.png"])
    ['a/1.png', 'A/1-2.png', 'x.png', 'b.png']
    """
    taken: set[str] = set()
    names = []
    for one in wanted:
        parts = [part for part in one.replace("\\", "/").split("/") if part not in ("", ".", "..") and ":" not in part]
        name = "".join(letter if letter.isprintable() else "_" for letter in "/".join(parts)) or "picture"
        stem, dot, suffix = name.rpartition(".")
        stem, suffix = (stem, dot + suffix) if stem and "/" not in suffix else (name, "")
        count = 1
        while name.casefold() in taken:
            count += 1
            name = f"{stem}-{count}{suffix}"
        taken.add(name.casefold())
        names.append(name)
    return names


def rename(pictures: Sequence[LabelledPicture]) -> tuple[LabelledPicture, ...]:
    """The pictures by names as `choose_names` makes them."""
    names = choose_names([picture.name for picture in pictures])
    return tuple(replace(picture, name=name) for picture, name in zip(pictures, names, strict=True))
