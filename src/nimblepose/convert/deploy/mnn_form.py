"""MNN's file, by its own converter, and MNN as a caller of its public package has it."""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from nimblepose.convert.deploy.converters import run_converter
from nimblepose.convert.deploy.trial import Limits, Run
from nimblepose.convert.export import INPUT, OUTPUTS
from nimblepose.core.optional import import_optional
from nimblepose.runtime.prepare import Batch
from nimblepose.runtime.protocols import Fields

LIMITS = Limits(heatmaps=5e-4, pafs=5e-4, mean=1e-5, pixels=0.05)
"""It transforms convolutions (Winograd), which costs digits."""
_PURPOSE = "export to MNN"


def write_mnn(proto: Any, folder: Path, name: str) -> list[str]:
    """Floats in 32 bits. The converter asks pip for packages that it does without, too: it gets none."""
    import_optional("MNN", _PURPOSE)
    work = folder / "mnn"
    work.mkdir()
    (work / "model.onnx").write_bytes(proto.SerializeToString())
    options = ["-f", "ONNX", "--modelFile", "model.onnx", "--MNNModel", "model.mnn", "--bizCode", "nimblepose"]
    run_converter([sys.executable, "-c", "from MNN.tools.mnnconvert import main; main()", *options], work)
    if (work / "model.mnn").is_file():
        (work / "model.mnn").rename(folder / f"{name}.mnn")
    return [f"{name}.mnn"]


def open_mnn(path: Path) -> Run:
    """A file that is given pictures of any size."""
    loader, expression = import_optional("MNN.nn", _PURPOSE), import_optional("MNN.expr", _PURPOSE)
    module = loader.load_module_from_file(str(path), [INPUT], list(OUTPUTS))

    def run(batch: Batch) -> Fields:
        given = expression.placeholder(list(batch.shape), expression.NCHW)
        given.write(np.ascontiguousarray(batch, np.float32))
        outputs = module.forward([expression.convert(given, expression.NC4HW4)])
        planes = [expression.convert(output, expression.NCHW) for output in outputs]
        return Fields(*(np.array(one.read(), np.float32).reshape(one.shape) for one in planes))

    return run
