"""Labels of real projects: opened, counted, written in every form of labels and read again from that form alone.

    python benchmarks/real_projects.py PROJECT [PROJECT ...] [--draw FOLDER]

Printed per project: whose labels they are, pictures (and how many of them are there), bodies, placed keypoints, lines
of what was not taken, and how far the furthest keypoint lies from where it was after each form, in pixels; a form that
has lost a body or a keypoint says so. `--draw` writes a sheet of four of its pictures with what is labelled in them.
"""

import argparse
import tempfile
from pathlib import Path

import cv2
import numpy as np
from scipy.spatial import KDTree

from nimblepose.core.errors import PoseError
from nimblepose.labels.label_set import LabelledPicture, LabelSet
from nimblepose.labels.readers import read_labels
from nimblepose.labels.writers import find_writer
from nimblepose.media.pictures import read_picture

FORMS = ("coco", "dlc", "slp", "cvat", "label-studio", "labelme", "yolo")
_SIDE, _SHOWN = 470, 4


def list_places(labels: LabelSet) -> list[np.ndarray]:
    """Of every body with keypoints, where these are, (n, 2) each."""
    return [one.xy[one.labelled] for picture in labels.pictures for one in picture.labels if one.labelled.any()]


def compare(before: LabelSet, after: LabelSet) -> str:
    """How far the furthest keypoint is from the nearest one there was before, in pixels; or what is missing."""
    old, new = list_places(before), list_places(after)
    counts = [(len(one), sum(map(len, one))) for one in (old, new)]
    if counts[0] != counts[1]:
        return f"{counts[0][0]} bodies of {counts[0][1]} keypoints became {counts[1][0]} of {counts[1][1]}"
    return f"{KDTree(np.concatenate(old)).query(np.concatenate(new))[0].max():.4f}" if old else "0"


def go_round(labels: LabelSet, form: str) -> str:
    """Through one form, without what is kept beside it."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / ("a.slp" if form == "slp" else "a")
        try:
            find_writer(form).write(labels, out)
            return compare(labels, read_labels(out))
        except PoseError as error:
            return str(error).split(";")[0]


def draw(labels: LabelSet, path: Path) -> None:
    """A sheet of some pictures."""
    there = [picture for picture in labels.pictures if load(picture) is not None and picture.labels]
    order = {kind.name: kind for kind in labels.categories}
    tiles = []
    for picture in there[:: max(1, len(there) // _SHOWN)][:_SHOWN]:
        image = load(picture)
        assert image is not None
        scale = (_SIDE - 10) / max(image.shape[:2])
        shown = cv2.resize(image[..., ::-1], None, fx=scale, fy=scale)
        for label in picture.labels:
            kind = order[label.category]
            spot = {n: tuple((xy * scale).astype(int).tolist()) for n, xy, good in
                    zip(kind.keypoints, np.nan_to_num(label.xy), label.labelled, strict=True) if good}  # fmt: skip
            for a, b in kind.limbs:
                if a in spot and b in spot:
                    cv2.line(shown, spot[a], spot[b], (0, 200, 0), 1)
            for name, (x, y) in spot.items():
                cv2.circle(shown, (x, y), 3, (0, 0, 255), -1)
                cv2.putText(shown, name[:12], (x + 4, y), 0, 0.35, (255, 255, 0), 1)
        tile = np.zeros((_SIDE, _SIDE, 3), np.uint8)
        tile[: shown.shape[0], : shown.shape[1]] = shown
        tiles.append(tile)
    if tiles:
        cv2.imwrite(str(path), np.hstack(tiles))


def load(picture: LabelledPicture) -> np.ndarray | None:
    """Its pixels, if it is a file or lies in one."""
    if picture.content is not None:
        return read_picture(picture.content())
    return read_picture(picture.file) if picture.file is not None and picture.file.is_file() else None


def main() -> None:
    """A row per project."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("projects", nargs="+", type=Path)
    parser.add_argument("--draw", type=Path)
    given = parser.parse_args()
    print(f"| project | tool | pictures | there | bodies | keypoints | not taken | {' | '.join(FORMS)} |")
    print("|---" * (7 + len(FORMS)) + "|")
    for path in given.projects:
        labels = read_labels(path)
        there = sum(load(picture) is not None for picture in labels.pictures)
        places = list_places(labels)
        cells = [path.name, labels.tool, len(labels.pictures), there, len(places), sum(map(len, places))]
        cells += [len(labels.skipped), *(go_round(labels, form) for form in FORMS)]
        print(f"| {' | '.join(map(str, cells))} |", flush=True)
        if given.draw:
            given.draw.mkdir(parents=True, exist_ok=True)
            draw(labels, given.draw / f"{path.stem}.png")


if __name__ == "__main__":
    main()
