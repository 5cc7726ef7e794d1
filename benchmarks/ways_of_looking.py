"""Ways of looking at pictures, as studies are told them: `256`, `368+flip`, `balanced`, `best+any-way-up`.

A number is the height of a single pass, a word the quality of `PoseEstimator`; what follows `+` are switches of it.
"""

from pathlib import Path
from typing import Any

from nimblepose.codec.options import DecodeOptions
from nimblepose.runtime.estimator import PoseEstimator


def read_way(text: str) -> dict[str, Any]:
    """What `PoseEstimator` is given for a way of looking.

    >>> read_way("368+flip"), read_way("balanced+any-way-up")
    ({'input_height': 368, 'flip': True}, {'quality': 'balanced', 'any_way_up': True})
    """
    first, *switches = text.split("+")
    chosen: dict[str, Any] = {"input_height": int(first)} if first.isdecimal() else {"quality": first}
    return chosen | {switch.replace("-", "_"): True for switch in switches}


def open_estimator(model: Path | None, way: str, *, decode: DecodeOptions, threads: int = 1) -> PoseEstimator:
    """An estimator for many pictures, on ONNX Runtime, that looks in this way."""
    return PoseEstimator(model, backend="onnxruntime", threads=threads, decode=decode, streaming=True, **read_way(way))
