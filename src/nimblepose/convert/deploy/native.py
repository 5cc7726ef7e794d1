"""Forms for ONNX Runtime, OpenVINO and OpenCV, and these runtimes as a caller of their public package has them."""

from pathlib import Path
from typing import Any

import numpy as np

from nimblepose.convert.deploy.trial import Run
from nimblepose.convert.export import INPUT, OUTPUTS
from nimblepose.core.optional import import_optional
from nimblepose.runtime.backends import openvino_core, openvino_settings
from nimblepose.runtime.prepare import Batch
from nimblepose.runtime.protocols import Fields

_NOT_PORTABLE = ["NchwcTransformer"]  # lays weights out for the processor it runs on


def write_onnx(proto: Any, folder: Path, name: str) -> list[str]:
    """An ONNX file as it is."""
    (folder / f"{name}.onnx").write_bytes(proto.SerializeToString())
    return [f"{name}.onnx"]


def write_ort(proto: Any, folder: Path, name: str) -> list[str]:
    """ONNX Runtime's format with its optimisations already done, which its documentation calls style Fixed.

    In the style Runtime they would be left to the device, which knows only some of them: integers become floats again.
    """
    ort = import_optional("onnxruntime", "export")
    options = ort.SessionOptions()
    options.optimized_model_filepath = str(folder / f"{name}.ort")
    options.add_session_config_entry("session.save_model_format", "ORT")
    options.log_severity_level = 3
    ort.InferenceSession(
        proto.SerializeToString(), options, providers=["CPUExecutionProvider"], disabled_optimizers=_NOT_PORTABLE
    )
    return [f"{name}.ort"]


def write_openvino(proto: Any, folder: Path, name: str) -> list[str]:
    """OpenVINO IR with weights as they are: int8 stays int8, float32 float32."""
    return _write_openvino(proto, folder, name, half=False)


def write_openvino_float16(proto: Any, folder: Path, name: str) -> list[str]:
    """OpenVINO IR of floats, stored in 16 bits."""
    return _write_openvino(proto, folder, name, half=True)


def _write_openvino(proto: Any, folder: Path, name: str, *, half: bool) -> list[str]:
    core = openvino_core()
    ov = import_optional("openvino", "export")
    ov.save_model(core.read_model(proto.SerializeToString()), folder / f"{name}.xml", compress_to_fp16=half)
    return [f"{name}.xml", f"{name}.bin"]


def open_onnxruntime(path: Path) -> Run:
    """A file in ONNX or in ONNX Runtime's format."""
    return run_onnx(path.read_bytes())


def run_onnx(data: bytes) -> Run:
    """What ONNX Runtime computes of the bytes of such a file."""
    ort = import_optional("onnxruntime", "export")
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # others are tried and timed beside it
    session = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return lambda batch: Fields(*session.run(list(OUTPUTS), {INPUT: batch}))


def open_openvino(path: Path) -> Run:
    """OpenVINO IR, computed in float32 where it is not in integers."""
    core = openvino_core()
    compiled = core.compile_model(core.read_model(path), "CPU", openvino_settings())

    def run(batch: Batch) -> Fields:
        found = compiled([batch])
        return Fields(*(found[name] for name in OUTPUTS))

    return run


def open_opencv(path: Path) -> Run:
    """An ONNX file in OpenCV's own choice of engine."""
    import cv2

    return _run_opencv(path, cv2.dnn.ENGINE_AUTO)


def open_classic_opencv(path: Path) -> Run:
    """An ONNX file in the engine that OpenCV 4 has and 5 kept."""
    import cv2

    return _run_opencv(path, cv2.dnn.ENGINE_CLASSIC)


def _run_opencv(path: Path, engine: int) -> Run:
    import cv2

    network = cv2.dnn.readNetFromONNX(str(path), engine)

    def run(batch: Batch) -> Fields:
        network.setInput(batch, INPUT)
        return Fields(*(np.array(field, np.float32) for field in network.forward(list(OUTPUTS))))

    return run
