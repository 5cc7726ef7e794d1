"""Checkpoint -> ONNX with dynamic batch, height and width, checked against torch before it gets its name."""

import dataclasses
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nimblepose.convert.traces import strip_traces
from nimblepose.core.errors import ModelError
from nimblepose.core.files import write_atomically
from nimblepose.core.geometry import Placement
from nimblepose.core.metadata import InputSpec, ModelMetadata
from nimblepose.core.optional import import_optional
from nimblepose.runtime.prepare import Batch, prepare

if TYPE_CHECKING:
    from nimblepose.model.network import PoseNetwork

INPUT, OUTPUTS = "image", ("heatmaps", "pafs")
_CHECK_SIZES = ((1, 128, 192), (2, 104, 72))  # batch, height, width of random input: the file must take any
_PICTURE_HEIGHT = 256  # input height at which pictures are checked, usual for video


@dataclass(frozen=True, kw_only=True)
class ExportReport:
    """What was written, and how far ONNX Runtime's fields are from torch's."""

    path: Path
    size: int  # bytes
    operators: Mapping[str, int]  # how many of each kind the graph has
    differences: Mapping[str, float]  # largest absolute difference of a field, per checked input


def export_onnx(
    network: "PoseNetwork",
    metadata: ModelMetadata,
    path: str | Path,
    *,
    pictures: Sequence[NDArray[np.uint8]] = (),
    pixels: bool = False,
    tolerance: float = 1e-3,
) -> ExportReport:
    """Write an ONNX file: `image` (B, 3, H, W) -> the last stage's `heatmaps` and `pafs` at H / stride, W / stride.

    BatchNorm is folded. The file appears under its name only after ONNX Runtime has reproduced torch on random input
    of two sizes and on `pictures`.

    Args:
        network: Any member of the family; not changed.
        metadata: Travels in the file; its input spec prepares `pictures`.
        path: Usually `*.onnx`; its folder must exist, an existing file is replaced.
        pictures: (H, W, 3) RGB of any size, real input for the check.
        pixels: The file takes pixels as uint8 and normalises them itself, which saves the caller three passes over
            them; see `take_pixels`.
        tolerance: Largest absolute difference of a field that is accepted.

    Raises:
        ModelError: the exported network differs from torch, or cannot take pixels.
        MediaError: the file cannot be written.
        MissingPackageError: torch, onnx or onnxscript is missing.
    """
    path = Path(path)
    proto = _to_proto(network, metadata)
    taken = metadata.input
    if pixels:
        proto = take_pixels(proto)
        taken = derive_pixel_input(metadata.input)
    data = proto.SerializeToString()
    given, expected = (_make_inputs(spec, pictures) for spec in (taken, metadata.input))
    differences = {name: _measure_difference(network, data, given[name], expected[name]) for name in given}
    wrong = {name: value for name, value in differences.items() if not value <= tolerance}
    if wrong:
        raise ModelError(f"exported network differs from torch by more than {tolerance}: {wrong}; nothing written")
    write_atomically(path, data)
    kinds = sorted(node.op_type for node in proto.graph.node)
    return ExportReport(
        path=path,
        size=len(data),
        operators={kind: kinds.count(kind) for kind in dict.fromkeys(kinds)},
        differences=differences,
    )


