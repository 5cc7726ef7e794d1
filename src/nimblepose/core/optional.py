"""Optional packages: imported where they are used; one that is missing says what to install."""

import importlib
import os
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from types import ModuleType

from nimblepose.core.errors import MissingPackageError
from nimblepose.core.interrupts import hold_interrupts

_INSTALLED_BY = {  # top-level module -> what pip installs it with
    "ai_edge_litert": "nimblepose[litert]",
    "av": "nimblepose[video]",
    "coremltools": "nimblepose[coreml]",
    "executorch": "nimblepose[executorch]",
    "faster_coco_eval": "nimblepose[val]",
    "fsspec": "nimblepose[batch]",
    "httptools": "nimblepose[serve]",
    "h5py": "nimblepose[labels]",
    "lightning_fabric": "nimblepose[train]",
    "litert_torch": "nimblepose[litert]",
    "mlflow": "nimblepose[mlflow]",
    "MNN": "nimblepose[mnn]",
    "ncnn": "nimblepose[ncnn]",
    "ndx_pose": "nimblepose[nwb]",
    "onnx": "nimblepose[train]",
    "onnxruntime": "onnxruntime",
    "onnxscript": "nimblepose[train]",
    "openvino": "nimblepose[openvino]",
    "pandas": "nimblepose[table]",
    "pi_heif": "nimblepose[heic]",
    "pnnx": "nimblepose[ncnn]",
    "pyarrow": "nimblepose[table]",
    "python_multipart": "nimblepose[serve]",
    "ray": "nimblepose[ray]",
    "pynwb": "nimblepose[nwb]",
    "safetensors": "nimblepose[train]",
    "scipy": "nimblepose[video]",
    "starlette": "nimblepose[serve]",
    "supervision": "supervision",
    "tables": "nimblepose[labels]",
    "tensorboard": "nimblepose[train]",
    "torch": "nimblepose[train]",
    "uvicorn": "nimblepose[serve]",
    "wandb": "nimblepose[wandb]",
    "websockets": "nimblepose[serve]",
}


def import_optional(name: str, purpose: str) -> ModuleType:
    """Import a module of a package that not everybody has.

    Args:
        name: Of the module, `scipy.optimize`.
        purpose: What needs it, the beginning of the message.

    Raises:
        MissingPackageError: it, or a package that it needs, is not installed.
    """
    quiet = keep_private()
    try:
        with hold_interrupts():  # ONNX Runtime and OpenCV turn Ctrl-C inside of NumPy's import into ImportError
            module = importlib.import_module(name)
    except ImportError as error:
        missing = (error.name or name).partition(".")[0]
        installer = find_installer(missing) or find_installer(name) or missing
        raise MissingPackageError(f"{purpose}: {missing} is not installed; pip install {installer}") from error
    if name == "onnxruntime" and quiet and hasattr(module, "disable_telemetry_events"):
        module.disable_telemetry_events()  # Windows' own events, and what is left where others imported it before us
    return module


def check_installed(modules: Mapping[str, str], purpose: str) -> None:
    """Say at once all that is missing, before work that needs several packages.

    Args:
        modules: Top-level modules -> the extra that brings each.
        purpose: What needs them, the beginning of the message.

    Raises:
        MissingPackageError: some are not installed.
    """
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        *most, last = missing
        are = f"{', '.join(most)} and {last} are" if most else f"{last} is"
        extras = ",".join(dict.fromkeys(modules[module] for module in missing))
        raise MissingPackageError(f"{purpose}: {are} not installed; pip install 'nimblepose[{extras}]'")


def keep_private() -> bool:
    """Switch off what runtimes report about their users, before they are imported: afterwards is too late.

    On import alone ONNX Runtime (1.29 and newer; not on Windows) keeps a device id and a store of events in the user's
    cache and sends them, model names included; OpenVINO keeps an id in the home folder and sends that it was imported.
    Both read what is set here, also where another package imports them. Who has set `ORT_DISABLE_TELEMETRY` or has
    imported `openvino_telemetry` before is not overruled.

    Returns:
        Is ONNX Runtime to keep quiet? Not where the user's own environment says `ORT_DISABLE_TELEMETRY=0`.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type] # None: not to be found; a stub serves
    return os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1") == "1"


def find_installer(module: str) -> str | None:
    """What to give pip for a module, quoted for a shell; None for what no part of nimblepose asks for.

    >>> find_installer("torch.utils.tensorboard"), find_installer("onnxruntime")
    ("'nimblepose[train]'", 'onnxruntime')
    """
    name = _INSTALLED_BY.get(module.partition(".")[0])
    return f"'{name}'" if name and "[" in name else name
