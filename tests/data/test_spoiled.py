"""Sets that are spoiled in any way: the check tells and never breaks, and what it passes can be trained on."""

import copy
import json
import math
import sys

import numpy as np
import pytest

from nimblepose import COCO_17
from nimblepose.core.errors import DataError
from nimblepose.data.check import check
from nimblepose.data.coco import load_records
from nimblepose.data.dataset import PoseDataset, SampleOptions, collate
from nimblepose.data.sets import AnnotatedSet
from nimblepose.evaluation.coco import evaluate


def crowd(coco, segmentation):
    coco["annotations"][1] |= {"iscrowd": 1, "segmentation": segmentation}


def person(coco, **changes):
    coco["annotations"][0].update(changes)


def text_ids(coco, form=str):
    for entry in coco["images"] + coco["categories"] + coco["annotations"]:
        entry.update({key: form(entry[key]) for key in ("id", "image_id", "category_id") if key in entry})


KEYPOINTS = [20, 10, 2, 30, 20, 2, 10, 20, 2, 20, 40, 2]
GOOD = {  # what is unusual and trains: no error, though there may be warnings
    "labels outside the picture": lambda c: person(c, keypoints=[200, 10, 2, *KEYPOINTS[3:]]),
    "box outside": lambda c: person(c, bbox=[10, 10, 500, 20]),
    "no box": lambda c: c["annotations"][0].pop("bbox"),
    "box is null": lambda c: person(c, bbox=None),
    "box without size": lambda c: person(c, bbox=[10, 10, 0, 20]),
    "box turned inside out": lambda c: person(c, bbox=[30, 40, -20, -30]),
    "no area": lambda c: c["annotations"][0].pop("area"),
    "area is NaN": lambda c: person(c, area=math.nan),
    "no iscrowd": lambda c: c["annotations"][0].pop("iscrowd"),
    "ids as text": text_ids,
    "ids with a decimal point": lambda c: text_ids(c, float),
    "size as text": lambda c: c["images"][0].update(height="64", width="96"),
    "size not given": lambda c: [c["images"][0].pop(key) for key in ("height", "width")],
    "null where not labelled": lambda c: person(c, keypoints=[*KEYPOINTS[:9], None, None, 0]),
    "NaN where not labelled": lambda c: person(c, keypoints=[*KEYPOINTS[:9], math.nan, math.nan, 0]),
    "wrong num_keypoints": lambda c: person(c, num_keypoints="many"),
    "double annotation ids": lambda c: person(c, id=1),
    "annotations without id": lambda c: [a.pop("id") for a in c["annotations"]],
    "segmentation of a labelled person that nobody looks at": lambda c: person(c, segmentation=[1, 2, 3]),
    "crowd of polygons": lambda c: crowd(c, [[1, 1, 20, 1, 20, 20]]),
    "crowd of runs": lambda c: crowd(c, {"size": [64, 96], "counts": [64 * 95, 64]}),
    "two categories of the same keypoints": lambda c: (
        c["categories"].append(c["categories"][0] | {"id": 9, "name": "chick"}), person(c, category_id=9)
    ),
    "a category without keypoints": lambda c: c["categories"].append({"id": 9, "name": "tree"}),
    "a category of nothing": lambda c: c["categories"].append(None),
    "an annotation of no category": lambda c: c["annotations"].append({"id": 5, "category_id": 77}),
    "labels of another tool": lambda c: c["images"][0].update(labels=["sky", "tree"]),
    "the same file twice": lambda c: c["images"].append(c["images"][0] | {"id": 8}),
}  # fmt: skip
BAD = {  # what cannot be read: an error of this kind, and a run that stops
    "broken pictures": {
        "an id that is no number": lambda c: c["images"][0].update(id="bird 7"),
        "id is null": lambda c: c["images"][0].update(id=None),
        "no mapping": lambda c: c["images"].append([1]),
        "no name": lambda c: c["images"][0].pop("file_name"),
        "name is a number": lambda c: c["images"][0].update(file_name=7),
        "leads out": lambda c: c["images"][0].update(file_name="../birds.png"),
        "no width": lambda c: c["images"][0].pop("width"),
        "no pixels": lambda c: c["images"][0].update(height=0),
        "too many pixels": lambda c: c["images"][0].update(height=10**6, width=10**6),
        "height is NaN": lambda c: c["images"][0].update(height=math.nan),
    },
    "duplicate picture ids": {"twice": lambda c: c["images"].append(copy.deepcopy(c["images"][0]))},
    "annotations of no picture": {
        "unknown": lambda c: person(c, image_id=8),
        "none": lambda c: c["annotations"][0].pop("image_id"),
    },
    "annotations of no category": {"none": lambda c: c["annotations"][0].pop("category_id")},
    "broken annotations": {
        "no mapping": lambda c: c["annotations"].append("bird"),
        "iscrowd is text": lambda c: person(c, iscrowd="no"),
    },
    "broken keypoints": {
        "too few": lambda c: person(c, keypoints=[1, 2, 2]),
        "text": lambda c: person(c, keypoints=["x"]),
        "texts": lambda c: person(c, keypoints=["20"] * 12),
        "a mapping": lambda c: person(c, keypoints={"beak": [1, 2]}),
        "NaN": lambda c: person(c, keypoints=[math.nan, *KEYPOINTS[1:]]),
        "null": lambda c: person(c, keypoints=[None, *KEYPOINTS[1:]]),
        "null visibility": lambda c: person(c, keypoints=[20, 10, None, *KEYPOINTS[3:]]),
        "infinite": lambda c: person(c, keypoints=[math.inf, *KEYPOINTS[1:]]),
        "far away": lambda c: person(c, keypoints=[1e300, *KEYPOINTS[1:]]),
        "longer than any float": lambda c: person(c, keypoints=[10**400, *KEYPOINTS[1:]]),
    },
    "broken boxes": {
        "one number": lambda c: person(c, bbox=[1]),
        "text": lambda c: person(c, bbox="1 2 3 4"),
        "NaN": lambda c: person(c, bbox=[1, 2, math.nan, 4]),
        "null": lambda c: person(c, bbox=[None] * 4),
    },
    "broken segmentations": {
        "one list": lambda c: crowd(c, [1, 1, 20, 1, 20, 20]),
        "odd": lambda c: crowd(c, [[1, 1, 20, 1, 20]]),
        "NaN": lambda c: crowd(c, [[1, 1, 20, 1, math.nan, 20]]),
        "text": lambda c: crowd(c, "birds"),
        "runs of another size": lambda c: crowd(c, {"size": [9, 9], "counts": [81]}),
        "negative runs": lambda c: crowd(c, {"size": [64, 96], "counts": [-1, 64 * 96 + 1]}),
        "no counts": lambda c: crowd(c, {"size": [64, 96]}),
        "damaged runs": lambda c: crowd(c, {"size": [64, 96], "counts": "~~~"}),
        "nothing at all": lambda c: (crowd(c, None), c["annotations"][1].pop("bbox")),
    },
    "broken areas": {"text": lambda c: person(c, area="large")},
    "wrong skeleton": {
        "other keypoints": lambda c: c["categories"][0]["keypoints"].reverse(),
        "keypoints are text": lambda c: c["categories"][0].update(keypoints="beak"),
        "no categories": lambda c: c["categories"].clear(),
        "a category without id": lambda c: c["categories"][0].pop("id"),
    },
    "nobody": {
        "no people": lambda c: c["annotations"].clear(),
        "no keypoints": lambda c: [a.update(keypoints=[0] * 12) for a in c["annotations"]],
    },
    "nobody to centre samples on": {"too small": lambda c: [a.update(area=9) for a in c["annotations"]]},
}  # fmt: skip


