"""Spoiled files of every tool are read, or refused with a message: no traceback of other kinds, whatever is in them."""

import importlib.util
import random
import re

import pytest
from mouse_scene import write_coco, write_cvat, write_dlc, write_label_studio, write_labelme, write_yolo

from nimblepose.core.errors import PoseError
from nimblepose.labels.label_set import LabelSet
from nimblepose.labels.readers import read_labels
from nimblepose.labels.writers import find_writer

VARIANTS = 25  # of each; 300 and more were tried
WRITERS = {
    "dlc": (write_dlc, "*/left/*.csv"),
    "coco": (write_coco, "*.json"),
    "cvat": (write_cvat, "*.xml"),
    "label-studio": (write_label_studio, "*.json"),
    "labelme": (write_labelme, "left/img001.json"),
    "yolo": (write_yolo, "data.yaml"),
    "yolo lines": (write_yolo, "labels/train/img001.txt"),
}
BINARY = {
    "slp": ("h5py", "b.slp", "*.slp"),
    "dlc-h5": ("tables", "b", "b/*.h5"),
    "nwb": ("ndx_pose", "b", "b/left.nwb/*_m1.nwb"),
    "trc": ("numpy", "b", "b/left.trc/*_m1.trc"),
    "json": ("numpy", "b", "b/left*.jsonl"),
}
TOKENS = [
    b"", b"null", b"-1", b"1e400", b"1e308", b"nan", b"NaN", b"Infinity", b"9" * 40, b"9" * 5000, b"1,5", b"[]", b"{}",
    b'"x"', b"[" * 2000, b"\xff\xfe", b"\0", b"true", b"../../../etc/passwd", b"0x10", "\u0663".encode(),
    b"1_0", b"-0.0",
]  # fmt: skip


def spoil(data, rng):
    """One change of one of many kinds."""
    kind = rng.randrange(8)
    at, until = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    if kind == 0:
        return data[:at]
    if kind == 1:
        return data[:at] + data[min(until, at + 40) :]
    if kind == 2:
        return data[:at] + data[at:until][:400] + data[at:]
    if kind == 3:
        return data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :]
    lines = data.split(b"\n")
    if kind == 4 and len(lines) > 2:
        one, other = (rng.randrange(len(lines)) for _ in range(2))
        lines[one], lines[other] = lines[other], lines[one]
        return b"\n".join(lines)
    if kind == 5:
        return data.decode("latin-1").encode(rng.choice(["utf-16", "utf-8-sig", "utf-32"]))
    spots = list(re.finditer(rb"-?\d+\.?\d*|\"[^\"]*\"|[a-z]+", data))
    if not spots:
        return data + rng.choice(TOKENS)
    chosen = rng.choice(spots)
    return data[: chosen.start()] + rng.choice(TOKENS) + data[chosen.end() :]


def try_all(path, read, count, seed):
    data = path.read_bytes()
    for number in range(count):
        rng = random.Random(f"{seed}{number}")  # noqa: S311 - no secret
        spoiled = data
        for _ in range(rng.choice((1, 1, 1, 3))):
            spoiled = spoil(spoiled, rng)
        path.write_bytes(spoiled)
        labels, message = None, ""
        try:
            labels = read()
        except PoseError as error:
            message = str(error)
        except Exception as error:
            raise AssertionError(f"variant {number} of {path.name}: {error!r}") from error
        assert len(message) < 2000, message[:200]
        if labels is None:
            assert message
            continue
        assert isinstance(labels, LabelSet)


@pytest.mark.parametrize("tool", WRITERS)
def test_text(tmp_path, tool):
    write, pattern = WRITERS[tool]
    write(tmp_path)
    path = sorted(tmp_path.glob(pattern))[0]
    try_all(path, lambda: read_labels(tmp_path, tool.split()[0]), VARIANTS, tool)


@pytest.mark.parametrize("form", BINARY)
def test_what_we_write_and_read(tmp_path, form):
    package, out, pattern = BINARY[form]
    if importlib.util.find_spec(package) is None or importlib.util.find_spec("h5py") is None:
        pytest.skip(f"{package} (for {form}) is not installed")
    find_writer(form).write(read_labels(write_dlc(tmp_path / "a")), tmp_path / out)
    path = sorted(tmp_path.glob(pattern))[0]
    name = {"slp": "slp", "dlc-h5": "dlc", "nwb": "nwb", "trc": "trc", "json": "nimblepose"}[form]
    try_all(path, lambda: read_labels(path, name), VARIANTS, form)
