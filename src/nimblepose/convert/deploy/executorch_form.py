"""ExecuTorch's program, by its package in a process of its own, and ExecuTorch as a caller of that package has it."""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from nimblepose.convert.deploy.converters import convert_apart
from nimblepose.convert.deploy.trial import Run
from nimblepose.core.errors import ModelError
from nimblepose.core.optional import import_optional
from nimblepose.runtime.prepare import Batch
from nimblepose.runtime.protocols import Fields

LARGEST = (512, 1536)  # of the input: memory for it is planned in the file
_SIZE = (256, 456)  # that is traced
_STRIDE, _LEAST = 8, 2  # sides are multiples of the stride, from so many on
_PURPOSE = "export to ExecuTorch"


def write_executorch(proto: Any, folder: Path, name: str) -> list[str]:
    """Floats in 32 bits for XNNPACK; ELU, which that does not take, in ExecuTorch's own operators."""
    made = convert_apart("nimblepose.convert.deploy.executorch_form", "executorch", proto, folder, "model.pte")
    if made.is_file():
        made.rename(folder / f"{name}.pte")
    return [f"{name}.pte"]


def convert(source: Path, out: Path) -> None:
    """An ONNX file of floats to ExecuTorch's; for the process of its own."""
    import torch

    from nimblepose.convert.deploy.graph_module import GraphModule

    onnx = import_optional("onnx", "export")
    lowering = import_optional("executorch.exir", _PURPOSE)
    xnnpack = import_optional("executorch.backends.xnnpack.partition.xnnpack_partitioner", _PURPOSE)
    module = GraphModule(onnx.load(source)).eval()
    rows, columns = (
        _STRIDE * torch.export.Dim(side, min=_LEAST, max=most // _STRIDE)
        for side, most in zip(("rows", "columns"), LARGEST, strict=True)
    )
    example = (torch.zeros(1, 3, *_SIZE),)
    program = torch.export.export(module, example, dynamic_shapes={"image": {2: rows, 3: columns}})
    lowered = lowering.to_edge_transform_and_lower(program, partitioner=[xnnpack.XnnpackPartitioner()])
    lowered.to_executorch().save(str(out))


def open_executorch(path: Path) -> Run:
    """A program whose input may have any size up to the largest."""
    runtime = import_optional("executorch.runtime", _PURPOSE)
    import torch

    program = runtime.Runtime.get().load_program(path)
    method = program.load_method("forward")

    def run(batch: Batch) -> Fields:
        try:
            outputs = method.execute([torch.from_numpy(np.ascontiguousarray(batch))])
        except RuntimeError as error:
            raise ModelError(f"ExecuTorch cannot run {path.name} at {batch.shape[2:]}: {error}") from error
        return Fields(*(output.numpy().copy() for output in outputs))

    return run


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