def spoil(coco, save, change):
    path, images = save(coco)
    change(coco)
    path.write_text(json.dumps(coco))
    return path, images


def train_on(path, images, skeleton):
    """One pass over every sample, and a measurement: what a run does with a set."""
    records = load_records([path], [images], skeleton)
    data = PoseDataset(records, skeleton, SampleOptions(size=(64, 96)), seed=0)
    if not len(data):
        raise DataError("no samples")
    batch = collate([data[i] for i in range(len(data))])
    for tensor in (batch.image, batch.loss_mask, batch.heatmaps, batch.pafs):
        assert np.isfinite(tensor.numpy()).all()
    if batch.unreadable.any():
        raise DataError("unreadable pictures")
    measured = AnnotatedSet.read(path, images, skeleton)
    found = [
        {"image_id": r.image_id, "category_id": measured.category_ids[0], "keypoints": [5.0] * 12, "score": 0.5}
        for r in records
    ]
    assert 0 <= evaluate(measured, found).ap <= 1


def errors(findings):
    return [finding.kind for finding in findings if finding.severity == "error"]


@pytest.mark.parametrize("name", GOOD)
def test_what_is_unusual_is_no_error_and_trains(coco, bird, save, name):
    path, images = spoil(coco, save, GOOD[name])
    assert errors(check(path, images, bird)) == []
    train_on(path, images, bird)


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in BAD.items() for name in names])
def test_what_is_broken_is_a_finding_and_stops_a_run(coco, bird, save, kind, name):
    path, images = spoil(coco, save, BAD[kind][name])
    assert kind in errors(check(path, images, bird))
    with pytest.raises(DataError):
        train_on(path, images, bird)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[1]",
        b'{"images": []}',
        b"[" * 100_000,
        b"\xff\xfe",
        b'{"images": 1, "annotations": [], "categories": []}',
    ],
    ids=["empty", "list", "part", "nested", "no text", "no list"],
)
def test_what_is_no_annotation_file_is_a_finding(tmp_path, bird, content):
    (tmp_path / "a.json").write_bytes(content)
    assert errors(check(tmp_path / "a.json", tmp_path, bird)) == ["unreadable annotations"]


