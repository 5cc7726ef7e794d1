"""An annotated set on the disk: `annotations.json`, `images/` and skeletons, as training and `val` read them."""

import dataclasses
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from nimblepose.core.errors import DataError, PoseError, SkeletonError
from nimblepose.core.files import make_folder, write_atomically
from nimblepose.core.geometry import Size
from nimblepose.core.progress import Progress, say_nothing
from nimblepose.core.skeleton import Skeleton
from nimblepose.data.entries import is_file
from nimblepose.labels.encoding import encode_category, encode_set
from nimblepose.labels.label_set import Category, LabelledPicture, LabelSet, Skipped
from nimblepose.labels.pictures import copy_picture
from nimblepose.labels.sizes import measure_picture
from nimblepose.media.encoding import encode_picture
from nimblepose.media.frames import Selection
from nimblepose.media.sources import open_frames

_MAGIC = ((b"\x89PNG", ".png"), (b"\xff\xd8", ".jpg"), (b"RIFF", ".webp"), (b"BM", ".bmp"), (b"GIF", ".gif"))


@dataclass(frozen=True)
class Written:
    """What has become of a set of labels."""

    annotations: Path
    skeletons: tuple[Path, ...]
    pictures: int
    labels: int
    skipped: tuple[Skipped, ...]  # by the reader, and here


def leave_out_found(labels: LabelSet) -> LabelSet:
    """Without what a model found, where people have labelled others of the set; it is listed."""
    found = sum(one.score is not None for picture in labels.pictures for one in picture.labels)
    if not found or found == labels.label_count:
        return labels
    pictures = []
    for picture in labels.pictures:
        kept = tuple(one for one in picture.labels if one.score is None)
        if kept or not picture.labels:
            pictures.append(dataclasses.replace(picture, labels=kept))
    left = len(labels.pictures) - len(pictures)
    reason = f"{found} poses that a model found, and {left} pictures with nothing else; --predicted takes them"
    return dataclasses.replace(
        labels, pictures=tuple(pictures), skipped=(*labels.skipped, Skipped(labels.tool, reason))
    )  # fmt: skip


def accept_found(labels: LabelSet) -> LabelSet:
    """Labels of people, whatever found them first: without scores, so that nobody takes them for predictions again."""
    pictures = tuple(
        dataclasses.replace(
            picture,
            labels=tuple(
                dataclasses.replace(one, score=None, keypoint_scores=None, keypoint_errors=None)
                for one in picture.labels
            ),
        )
        for picture in labels.pictures
    )
    return dataclasses.replace(labels, pictures=pictures)


def has_found(labels: LabelSet) -> bool:
    """Does anything in it say that a model found it?"""
    return any(one.score is not None for picture in labels.pictures for one in picture.labels)


