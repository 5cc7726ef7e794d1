"""What a processor must have, looked at before the import of packages that would end in an illegal instruction."""

import os
import sys
from pathlib import Path

from nimblepose.core.errors import ProcessorError

_NEEDED = ("ssse3", "sse4_1", "sse4_2", "popcnt")  # x86-64-v2, as the system calls it
_NUMPY_NEEDS_IT = (2, 4)  # 2.3 and OpenCV and ONNX Runtime of then are seen to work without
_CPUINFO = Path("/proc/cpuinfo")
_ENOUGH = 4096  # bytes: the first core's flags; all of a large machine's would take milliseconds


def missing_features(cpuinfo: Path = _CPUINFO) -> list[str]:
    """What this processor lacks of x86-64-v2 (SSE4.2): all since 2009 have it, virtual ones of type kvm64 have not.

    Only Linux on x86-64 is looked at; elsewhere, and where the system does not tell, nothing is known to be missing.
    """
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        return []
    try:
        with cpuinfo.open("rb", buffering=0) as file:
            lines = file.read(_ENOUGH).split(b"\n")
    except OSError:
        return []
    flags = next(
        (line.partition(b":")[2].decode("ascii", "replace").split() for line in lines if line[:5] == b"flags"), None
    )
    return [] if flags is None else [name for name in _NEEDED if name not in flags]


def check_processor(package: str) -> None:
    """Called before `package`, which needs x86-64-v2, is imported.

    Args:
        package: "numpy" or "openvino".

    Raises:
        ProcessorError: it would end this process.
    """
    if package in sys.modules or not (missing := missing_features()):
        return
    remedy = "in a virtual machine set its processor type to host (QEMU: -cpu host)"
    if package == "numpy":
        from importlib.metadata import PackageNotFoundError, version

        try:
            installed = version("numpy")
        except PackageNotFoundError:
            return
        if tuple(int(part) for part in installed.split(".")[:2]) < _NUMPY_NEEDS_IT:
            return
        remedy += ", or pip install 'numpy<2.4'"
    else:
        remedy += ", or use --backend onnxruntime"
    raise ProcessorError(f"this processor has no {', '.join(missing)}, without which {package} cannot run; {remedy}")
