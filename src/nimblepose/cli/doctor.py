"""`nimblepose doctor`: what is installed, what this machine can do, and does it work?"""

import platform
from collections.abc import Callable
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from nimblepose.core.poses import Poses
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
_NOSES = ((211, 116), (711, 152), (1173, 186))  # x, y of the three people in DEMO_PICTURE, equal in all runtimes
_NEAR = 10.0  # pixels of that picture, 5 of the network's input
_TOLERANCE = 1.0  # input pixels, of a stride of 8
_CPUINFO = Path("/proc/cpuinfo")
_Check = Callable[[], str]


def doctor(
    model: Annotated[str | None, typer.Option("--model", "-m", help="Name or file of the model to test.")] = None,
) -> None:
    """Print versions, runtimes, CPU features and the model found, then test the decoder and every runtime.

    The exit code is 1 if something that should work does not. Nothing is downloaded.
    """
    import nimblepose
    from nimblepose.core.errors import PoseError
    from nimblepose.runtime.models import PACKAGED, find_model

    print(f"nimblepose   {nimblepose.__version__}, Python {platform.python_version()}, {platform.platform()}")
    name, cores, flags = _cpu()
    print(f"processor    {name}, {cores} cores; {', '.join(flags) or 'features unknown'}")
    if {"sme", "sme2"} & set(flags):
        print("             SME: whether OpenVINO computes right with it is not known, see docs/platforms.md")
    for package, extra in _PACKAGES.items():
        print(f"  {package:<24}{_version(package) or f'not installed: pip install {extra!r}'}")
    good = _check("decoder", check_decoder)
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
        if _version(backend) and _fits(backend, path):
            good &= _check(backend, partial(check_runtime, backend, path))
    if not good:
        raise typer.Exit(1)


def check_decoder() -> str:
    """Draw the fields of one standing person and find them again.

    Raises:
        PoseError: what comes back is not that person.
    """
    import numpy as np

    from nimblepose.codec.decode import decode
    from nimblepose.codec.encode import EncodeOptions, encode
    from nimblepose.core.errors import PoseError
    from nimblepose.core.skeleton import HUMAN_18

    half = {  # the right side of a person facing us, in input pixels left of the middle and down
        "shoulder": (36, 110), "elbow": (52, 160), "wrist": (60, 205), "hip": (26, 210), "knee": (30, 275),
        "ankle": (32, 335), "eye": (20, 36), "ear": (46, 50),
    }  # fmt: skip
    middle = {"nose": (0, 62), "neck": (0, 110)}
    sides = {"right": -1, "left": 1}
    place = {f"{side}_{name}": (184 + sign * x, y) for side, sign in sides.items() for name, (x, y) in half.items()}
    place |= {name: (184 + x, y) for name, (x, y) in middle.items()}
    xy = np.array([[place[name] for name in HUMAN_18.keypoints]], np.float32)
    heatmaps, pafs = encode(xy, (46, 46), HUMAN_18, EncodeOptions(overlap="max", paf_geometry="centre"))
    poses = decode(heatmaps.astype(np.float32), pafs.astype(np.float32), HUMAN_18)
    if len(poses) != 1 or not poses.found.all():
        raise PoseError(f"drew 1 person of 18 keypoints, found {len(poses)} with {poses.found.sum(1).tolist()}")
    error = float(np.linalg.norm(poses.keypoints - xy, axis=-1).max())
    if error > _TOLERANCE:
        raise PoseError(f"keypoints came back {error:.2f} px off")
    return f"one drawn person found, keypoints within {error:.2f} px"


def check_runtime(backend: "BackendName", model: Path) -> str:
    """Find the people in the packaged picture; of the packaged model it is known where they are.

    A picture without people would not do: runtimes that compute something else were seen to find nobody anywhere.

    Raises:
        PoseError: the runtime or the model does not work, or others are found than are there.
    """
    import time

    from nimblepose.cli.progress import counted
    from nimblepose.media.pictures import read_picture
    from nimblepose.runtime.estimator import PoseEstimator
    from nimblepose.runtime.models import DEMO_PICTURE, PACKAGED

    estimator = PoseEstimator(model, backend=backend)
    picture = read_picture(DEMO_PICTURE)
    poses = estimator(picture)
    start = time.perf_counter()
    estimator(picture)
    milliseconds = (time.perf_counter() - start) * 1e3
    if model in [packaged.path for packaged in PACKAGED.values()]:
        _expect_its_people(poses)
    return f"works: {counted(len(poses), 'person', 'people')} in the packaged picture, {milliseconds:.0f} ms"


def _expect_its_people(poses: "Poses") -> None:
    import numpy as np

    from nimblepose.core.errors import PoseError

    noses = poses.keypoints[:, poses.skeleton.keypoints.index("nose")]
    noses = noses[np.argsort(noses[:, 0])]
    if noses.shape != (len(_NOSES), 2) or not (np.abs(noses - _NOSES).max() <= _NEAR):
        raise PoseError(
            f"in the packaged picture are {len(_NOSES)} people, noses at {_NOSES}; found {len(poses)}, noses at "
            f"{np.round(noses).tolist()}: it computes something else on this processor; use another --backend, and "
            f"tell us"
        )


def _check(name: str, check: _Check) -> bool:
    from nimblepose.core.text import printable

    try:
        print(f"{name:<13}{check()}")
    except Exception as error:  # whatever a broken installation raises is what we are here to report
        print(f"{name:<13}FAILED: {printable(str(error) or repr(error))}")
        return False
    return True


def _fits(backend: "BackendName", model: Path) -> bool:
    """Can this backend open this kind of file at all?"""
    suffixes = {"onnxruntime": (".onnx",), "openvino": (".onnx", ".xml"), "torch": (".safetensors",)}
    return model.suffix.lower() in suffixes[backend]


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _cpu() -> tuple[str, int, list[str]]:
    """Name, usable cores, and the features that decide speed (Linux; elsewhere unknown)."""
    from nimblepose.evaluation.provenance import processor_name
    from nimblepose.runtime.streaming import usable_cores

    try:
        lines = _CPUINFO.read_text().splitlines()
    except OSError:
        lines = []
    facts = {key.strip().lower(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    present = set(facts.get("flags", facts.get("features", "")).split())
    return processor_name(), usable_cores(), [flag for flag in _CPU_FLAGS if flag in present]
