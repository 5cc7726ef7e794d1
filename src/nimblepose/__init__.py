"""nimblepose: real-time 2D multi-person pose estimation on an ordinary CPU.

What is named here is the public interface, see docs/python.md; everything else may change.
"""

from typing import TYPE_CHECKING

from nimblepose.core.errors import (
    DataError,
    DownloadError,
    MediaError,
    MissingPackageError,
    ModelError,
    OptionError,
    PoseError,
    ProcessorError,
    ShapeError,
    SkeletonError,
    TooManyPixelsError,
    TrainingError,
)
from nimblepose.core.processor import check_processor

check_processor("numpy")  # before it is imported by what follows

from nimblepose.core.person import Person  # noqa: E402
from nimblepose.core.poses import Poses  # noqa: E402
from nimblepose.core.skeleton import COCO_17, HUMAN_18, Skeleton  # noqa: E402

if TYPE_CHECKING:
    from nimblepose.codec.options import DecodeOptions
    from nimblepose.drawing.people import DrawOptions, draw_poses
    from nimblepose.drawing.pose_map import draw_pose_map
    from nimblepose.drawing.showing import draw
    from nimblepose.drawing.trails import Trails
    from nimblepose.media.frames import Frame, Selection
    from nimblepose.media.pictures import read_picture
    from nimblepose.runtime.estimator import PoseEstimator
    from nimblepose.runtime.following import Follower
    from nimblepose.tracking.protocols import Smoother, Tracker
    from nimblepose.tracking.smoothing import OneEuroSmoother, SmoothOptions
    from nimblepose.tracking.tracker import OksTracker, TrackOptions

__all__ = [
    "COCO_17",
    "HUMAN_18",
    "DataError",
    "DecodeOptions",
    "DownloadError",
    "DrawOptions",
    "Follower",
    "Frame",
    "MediaError",
    "MissingPackageError",
    "ModelError",
    "OksTracker",
    "OneEuroSmoother",
    "OptionError",
    "Person",
    "PoseError",
    "PoseEstimator",
    "Poses",
    "ProcessorError",
    "Selection",
    "ShapeError",
    "Skeleton",
    "SkeletonError",
    "SmoothOptions",
    "Smoother",
    "TooManyPixelsError",
    "TrackOptions",
    "Tracker",
    "Trails",
    "TrainingError",
    "__version__",
    "draw",
    "draw_pose_map",
    "draw_poses",
    "read_picture",
]
__version__ = "0.1.0"

_LAZY = {
    "DecodeOptions": "nimblepose.codec.options",
    "DrawOptions": "nimblepose.drawing.people",
    "Follower": "nimblepose.runtime.following",
    "Frame": "nimblepose.media.frames",
    "OksTracker": "nimblepose.tracking.tracker",
    "OneEuroSmoother": "nimblepose.tracking.smoothing",
    "PoseEstimator": "nimblepose.runtime.estimator",
    "Selection": "nimblepose.media.frames",
    "SmoothOptions": "nimblepose.tracking.smoothing",
    "Smoother": "nimblepose.tracking.protocols",
    "TrackOptions": "nimblepose.tracking.tracker",
    "Tracker": "nimblepose.tracking.protocols",
    "Trails": "nimblepose.drawing.trails",
    "draw": "nimblepose.drawing.showing",
    "draw_pose_map": "nimblepose.drawing.pose_map",
    "draw_poses": "nimblepose.drawing.people",
    "read_picture": "nimblepose.media.pictures",
}


def __getattr__(name: str) -> object:
    """Import what needs OpenCV or a runtime only when it is asked for: `import nimblepose` stays fast."""
    if name not in _LAZY:
        raise AttributeError(f"module 'nimblepose' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    """The public names, also those that are not imported yet."""
    return sorted(__all__)
