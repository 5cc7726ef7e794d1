"""`nimblepose doctor`: what is installed, what this machine can do, and does it work?"""

import platform
from collections.abc import Callable
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from nimblepose.cli.options import ModelOption

if TYPE_CHECKING:
    from nimblepose.runtime.backends import BackendName

_PACKAGES = {  # distribution -> what installs it
    "numpy": "nimblepose",
    "opencv-python-headless": "nimblepose",
    "pillow": "nimblepose",
    "onnxruntime": "nimblepose",
    "openvino": "nimblepose[openvino]",
    "torch": "nimblepose[train]",
    "faster-coco-eval": "nimblepose[val]",
    "av": "nimblepose[video]",
    "pyarrow": "nimblepose[table]",
}
_BACKENDS: tuple["BackendName", ...] = ("onnxruntime", "openvino", "torch")  # named as their distributions
_CPU_FLAGS = (
    "sse4_2", "avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_int8",
    "asimd", "asimddp", "i8mm", "bf16", "sve", "sve2", "sme", "sme2",
)  # fmt: skip
_CPUINFO = Path("/proc/cpuinfo")
_Check = Callable[[], str]


def doctor(
    model: ModelOption = None,
) -> None:
    """Print versions, runtimes, CPU features and the model found, then test the decoder and every runtime.

    The exit code is 1 if something that should work does not. Nothing is downloaded.

    Examples:
        nimblepose doctor
        nimblepose doctor --model trained.onnx
    """
    import nimblepose
    from nimblepose.core.errors import PoseError
    from nimblepose.evaluation.self_test import check_decoder, check_opencv
    from nimblepose.runtime.models import PACKAGED, find_model

    print(f"nimblepose   {nimblepose.__version__}, Python {platform.python_version()}, {platform.platform()}")
    name, cores, flags = _read_processor()
    print(f"processor    {name}, {cores} cores; {', '.join(flags) or 'features unknown'}")
    if {"sme", "sme2"} & set(flags):
        print("             SME: whether OpenVINO computes right with it is not known, see docs/platforms.md")
    for package, extra in _PACKAGES.items():
        print(f"  {package:<24}{_find_version(package) or f'not installed: pip install {extra!r}'}")
    good = _check("opencv", check_opencv)
    good &= _check("decoder", check_decoder)
    try:
        path = find_model(model, fetch=False)
    except PoseError as error:
        print(f"model        FAILED: {error}")
        raise typer.Exit(1) from error
    print(f"model        {path}")
    for packaged in PACKAGED.values():
        if path == packaged.path and not packaged.is_intact():
            print("model        FAILED: not as it was shipped; install nimblepose again")
            good = False
    for backend in _BACKENDS:
        if _find_version(backend) and _can_open(backend, path):
            good &= _check(backend, partial(_check_backend, backend, path))
    if not good:
        raise typer.Exit(1)


def _check(name: str, check: _Check) -> bool:

    from nimblepose.core.text import make_printable

    try:
        print(f"{name:<13}{check()}")
    except Exception as error:  # whatever a broken installation raises is what we are here to report
        print(f"{name:<13}FAILED: {make_printable(str(error) or repr(error))}")
        return False
    return True


def _check_backend(backend: "BackendName", model: Path) -> str:
    from nimblepose.evaluation.self_test import check_runtime
    from nimblepose.runtime.estimator import PoseEstimator
    from nimblepose.runtime.models import PACKAGED

    packaged = model in [one.path for one in PACKAGED.values()]
    return check_runtime(PoseEstimator(model, backend=backend), packaged=packaged)


def _can_open(backend: "BackendName", model: Path) -> bool:
    """Can this backend open this kind of file at all?"""
    suffixes = {"onnxruntime": (".onnx",), "openvino": (".onnx", ".xml"), "torch": (".safetensors",)}
    return model.suffix.lower() in suffixes[backend]


def _find_version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _read_processor() -> tuple[str, int, list[str]]:
    """Name, usable cores, and the features that decide speed (Linux; elsewhere unknown)."""
    from nimblepose.core.share import count_usable_cores
    from nimblepose.evaluation.provenance import read_processor_name

    try:
        lines = _CPUINFO.read_text().splitlines()
    except OSError:
        lines = []
    facts = {key.strip().lower(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    present = set(facts.get("flags", facts.get("features", "")).split())
    return read_processor_name(), count_usable_cores(), [flag for flag in _CPU_FLAGS if flag in present]