def write_set(labels: LabelSet, out: Path, *, progress: Progress = say_nothing, strict: bool = False) -> Written:
    """Copy pictures, take frames out of videos, and write what is labelled in them.

    Args:
        labels: Of any tool.
        out: A folder that is empty, or is not there.
        progress: Hears how many pictures are done.
        strict: A picture that cannot be taken is an error, and nothing is left behind.

    Raises:
        DataError: the folder holds something, or no picture could be taken; if `strict`, a single one.
        MediaError: something cannot be written.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(f"{out} is there and not an empty folder; choose another")
    new = not out.exists()
    make_folder(out)
    try:
        return _write_into(out, labels, progress, strict=strict)
    except BaseException:  # all or nothing: the folder was empty
        shutil.rmtree(out / "images", ignore_errors=True)
        if new:
            shutil.rmtree(out, ignore_errors=True)
        raise


def _write_into(out: Path, labels: LabelSet, progress: Progress, *, strict: bool) -> Written:
    skipped = list(labels.skipped)
    done: list[tuple[LabelledPicture, str, Size]] = []
    for count, (picture, taken) in enumerate(_take_pictures(labels.pictures, out / "images"), 1):
        if isinstance(taken, Path):
            try:
                done.append((picture, taken.relative_to(out / "images").as_posix(), _check_size(picture, taken)))
            except PoseError as error:
                taken.unlink()
                taken = str(error)
        if isinstance(taken, str):
            people = f"{len(picture.labels)} label{'' if len(picture.labels) == 1 else 's'}"
            if strict:
                raise DataError(f"--strict: {picture.name}: {taken}")
            skipped.append(Skipped(picture.name, f"{taken}; {people} of it not taken"))
        progress(count)
    if not done:
        first = next(iter(skipped[len(labels.skipped) :] or skipped), None)  # of the pictures, if there is one
        why = f"; the first: {first.file}: {first.reason}" if first else ""
        count = len(labels.pictures)
        raise DataError(f"{f'no picture of {count} could be taken' if count else 'the labels name no pictures'}{why}")
    order = {picture.name: at for at, picture in enumerate(labels.pictures)}
    done.sort(key=lambda entry: order[entry[0].name])
    skeletons, said = _write_skeletons(labels.categories, out)
    skipped += said
    annotations = out / "annotations.json"
    coco = encode_set(labels.categories, done, tool=labels.tool)
    write_atomically(annotations, json.dumps(coco, ensure_ascii=False, allow_nan=False).encode() + b"\n")
    return Written(annotations, tuple(skeletons), len(done), len(coco["annotations"]), tuple(skipped))


def _take_pictures(pictures: Sequence[LabelledPicture], folder: Path) -> Iterator[tuple[LabelledPicture, Path | str]]:
    """Each picture with its file in the folder, or why there is none; frames of a video in one pass over it."""
    waiting: dict[Path, list[LabelledPicture]] = {}
    for picture in pictures:
        if picture.file is not None and is_file(picture.file):
            target = folder / Path(picture.name).with_suffix(picture.file.suffix.lower())
            copy_picture(picture.file, target)
            yield picture, target
        elif picture.content is not None:
            yield picture, _write_content(picture, folder)
        elif picture.video_file is not None and picture.frame is not None and is_file(picture.video_file):
            waiting.setdefault(picture.video_file, []).append(picture)
        else:
            missing = picture.file or picture.video_file or "nothing is known of where it lies"
            yield picture, f"its picture is missing ({missing})"
    for video, frames in waiting.items():
        yield from _take_frames(video, frames, folder)


def _write_content(picture: LabelledPicture, folder: Path) -> Path | str:
    try:
        data = picture.content() if picture.content is not None else b""
        suffix = next((suffix for magic, suffix in _MAGIC if data.startswith(magic)), None)
        if suffix is None:
            return "what lies in the file is no picture"
        target = folder / Path(picture.name).with_suffix(suffix)
        make_folder(target.parent)
        write_atomically(target, data, durable=False)
    except (PoseError, OSError, ValueError, KeyError, IndexError) as error:
        return f"its picture cannot be taken out of the file ({error})"
    return target


def _take_frames(
    video: Path, pictures: Sequence[LabelledPicture], folder: Path
) -> Iterator[tuple[LabelledPicture, Path | str]]:
    wanted: dict[int, list[LabelledPicture]] = {}
    for picture in pictures:
        wanted.setdefault(int(picture.frame or 0), []).append(picture)
    last, why = max(wanted), "the video ends before this frame"
    try:
        with closing(open_frames(str(video), Selection())) as frames:
            for frame in frames:
                for picture in wanted.pop(frame.index, ()):
                    target = folder / Path(picture.name).with_suffix(".png")
                    make_folder(target.parent)
                    write_atomically(target, encode_picture(frame.image, ".png"), durable=False)
                    yield picture, target
                if frame.index >= last:
                    break
    except PoseError as error:
        why = f"its video cannot be read ({error})"
    for picture in (one for group in wanted.values() for one in group):
        yield picture, why


def _check_size(picture: LabelledPicture, file: Path) -> Size:
    """(height, width) of the picture.

    Raises:
        DataError: the labels are for another size.
        MediaError: it is no picture.
    """
    size = measure_picture(file)
    if picture.size is not None and picture.size != size:
        (height, width), (expected_height, expected_width) = size, picture.size
        raise DataError(
            f"its picture has {width} x {height} pixels, the labels are for {expected_width} x {expected_height}"
        )
    return size


def _write_skeletons(categories: Sequence[Category], out: Path) -> tuple[list[Path], list[Skipped]]:
    """A YAML for each category that is a skeleton as it stands, for recipes; of others it is said why not."""
    import yaml

    paths, said = [], []
    for number, category in enumerate(categories, 1):
        name = "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in category.name) or "skeleton"
        path = out / f"{name}.yaml"
        if path in paths:
            path = out / f"{name}-{number}.yaml"
        try:
            skeleton = Skeleton.from_coco_category(encode_category(category, number))
        except SkeletonError as error:
            said.append(Skipped(category.name, f"no skeleton file: {error}, or let `nimblepose data recipe` do it"))
            continue
        write_atomically(path, yaml.safe_dump(skeleton.to_dict(), sort_keys=False, allow_unicode=True).encode())
        paths.append(path)
    return paths, said
