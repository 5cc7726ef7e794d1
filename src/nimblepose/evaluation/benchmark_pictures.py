"""What a benchmark looks at: pictures from files or made ones, and how many of them."""

import time
from pathlib import Path

import numpy as np

from nimblepose.core.errors import MediaError
from nimblepose.core.geometry import Size
from nimblepose.media.finding import find_pictures
from nimblepose.media.pictures import Picture, read_picture
from nimblepose.runtime.estimator import PoseEstimator

_HELD = 32  # pictures that are kept in memory, decoded and prepared: some 100 MB
_VIDEO_SUFFIXES = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".ts", ".wmv")
_RUNS_PER_FRAME = 6  # of the network: one by one three times, then streamed and twice alone, less what streaming saves
_FEWEST = 10  # frames, however slow


def load_pictures(source: str) -> tuple[list[Path], list[Picture]]:
    """The files that a source means and their pictures; of more than can be held, evenly spread ones.

    Raises:
        MediaError: nothing there, not pictures, or a video, which is not measured yet.
    """
    if Path(source).suffix.lower() in _VIDEO_SUFFIXES or "://" in source or source.isdigit():
        raise MediaError(f"{source}: videos, cameras and addresses are not measured yet; give a picture or a folder")
    files = find_pictures(source)
    files = files[:: -(-len(files) // _HELD)]
    return files, [read_picture(file) for file in files]


def make_noise(size: Size = (720, 1280)) -> Picture:
    """A picture of gray noise in which nobody is, for want of a better one: its decoding costs least."""
    return np.random.default_rng(0).integers(96, 160, (*size, 3), np.uint8)


def count_frames(seconds: float, estimator: PoseEstimator, picture: Picture) -> int:
    """How many frames `BenchmarkOptions` should have for a benchmark of about so long."""
    estimator.estimate(picture)  # the first is slower
    start = time.perf_counter()
    estimator.estimate(picture)
    return max(_FEWEST, round(seconds / (_RUNS_PER_FRAME * (time.perf_counter() - start))))
