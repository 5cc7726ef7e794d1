"""A model file -> the form of a target with its sidecar, in a folder, if the target's own runtime finds the same."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nimblepose.convert.deploy.native import run_onnx
from nimblepose.convert.deploy.onnx_forms import clear_value_info, is_quantized, read_metadata
from nimblepose.convert.deploy.sidecar import describe, verify
from nimblepose.convert.deploy.targets import OF_CHECKPOINTS, Target, find_target
from nimblepose.convert.deploy.trial import HEIGHTS, INT8, Difference, list_faults, try_sizes
from nimblepose.convert.export import export_onnx
from nimblepose.convert.model_files import find_file
from nimblepose.convert.traces import strip_traces
from nimblepose.core.errors import ModelError, OptionError
from nimblepose.core.files import check_writable, make_folder, write_atomically
from nimblepose.core.geometry import Placement
from nimblepose.core.metadata import ModelMetadata
from nimblepose.core.optional import check_installed, import_optional
from nimblepose.evaluation.provenance import write_json
from nimblepose.media.pictures import read_picture
from nimblepose.runtime.models import DEMO_PICTURE


@dataclass(frozen=True, kw_only=True)
class DeployReport:
    """What was written, and how far each runtime is from what ONNX Runtime makes of the same graph."""

    target: str
    files: Mapping[Path, int]  # bytes; the first is the one to open, the last the sidecar
    differences: Mapping[str, Mapping[str, Difference]]  # by runtime, then by size of the input
    metadata: ModelMetadata  # of the form: its input is what the caller has to make
    finds_swapped: bool  # would the check of the sidecar tell that somebody swapped red and blue?


def export_for(
    model: str | Path,
    target: str,
    folder: str | Path,
    *,
    pictures: Sequence[NDArray[np.uint8]] = (),
) -> DeployReport:
    """Write `NAME-TARGET` with its files and its sidecar into a folder.

    The source is read once and never given to a converter. Nothing is written unless every runtime of the target has
    answered three sizes in one object, the third like the first, within its limits, with the same people and found
    keypoints, and has passed the check of the sidecar, which finds swapped channels.

    Args:
        model: A model of the package by its name, an ONNX file of ours (numbers or pixels, float32 or int8), or a
            checkpoint.
        target: See `TARGETS`.
        folder: Made if it is not there; files of the same names are replaced.
        pictures: (H, W, 3) RGB to try it on; without one, the picture of the package, with three people.

    Raises:
        OptionError: no such target, or one that is refused: with the reason and the way round; or a picture that the
            form is too small for.
        ModelError: not a model of ours, or a runtime that computes something else; nothing is written.
        MediaError: the folder cannot be written to.
        MissingPackageError: packages of the target are missing: all of them are named.
    """
    chosen, source = find_target(target), find_file(str(model))
    check_writable(Path(folder))
    check_installed({**chosen.needs, **({} if source.suffix.lower() == ".onnx" else OF_CHECKPOINTS)}, f"--to {target}")
    handed = chosen.adapt(load_proto(source))
    metadata = read_metadata(handed)
    limits = INT8 if is_quantized(handed) else chosen.limits
    expected = run_onnx(handed.SerializeToString())
    demo = read_picture(DEMO_PICTURE)
    if chosen.largest:
        for number, picture in enumerate(pictures):
            _check_size(number, picture, chosen.largest, metadata.input.stride)
    name = f"{source.stem}-{target}"
    with tempfile.TemporaryDirectory(prefix="nimblepose-") as temporary:
        made = Path(temporary)
        files = _convert(chosen, handed, made, name)
        sidecar = made / f"{name}.json"
        value = describe(
            metadata,
            files=files,
            target=target,
            input_name=chosen.input_name,
            output_names=chosen.output_names,
            layout=chosen.layout,
            largest=chosen.largest,
            limits=limits,
            expected=expected,
            picture=demo,
        )
        write_json(sidecar, value)
        check = value["check"]
        differences: dict[str, dict[str, Difference]] = {}
        for runtime, open_form in chosen.runtimes.items():
            run = open_form(made / files[0])
            verify(sidecar, run)
            differences[runtime] = {}
            for number, picture in enumerate(pictures or [demo]):
                found = try_sizes(run, expected, metadata, metadata.input, picture)
                differences[runtime] |= {f"picture {number}, {size}": one for size, one in found.items()}
            if faults := list_faults(differences[runtime], limits):
                raise ModelError(f"{runtime} finds something else in {files[0]}; nothing written: {'; '.join(faults)}")
        written = _bring(made, [*files, sidecar.name], Path(folder))
    swapped = max(check["swapped_channels_mean_difference"].values()) > check["largest_mean_difference"]
    return DeployReport(target=target, files=written, differences=differences, metadata=metadata, finds_swapped=swapped)


def load_proto(source: Path) -> Any:
    """An onnx.ModelProto of ours out of an ONNX file or a checkpoint; the file stays as it is.

    Raises:
        ModelError: it is neither, or without metadata.
    """
    onnx = import_optional("onnx", "export")
    if not source.is_file():
        raise ModelError(f"no model file {source}")
    if source.suffix.lower() != ".onnx":
        from nimblepose.model.checkpoint import load_checkpoint

        network, metadata = load_checkpoint(source)
        with tempfile.TemporaryDirectory(prefix="nimblepose-") as temporary:
            report = export_onnx(network, metadata, Path(temporary) / "model.onnx")
            return onnx.load(report.path)
    try:
        proto = onnx.load_model_from_string(source.read_bytes())
    except Exception as error:  # protobuf's errors share no public parent
        raise ModelError(f"{source} is not a readable ONNX file: {error}") from error
    ModelMetadata.from_strings({p.key: p.value for p in proto.metadata_props}, source=str(source))
    return clear_value_info(strip_traces(proto))


def _check_size(number: int, picture: NDArray[np.uint8], largest: tuple[int, int], stride: int) -> None:
    size = Placement.fit(picture.shape[:2], max(HEIGHTS), stride=stride).input_size
    if size[0] > largest[0] or size[1] > largest[1]:
        raise OptionError(
            f"picture {number} is seen at {size[0]} x {size[1]}, this form takes up to {largest[0]} x {largest[1]}; "
            "give one that is less wide"
        )


def _convert(target: Target, handed: Any, folder: Path, name: str) -> list[str]:
    files = target.write(handed, folder, name)
    if missing := [file for file in files if not (folder / file).is_file()]:
        raise ModelError(f"the converter to {target.name} says it is done, but wrote no {', '.join(missing)}")
    return files


def _bring(made: Path, files: Sequence[str], folder: Path) -> dict[Path, int]:
    sizes = {}
    for file in files:
        data = (made / file).read_bytes()
        make_folder((folder / file).parent)
        write_atomically(folder / file, data)
        sizes[folder / file] = len(data)
    return sizes
