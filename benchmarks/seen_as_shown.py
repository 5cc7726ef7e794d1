"""AP of pictures as cameras and recorders store them: taken as they stand, and as a person would see them.

    python benchmarks/seen_as_shown.py MODEL.onnx DATA [--limit N] [--rows NAME ...]

Every picture of an annotated set is stored in another way: in gray of 10, 12 or 16 bits of which a part is filled (as
thermal and industrial cameras do), with pixels that are not square (as video of PAL and HDV and some recorders), or as
two moments in alternating lines, the second 8 pixels further (interlaced video). Poses are measured in the pixels of
the set. Thresholds for AP, input height 368.
"""

import argparse
import dataclasses
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from nimblepose import Poses
from nimblepose.codec.options import FOR_RANKING
from nimblepose.data.sets import AnnotatedSet, locate_set
from nimblepose.evaluation.coco import evaluate
from nimblepose.evaluation.detect import detect
from nimblepose.media.conversion import take_field
from nimblepose.media.levels import to_8_bits
from nimblepose.media.pictures import Picture
from nimblepose.runtime.estimator import PoseEstimator

_MOVED = 8  # pixels between two fields


class Stored:
    """An estimator that is shown pictures in the way in which something stores them."""

    def __init__(
        self, estimator: PoseEstimator, store: Callable[[Picture], Picture], aspect: float, told: bool
    ) -> None:
        self.model, self.skeleton = estimator.model, estimator.skeleton
        self._estimator, self._store, self._aspect, self._told = estimator, store, aspect, told

    def estimate(self, picture: Picture, *, pixel_aspect: float = 1.0) -> Poses:
        """Poses in one picture."""
        return next(iter(self.stream([picture])))

    def stream(self, pictures: Iterable[Picture], *, pixel_aspect: float = 1.0) -> Iterator[Poses]:
        """Poses in pixels of the pictures as they were given."""
        widths: deque[int] = deque()

        def stored() -> Iterator[Picture]:
            for picture in pictures:
                widths.append(picture.shape[1])
                height, width = picture.shape[:2]
                if self._aspect != 1:
                    narrow = (max(1, round(width / self._aspect)), height)
                    picture = np.asarray(cv2.resize(picture, narrow, interpolation=cv2.INTER_AREA), np.uint8)
                yield self._store(picture)

        aspect = self._aspect if self._told else 1.0
        for poses in self._estimator.stream(stored(), pixel_aspect=aspect):
            width = widths.popleft()
            factor = width / max(1, round(width / self._aspect))
            keypoints = poses.keypoints.copy()
            keypoints[..., 0] = (keypoints[..., 0] + 0.5) * factor - 0.5
            yield dataclasses.replace(poses, keypoints=keypoints)


def keep(picture: Picture) -> Picture:
    """As it is."""
    return picture


def deep(low: float, high: float, levels: Any) -> Callable[[Picture], Picture]:
    """Gray between two values of 16 bits, read with these levels."""

    def store(picture: Picture) -> Picture:
        gray: NDArray[np.float32] = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
        eight = to_8_bits(np.rint(low + (high - low) * gray).astype(np.uint16), levels)
        return np.repeat(eight[..., None], 3, axis=2)

    return store


def combed(picture: Picture) -> Picture:
    """Every second line of a moment later: everything has moved to the right."""
    frame = picture.copy()
    frame[1::2] = np.roll(picture, _MOVED, axis=1)[1::2]
    return frame


RANGES = {"gray, 8 bits": (0, 65535), "10 bits": (0, 1023), "12 bits": (0, 4095), "raw 7000 to 9000": (7000, 9000),
          "centikelvin 28500 to 31000": (28500, 31000)}  # fmt: skip
ROWS: dict[str, tuple[Callable[[Picture], Picture], float, bool]] = {"as they are": (keep, 1.0, True)}
for name, (low, high) in RANGES.items():
    ROWS[f"{name}, upper 8 of 16 bits"] = deep(low, high, "full"), 1.0, True
    ROWS[f"{name}, as shown"] = deep(low, high, "auto"), 1.0, True
for name, aspect in {"pixels 64:45": 64 / 45, "pixels 4:3": 4 / 3, "pixels 2:1": 2.0}.items():
    ROWS[f"{name}, as stored"] = keep, aspect, False
    ROWS[f"{name}, as shown"] = keep, aspect, True
ROWS["interlaced, as stored"] = combed, 1.0, True
ROWS["interlaced, as shown"] = (lambda picture: take_field(combed(picture))), 1.0, True


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("--rows", nargs="*", default=list(ROWS), choices=list(ROWS), metavar="NAME")
    args = parser.parse_args()
    warnings.simplefilter("ignore", RuntimeWarning)
    estimator = PoseEstimator(args.model, input_height=368, decode=FOR_RANKING, streaming=True)
    data = AnnotatedSet.read(*locate_set(args.data), estimator.skeleton, limit=args.limit)
    print(f"{len(data.records)} pictures\n\n| pictures | AP |\n|---|---|")
    for name in args.rows:
        ap = evaluate(data, detect(data, Stored(estimator, *ROWS[name]))).ap
        print(f"| {name} | {ap:.3f} |", flush=True)


if __name__ == "__main__":
    main()
