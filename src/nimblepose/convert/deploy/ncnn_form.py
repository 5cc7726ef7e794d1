"""ncnn's two files, by pnnx, and ncnn as a caller of its public package has it."""

from pathlib import Path
from typing import Any

import numpy as np

from nimblepose.convert.deploy.converters import run_converter
from nimblepose.convert.deploy.trial import Run
from nimblepose.core.errors import ModelError
from nimblepose.core.optional import import_optional
from nimblepose.runtime.prepare import Batch
from nimblepose.runtime.protocols import Fields

INPUT, OUTPUTS = "in0", ("out0", "out1")  # as pnnx calls them
_SIZES = ("[1,3,128,192]f32", "[1,3,104,72]f32")  # two, so that it keeps none of them


def write_ncnn(proto: Any, folder: Path, name: str) -> list[str]:
    """Weights in 16 bits, half the size."""
    return _write(proto, folder, name, half=True)


def write_ncnn_float32(proto: Any, folder: Path, name: str) -> list[str]:
    """Weights in 32 bits."""
    return _write(proto, folder, name, half=False)


def _write(proto: Any, folder: Path, name: str, *, half: bool) -> list[str]:
    pnnx = import_optional("pnnx", "export to ncnn")
    work = folder / "pnnx"
    work.mkdir()
    (work / "model.onnx").write_bytes(proto.SerializeToString())
    sizes = [f"inputshape={_SIZES[0]}", f"inputshape2={_SIZES[1]}"]
    run_converter([str(pnnx.EXEC_PATH), "model.onnx", *sizes, f"fp16={int(half)}"], work)
    files = [f"{name}.param", f"{name}.bin"]
    for file, kind in zip(files, ("param", "bin"), strict=True):
        made = work / f"model.ncnn.{kind}"
        if made.is_file():
            made.rename(folder / file)
    return files


def open_ncnn(path: Path) -> Run:
    """The `.param` file with the `.bin` beside it; computed in 32 bits, whatever the weights are stored in."""
    ncnn = import_optional("ncnn", "export to ncnn")
    net = ncnn.Net()
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    net.opt.use_bf16_storage = False
    for load, file in ((net.load_param, path), (net.load_model, path.with_suffix(".bin"))):
        if load(str(file)):
            raise ModelError(f"ncnn cannot load {file.name} that pnnx has made")

    def run(batch: Batch) -> Fields:
        extractor = net.create_extractor()
        extractor.input(INPUT, ncnn.Mat(np.ascontiguousarray(batch[0], np.float32)).clone())
        return Fields(*(np.array(extractor.extract(output)[1], np.float32)[None] for output in OUTPUTS))

    return run