def test_damaged_gzip_is_a_finding(tmp_path, bird):
    (tmp_path / "a.json.gz").write_bytes(b"\x1f\x8b\x08\0\0\0\0\0\0\3" + b"\xff" * 40)
    assert errors(check(tmp_path / "a.json.gz", tmp_path, bird)) == ["unreadable annotations"]


NASTY = [
    None, True, 0, -1, 7, 0.5, 1e300, 10**400, math.nan, math.inf, "", "x", "7", "../x", "\ud800", "a\0b", "a" * 5000,
    [], [[]], [1], [None], {}, {"size": 1}, [[1, 2, 3, 4, 5, math.nan]],
]  # fmt: skip


def places(value, at=()):
    """Every place in plain data, as a path of keys."""
    yield at
    for key, part in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(part, (*at, key))


def test_whatever_stands_anywhere_nothing_breaks_and_what_passes_trains(coco, bird, save):
    coco["annotations"][1] |= {"iscrowd": 1, "segmentation": {"size": [64, 96], "counts": [64 * 95, 64]}}
    path, images = save(coco)
    rng = np.random.default_rng(0)
    passed = 0
    everywhere = [place for place in places(coco) if place]
    for number in rng.permutation(len(everywhere) * len(NASTY))[:400].tolist():
        changed = copy.deepcopy(coco)
        *way, last = everywhere[number // len(NASTY)]
        holder = changed
        for key in way:
            holder = holder[key]
        holder[last] = NASTY[number % len(NASTY)]
        path.write_text(json.dumps(changed))
        if not errors(check(path, images, bird)):
            passed += 1
            train_on(path, images, bird)
    assert 50 < passed < 350  # neither everything nor nothing


DAMAGE = {
    "cut, and ended": (lambda data, half: data[:half] + b"\xff\xd9", "damaged pictures"),
    "overwritten": (lambda data, half: data[:half] + b"\0" * 64 + data[half + 64 :], "pictures with stray bytes"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_jpeg_that_is_damaged_in_its_middle_is_found(coco, bird, save, damage, capfd):
    spoil_bytes, kind = DAMAGE[damage]
    coco["images"][0]["file_name"] = "birds.jpg"
    path, images = save(coco)
    assert errors(check(path, images, bird)) == []
    whole = (images / "birds.jpg").read_bytes()
    (images / "birds.jpg").write_bytes(spoil_bytes(whole, len(whole) // 2))
    assert [finding.kind for finding in check(path, images, bird)] == [kind]
    assert capfd.readouterr().err == ""  # what the decoder says is in the finding, not on the screen
    print("seen", file=sys.stderr)
    assert capfd.readouterr().err == "seen\n"


def test_a_small_set_has_no_statistics(coco, save):
    """Few people, and pairs that nobody has labelled: nothing to divide by."""
    coco["categories"][0]["keypoints"] = list(COCO_17.keypoints)
    coco["annotations"] = [coco["annotations"][0] | {"keypoints": [20, 10, 2] * 5 + [0] * 36, "area": 2000}]
    path, images = save(coco)
    assert errors(check(path, images, COCO_17)) == []
