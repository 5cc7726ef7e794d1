"""Where models go: what each target is given, what converts it, in which runtimes it is tried; and what is refused."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nimblepose.convert.deploy import coreml_form, executorch_form, mnn_form, ncnn_form
from nimblepose.convert.deploy.litert_form import open_litert, write_litert
from nimblepose.convert.deploy.litert_int8 import open_litert_int8, take_integers, write_litert_int8
from nimblepose.convert.deploy.native import (
    open_classic_opencv,
    open_onnxruntime,
    open_opencv,
    open_openvino,
    write_onnx,
    write_openvino,
    write_openvino_float16,
    write_ort,
)
from nimblepose.convert.deploy.onnx_forms import clear_value_info, take_numbers, to_floats
from nimblepose.convert.deploy.trial import EXACT, HALF, Limits, Run
from nimblepose.convert.export import INPUT, OUTPUTS
from nimblepose.core.errors import OptionError

_OF_ONNX = {"onnx": "train"}
OF_CHECKPOINTS = dict.fromkeys(("torch", "safetensors", "onnxscript"), "train")
"""What a source needs beside the target, if it is a checkpoint."""


def _need(extra: str, *modules: str) -> Mapping[str, str]:
    """What one extra brings all of."""
    return dict.fromkeys(("onnx", *modules), extra)


@dataclass(frozen=True, kw_only=True)
class Target:
    """A form that a model can take."""

    name: str  # of `--to`
    help: str
    adapt: Callable[[Any], Any]  # onnx.ModelProto of ours -> what is handed over
    write: Callable[[Any, Path, str], list[str]]  # of that, into a folder, under a name -> files, first the one to open
    runtimes: Mapping[str, Callable[[Path], Run]]  # in which it must be right, by their names
    limits: Limits = EXACT  # of a file of floats
    input_name: str = INPUT
    output_names: tuple[str, str] = OUTPUTS
    layout: str = "NCHW"  # of input and outputs, as callers of the form have them
    largest: tuple[int, int] | None = None  # height and width of the input; None: no bound
    needs: Mapping[str, str] = field(default_factory=lambda: _OF_ONNX)  # modules -> the extra of each


_OPENCV = Limits(heatmaps=1e-4, pafs=1e-4, mean=1e-5, pixels=0.05)  # its engines multiply their own way
_READERS_OF_ONNX = {
    "ONNX Runtime": open_onnxruntime,
    "OpenCV": open_opencv,
    "OpenCV, classic engine": open_classic_opencv,
}

TARGETS: Mapping[str, Target] = {
    target.name: target
    for target in (
        Target(
            name="onnx-float-input",
            help="ONNX that takes numbers, for OpenCV and others that take no pixels",
            adapt=take_numbers,
            write=write_onnx,
            runtimes=_READERS_OF_ONNX,
            limits=_OPENCV,
        ),
        Target(
            name="onnx-float32",
            help="the same without integers, for what knows none",
            adapt=to_floats,
            write=write_onnx,
            runtimes=_READERS_OF_ONNX,
            limits=_OPENCV,
        ),
        Target(
            name="openvino",
            help="OpenVINO IR, .xml and .bin",
            adapt=clear_value_info,
            write=write_openvino,
            runtimes={"OpenVINO": open_openvino},
            needs=_OF_ONNX | {"openvino": "openvino"},
        ),
        Target(
            name="openvino-float16",
            help="OpenVINO IR, weights in 16 bits",
            adapt=to_floats,
            write=write_openvino_float16,
            runtimes={"OpenVINO": open_openvino},
            limits=HALF,
            needs=_OF_ONNX | {"openvino": "openvino"},
        ),
        Target(
            name="ort",
            help="ONNX Runtime's own format, for its mobile builds",
            adapt=clear_value_info,
            write=write_ort,
            runtimes={"ONNX Runtime": open_onnxruntime},
        ),
        Target(
            name="litert",
            help="LiteRT (TensorFlow Lite), float32",
            adapt=to_floats,
            write=write_litert,
            runtimes={"LiteRT": open_litert},
            needs=_need("litert", "torch", "litert_torch", "ai_edge_litert"),
        ),
        Target(
            name="litert-int8",
            help="LiteRT, int8, from an int8 file of ours",
            adapt=take_integers,
            write=write_litert_int8,
            runtimes={"LiteRT": open_litert_int8},
            layout="NHWC",
            needs=_need("litert", "ai_edge_litert"),
        ),
        Target(
            name="coreml",
            help="Core ML, float16",
            adapt=to_floats,
            write=coreml_form.write_coreml,
            runtimes={"Core ML in 16 bits, simulated, not run here": coreml_form.simulate_coreml},
            limits=HALF,
            largest=coreml_form.LARGEST,
            needs=_need("coreml", "torch", "coremltools"),
        ),
        Target(
            name="executorch",
            help="ExecuTorch for XNNPACK, float32",
            adapt=to_floats,
            write=executorch_form.write_executorch,
            runtimes={"ExecuTorch": executorch_form.open_executorch},
            largest=executorch_form.LARGEST,
            needs=_need("executorch", "torch", "executorch"),
        ),
        Target(
            name="mnn",
            help="MNN, float32",
            adapt=to_floats,
            write=mnn_form.write_mnn,
            runtimes={"MNN": mnn_form.open_mnn},
            limits=mnn_form.LIMITS,
            needs=_need("mnn", "MNN"),
        ),
        Target(
            name="ncnn",
            help="ncnn, weights in 16 bits",
            adapt=to_floats,
            write=ncnn_form.write_ncnn,
            runtimes={"ncnn": ncnn_form.open_ncnn},
            limits=HALF,
            input_name=ncnn_form.INPUT,
            output_names=ncnn_form.OUTPUTS,
            needs=_need("ncnn", "pnnx", "ncnn"),
        ),
        Target(
            name="ncnn-float32",
            help="ncnn, weights in 32 bits",
            adapt=to_floats,
            write=ncnn_form.write_ncnn_float32,
            runtimes={"ncnn": ncnn_form.open_ncnn},
            input_name=ncnn_form.INPUT,
            output_names=ncnn_form.OUTPUTS,
            needs=_need("ncnn", "pnnx", "ncnn"),
        ),
    )
}

REFUSED: Mapping[str, str] = {
    "ort-runtime": "with its style Runtime ONNX Runtime computes an int8 file in float, three times as slow; use "
    "--to ort, which is its style Fixed",
    "onnx-float16": "float16 of an int8 file passes ONNX's checker, and ONNX Runtime refuses it after its own fusion; "
    "use --to openvino-float16, or the int8 file, which is smaller",
    "ncnn-int8": "ncnn does not load what pnnx makes of int8 files; use --to ncnn, which takes their weights as floats",
    "ncnn-pixels": "ncnn does not load what pnnx makes of files that take pixels; use --to ncnn and normalise in the "
    "caller, as the JSON file says (substract_mean_normalize)",
    "mnn-pixels": "MNN computes something else where a file takes pixels; use --to mnn, which takes numbers",
    "mnn-weight-bits": "with --weightQuantBits 8 MNN finds people who are not there; use --to mnn, which is float32",
    "opencv-pixels": "OpenCV before 5, and the classic engine of 5, ignore the zero point of pixels without a word and "
    "find keypoints up to 46 px off; use --to onnx-float-input",
    "coreml-unbounded": "coremltools makes no ML program whose sizes have no bound; --to coreml takes them up to "
    f"{coreml_form.LARGEST[0]} x {coreml_form.LARGEST[1]}",
    "litert-float16": "the file of float16 that onnx2tf writes is refused by the LiteRT that it pins; use --to litert, "
    "which is float32",
    "litert-dynamic": "in the dynamic-range file of onnx2tf scales are on the wrong axis: fields of 4e12; use "
    "--to litert, which is float32",
}
"""What would convert without a word and be wrong, by the name that one would give it -> why, and the way round."""


def find_target(name: str) -> Target:
    """The target of a name.

    Raises:
        OptionError: there is none, or it would be wrong: with the reason and the way round.
    """
    if name in REFUSED:
        raise OptionError(f"--to {name}: {REFUSED[name]}")
    if name not in TARGETS:
        raise OptionError(f"no target {name!r}; --to takes onnx, {', '.join(TARGETS)}")
    return TARGETS[name]
