import copy
import dataclasses
import types

import cv2
import numpy as np
import pytest
from PIL import Image

from nimblepose import COCO_17
from nimblepose.core.errors import DataError
from nimblepose.data.check import check
from nimblepose.data.check_pictures import check_pictures
from nimblepose.data.sets import locate_sets


def kinds(coco, bird, save, **options):
    annotations, images = save(coco)
    return {finding.kind: finding for finding in check(annotations, images, bird, **options)}


def test_a_sound_set_has_no_faults(coco, bird, save):
    assert kinds(coco, bird, save) == {}


def _append(coco, key):
    coco[key].append(copy.deepcopy(coco[key][0]))


SPOILED = {
    "duplicate picture ids": lambda c: _append(c, "images"),
    "duplicate file names": lambda c: _append(c, "images"),
    "duplicate annotation ids": lambda c: _append(c, "annotations"),
    "annotations of no picture": lambda c: c["annotations"][0].update(image_id=99),
    "empty categories": lambda c: c["categories"].append({"id": 4, "name": "fish"}),
    "wrong skeleton": lambda c: c["categories"][0]["keypoints"].reverse(),
    "boxes outside": lambda c: c["annotations"][0].update(bbox=[10, 10, 500, 20]),
    "boxes of no size": lambda c: c["annotations"][0].update(bbox=[10, 10, 0, 20]),
    "keypoints outside": lambda c: c["annotations"][0]["keypoints"].__setitem__(0, 200),
    "num_keypoints wrong": lambda c: c["annotations"][0].update(num_keypoints=9),
    "broken keypoints": lambda c: c["annotations"][0].update(keypoints=[1, 2, 2]),
}


@pytest.mark.parametrize("kind", SPOILED)
def test_faults_of_the_annotations_are_found(coco, bird, save, kind):
    SPOILED[kind](coco)
    assert kinds(coco, bird, save)[kind].count >= 1


def test_sides_that_a_mirror_would_not_exchange_are_found(coco, bird, save):
    unpaired = dataclasses.replace(bird, mirror_pairs=())
    assert kinds(coco, unpaired, save)["sides without mirror pairs"].examples == ("left_wing / right_wing",)


def test_faults_of_the_pictures_are_found(coco, bird, save):
    for i, name in enumerate(["gone.png", "cut.png", "small.png"]):
        coco["images"].append({"id": 100 + i, "file_name": name, "height": 64, "width": 96})
    annotations, images = save(coco)
    (images / "gone.png").unlink()
    (images / "cut.png").write_bytes((images / "cut.png").read_bytes()[:200])
    cv2.imwrite(str(images / "small.png"), np.zeros((32, 48, 3), np.uint8))
    found = {finding.kind: finding for finding in check(annotations, images, bird)}
    assert {kind: f.examples[0].split(":")[0].strip("'") for kind, f in found.items()} == {
        "missing pictures": "gone.png",
        "unreadable pictures": "cut.png",
        "sizes that disagree": "small.png",
    }
    assert [f.kind for f in check(annotations, images, bird, read_pictures=False)] == ["missing pictures"]


@pytest.mark.parametrize("swapped", [(), ("knee",), ("shoulder", "wrist")], ids=["sound", "knees", "two pairs"])
def test_swapped_sides_are_found_by_statistics(save, swapped):
    rng = np.random.default_rng(0)
    people = []
    for _ in range(60):
        across = rng.normal(0, 1, 2)  # bodies lie any way, so the picture's left and right say nothing
        rows = np.zeros((17, 3))
        for i, name in enumerate(COCO_17.keypoints):
            side = {"left": 1, "right": -1}.get(name.split("_")[0], 0)
            side *= -1 if name.split("_")[-1] in swapped else 1
            rows[i] = [*(np.array([150, 150]) + 20 * side * across / np.linalg.norm(across) + rng.normal(0, 6, 2)), 2]
        people.append(rows.ravel().tolist())
    coco = {
        "images": [{"id": 1, "file_name": "a.png", "height": 300, "width": 300}],
        "categories": [{"id": 1, "name": "person", "keypoints": list(COCO_17.keypoints)}],
        "annotations": [
            {"id": i, "image_id": 1, "category_id": 1, "bbox": [1, 1, 90, 90], "keypoints": p}
            for i, p in enumerate(people)
        ],
    }
    annotations, images = save(coco)
    found = [f.examples for f in check(annotations, images, COCO_17) if f.kind == "left and right swapped"]
    named = [example.partition(" in ")[0] for examples in found for example in examples]
    assert named == [f"left_{name} / right_{name}" for name in swapped]


def test_the_training_pictures_are_sound(shared):
    for annotations, images in locate_sets(shared / "data/coco-train"):
        assert check(annotations, images, COCO_17, read_pictures=False) == []


def test_an_empty_folder_is_an_error(tmp_path):
    with pytest.raises(DataError, match="no annotation file"):
        locate_sets(tmp_path)


def test_the_check_reads_as_large_pictures_as_the_rest(tmp_path):
    records = []
    for name in ("a.jpg", "b.png"):
        Image.new("RGB", (64, 48)).save(tmp_path / name)
        records.append(types.SimpleNamespace(path=tmp_path / name, size=(48, 64)))
    assert check_pictures(records, tmp_path, read=True, max_pixels=64 * 48) == []
    (fault,) = check_pictures(records, tmp_path, read=True, max_pixels=64 * 48 - 1)
    assert fault.kind == "unreadable pictures"
    assert "b.png" in fault.where
