"""LiteRT's file, by litert-torch in a process of its own, and LiteRT as a caller of its public package has it."""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from nimblepose.convert.deploy.converters import convert_apart
from nimblepose.convert.deploy.litert_file import add_metadata
from nimblepose.convert.deploy.trial import Run
from nimblepose.convert.export import INPUT, OUTPUTS
from nimblepose.core.optional import import_optional
from nimblepose.runtime.prepare import Batch
from nimblepose.runtime.protocols import Fields

_SIZE = (256, 456)  # that the file begins with; callers resize its input


def write_litert(proto: Any, folder: Path, name: str) -> list[str]:
    """Floats in 32 bits."""
    made = convert_apart("nimblepose.convert.deploy.litert_form", "litert_torch", proto, folder, "model.tflite")
    if made.is_file():
        kept = {entry.key: entry.value for entry in proto.metadata_props}
        (folder / f"{name}.tflite").write_bytes(add_metadata(made.read_bytes(), kept))
    return [f"{name}.tflite"]


def convert(source: Path, out: Path) -> None:
    """An ONNX file of floats to LiteRT's; for the process of its own."""
    import torch

    from nimblepose.convert.deploy.graph_module import GraphModule

    onnx = import_optional("onnx", "export")
    litert_torch = import_optional("litert_torch", "export to LiteRT")
    module = GraphModule(onnx.load(source)).eval()
    litert_torch.convert(module, sample_kwargs={INPUT: torch.zeros(1, 3, *_SIZE)}).export(str(out))


def open_litert(path: Path) -> Run:
    """A file whose input is resized whenever a picture of another size comes."""
    litert = import_optional("ai_edge_litert.interpreter", "export to LiteRT")
    interpreter = litert.Interpreter(str(path))
    signature = interpreter.get_signature_runner()
    place = signature.get_input_details()[INPUT]["index"]
    places = [signature.get_output_details()[name]["index"] for name in OUTPUTS]

    def run(batch: Batch) -> Fields:
        interpreter.resize_tensor_input(place, list(batch.shape))
        interpreter.allocate_tensors()
        interpreter.set_tensor(place, batch)
        interpreter.invoke()
        return Fields(*(np.array(interpreter.get_tensor(one)) for one in places))

    return run


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
