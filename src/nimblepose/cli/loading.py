"""From the options of a verb to an estimator."""

import dataclasses
import json
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
    min_score: float | None
    flip: bool
    quality: Literal["fast", "balanced", "best"] | None = None
    input_height: int | None = None
    scales: tuple[float, ...] = (1.0,)
    max_people: int = 0  # 0: everybody
    any_way_up: bool = False  # of pictures
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
            quality=self.quality,
            input_height=self.input_height,
            flip=self.flip,
            scales=self.scales,
            any_way_up=self.any_way_up,
            decode=DecodeOptions(
                min_pose_score=self.min_score,
                max_poses=self.max_people,
                complete=self.complete,
                find_heads=self.find_heads,
            ),
            streaming=streaming,
        )
        if self.complete and estimator.metadata.prior is None:
            raise OptionError(
                f"--complete: {path} has no pose prior; `nimblepose model poses` learns it from annotated pictures"
            )
        return estimator, path

    def conditions(self, path: Path) -> dict[str, Any]:
        """What findings in videos depend on, for journals; of attention its numbers, as of a quality below."""
        from nimblepose.runtime.quality import choose_attention

        attention = choose_attention(self.quality, self.input_height)
        described = {} if attention is None else {"attention": json.loads(json.dumps(dataclasses.asdict(attention)))}
        return {**self._conditions(path), **described}

    def _conditions(self, path: Path) -> dict[str, Any]:
        from nimblepose.codec.options import DecodeOptions
        from nimblepose.evaluation.provenance import compute_sha256
        from nimblepose.runtime.backends import choose_backend
        from nimblepose.runtime.quality import FRAME_HEIGHT

        return {
            "model": compute_sha256(path),
            "backend": choose_backend(path, self.backend),  # their last digits differ
            "input_height": FRAME_HEIGHT if self.input_height is None else self.input_height,
            "min_score": DecodeOptions(min_pose_score=self.min_score).least_score,
            "flip": self.flip,
            "scales": None if self.scales == (1.0,) else list(self.scales),
            "max_people": self.max_people or None,
            "blur_faces": self.find_heads,
        }

    def picture_conditions(self, path: Path) -> dict[str, Any]:
        """What findings in pictures depend on; of a quality its numbers, which another version may have changed."""
        from nimblepose.runtime.quality import choose_quality, describe_quality

        return {
            **self._conditions(path),
            "input_height": self.input_height,
            "quality": describe_quality(
                choose_quality(self.quality, input_height=self.input_height, scales=self.scales)
            ),
            "any_way_up": self.any_way_up,
            "complete": self.complete,
        }
