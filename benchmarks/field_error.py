"""Does a run learn, or learn by heart? Errors of checkpoints' fields on pictures trained on and on others.

    python benchmarks/field_error.py IMAGES ANNOTATIONS.json [...] --checkpoints A.safetensors [...] [--count 400]

Errors are those of `validation.csv` (half the sum of squared differences from the labels, last stage), on pictures
spread over each file; the height is the mean of the heatmap where a keypoint is labelled.
"""

import argparse
from pathlib import Path

import torch

from nimblepose.codec.encode import EncodeOptions
from nimblepose.core.metadata import InputSpec
from nimblepose.data.coco import load_records
from nimblepose.data.dataset import PoseDataset
from nimblepose.model.checkpoint import load_checkpoint
from nimblepose.model.network import PoseNetwork
from nimblepose.training.feed import normalise
from nimblepose.training.validation import build_whole_pictures, measure_field_errors


@torch.no_grad()
def height(network: PoseNetwork, samples: PoseDataset, spec: InputSpec) -> float:
    """Mean of the heatmaps at the cells of labelled keypoints."""
    heights = []
    for number in range(len(samples)):
        batch = samples[number]
        maps = network(normalise(batch.image, spec))[-1].heatmaps[:, :-1]
        heights.append(maps[batch.heatmaps[:, :-1] > 0.8])
    return float(torch.cat(heights).mean())


def main() -> None:
    """A row per checkpoint and file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path)
    parser.add_argument("annotations", type=Path, nargs="+")
    parser.add_argument("--checkpoints", type=Path, nargs="+", required=True)
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--input-height", type=int, default=368)
    args = parser.parse_args()
    print("| checkpoint | pictures | heatmap error | PAF error | height |\n" + "|---" * 5 + "|")
    for path in args.checkpoints:
        network, metadata = load_checkpoint(path)
        network.eval()
        for annotations in args.annotations:
            records = load_records([annotations], [args.images], metadata.skeleton)
            records = [record for record in records if len(record.xy)]
            records = records[:: max(1, len(records) // args.count)][: args.count]
            encoding = EncodeOptions(stride=metadata.input.stride, paf_geometry=metadata.paf_geometry)
            samples = build_whole_pictures(records, metadata.skeleton, args.input_height, encoding)
            errors = measure_field_errors(network, metadata.input, samples)
            print(
                f"| {path.stem} | {len(samples)} of {annotations.name} | {errors['heatmap_error']:.2f} | "
                f"{errors['paf_error']:.2f} | {height(network, samples, metadata.input):.3f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
