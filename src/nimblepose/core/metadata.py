"""Facts of the weights that travel inside every model file."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from nimblepose.core.errors import ModelError, PoseError
from nimblepose.core.keypoint_errors import KeypointErrors
from nimblepose.core.prior import PosePrior
from nimblepose.core.scorer import PoseScorer, count_features
from nimblepose.core.skeleton import Skeleton
from nimblepose.core.text import describe_error, make_printable

_KEY = "nimblepose"  # one key in the metadata of safetensors and ONNX files, holding JSON
_VERSION = 1

PafGeometry = Literal["corner", "centre"]
"""Where a PAF cell's value belongs: to the cell's centre, or to its upper left corner as in both public weight sets."""


@dataclass(frozen=True, kw_only=True)
class InputSpec:
    """What the network expects: (value - mean) * scale per channel, planar, sizes in multiples of `stride`.

    Input is float32, and `mean` is taken off values of 0..255; or it is the pixels themselves as uint8, where the file
    normalises them (`mean` 0 and `scale` 1).
    """

    stride: int = 8
    channels: Literal["rgb", "bgr"] = "bgr"
    mean: float = 128.0  # in 0..255
    scale: float = 1 / 256
    dtype: Literal["float32", "uint8"] = "float32"

    def __post_init__(self) -> None:
        """Refuse facts that cannot be; model files of strangers come through here."""
        numbers = all(isinstance(n, int | float) and math.isfinite(n) for n in (self.mean, self.scale))
        stride = type(self.stride) is int and 1 <= self.stride <= 64
        if not (stride and numbers and self.scale) or self.channels not in ("rgb", "bgr"):
            raise ModelError(
                f"input needs a stride in 1..64, channels rgb or bgr, finite mean and scale, scale not 0; got {self}"
            )
        if self.dtype not in ("float32", "uint8") or (self.dtype == "uint8" and (self.mean, self.scale) != (0, 1)):
            raise ModelError(f"input is float32, or uint8 with mean 0 and scale 1; got {self}")


RAW_BGR = InputSpec(mean=0.0, scale=1.0)
"""Open Model Zoo files: normalisation is inside the network."""


@dataclass(frozen=True, kw_only=True)
class ModelMetadata:
    """Skeleton, input and origin of one set of weights."""

    skeleton: Skeleton
    input: InputSpec = InputSpec()
    paf_geometry: PafGeometry = "corner"  # how the targets were drawn that these weights have learnt
    network: Mapping[str, Any] = field(default_factory=dict)  # options that rebuild the network, for checkpoints
    licence: str = "unknown"
    origin: str = ""  # from what, by whom, how
    prior: PosePrior | None = None  # what poses look like
    scorer: PoseScorer | None = None  # what this model's poses are worth; None: they score as their limbs do
    errors: KeypointErrors | None = None  # how far this model's keypoints are off; None: nobody has measured
    best_size: float | None = None  # diagonal in input pixels at which it sees people best; None: nobody has measured
    input_height: int | None = None  # of the pictures it was made for, in one pass; None: for pictures of all kinds

    def __post_init__(self) -> None:
        """Refuse facts of the wrong kind."""
        if self.paf_geometry not in get_args(PafGeometry):
            raise ModelError(f"paf_geometry must be one of {get_args(PafGeometry)}, got {self.paf_geometry!r}")
        if not isinstance(self.network, Mapping) or not all(isinstance(s, str) for s in (self.licence, self.origin)):
            raise ModelError("network must be a mapping, licence and origin text")
        if self.best_size is not None and not (_is_number(self.best_size) and 16 <= self.best_size <= 2048):
            raise ModelError(f"best_size is in input pixels, in [16, 2048]; got {self.best_size!r}")
        if self.input_height is not None and not (type(self.input_height) is int and 16 <= self.input_height <= 8192):
            raise ModelError(f"input_height is in whole pixels, in [16, 8192]; got {self.input_height!r}")
        keypoints = len(self.skeleton.keypoints)
        if self.prior is not None and len(self.prior.mean) != keypoints:
            raise ModelError(f"the pose prior is of {len(self.prior.mean)} keypoints, the skeleton has {keypoints}")
        if self.scorer is not None and len(self.scorer.centre) != count_features(keypoints):
            raise ModelError(
                f"the pose scorer takes {len(self.scorer.centre)} features, a skeleton of {keypoints} keypoints gives "
                f"{count_features(keypoints)}"
            )
        if self.errors is not None and len(self.errors.kinds) != keypoints:
            raise ModelError(f"errors are of {len(self.errors.kinds)} keypoints, the skeleton has {keypoints}")

    def to_strings(self) -> dict[str, str]:
        """As the string-to-string metadata of safetensors and ONNX files."""
        value: dict[str, Any] = {
            "version": _VERSION,
            "skeleton": self.skeleton.to_dict(),
            "input": asdict(self.input),
            "paf_geometry": self.paf_geometry,
            "network": dict(self.network),
            "licence": self.licence,
            "origin": self.origin,
        }
        if self.prior is not None:
            value["prior"] = self.prior.to_dict()
        if self.scorer is not None:
            value["scorer"] = self.scorer.to_dict()
        if self.errors is not None:
            value["errors"] = self.errors.to_dict()
        if self.best_size is not None:
            value["best_size"] = self.best_size
        if self.input_height is not None:
            value["input_height"] = self.input_height
        return {_KEY: json.dumps(value)}

    @classmethod
    def from_strings(cls, strings: Mapping[str, str] | None, *, source: str) -> "ModelMetadata":
        """Read back what `to_strings` wrote; `source` is named in errors.

        Raises:
            ModelError: the file carries no metadata of ours, or it is damaged or newer than this version.
        """
        text = (strings or {}).get(_KEY)
        if text is None:
            raise ModelError(
                f"{source} carries no nimblepose metadata (skeleton, input); make it with `nimblepose import` "
                f"(checkpoints) or `nimblepose export` (ONNX)"
            )
        try:
            value = json.loads(text)
            if value["version"] > _VERSION:
                raise ModelError("written by a newer nimblepose; please upgrade")
            return cls(
                skeleton=Skeleton.from_dict(value["skeleton"]),
                input=InputSpec(**value["input"]),
                paf_geometry=value.get("paf_geometry", "corner"),
                network=value["network"],
                licence=_one_line(value["licence"]),
                origin=_one_line(value["origin"]),
                prior=PosePrior.from_dict(value["prior"]) if value.get("prior") else None,
                scorer=PoseScorer.from_dict(value["scorer"]) if value.get("scorer") else None,
                errors=KeypointErrors.from_dict(value["errors"]) if value.get("errors") else None,
                best_size=value.get("best_size"),
                input_height=value.get("input_height"),
            )
        except PoseError as error:
            raise ModelError(f"{source}: {error}") from error
        except (KeyError, TypeError, json.JSONDecodeError, RecursionError) as error:
            raise ModelError(f"{source}: damaged nimblepose metadata ({describe_error(error)})") from error


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _one_line(text: Any) -> Any:
    """Free text of a stranger, to be printed in a line; what is no text is refused by the type that it is meant for."""
    return make_printable(" ".join(text.split("\n"))) if isinstance(text, str) else text
