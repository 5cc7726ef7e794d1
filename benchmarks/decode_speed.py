"""How long does decoding alone take, by the number of people?

    python benchmarks/decode_speed.py MODEL.onnx DATA/ [--height 256] [--picture 24021 ...] [--plot curve.png]

Fields of pictures of a COCO folder are computed once; then each is decoded many times in one thread, the pictures
taking turns, so that a slow moment of the machine hits all alike. What counts is the processor time of that thread:
decoding waits for nothing, and what others do on the machine in between is not its own. People are those found with
every threshold low (FOR_RANKING), since crowds cost by what is in the picture, not by what is kept. Poses are
scored and completed as the model knows how.
"""

import argparse
import os
import time
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from nimblepose.codec import decode as chain
from nimblepose.codec.options import FOR_RANKING, DecodeOptions
from nimblepose.data.sets import AnnotatedSet, locate_set
from nimblepose.evaluation.provenance import read_processor_name
from nimblepose.media.pictures import read_picture
from nimblepose.runtime.estimator import PoseEstimator

IN_A_ROW = 4  # decodings of one picture before the next has its turn
BUCKETS = ((1, 5), (6, 12), (13, 24), (25, 40), (41, 200))


def main() -> None:
    """Parse, measure, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--height", type=int, default=256)
    parser.add_argument("--picture", type=int, nargs="*", default=[24021], help="Image ids to report on their own.")
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--plot", type=Path)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    estimator = PoseEstimator(arguments.model, input_height=arguments.height)
    pictures = AnnotatedSet.read(*locate_set(arguments.data), estimator.skeleton, limit=arguments.limit).records
    fields = {}
    for picture in pictures:
        image = read_picture(picture.path)
        heatmaps, pafs = estimator.compute_fields([image], estimator.place(image))
        fields[picture.image_id] = heatmaps[0].copy(), pafs[0].copy()

    skeleton, metadata = estimator.skeleton, estimator.metadata
    decode = partial(chain.decode, paf_geometry=metadata.paf_geometry, prior=metadata.prior, scorer=metadata.scorer)
    people = {i: len(decode(*f, skeleton, options=FOR_RANKING)) for i, f in fields.items()}
    variants = {"defaults": DecodeOptions(), "FOR_RANKING": FOR_RANKING}
    times: dict[str, dict[int, list[float]]] = {name: {i: [] for i in fields} for name in variants}
    for _ in range(arguments.rounds):
        for name, options in variants.items():
            for i, (heatmaps, pafs) in fields.items():
                for _ in range(IN_A_ROW):
                    start = time.thread_time()
                    decode(heatmaps, pafs, skeleton, options=options)
                    times[name][i].append(1e3 * (time.thread_time() - start))
    medians = {name: {i: float(np.median(t)) for i, t in rows.items()} for name, rows in times.items()}

    load = os.getloadavg()[0]
    name = read_processor_name()
    print(f"{name}, one thread, {len(fields)} pictures, height {arguments.height}, load {load:.1f}; ms\n")
    print(
        "| people | pictures | defaults: median | slowest | FOR_RANKING: median | slowest |\n|---|---|---|---|---|---|"
    )
    for low, high in BUCKETS:
        chosen = [i for i in fields if low <= people[i] <= high]
        if chosen:
            cells = [f"{f([medians[n][i] for i in chosen]):.2f}" for n in variants for f in (np.median, max)]
            print(f"| {low} to {high} | {len(chosen)} | {' | '.join(cells)} |")
    for i in arguments.picture:
        if i in fields:
            a, b = (medians[name][i] for name in variants)
            kept = len(decode(*fields[i], skeleton))
            print(f"\nPicture {i}: {kept} people by default in {a:.2f} ms, {people[i]} with FOR_RANKING in {b:.2f} ms")
    if arguments.plot:
        plot(arguments.plot, people, medians)


def plot(path: Path, people: dict[int, int], medians: dict[str, dict[int, float]]) -> None:
    """Time against people, a dot per picture."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for name, rows in medians.items():
        axes.scatter([people[i] for i in rows], list(rows.values()), s=10, label=name)
    axes.set(xlabel="people in the picture", ylabel="decode, ms, one thread", ylim=(0, None), title="Decoding alone")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
