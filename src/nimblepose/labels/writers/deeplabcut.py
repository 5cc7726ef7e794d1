"""A project of DeepLabCut: a folder per video with `CollectedData_SCORER.csv`, and a config. Pixels are centres there.

`deeplabcut.convertcsv2h5` makes the HDF5 of it. Animals without a name are numbered in each picture.
"""

import csv
import io
from pathlib import Path, PurePosixPath

from nimblepose.core.files import make_folder, write_atomically
from nimblepose.labels.label_set import Label, LabelledPicture, LabelSet
from nimblepose.labels.pictures import place_pictures
from nimblepose.labels.writer import Writer, list_places

_UNNAMED_VIDEO = "pictures"


def write(labels: LabelSet, out: Path) -> list[Path]:
    """A project folder; pictures that are there are copied.

    Raises:
        MediaError: it cannot be written.
    """
    import yaml

    scorers = [one.scorer for picture in labels.pictures for one in picture.labels if one.scorer]
    scorer = "".join(letter for letter in (scorers[0] if scorers else "nimblepose") if letter.isalnum()) or "nimblepose"
    order = {category.name: category.keypoints for category in labels.categories}
    columns = list(_list_individuals(labels))
    videos: dict[str, list[LabelledPicture]] = {}
    for picture in labels.pictures:
        videos.setdefault(_name_video(picture), []).append(picture)
    make_folder(out)
    written = []
    for video, pictures in videos.items():
        folder = out / "labeled-data" / video
        make_folder(folder)
        text = io.StringIO(newline="")
        table = csv.writer(text, lineterminator="\n")
        cells = [(who, part, c) for who, kind in columns for part in order[kind] for c in "xy"]
        table.writerow(["scorer", "", "", *[scorer] * len(cells)])
        for at, head in enumerate(("individuals", "bodyparts", "coords")):
            if head != "individuals" or len(columns) > 1 or columns[0][0]:
                table.writerow([head, "", "", *(cell[at] for cell in cells)])
        for picture in pictures:
            places = {}
            for who, label in _name_labels(picture):
                for part, (x, y, v) in zip(order[label.category], list_places(label), strict=True):
                    if v:
                        places[who, part] = {"x": f"{x:.4f}", "y": f"{y:.4f}"}
            row = [places.get((who, part), {}).get(c, "") for who, part, c in cells]
            table.writerow(["labeled-data", video, PurePosixPath(picture.name).name, *row])
        path = folder / f"CollectedData_{scorer}.csv"
        write_atomically(path, text.getvalue().encode())
        written.append(path)
    place_pictures(labels, out / "labeled-data", lambda p: f"{_name_video(p)}/{PurePosixPath(p.name).name}")
    largest = max(labels.categories, key=lambda category: len(category.keypoints))
    config = {
        "Task": largest.name,
        "scorer": scorer,
        "multianimalproject": len(columns) > 1,
        "individuals": [who for who, _ in columns],
        "bodyparts": list(largest.keypoints),
        "skeleton": [list(limb) for category in labels.categories for limb in category.limbs],
    }
    write_atomically(out / "config.yaml", yaml.safe_dump(config, sort_keys=False, allow_unicode=True).encode())
    return [out / "config.yaml", *written]


def _name_video(picture: LabelledPicture) -> str:
    parts = PurePosixPath(picture.name).parts[:-1]
    return "_".join(parts) or picture.video or _UNNAMED_VIDEO


def _name_labels(picture: LabelledPicture) -> list[tuple[str, Label]]:
    """Labels with a name each, unlike those of all others in the picture."""
    taken: dict[str, Label] = {}
    for label in picture.labels:
        if label.identity and label.identity not in taken:
            name = label.identity
        else:
            number = 1
            while (name := f"{label.category}{number}") in taken:
                number += 1
        taken[name] = label
    return list(taken.items())


def _list_individuals(labels: LabelSet) -> dict[tuple[str, str], None]:
    """Names, each with its category, of everybody in the set."""
    people = {(who, one.category): None for picture in labels.pictures for who, one in _name_labels(picture)}
    return dict.fromkeys(sorted(people)) or {("", labels.categories[0].name): None}


WRITER = Writer(
    "dlc", "a DeepLabCut project", frozenset(("names", "frames", "nobody", "categories", "limbs", "unseen")), write
)
