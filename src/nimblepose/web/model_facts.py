"""What the page has to know of a model, as plain data."""

from dataclasses import asdict
from typing import Any

import nimblepose
from nimblepose.codec.decode import DecodeOptions, compute_paf_offset
from nimblepose.core.body import list_body_limbs
from nimblepose.core.errors import SkeletonError
from nimblepose.core.metadata import ModelMetadata
from nimblepose.core.palette import make_limb_palette
from nimblepose.core.skeleton import Skeleton
from nimblepose.runtime.quality import FRAME_HEIGHT, QUALITIES, choose_quality, describe_quality
from nimblepose.tracking.options import TrackOptions
from nimblepose.tracking.smoothing import SmoothOptions


def describe_model(
    metadata: ModelMetadata, *, name: str, file: str | None, size: int = 0, checksum: str = ""
) -> dict[str, Any]:
    """For `model.json`; what follows from the skeleton is computed here, once, and not again in JavaScript.

    Args:
        metadata: Of the model.
        name: Of its file without the ending, as in results.
        file: Beside `model.json`; None: the page has no model of its own, a server finds people.
        size: Of the file, bytes.
        checksum: SHA-256 of the file, by which a browser knows that it has it already.
    """
    skeleton = metadata.skeleton
    best, height = metadata.best_size, metadata.input_height
    mirror = _describe_mirror(skeleton)
    usual = choose_quality(None, best_size=best, made_for=height)
    fitted = {name: quality.fit(best, height) for name, quality in QUALITIES.items()}
    return {
        "name": name,
        "file": file,
        "size": size,
        "checksum": checksum,
        "version": nimblepose.__version__,
        "licence": metadata.licence,
        "origin": metadata.origin,
        "input": asdict(metadata.input),
        "input_height": height,
        "frame_height": height or FRAME_HEIGHT,
        "paf_offset": compute_paf_offset(metadata.input.stride, metadata.paf_geometry),
        "skeleton": {
            "name": skeleton.name,
            "keypoints": list(skeleton.keypoints),
            "limbs": [list(limb) for limb in skeleton.limbs],
            "limb_indices": skeleton.limb_indices.tolist(),
            "body_limbs": sorted(list_body_limbs(skeleton)),
            "relations": skeleton.relations.astype(int).tolist(),
        },
        "oks_sigmas": list(skeleton.oks_sigmas),
        "mirror": mirror,
        "qualities": {
            name: describe_quality(quality) for name, quality in fitted.items() if mirror or not quality.flip
        },
        "quality": next((name for name, quality in fitted.items() if quality == usual), None),
        "tracking": asdict(TrackOptions()),
        "smoothing": asdict(SmoothOptions()),
        "skeleton_dict": skeleton.to_dict(),
        "palette": [list(colour) for colour in make_limb_palette(skeleton)],
        "options": DecodeOptions().to_dict(len(skeleton.keypoints)),
        "prior": None
        if metadata.prior is None
        else {**metadata.prior.to_dict(), "distances": metadata.prior.distances.tolist()},
        "scorer": None if metadata.scorer is None else metadata.scorer.to_dict(),
    }


def _describe_mirror(skeleton: Skeleton) -> dict[str, Any] | None:
    """What a mirror makes of keypoints and limbs; None where that is not known."""
    try:
        limbs, direction = skeleton.limb_flip
    except SkeletonError:
        return None
    return {
        "keypoints": skeleton.flip_permutation.tolist(),
        "limbs": limbs.tolist(),
        "direction": direction.astype(int).tolist(),
    }