def _to_proto(network: "PoseNetwork", metadata: ModelMetadata) -> Any:
    """Trace, name inputs and outputs, add the metadata; returns an onnx.ModelProto."""
    for package in ("torch", "onnx", "onnxscript"):  # torch's exporter needs the last and would say so less clearly
        import_optional(package, "export")
    import onnx
    import torch

    from nimblepose.model.folding import fold_batch_norm

    class LastStage(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = fold_batch_norm(network)

        def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            fields = self.network(image)[-1]
            return fields.heatmaps, fields.pafs

    stride = metadata.input.stride
    batch, height, width = (torch.export.Dim(name, min=1) for name in ("batch", "h", "w"))
    # Traced with sizes that differ from each other and from 1, or torch would take them for constants.
    example = torch.zeros(2, 3, 3 * stride, 4 * stride)
    with _silence_exporter():
        program = torch.onnx.export(
            LastStage().eval(),
            (example,),
            dynamo=True,
            input_names=[INPUT],
            output_names=list(OUTPUTS),
            dynamic_shapes={INPUT: {0: batch, 2: stride * height, 3: stride * width}},
            verbose=False,
        )
    if program is None:
        raise ModelError("torch did not return an ONNX program")
    proto = strip_traces(program.model_proto)
    for output in proto.graph.output:  # torch names these sizes by a counter
        output.type.tensor_type.shape.dim[2].dim_param, output.type.tensor_type.shape.dim[3].dim_param = "h", "w"
    del proto.graph.value_info[:]  # sizes by torch's own names, which contradict those of the outputs
    onnx.helper.set_model_props(proto, metadata.to_strings())
    onnx.checker.check_model(proto)
    return proto


def derive_pixel_input(spec: InputSpec) -> InputSpec:
    """What a file takes after `take_pixels` that took `spec` before.

    Raises:
        ModelError: the mean is no whole number of 0..255, so that no uint8 stands for it.
    """
    if spec.mean not in range(256):
        raise ModelError(f"a file that takes pixels needs a mean that is a pixel's value, 0 to 255, got {spec.mean}")
    return dataclasses.replace(spec, mean=0.0, scale=1.0, dtype="uint8")


def take_pixels(proto: Any) -> Any:
    """An onnx.ModelProto of ours that takes pixels, uint8, and normalises them; the given one is left alone.

    (pixel - mean) * scale is just what ONNX's DequantizeLinear computes, so the fields stay as they are. The first pair
    of QuantizeLinear and DequantizeLinear of a quantized file makes way for it: pixels have 8 bits as they come.

    Raises:
        ModelError: the file takes pixels already, or its mean is no pixel's value.
    """
    import onnx

    metadata = ModelMetadata.from_strings({p.key: p.value for p in proto.metadata_props}, source="the model")
    spec = metadata.input
    if spec.dtype == "uint8":
        raise ModelError("the model takes pixels already")
    metadata = dataclasses.replace(metadata, input=derive_pixel_input(spec))
    ours = onnx.ModelProto()
    ours.CopyFrom(proto)
    graph = ours.graph
    graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.UINT8
    graph.initializer.extend(
        [
            onnx.numpy_helper.from_array(np.array(spec.scale, np.float32), "pixel_scale"),
            onnx.numpy_helper.from_array(np.array(spec.mean, np.uint8), "pixel_mean"),
        ]
    )
    normalised = INPUT
    for kind in ("QuantizeLinear", "DequantizeLinear"):
        readers = [node for node in graph.node if normalised in node.input]
        if [node.op_type for node in readers] == [kind]:
            normalised = readers[0].output[0]
            graph.node.remove(readers[0])
    for node in graph.node:
        node.input[:] = ["normalised" if name == normalised else name for name in node.input]
    inputs = [INPUT, "pixel_scale", "pixel_mean"]
    graph.node.insert(0, onnx.helper.make_node("DequantizeLinear", inputs, ["normalised"], name="normalise"))
    read = {name for node in graph.node for name in node.input}
    for unused in [constant for constant in graph.initializer if constant.name not in read]:
        graph.initializer.remove(unused)  # of the pair that made way; runtimes warn of them
    onnx.helper.set_model_props(ours, metadata.to_strings())
    onnx.checker.check_model(ours)
    return ours


@contextmanager
def _silence_exporter() -> Iterator[None]:
    """Keep to itself what the exporter says about packages that are not needed and about its own future."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _make_inputs(spec: InputSpec, pictures: Sequence[NDArray[np.uint8]]) -> dict[str, Batch]:
    """Network input (B, 3, H, W) by name: noise of two sizes, then the pictures."""
    rng = np.random.default_rng(0)
    inputs = {}
    for batch, height, width in _CHECK_SIZES:
        size = (height // 8 * spec.stride, width // 8 * spec.stride)
        noise = list(rng.integers(0, 256, (batch, *size, 3), np.uint8))
        inputs[f"random {batch} x {size[0]} x {size[1]}"] = prepare(noise, Placement(size, size), spec)
    for i, picture in enumerate(pictures):
        placement = Placement.fit(picture.shape[:2], _PICTURE_HEIGHT, stride=spec.stride)
        inputs[f"picture {i}"] = prepare([picture], placement, spec)
    return inputs


def _measure_difference(network: "PoseNetwork", data: bytes, image: Batch, normalised: Batch) -> float:
    """Largest absolute difference between torch and ONNX Runtime over both fields; NaN if one has NaN.

    Args:
        network: In torch.
        data: The ONNX file.
        image: What the file takes.
        normalised: The same as torch takes it.
    """
    import torch

    training = network.training
    try:
        with torch.inference_mode():
            expected = network.eval()(torch.from_numpy(normalised))[-1]
    finally:
        network.train(training)
    onnxruntime = import_optional("onnxruntime", "checking an exported file")
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    found = session.run(list(OUTPUTS), {INPUT: image})
    differences = [np.abs(ours - theirs.numpy()) for ours, theirs in zip(found, expected, strict=True)]
    return float(np.max([difference.max() for difference in differences]))
