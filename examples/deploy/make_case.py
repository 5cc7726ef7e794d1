"""A golden case for a decoder in another language: fields of a picture, and the people that Python finds in them.

    python make_case.py MODEL PICTURE CASE.json [--height 256]

MODEL is what was given to `nimblepose export --to`, or a name of a model in the package. The case holds heatmaps and
PAFs, (channel, row, column) in one list each, `size` in cells, `image_size` and `input_size` in pixels (height first),
and `people`: score, and x and y of every keypoint in pixels of the picture, null where it was not found.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from nimblepose import PoseEstimator


def make_case(model: str, picture: Path, height: int) -> dict[str, object]:
    """Fields and people of one pass."""
    estimator = PoseEstimator(model, input_height=height)
    from nimblepose.media.pictures import read_picture

    pixels = read_picture(picture)
    placement = estimator.place(pixels)
    heatmaps, pafs = (field[0] for field in estimator.compute_fields([pixels], placement))
    poses = estimator.decode(heatmaps, pafs, placement)
    people = [
        {"score": float(score), "keypoints": [None if np.isnan(v) else float(v) for v in keypoints.ravel()]}
        for score, keypoints in zip(poses.scores, poses.keypoints, strict=True)
    ]
    return {
        "size": list(heatmaps.shape[1:]),
        "image_size": list(placement.image_size),
        "input_size": list(placement.input_size),
        "heatmaps": [float(value) for value in heatmaps.ravel()],
        "pafs": [float(value) for value in pafs.ravel()],
        "people": people,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("picture", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--height", type=int, default=256)
    args = parser.parse_args()
    args.out.write_text(json.dumps(make_case(args.model, args.picture, args.height)), encoding="utf-8")
