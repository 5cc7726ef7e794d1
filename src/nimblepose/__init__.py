"""nimblepose: real-time 2D multi-person pose estimation on an ordinary CPU."""

from typing import TYPE_CHECKING, Any

from nimblepose.core.errors import PoseError
from nimblepose.core.processor import check_processor

check_processor("numpy")  # before it is imported by what follows

from nimblepose.core.poses import Poses  # noqa: E402
from nimblepose.core.skeleton import COCO_17, HUMAN_18, Skeleton  # noqa: E402

if TYPE_CHECKING:
    from nimblepose.codec.decode import DecodeOptions
    from nimblepose.runtime.estimator import PoseEstimator

__all__ = ["COCO_17", "HUMAN_18", "DecodeOptions", "PoseError", "PoseEstimator", "Poses", "Skeleton", "__version__"]
__version__ = "0.1.0"

_LAZY = {"PoseEstimator": "nimblepose.runtime.estimator", "DecodeOptions": "nimblepose.codec.decode"}


def __getattr__(name: str) -> Any:
    """Import what needs OpenCV or a runtime only when it is asked for: `import nimblepose` stays fast."""
    if name not in _LAZY:
        raise AttributeError(f"module 'nimblepose' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_LAZY[name]), name)
