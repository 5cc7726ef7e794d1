"""From the options of a verb to an estimator."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from nimblepose.runtime.estimator import PoseEstimator


@dataclass(frozen=True, kw_only=True)
class EstimatorOptions:
    """What a person chose on the command line."""

    model: str | None
    backend: Literal["auto", "onnxruntime", "openvino", "torch"]
    threads: int
    input_height: int
    min_score: float
    flip: bool
    complete: bool = False  # of pictures
    find_heads: bool = False  # to blur faces

    def load(self, *, streaming: bool) -> tuple["PoseEstimator", Path]:
        """The estimator and the file of its model, fetched if need be.

        Args:
            streaming: Many pictures or recorded frames will come.

        Raises:
            ModelError: poses are to be completed, and the model does not know what they look like.
        """
        from nimblepose.cli.progress import show_download_bar
        from nimblepose.codec.options import DecodeOptions
        from nimblepose.core.errors import OptionError
        from nimblepose.runtime.estimator import PoseEstimator
        from nimblepose.runtime.models import find_model

        with show_download_bar() as progress:
            path = find_model(self.model, progress=progress)
        estimator = PoseEstimator(
            path,
            backend=self.backend,
            threads=self.threads,
            input_height=self.input_height,
            flip=self.flip,
            decode=DecodeOptions(min_pose_score=self.min_score, complete=self.complete, find_heads=self.find_heads),
            streaming=streaming,
        )
        if self.complete and estimator.metadata.prior is None:
            raise OptionError(
                f"--complete: {path} has no pose prior; `nimblepose model poses` learns it from annotated pictures"
            )
        return estimator, path

    def conditions(self, path: Path) -> dict[str, Any]:
        """What findings depend on, for journals."""
        from nimblepose.evaluation.provenance import compute_sha256
        from nimblepose.runtime.backends import choose_backend

        return {
            "model": compute_sha256(path),
            "backend": choose_backend(path, self.backend),  # their last digits differ
            "input_height": self.input_height,
            "min_score": self.min_score,
            "flip": self.flip,
            "blur_faces": self.find_heads,
        }
