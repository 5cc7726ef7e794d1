"""What quantizing starts from: the layers of a float32 ONNX file, and pictures prepared for it."""

from collections.abc import Collection, Sequence
from itertools import cycle
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nimblepose.convert.quantization.layers import Network, import_onnx, read_network
from nimblepose.convert.traces import strip_traces
from nimblepose.core.errors import MediaError, ModelError
from nimblepose.core.geometry import Placement
from nimblepose.core.metadata import InputSpec, ModelMetadata
from nimblepose.media.finding import find_pictures
from nimblepose.media.pictures import read_picture
from nimblepose.runtime.prepare import prepare


def load_network(path: Path) -> tuple[Network, ModelMetadata]:
    """Layers and facts of a float32 model file.

    Raises:
        ModelError: no such file, not ONNX, not ours, quantized already, or nothing in it to quantize.
        MissingPackageError: onnx is not installed.
    """
    if path.suffix != ".onnx":
        raise ModelError(f"{path}: only .onnx can be quantized; make it with `nimblepose export`")
    if not path.is_file():
        raise ModelError(f"no model file {path}")
    onnx = import_onnx()
    try:
        proto = strip_traces(onnx.load(path))
        onnx.checker.check_model(proto)
    except Exception as error:  # protobuf's and onnx's errors have no common parent
        raise ModelError(f"{path} is not an ONNX model: {error}") from error
    strings = {entry.key: entry.value for entry in proto.metadata_props}
    metadata = ModelMetadata.from_strings(strings, source=str(path))
    if metadata.input.dtype != "float32":
        raise ModelError(f"{path} takes pixels; export it without --pixels, and give --pixels to `nimblepose quantize`")
    return read_network(proto, source=str(path)), metadata


def load_batches(
    source: str, spec: InputSpec, *, count: int, heights: Sequence[int], leave_out: Collection[Path] = ()
) -> tuple[list[NDArray[np.float32]], list[Path]]:
    """Prepared pictures (1, 3, h, w), evenly spread over a folder or pattern, and their files.

    Args:
        source: As `predict` takes it.
        spec: Of the network's input.
        count: How many, or as many as there are.
        heights: Input heights that pictures have in turn: that of AP, and that of prediction.
        leave_out: Files that accuracy is measured on: a model must not be fitted to them.

    Raises:
        MediaError: no pictures, or one that cannot be read.
    """
    measured = {path.resolve() for path in leave_out}
    files = [path for path in find_pictures(source) if path.resolve() not in measured]
    if not files:
        raise MediaError(f"{source}: all pictures are among those that accuracy is measured on; calibrate on others")
    files = [files[i] for i in np.linspace(0, len(files) - 1, min(count, len(files))).round().astype(int)]
    batches = []
    for path, input_height in zip(files, cycle(heights), strict=False):
        picture = read_picture(path)
        placement = Placement.fit((picture.shape[0], picture.shape[1]), input_height, stride=spec.stride)
        batches.append(np.asarray(prepare([picture], placement, spec), np.float32))
    return batches, files
