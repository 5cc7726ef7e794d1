"""Which decoder? The table behind its design and its thresholds.

    python benchmarks/decoder_study.py MODEL.onnx DATA/ [--height 368] [--limit N]

DATA is a folder in COCO layout that no reported figure is computed on; pictures marked `"labels": "partial"` are left
out, since people without labels would count as false alarms. Each row changes one thing. The network runs once per
picture; fields lie on disk while the table is made.
"""

import argparse
import dataclasses
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from nimblepose.codec import decode as chain
from nimblepose.codec import grouping, limbs
from nimblepose.codec.options import FOR_RANKING, DecodeOptions
from nimblepose.codec.peaks import Peaks
from nimblepose.core.geometry import Placement
from nimblepose.data.coco import Record
from nimblepose.data.sets import AnnotatedSet, locate_set
from nimblepose.evaluation.coco import evaluate
from nimblepose.media.pictures import read_picture
from nimblepose.runtime.averaging import average, mirror
from nimblepose.runtime.estimator import PoseEstimator
from nimblepose.runtime.protocols import Fields

Case = tuple[Record, Fields, Fields, Placement]


def whole_cells(peaks: Peaks, _: Any) -> Peaks:
    """No refinement."""
    return peaks


def parabola(peaks: Peaks, heatmaps: np.ndarray) -> Peaks:
    """Refinement by the parabola through whole cells."""
    _, height, width = heatmaps.shape
    x, y = peaks.xy.T.astype(int)

    def vertex(before: np.ndarray, after: np.ndarray) -> np.ndarray:
        bend = np.maximum(2 * peaks.score - before - after, 1e-6)
        return np.clip((after - before) / (2 * bend), -0.5, 0.5)

    dx = vertex(heatmaps[peaks.kind, y, np.maximum(x - 1, 0)], heatmaps[peaks.kind, y, np.minimum(x + 1, width - 1)])
    dy = vertex(heatmaps[peaks.kind, np.maximum(y - 1, 0), x], heatmaps[peaks.kind, np.minimum(y + 1, height - 1), x])
    return Peaks((peaks.xy + np.stack([dx, dy], axis=-1)).astype(np.float32), peaks.score, peaks.kind)


def scored_by(formula: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]) -> Callable[..., Any]:
    """The decoder with another pose score, from (score, keypoint scores (N, K), found (N, K))."""
    original = chain.decode

    def changed(*args: Any, **kwargs: Any) -> Any:
        poses = original(*args, **kwargs)
        return dataclasses.replace(
            poses, scores=formula(poses.scores, poses.keypoint_scores, poses.found).astype(np.float32)
        )

    return changed


def by_paf_alone(*args: Any, **kwargs: Any) -> limbs.Connections:
    """Limb scores without the score of the weaker end."""
    peaks = dataclasses.replace(args[0], score=np.ones_like(args[0].score))
    return SCORE_LIMBS(peaks, *args[1:], **kwargs)


def loops_never_start(connections: limbs.Connections, peaks: Peaks, skeleton: Any, options: Any) -> Any:
    """Assembly without the limbs that close a loop."""
    tree = ~np.isin(connections.limb, list(skeleton.loop_limbs))
    return ASSEMBLE(connections[tree], peaks, skeleton, options)


def limb_by_limb(connections: limbs.Connections, peaks: Peaks, skeleton: Any, options: Any) -> Any:
    """Assembly in the order of limbs instead of the surest first."""
    return ASSEMBLE(connections[np.argsort(connections.limb, kind="stable")], peaks, skeleton, options)


