"""Split one COCO keypoint file in two: pictures to train on, and pictures held out for choosing between recipes.

    python benchmarks/hold_out.py person_keypoints.json --out FOLDER [--count 300] [--several 0] [--of val2017]

Writes FOLDER/train.json and FOLDER/dev.json. Held out are pictures spread over those of the file that are completely
labelled (`labels` is absent or `complete`) and show people with keypoints: AP on them means what it means on COCO.
`--several` adds pictures of two and more people whose labels are partial: where complete ones show mostly one person.
`--of` takes them from one part of COCO only: pictures that public weights were trained on tell little.
"""

import argparse
import json
from collections import Counter
from pathlib import Path

from nimblepose.core.files import write_atomically
from nimblepose.data.coco import is_completely_labelled, read_json


def main() -> None:
    """Split, write, say how many."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("annotations", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--several", type=int, default=0)
    parser.add_argument("--of", default="", help="only pictures whose `coco_url` has this in it")
    args = parser.parse_args()
    coco = read_json(args.annotations)
    people = Counter(person["image_id"] for person in coco["annotations"] if person["num_keypoints"])
    images = [image for image in coco["images"] if args.of in image.get("coco_url", "")]
    whole = [image["id"] for image in images if people[image["id"]] and is_completely_labelled(image)]
    groups = [image["id"] for image in images if people[image["id"]] > 1 and not is_completely_labelled(image)]
    held_out = {*spread(whole, args.count), *spread(groups, args.several)}
    args.out.mkdir(parents=True, exist_ok=True)
    for name, wanted in (("train", False), ("dev", True)):
        part = {
            **coco,
            "images": [i for i in coco["images"] if (i["id"] in held_out) == wanted],
            "annotations": [a for a in coco["annotations"] if (a["image_id"] in held_out) == wanted],
        }
        write_atomically(args.out / f"{name}.json", json.dumps(part).encode())
        print(f"{name}.json: {len(part['images'])} pictures, {len(part['annotations'])} people")


def spread(ids: list[int], count: int) -> list[int]:
    """So many of them at even distances; all where there are fewer."""
    count = min(count, len(ids))
    return [ids[i * len(ids) // count] for i in range(count)]


if __name__ == "__main__":
    main()
