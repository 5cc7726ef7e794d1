"""What a figure needs to be repeated: which machine, which versions, which model, which files."""

import dataclasses
import hashlib
import json
import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from nimblepose import __version__
from nimblepose.core.files import write_atomically
from nimblepose.core.metadata import ModelMetadata
from nimblepose.core.share import count_usable_cores
from nimblepose.runtime.estimator import PoseEstimator
from nimblepose.runtime.quality import describe_quality

_PACKAGES = ("numpy", "opencv-python-headless", "onnxruntime", "openvino", "torch", "faster-coco-eval")


def describe_run(estimator: PoseEstimator, *, threads: int) -> dict[str, Any]:
    """Date, model, options and machine of a measurement, as plain data for JSON.

    Args:
        estimator: What was measured.
        threads: As it was given to the estimator; 0 means all cores.
    """
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "model": describe_model(estimator.model, estimator.metadata),
        "options": {
            "backend": estimator.backend_name,
            "threads": threads or count_usable_cores(),
            "quality": describe_quality(estimator.quality),
            "input_height": estimator.input_height,
            "any_way_up": estimator.any_way_up,
            "flip": estimator.flip,
            "scales": list(estimator.scales),
            "decode": dataclasses.asdict(estimator.decode_options),
        },
        "machine": describe_machine(),
    }


def describe_machine() -> dict[str, Any]:
    """Processor, cores, system and the versions of what computes; packages that are not installed are left out."""
    return {
        "processor": read_processor_name(),
        "usable_cores": count_usable_cores(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {"nimblepose": __version__} | {name: v for name in _PACKAGES if (v := _find_version(name))},
    }


def read_processor_name() -> str:
    """The processor's own name where the system tells it, else its kind."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.lower().startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()


def describe_model(path: Path, metadata: ModelMetadata) -> dict[str, Any]:
    """File, checksums (also of the weights beside an .xml) and origin of a model."""
    files = [path, path.with_suffix(".bin")] if path.suffix == ".xml" else [path]
    return {
        "file": path.name,
        "sha256": {file.name: compute_sha256(file) for file in files if file.is_file()},
        "origin": metadata.origin,
        "licence": metadata.licence,
        "skeleton": metadata.skeleton.to_dict(),
    }


def compute_sha256(path: Path) -> str:
    """Checksum of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_json(path: Path, value: Any) -> None:
    """Write plain data as a JSON file, whole or not at all.

    Raises:
        MediaError: the folder is missing or not writable.
    """
    write_atomically(path, (json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n").encode())


def _find_version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
