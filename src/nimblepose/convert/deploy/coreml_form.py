"""Core ML's package, by coremltools in a process of its own, and a simulation of Core ML, which only Apple's have.

The simulation reads the file that was written and computes its operations one by one; what comes out is rounded to 16
bits.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nimblepose.convert.deploy.converters import convert_apart
from nimblepose.convert.deploy.trial import Run
from nimblepose.convert.export import INPUT, OUTPUTS
from nimblepose.core.errors import ModelError
from nimblepose.core.optional import import_optional
from nimblepose.runtime.prepare import Batch
from nimblepose.runtime.protocols import Fields

LARGEST = (512, 1536)  # of the input; without a bound Core ML keeps to the processor
_LEAST = 16
_SIZE = (256, 456)  # that is traced
_PURPOSE = "export to Core ML"
_FILES = ("Manifest.json", "Data/com.apple.CoreML/model.mlmodel", "Data/com.apple.CoreML/weights/weight.bin")


def write_coreml(proto: Any, folder: Path, name: str) -> list[str]:
    """An ML program in 16 bits, which takes and gives 32."""
    made = convert_apart("nimblepose.convert.deploy.coreml_form", "coremltools", proto, folder, "model.mlpackage")
    if made.is_dir():
        made.rename(folder / f"{name}.mlpackage")
    return [f"{name}.mlpackage/{file}" for file in _FILES]


def convert(source: Path, out: Path) -> None:
    """An ONNX file of floats to Core ML's package; for the process of its own."""
    import torch

    from nimblepose.convert.deploy.graph_module import GraphModule

    onnx = import_optional("onnx", "export")
    ct = import_optional("coremltools", _PURPOSE)
    proto = onnx.load(source)

    class Listed(GraphModule):
        """Fields in a tuple, which is what traces know."""

        def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:  # type: ignore[override]
            return tuple(super().forward(image).values())

    sides = [ct.RangeDim(_LEAST, most, default=side) for most, side in zip(LARGEST, _SIZE, strict=True)]
    model = ct.convert(
        torch.jit.trace(Listed(proto).eval(), torch.zeros(1, 3, *_SIZE)),  # type: ignore[no-untyped-call]
        convert_to="mlprogram",
        compute_precision=ct.precision.FLOAT16,
        minimum_deployment_target=ct.target.iOS16,
        inputs=[ct.TensorType(name=INPUT, shape=(1, 3, *sides), dtype=np.float32)],
        outputs=[ct.TensorType(name=name, dtype=np.float32) for name in OUTPUTS],
    )
    model.user_defined_metadata.update({entry.key: entry.value for entry in proto.metadata_props})
    model.save(str(out))


def simulate_coreml(path: Path) -> Run:
    """What the operations of a package give, `path` being the manifest in it.

    Raises:
        ModelError: an operation that no network of ours has.
    """
    ct = import_optional("coremltools", _PURPOSE)
    reader = import_optional("coremltools.converters.mil.frontend.milproto.load", _PURPOSE)
    model = ct.models.MLModel(str(path.parent), skip_model_load=True)
    specification = model.get_spec()
    program = reader.load(specification, specification.specificationVersion, model.weights_dir)
    main = program.functions["main"]
    operations = [operation for operation in main.operations if operation.op_type != "const"]

    def run(batch: Batch) -> Fields:
        values = {INPUT: np.asarray(batch, np.float32)}
        for operation in operations:
            given = {name: _read(value, values) for name, value in operation.inputs.items() if value is not None}
            values[operation.outputs[0].name] = _compute(operation.op_type, given)
        return Fields(*(values[name] for name in OUTPUTS))

    return run


def _read(value: Any, values: Mapping[str, NDArray[np.float32]]) -> Any:
    if isinstance(value, list | tuple):
        return [_read(one, values) for one in value]
    return values.get(value.name, value.val)


def _compute(kind: str, given: Mapping[str, Any]) -> NDArray[np.float32]:
    """One operation in 32 bits, what comes out rounded to 16."""
    import torch

    match kind:
        case "cast":
            found = given["x"]
        case "relu":
            found = np.maximum(given["x"], 0)
        case "elu":
            found = np.where(given["x"] > 0, given["x"], given["alpha"] * np.expm1(np.minimum(given["x"], 0)))
        case "add":
            found = given["x"] + given["y"]
        case "concat":
            found = np.concatenate(given["values"], axis=int(given["axis"]))
        case "conv":
            pads = [int(pad) for pad in given["pad"]]  # above, below, left, right
            padded = np.pad(given["x"], ((0, 0), (0, 0), (pads[0], pads[1]), (pads[2], pads[3])))
            found = torch.nn.functional.conv2d(
                torch.from_numpy(padded),
                torch.from_numpy(np.asarray(given["weight"], np.float32)),
                torch.from_numpy(np.asarray(given["bias"], np.float32)),
                stride=[int(step) for step in given["strides"]],
                dilation=[int(apart) for apart in given["dilations"]],
                groups=int(given["groups"]),
            ).numpy()
        case _:
            raise ModelError(f"coremltools has made an operation {kind!r} of a network of ours, which nobody has tried")
    return np.asarray(found, np.float16).astype(np.float32)


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
