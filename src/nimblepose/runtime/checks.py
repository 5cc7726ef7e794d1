"""Is a model what its metadata say? Files come from strangers, and are looked at once, when they are opened."""

from pathlib import Path
from typing import Any

import numpy as np

from nimblepose.core.errors import ModelError, PoseError
from nimblepose.core.metadata import InputSpec
from nimblepose.runtime.protocols import Backend

_CELLS = (8, 16)  # rows and columns of the trial's fields
_CONVOLUTIONS = ("Convolution", "GroupConvolution")


def check_model(backend: Backend, path: Path) -> None:
    """Send noise through a model that was just opened, and compare what comes with what must come.

    Raises:
        ModelError: it cannot be run on such input, its fields are of other sizes than skeleton and stride demand, or
            they are no numbers.
    """
    metadata = backend.metadata
    skeleton, spec = metadata.skeleton, metadata.input
    height, width = (cells * spec.stride for cells in _CELLS)
    pixels = np.random.default_rng(0).integers(0, 256, (1, 3, height, width))
    batch = ((pixels - spec.mean) * spec.scale).astype(spec.dtype)
    try:
        fields = backend.run(batch)
    except PoseError:
        raise
    except Exception as error:  # runtimes have no common parent for their errors
        raise ModelError(
            f"{path}: by its metadata it takes {spec.dtype} of 1 x 3 x {height} x {width} (any multiples of the stride "
            f"{spec.stride}) and gives heatmaps and pafs; tried, it does not: {str(error) or repr(error)}"
        ) from error
    channels = {"heatmaps": skeleton.heatmap_channels, "pafs": skeleton.paf_channels}
    for name, field in fields._asdict().items():
        expected = (1, channels[name], *_CELLS)
        if field.shape != expected:
            raise ModelError(
                f"{path}: {name} are {_times(field.shape)} where {len(skeleton.keypoints)} keypoints, "
                f"{len(skeleton.limbs)} limbs and stride {spec.stride} of its metadata demand {_times(expected)}; "
                f"network and metadata do not belong together, export it again"
            )
        if not np.isfinite(field).all():
            raise ModelError(
                f"{path}: its {name} hold NaN or infinite values; the weights are damaged or the training has diverged"
            )


def check_openvino(model: Any, spec: InputSpec, path: Path) -> None:
    """Refuse what OpenVINO would take without a word and compute otherwise than the file says.

    Args:
        model: `openvino.Model`, as it was read.
        spec: What the metadata say of its input.
        path: Named in errors.

    Raises:
        ModelError: inputs of another number or type, or signed 8-bit values that a Concat brings to a convolution.
    """
    names = [source.element_type.to_dtype().name for source in model.inputs]
    if names != [spec.dtype]:
        raise ModelError(f"{path}: by its metadata it has one input of {spec.dtype}, but it takes {', '.join(names)}")
    operators = model.get_ordered_ops()
    stored = (o for o in operators if o.get_type_name() == "Convert" and o.output(0).element_type.to_string() == "i8")
    if not any(_is_computed(operator) for operator in stored):
        return
    for operator in operators:
        if operator.get_type_name() == "Concat" and _is_computed(operator) and _reaches_convolution(operator):
            name = min(operator.output(0).get_names(), default=operator.get_friendly_name())
            raise ModelError(
                f"{path}: its Concat {name} brings signed 8-bit values to a convolution, "
                f"which OpenVINO computes wrongly on most processors (2.7 becomes 3.0, seen with 2026.4.1); use "
                f"--backend onnxruntime (backend='onnxruntime'), or quantize it with unsigned activations as "
                f"`nimblepose quantize` does"
            )


def _is_computed(operator: Any) -> bool:
    """Does it depend on the network's input, other than constants do?"""
    waiting, seen = [operator], set()
    while waiting:
        one = waiting.pop()
        if one.get_type_name() == "Parameter":
            return True
        for port in one.inputs():
            source = port.get_source_output().get_node()
            if source.get_friendly_name() not in seen:
                seen.add(source.get_friendly_name())
                waiting.append(source)
    return False


def _reaches_convolution(operator: Any) -> bool:
    waiting, seen = [operator], set()
    while waiting:
        one = waiting.pop()
        if one.get_type_name() in _CONVOLUTIONS:
            return True
        for port in one.outputs():
            for reader in port.get_target_inputs():
                node = reader.get_node()
                if node.get_friendly_name() not in seen:
                    seen.add(node.get_friendly_name())
                    waiting.append(node)
    return False


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
