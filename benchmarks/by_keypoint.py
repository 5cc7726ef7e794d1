"""Average precision keypoint by keypoint: how well each is placed, of people who are found.

    nimblepose val --data coco-eval --detections detections.json
    python benchmarks/by_keypoint.py person_keypoints.json detections.json

Each row is COCO's AP with only that keypoint counted as labelled; people without it are left aside.
"""

import argparse
import dataclasses
import json
from pathlib import Path

import numpy as np

from nimblepose.core.skeleton import HUMAN_18
from nimblepose.data.coco import Record, read_json
from nimblepose.data.sets import AnnotatedSet
from nimblepose.evaluation.coco import evaluate


def only(data: AnnotatedSet, index: int) -> AnnotatedSet:
    """The same annotations, of which a single keypoint is labelled."""

    def change(record: Record) -> Record:
        keypoints = np.zeros_like(record.people.keypoints)
        keypoints[:, index] = record.people.keypoints[:, index]
        return dataclasses.replace(record, people=dataclasses.replace(record.people, keypoints=keypoints))

    return dataclasses.replace(data, records=[change(record) for record in data.records])


def main() -> None:
    """A row per keypoint."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("annotations", type=Path)
    parser.add_argument("detections", type=Path)
    args = parser.parse_args()
    data = AnnotatedSet.build(read_json(args.annotations), args.annotations, Path(), HUMAN_18)
    detections = json.loads(args.detections.read_text("utf-8"))
    print("| keypoint | people | AP | AP50 | AP medium | AP large |\n|---|---|---|---|---|---|")
    for index, name in enumerate(HUMAN_18.annotated):
        found = evaluate(only(data, index), detections)
        figures = (found.ap, found.ap50, found.ap_medium, found.ap_large)
        print(f"| {name} | {found.people} | {' | '.join(f'{value:.3f}' for value in figures)} |")


if __name__ == "__main__":
    main()
