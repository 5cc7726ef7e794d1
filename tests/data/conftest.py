import json

import cv2
import numpy as np
import pytest

from nimblepose import Skeleton

BIRD = Skeleton(
    "bird",
    ("beak", "left_wing", "right_wing", "tail"),
    (("beak", "tail"), ("beak", "left_wing"), ("beak", "right_wing")),
    mirror_pairs=(("left_wing", "right_wing"),),
)


@pytest.fixture
def bird():
    return BIRD


@pytest.fixture
def coco():
    """One picture of 64 x 96 with two birds; tests spoil it."""
    birds = [[20, 10, 2, 30, 20, 2, 10, 20, 2, 20, 40, 2], [70, 20, 2, 80, 30, 1, 0, 0, 0, 70, 50, 2]]
    return {
        "images": [{"id": 7, "file_name": "birds.png", "height": 64, "width": 96}],
        "categories": [{"id": 3, "name": "bird", "keypoints": list(BIRD.keypoints), "skeleton": [[1, 4]]}],
        "annotations": [
            {
                "id": i,
                "image_id": 7,
                "category_id": 3,
                "iscrowd": 0,
                "keypoints": keypoints,
                "num_keypoints": sum(v > 0 for v in keypoints[2::3]),
                "bbox": [10 + 60 * i, 10 + 10 * i, 20 - 10 * i, 30],
                "area": 300,
            }
            for i, keypoints in enumerate(birds)
        ],
    }


@pytest.fixture
def save(tmp_path):
    """Write a COCO dict and a picture for each entry; returns (annotation file, picture folder)."""

    def write(coco, *, picture=None):
        (tmp_path / "images").mkdir(exist_ok=True)
        for image in coco["images"]:
            noise = np.random.default_rng(image["id"]).integers(0, 255, (image["height"], image["width"], 3), np.uint8)
            cv2.imwrite(str(tmp_path / "images" / image["file_name"]), noise if picture is None else picture)
        path = tmp_path / "annotations.json"
        path.write_text(json.dumps(coco))
        return path, tmp_path / "images"

    return write
