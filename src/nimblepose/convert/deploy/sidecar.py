"""NAME.json beside a model: everything that a decoder in another language needs, and a picture to try it on."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nimblepose.codec.decode import DecodeOptions, compute_paf_offset
from nimblepose.convert.deploy.trial import Limits, Run
from nimblepose.core.errors import ModelError
from nimblepose.core.geometry import Placement
from nimblepose.core.metadata import ModelMetadata
from nimblepose.core.text import describe_error
from nimblepose.runtime.prepare import prepare, resize
from nimblepose.runtime.protocols import Fields

_VERSION = 1
_CHECK_HEIGHT = 48  # of the input; the smaller, the more swapped channels change: 0.05 on average here, 0.001 at 256
_SMALL = 20  # so many times as much as in large pictures fields of small ones may differ: 8-bit ones do 12 times
_DIGITS = 5


def describe(
    metadata: ModelMetadata,
    *,
    files: list[str],
    target: str,
    input_name: str,
    output_names: tuple[str, str],
    layout: str,
    largest: tuple[int, int] | None = None,
    limits: Limits,
    expected: Run,
    picture: NDArray[np.uint8],
) -> dict[str, Any]:
    """The sidecar of a form of a model, as plain data.

    Args:
        metadata: Of the form: its input spec is what the form takes.
        files: Names of what the model consists of.
        target: What it was made for.
        input_name: As the form calls it.
        output_names: Of heatmaps and PAFs, as the form calls them.
        layout: Of input and outputs, NCHW or NHWC.
        largest: Height and width of the input, where they have a bound.
        limits: Of large pictures; how far the fields of the check may be from those given follows from them.
        expected: What it should answer; takes the form's input.
        picture: (H, W, 3) RGB; what becomes of it at the height of the check is in the sidecar.
    """
    skeleton, spec = metadata.skeleton, metadata.input
    decoding = DecodeOptions().to_dict(len(skeleton.keypoints)) | {
        "paf_offset": compute_paf_offset(spec.stride, metadata.paf_geometry)
    }
    limbs = [[*limb, axis] for limb in skeleton.limbs for axis in "xy"]
    return {
        "version": _VERSION,
        "target": target,
        "files": files,
        "input": {
            "name": input_name,
            "layout": layout,
            "type": spec.dtype,
            "channels": spec.channels,
            "mean": spec.mean,
            "scale": spec.scale,
            "normalise": "(pixel - mean) * scale, pixel in 0..255",
            "stride": spec.stride,
            "sizes": "height and width are multiples of stride",
            "largest": largest,
        },
        "resize": {
            "kind": "cubic",
            "a": -0.75,
            "antialias": False,
            "rounding": "to whole numbers in 0..255",
            "centres": "x_in_picture = (x + 0.5) * picture_width / input_width - 0.5",
            "halving": "while both sides of the picture are at least twice the input's: halve it, mean of 2 x 2 "
            "pixels; then linear instead of cubic",
        },
        "outputs": [
            {"name": output_names[0], "layout": layout, "channels": [*skeleton.keypoints, "background"]},
            {"name": output_names[1], "layout": layout, "channels": limbs},
        ],
        "decode": decoding,
        "metadata": json.loads(next(iter(metadata.to_strings().values()))),
        "check": _make_check(metadata, limits, expected, picture),
    }


def _make_check(metadata: ModelMetadata, limits: Limits, expected: Run, picture: NDArray[np.uint8]) -> dict[str, Any]:
    """A small picture, already resized, with the fields that it must give."""
    stride = metadata.input.stride
    height = max(_CHECK_HEIGHT // stride, 2) * stride
    small = resize(picture, Placement.fit(picture.shape[:2], height, stride=stride).input_size)
    fields, swapped = (_run(expected, pixels, metadata) for pixels in (small, small[..., ::-1]))
    off = [float(np.abs(one - other).mean()) for one, other in zip(fields, swapped, strict=True)]
    return {
        "size": list(small.shape[:2]),
        "pixels": small.ravel().tolist(),
        "pixels_layout": "height, width, channel; red first",
        "heatmaps": _round(fields.heatmaps),
        "pafs": _round(fields.pafs),
        "fields_layout": "channel, row, column",
        "largest_mean_difference": _SMALL * limits.mean,
        "swapped_channels_mean_difference": {"heatmaps": off[0], "pafs": off[1]},
    }


def verify(path: Path, run: Run) -> None:
    """Run a form on the picture of its sidecar, from the sidecar alone.

    Args:
        path: `NAME.json`.
        run: The form, opened.

    Raises:
        ModelError: it is no sidecar, or the fields are others: wrong channels, layout, mean or scale, or a runtime that
            computes something else.
    """
    try:
        value = json.loads(path.read_text("utf-8"))
        check = value["check"]
        metadata = ModelMetadata.from_strings({"nimblepose": json.dumps(value["metadata"])}, source=str(path))
        pixels = np.array(check["pixels"], np.uint8).reshape(*check["size"], 3)
        cells = [side // metadata.input.stride for side in check["size"]]
        expected = [np.array(check[name], np.float32).reshape(-1, *cells) for name in ("heatmaps", "pafs")]
        most = float(check["largest_mean_difference"])
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path} is no sidecar of `nimblepose export` ({describe_error(error)})") from error
    for name, ours, theirs in zip(("heatmaps", "pafs"), _run(run, pixels, metadata), expected, strict=True):
        same_shape = ours[0].shape == theirs.shape
        off = float(np.abs(ours[0] - theirs).mean()) if same_shape else float("inf")
        if not off <= most:
            raise ModelError(
                f"{path}: {name} of the check differ on average by {off:.2g} where {most:g} is allowed; are channels, "
                f"layout, mean and scale as the sidecar says?"
            )


def _run(run: Run, pixels: NDArray[np.uint8], metadata: ModelMetadata) -> Fields:
    """Fields of a picture that has the size of the input."""
    size = (pixels.shape[0], pixels.shape[1])
    return run(prepare([np.ascontiguousarray(pixels)], Placement(size, size), metadata.input))


def _round(field: NDArray[np.float32]) -> list[float]:
    return [float(f"{value:.{_DIGITS}f}") for value in field[0].ravel()]
