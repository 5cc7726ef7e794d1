"""Can the whole chain learn a handful of pictures by heart, from scratch? If not, no long run is worth starting.

    python benchmarks/overfit.py --annotations person_keypoints.json --images images --out runs/overfit [KEY=VALUE ...]

Takes the first pictures of the file whose labels are complete and whose people all have at least 8 keypoints and an
area of at least 96^2 pixels, trains a half-width network on them, mirrored and shifted by a few pixels, and measures AP
on the same pictures. A fault in mirroring, mask, targets or decoding keeps AP far from 1.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import yaml

from nimblepose.cli.training_bar import training_bar
from nimblepose.data.coco import is_completely_labelled, read_json
from nimblepose.training.devices import build_fabric
from nimblepose.training.engine import train
from nimblepose.training.logs import read_csv
from nimblepose.training.recipe import load_recipe

MIN_KEYPOINTS, MIN_AREA = 8, 96**2
RECIPE: dict[str, Any] = {
    "name": "overfit",
    "data": {"annotations": ["annotations.json"], "size": [256, 320], "workers": 1},
    "augment": {"centre": "picture", "fill": 1.0, "scale": [1.0, 1.0], "rotation": 0, "shift": 5, "flip": 0.5},
    "encode": {"overlap": "max", "paf_geometry": "centre"},
    "network": {"width": 0.5, "channels": 64, "initial_head_channels": 256},
    "batch_size": 8,
    "optimizer": {"learning_rate": 2e-3, "bias_factor": 1, "refinement_factor": 1, "weight_decay": 0, "clip": 100},
    "schedule": {"kind": "cosine", "steps": 1800, "warmup_steps": 30},
    "average": 0.98,
    "tensorboard": False,
    "validation": {"annotations": "annotations.json", "every": 600, "height": 256},
}


def pick(coco: dict[str, Any], count: int) -> dict[str, Any]:
    """The first `count` pictures with few, large, completely labelled people."""
    by_picture: dict[int, list[dict[str, Any]]] = {}
    for person in coco["annotations"]:
        by_picture.setdefault(person["image_id"], []).append(person)
    chosen = [
        image
        for image in coco["images"]
        if is_completely_labelled(image)
        and image["width"] * 4 <= image["height"] * 5.01  # whole in the input of 256 x 320
        and all(
            not p.get("iscrowd") and p["num_keypoints"] >= MIN_KEYPOINTS and p.get("area", 0) >= MIN_AREA
            for p in by_picture.get(image["id"], [{"iscrowd": 1}])
        )
    ][:count]
    ids = {image["id"] for image in chosen}
    people = [person for person in coco["annotations"] if person["image_id"] in ids]
    return {"images": chosen, "annotations": people, "categories": coco["categories"]}


def main() -> None:
    """Pick, train, print AP over the steps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--annotations", type=Path, required=True)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=16)
    parser.add_argument("changes", nargs="*", metavar="KEY=VALUE")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    subset = pick(read_json(args.annotations), args.count)
    (args.out / "annotations.json").write_text(json.dumps(subset), "utf-8")
    folder = str(args.images.resolve())
    recipe = {
        **RECIPE,
        "data": {**RECIPE["data"], "images": [folder]},
        "validation": {**RECIPE["validation"], "images": folder},
    }
    (args.out / "recipe.yaml").write_text(yaml.safe_dump(recipe, sort_keys=False), "utf-8")
    loaded = load_recipe(args.out / "recipe.yaml", args.changes)
    print(f"{len(subset['images'])} pictures, {len(subset['annotations'])} people")
    with training_bar(shown=True) as watch:
        train(loaded, args.out / "run", fabric=build_fabric(loaded), watch=watch)
    for row in read_csv(args.out / "run" / "validation.csv"):
        ap, ap50, loss = (float(row[key]) for key in ("ap", "ap50", "loss"))
        print(f"step {row['step']}: AP {ap:.3f}, AP50 {ap50:.3f}, loss {loss:.1f}")


if __name__ == "__main__":
    main()
