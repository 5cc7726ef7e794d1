"""An annotated set in parts to train on and to measure on, of which no video is in two.

Frames of a video look alike: a model that has learnt one of them by heart is right about the next, and a figure
measured there says nothing of other videos.
"""

import random
import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from nimblepose.core.errors import DataError, OptionError


def name_group(image: Mapping[str, Any], session: re.Pattern[str] | None = None) -> str:
    """The video of a picture's entry, or the folder of its file; or the session that is part of its name.

    >>> name_group({"file_name": "day1_cam2/007.png"}), name_group({"file_name": "a.png", "video": "b"})
    ('day1_cam2', 'b')
    >>> name_group({"file_name": "day1_cam2/007.png"}, re.compile("(day[0-9]+)_"))
    'day1'

    Raises:
        DataError: the name has no session in it.
    """
    video = image.get("video")
    name = str(video) if video is not None else PurePosixPath(str(image.get("file_name", ""))).parent.as_posix()
    if session is None:
        return "" if name == "." else name
    found = session.search(name)
    if found is None:
        raise DataError(f"{name!r}: --session {session.pattern!r} fits nothing in it")
    return found[1] if session.groups else found[0]


def split_set(
    coco: Mapping[str, Any],
    shares: Mapping[str, float],
    *,
    by_picture: bool = False,
    session: re.Pattern[str] | None = None,
    seed: int = 0,
) -> dict[str, dict[str, Any]]:
    """Parts of a COCO file by name, each with whole videos; the set itself is not changed.

    The largest videos are given out first, each to the part that lacks most of its share of the labels.

    Args:
        coco: As `nimblepose.data.coco.read_json` gives it.
        shares: Of the labels, by name of the part.
        by_picture: Take pictures as they come: for pictures that were not taken out of videos.
        session: What in the name of a video names its session; videos of one session stay together.
        seed: Of the order among videos of the same size.

    Raises:
        OptionError: shares that are no shares.
        DataError: fewer videos than parts, or entries without ids.
    """
    if min(shares.values()) <= 0 or abs(sum(shares.values()) - 1) > 1e-6:
        raise OptionError(f"shares must be positive and make 1 together, got {dict(shares)}")
    for what in ("images", "annotations"):
        key = "id" if what == "images" else "image_id"
        if not all(isinstance(one, Mapping) and isinstance(one.get(key), int | str) for one in coco[what]):
            raise DataError(f"an entry of {what} has no {key}; `nimblepose data check` lists all that is wrong")
    weights: dict[Any, int] = {}
    for annotation in coco["annotations"]:
        weights[annotation.get("image_id")] = weights.get(annotation.get("image_id"), 0) + 1
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for image in coco["images"]:
        groups.setdefault(str(image["id"]) if by_picture else name_group(image, session), []).append(image)
    if len(groups) < len(shares):
        what = "pictures" if by_picture else "videos"
        raise DataError(
            f"{len(groups)} {what} cannot be {len(shares)} parts; "
            + (
                "add pictures"
                if by_picture
                else "label more videos, or, if these pictures are of none, add --by picture"
            )
        )
    sizes = {key: sum(1 + weights.get(image["id"], 0) for image in images) for key, images in groups.items()}
    parts = _share_out(sizes, shares, seed)
    chosen = {part: {image["id"] for key in keys for image in groups[key]} for part, keys in parts.items()}
    return {
        part: {
            **coco,
            "images": [image for image in coco["images"] if image["id"] in ids],
            "annotations": [one for one in coco["annotations"] if one.get("image_id") in ids],
        }
        for part, ids in chosen.items()
    }


def _share_out(weights: Mapping[str, int], shares: Mapping[str, float], seed: int) -> dict[str, list[str]]:
    """Keys for each part; every part gets one."""
    keys = sorted(weights)
    random.Random(seed).shuffle(keys)  # noqa: S311 - no secret
    keys.sort(key=lambda key: -weights[key])
    total = sum(weights.values())
    parts: dict[str, list[str]] = {part: [] for part in shares}
    lacking = {part: share * total for part, share in shares.items()}
    for number, key in enumerate(keys):
        empty = [part for part in parts if not parts[part]]
        among = empty if len(keys) - number <= len(empty) else list(parts)
        part = max(among, key=lambda name: lacking[name])
        parts[part].append(key)
        lacking[part] -= weights[key]
    return parts
