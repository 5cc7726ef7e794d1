"""Which part of the fields limits AP: each is replaced by what a perfect network would give.

    python benchmarks/field_study.py MODEL.onnx DATA/ [--input-height 368] [--limit N]

DATA is a folder in COCO layout. Drawn fields are those of training, from the labels; keypoints that nobody labelled are
not in them, so that a row may lose as well as win. The last row adds PAFs between the predicted peaks that lie within
two cells of a labelled person's keypoints: grouping as it would be if PAFs always knew which peaks are one person's.
"""

import argparse
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nimblepose.codec.encode import EncodeOptions, encode
from nimblepose.codec.options import FOR_RANKING
from nimblepose.codec.peaks import find_peaks, refine_peaks
from nimblepose.data.sets import AnnotatedSet, locate_set
from nimblepose.evaluation.coco import MAX_PEOPLE, evaluate
from nimblepose.media.pictures import read_picture
from nimblepose.runtime.estimator import PoseEstimator

Floats = NDArray[np.float32]

_NEAR = 2.0  # cells between a labelled keypoint and the peak that is taken for it


def snapped(xy: Floats, heatmaps: Floats, stride: int) -> Floats:
    """Keypoints (N, K, 2) in input pixels moved to the highest peak near them; NaN where there is none."""
    maps = heatmaps[:-1]
    peaks = refine_peaks(find_peaks(maps, FOR_RANKING), maps)
    moved = np.full_like(xy, np.nan)
    for person, keypoint in np.argwhere(~np.isnan(xy[..., 0])):
        of_kind = np.flatnonzero(peaks.kind == keypoint)
        places = (peaks.xy[of_kind] + 0.5) * stride - 0.5
        near = np.linalg.norm(places - xy[person, keypoint], axis=1) < _NEAR * stride
        if near.any():
            moved[person, keypoint] = places[near][np.argmax(peaks.score[of_kind][near])]
    return moved


def main() -> None:
    """Measure, print a row per replacement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--input-height", type=int, default=368)
    parser.add_argument("--limit", type=int, default=0)
    args = parser.parse_args()
    estimator = PoseEstimator(args.model, input_height=args.input_height, decode=FOR_RANKING)
    skeleton, stride = estimator.skeleton, estimator.metadata.input.stride
    options = EncodeOptions(stride=stride, paf_geometry=estimator.metadata.paf_geometry)
    data = AnnotatedSet.read(*locate_set(args.data), skeleton, limit=args.limit)

    found: dict[str, list[dict[str, Any]]] = {}
    for record in data.records:
        image = read_picture(record.path)
        placement = estimator.place(image)
        heatmaps, pafs = (field[0] for field in estimator.compute_fields([image], placement))
        xy = placement.to_input(record.xy).astype(np.float32)
        cells = (heatmaps.shape[1], heatmaps.shape[2])
        drawn_heatmaps, drawn_pafs = encode(xy, cells, skeleton, options)
        _, joining = encode(snapped(xy, heatmaps, stride), cells, skeleton, options)
        fields = {
            "as predicted": (heatmaps, pafs),
            "heatmaps drawn": (drawn_heatmaps, pafs),
            "heatmaps half drawn": ((heatmaps + drawn_heatmaps) / 2, pafs),
            "PAFs drawn": (heatmaps, drawn_pafs),
            "PAFs half drawn": (heatmaps, (pafs + drawn_pafs) / 2),
            "PAFs added between the peaks that belong together": (heatmaps, pafs + joining),
        }
        for name, pair in fields.items():
            people_found = estimator.decode(*pair, placement).to_coco(
                record.image_id, category_id=data.category_ids[0], max_people=MAX_PEOPLE
            )
            found.setdefault(name, []).extend(people_found)
    print("| fields | AP | AP50 | AP75 | AP medium | AP large |\n" + "|---" * 6 + "|")
    for name, results in found.items():
        figures = dataclasses.astuple(evaluate(data, results))[:5]
        print(f"| {name} | {' | '.join(f'{value:.4f}' for value in figures)} |")


if __name__ == "__main__":
    main()