SCORE_LIMBS, ASSEMBLE = limbs.score_limbs, grouping.assemble
RANKING = FOR_RANKING
ROWS: list[tuple[str, DecodeOptions, dict[str, Any]]] = [
    ("the decoder, FOR_RANKING", RANKING, {}),
    ("  averaged with the mirror image", RANKING, {"flip": True}),
    ("refinement: none", RANKING, {"refine_peaks": whole_cells}),
    ("refinement: parabola through whole cells", RANKING, {"refine_peaks": parabola}),
    ("touching peaks: all kept", dataclasses.replace(RANKING, max_saddle=1.0), {}),
    ("touching peaks: never", dataclasses.replace(RANKING, max_saddle=0.0), {}),
    ("PAF read at the cell's centre", RANKING, {"paf_geometry": "centre"}),
    ("PAF read at 6 points", dataclasses.replace(RANKING, limb_samples=6), {}),
    ("PAF read at 16 points", dataclasses.replace(RANKING, limb_samples=16), {}),
    ("limb score: PAF alone", RANKING, {"score_limbs": by_paf_alone}),
    ("crowds not pruned", dataclasses.replace(RANKING, prune_crowds=False), {}),
    ("assembly: limb by limb", RANKING, {"assemble": limb_by_limb}),
    ("assembly: without loop limbs", RANKING, {"assemble": loops_never_start}),
    ("pose score: sum of keypoint scores", RANKING, {"decode": scored_by(lambda s, k, f: k.sum(1))}),
    ("pose score: mean of keypoint scores", RANKING, {"decode": scored_by(lambda s, k, f: k.sum(1) / f.sum(1))}),
    (
        "pose score: limbs / sqrt(limbs), times best keypoint",
        RANKING,
        {"decode": scored_by(lambda s, k, f: s**2 * k.max(1))},
    ),
    ("min_peak_score 0.06", dataclasses.replace(RANKING, min_peak_score=0.06), {}),
    ("min_peak_score 0.1", dataclasses.replace(RANKING, min_peak_score=0.1), {}),
    ("min_limb_score 0.01", dataclasses.replace(RANKING, min_limb_score=0.01), {}),
    ("min_limb_score 0.03", dataclasses.replace(RANKING, min_limb_score=0.03), {}),
    ("min_keypoints 5", dataclasses.replace(RANKING, min_keypoints=5), {}),
    ("min_pose_score 0.3", dataclasses.replace(RANKING, min_pose_score=0.3), {}),
    ("the decoder's defaults, for use", DecodeOptions(), {}),
]


def collect(estimator: PoseEstimator, pictures: Sequence[Record], folder: Path) -> None:
    """Run the network over all pictures, plain and mirrored, and keep the fields."""
    for picture in pictures:
        image = read_picture(picture.path)
        placement = estimator.place(image)
        batch = estimator.prepare([image], placement)
        plain = estimator.backend.run(batch)
        offset = chain.compute_paf_offset(estimator.metadata.input.stride, estimator.metadata.paf_geometry)
        mirrored = mirror(
            estimator.backend.run(np.ascontiguousarray(batch[..., ::-1])), estimator.skeleton, paf_offset=offset
        )
        both = average([plain, mirrored], plain.heatmaps.shape[2:])
        np.savez(
            folder / f"{picture.image_id}.npz",
            **{
                f"{name}{i}": part.astype(np.float16)
                for name, f in (("p", plain), ("b", both))
                for i, part in enumerate(f)
            },
            size=image.shape[:2],
            input=placement.input_size,
        )


def kept(pictures: Sequence[Record], folder: Path) -> Iterator[Case]:
    """The fields of each picture again."""
    for picture in pictures:
        with np.load(folder / f"{picture.image_id}.npz") as file:
            plain, both = (Fields(*(file[f"{name}{i}"].astype(np.float32) for i in (0, 1))) for name in "pb")
            yield picture, plain, both, Placement(tuple(file["size"].tolist()), tuple(file["input"].tolist()))


def main() -> None:
    """Parse, run the network, print row by row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--height", type=int, default=368)
    parser.add_argument("--limit", type=int, default=0)
    arguments = parser.parse_args()
    estimator = PoseEstimator(arguments.model, input_height=arguments.height)
    skeleton = estimator.skeleton
    data = AnnotatedSet.read(
        *locate_set(arguments.data), skeleton, limit=arguments.limit, keep=lambda record: not record.partial
    )
    pictures = data.records
    print(f"{len(pictures)} pictures with complete labels of {arguments.data.name}, height {arguments.height}\n")
    print("| decoder | AP | AP50 | AP75 | AP medium | AP large | AR |\n|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        collect(estimator, pictures, Path(folder))
        for name, options, change in ROWS:
            flip, geometry = change.get("flip", False), change.get("paf_geometry", estimator.metadata.paf_geometry)
            steps = {key: value for key, value in change.items() if key not in ("flip", "paf_geometry")}
            decode = steps.pop("decode", chain.decode)
            rows: list[dict[str, Any]] = []
            with ExitStack() as changed:
                for step, other in steps.items():
                    changed.enter_context(mock.patch.object(chain, step, other))
                for picture, plain, both, placement in kept(pictures, Path(folder)):
                    fields = both if flip else plain
                    poses = decode(
                        fields.heatmaps[0], fields.pafs[0], skeleton,
                        stride=estimator.metadata.input.stride, paf_geometry=geometry, options=options,
                    )  # fmt: skip
                    keypoints = placement.to_image(poses.keypoints).astype(np.float32)
                    rows += dataclasses.replace(poses, keypoints=keypoints).to_coco(
                        picture.image_id, category_id=data.category_ids[0]
                    )
            m = evaluate(data, rows)
            figures = (m.ap, m.ap50, m.ap75, m.ap_medium, m.ap_large, m.ar)
            print(f"| {name} | {' | '.join(f'{value:.4f}' for value in figures)} |", flush=True)


if __name__ == "__main__":
    main()
