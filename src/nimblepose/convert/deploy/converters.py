"""Converters of others, kept to themselves: in a process and a folder of their own, without network, without pip."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nimblepose.core.errors import ModelError

_NOWHERE = "http://127.0.0.1:9"  # nobody listens there
_LAST_WORDS = 800  # characters of what a converter said that are quoted


def run_converter(arguments: Sequence[str], folder: Path, *, seconds: float = 1800) -> None:
    """Run a program in a folder with copies of what it needs.

    Some converters write into what they are given, fetch weights, or install packages by themselves.

    Raises:
        ModelError: it failed, or took too long; with its last words.
    """
    try:
        ran = subprocess.run(
            arguments, cwd=folder, env=isolate(dict(os.environ)), capture_output=True, text=True, timeout=seconds,
            errors="replace", stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ModelError(f"the converter {arguments[0]} did not come to an end: {error}") from error
    if ran.returncode:
        said = (ran.stdout + ran.stderr).strip()[-_LAST_WORDS:]
        raise ModelError(f"the converter {Path(arguments[0]).name} failed (code {ran.returncode}); it says: {said}")


def convert_apart(module: str, package: str, proto: Any, folder: Path, made: str) -> Path:
    """Run a module of ours as a program of its own on a copy of an onnx.ModelProto; it imports what it converts with.

    Args:
        module: Takes the ONNX file and the name of what it should write.
        package: That it imports, which is there; half a dozen frameworks come with some, better not into ours.
        proto: What is converted.
        folder: A folder is made in it.
        made: The name of what should be written.

    Returns:
        Where that should be now.

    Raises:
        ModelError: it failed, or took too long; with its last words.
    """
    work = folder / package
    work.mkdir()
    (work / "model.onnx").write_bytes(proto.SerializeToString())
    run_converter([sys.executable, "-m", module, "model.onnx", made], work)
    return work / made


def isolate(environment: dict[str, str]) -> dict[str, str]:
    """The variables for a process that reaches no network by the usual ways and installs nothing with pip."""
    proxies = {name: _NOWHERE for kind in ("http_proxy", "https_proxy", "all_proxy") for name in (kind, kind.upper())}
    pip = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": ""}
    return environment | proxies | pip | {"no_proxy": "", "NO_PROXY": "", "HF_HUB_OFFLINE": "1"}
