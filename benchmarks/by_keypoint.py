"""Average precision keypoint by keypoint: how well each is placed, of people who are found.

    nimblepose val --data coco-eval --detections detections.json
    python benchmarks/by_keypoint.py person_keypoints.json detections.json

Each row is COCO's AP with only that keypoint counted as labelled; people without it are left aside.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from nimblepose.core.skeleton import HUMAN_18
from nimblepose.data.coco import read_json
from nimblepose.evaluation.coco import evaluate


def only(coco: dict[str, Any], index: int) -> dict[str, Any]:
    """The same annotations, of which a single keypoint is labelled."""
    people = []
    for person in coco["annotations"]:
        labelled = [v if i // 3 == index else 0 for i, v in enumerate(person["keypoints"])]
        people.append({**person, "keypoints": labelled, "num_keypoints": int(labelled[3 * index + 2] > 0)})
    return {**coco, "annotations": people}


def main() -> None:
    """A row per keypoint."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("annotations", type=Path)
    parser.add_argument("detections", type=Path)
    args = parser.parse_args()
    coco, detections = read_json(args.annotations), json.loads(args.detections.read_text("utf-8"))
    print("| keypoint | people | AP | AP50 | AP medium | AP large |\n|---|---|---|---|---|---|")
    for index, name in enumerate(HUMAN_18.annotated):
        found = evaluate(only(coco, index), detections, skeleton=HUMAN_18)
        figures = (found.ap, found.ap50, found.ap_medium, found.ap_large)
        print(f"| {name} | {found.people} | {' | '.join(f'{value:.3f}' for value in figures)} |")


if __name__ == "__main__":
    main()
