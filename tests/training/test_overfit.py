"""The whole chain in small: labels, mask, targets, loss, loop, checkpoint, estimator, decoder, AP."""

import copy
import json

import cv2
import yaml

from nimblepose import Skeleton
from nimblepose.training.devices import build_fabric
from nimblepose.training.engine import train
from nimblepose.training.logs import read_csv
from nimblepose.training.recipe import load_recipe

SIZE = (120, 160)  # 4 : 3, as fields are compared: a narrower one gets sides of gray, which are never learnt
RECIPE = {
    "name": "overfit",
    "data": {"annotations": ["annotations.json"], "images": ["images"], "skeleton": "creature.yaml", "workers": 0},
    "augment": {"centre": "picture", "fill": 1.0, "scale": [1, 1], "rotation": 0, "shift": 4, "flip": 0.5},
    "encode": {"overlap": "max", "paf_geometry": "centre"},
    "network": {"width": 0.25, "dilated": False, "channels": 32, "initial_head_channels": 64},
    "batch_size": 3,
    "optimizer": {"learning_rate": 4e-3, "refinement_factor": 1, "bias_factor": 1, "weight_decay": 0, "clip": 100},
    "schedule": {"steps": 500, "warmup_steps": 20, "kind": "cosine"},
    "average": 0.98,
    "checkpoint_every": 500,
    "tensorboard": False,
    "accelerator": "cpu",
    "validation": {
        "annotations": "both.json",
        "images": "images",
        "every": 500,
        "height": SIZE[0],
        "pictures": 1,
    },
}


def with_mirror_images(coco, folder, skeleton):
    """The pictures and their mirror images, with labels that follow from the skeleton, not from the trainer's code."""
    both = copy.deepcopy(coco)
    swaps = dict(skeleton.mirror_pairs) | {b: a for a, b in skeleton.mirror_pairs}
    names = coco["categories"][0]["keypoints"]
    for image in coco["images"]:
        path = folder / image["file_name"]
        mirrored = f"mirrored_{path.name}"
        cv2.imwrite(str(folder / mirrored), cv2.imread(str(path))[:, ::-1])
        both["images"].append(image | {"id": image["id"] + 100, "file_name": mirrored})
    for person in coco["annotations"]:
        x, y, w, h = person["bbox"]
        there = person | {"id": person["id"] + 1000, "image_id": person["image_id"] + 100}
        there["bbox"] = [SIZE[1] - x - w, y, w, h]
        if "keypoints" in person:
            triples = [person["keypoints"][i : i + 3] for i in range(0, 3 * len(names), 3)]
            points = dict(zip(names, triples, strict=True))
            swapped = [points[swaps.get(name, name)] for name in names]
            there["keypoints"] = [c for x, y, v in swapped for c in ((SIZE[1] - x if v else 0), y, v)]
        both["annotations"].append(there)
    return both


def test_three_pictures_are_learnt_by_heart_and_so_are_their_mirror_images(creatures, tmp_path):
    """Everything from labels to AP must fit together; left and right taught the wrong way round would spoil half."""
    annotations = creatures.generate(tmp_path, 3, size=SIZE, lengths=(0.6, 0.85), seed=5)
    coco = json.loads(annotations.read_text())
    coco["annotations"].append(  # a corner where somebody may be: must be masked, and nothing else
        {"id": 999, "image_id": 1, "category_id": 1, "iscrowd": 1, "bbox": [0, 0, 30, 30], "area": 900}
    )
    annotations.write_text(json.dumps(coco))
    skeleton = Skeleton.load(creatures.HERE / "creature.yaml")
    (tmp_path / "both.json").write_text(json.dumps(with_mirror_images(coco, tmp_path / "images", skeleton)))
    (tmp_path / "creature.yaml").write_text((creatures.HERE / "creature.yaml").read_text())
    recipe = RECIPE | {"data": RECIPE["data"] | {"size": list(SIZE)}}
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    loaded = load_recipe(tmp_path / "recipe.yaml")
    train(loaded, tmp_path / "run", fabric=build_fabric(loaded))
    (measured,) = read_csv(tmp_path / "run" / "validation.csv")
    assert float(measured["ap"]) >= 0.9
    assert float(measured["heatmap_error"]) < 3  # of about 30 with nobody found
