"""Spoiled files of every tool are read, or refused with a message: no traceback of other kinds, whatever is in them."""

import gzip
import importlib.util
import random
import re
import sys

import numpy as np
import pytest
from mouse_scene import write_coco, write_cvat, write_dlc, write_label_studio, write_labelme, write_yolo

from nimblepose.core.errors import PoseError
from nimblepose.data.entries import FURTHEST
from nimblepose.labels.label_set import LabelSet
from nimblepose.labels.readers import READERS, read_labels
from nimblepose.labels.sidecar import write_sidecar
from nimblepose.labels.writers import find_writer

VARIANTS = 20  # of each, at least 300 in all; of each 300 were tried
MEMORY = 512  # MB that trying all variants of one form may add
TEXTS = {  # written by hand, as the tools do it
    "dlc": (write_dlc, "*/left/*.csv"),
    "coco": (write_coco, "*.json"),
    "cvat": (write_cvat, "*.xml"),
    "label-studio": (write_label_studio, "*.json"),
    "labelme": (write_labelme, "left/img001.json"),
    "yolo": (write_yolo, "data.yaml"),
    "yolo lines": (write_yolo, "labels/train/img001.txt"),
}
OURS = {  # written by us: what it needs, where, and whose it is to the readers
    "slp": ("h5py", "b.slp", "*.slp", "slp"),
    "slp-results": ("h5py", "b", "b/*.slp", "slp"),
    "dlc-h5": ("tables", "b", "b/*.h5", "dlc"),
    "dlc-results": ("numpy", "b", "b/*.csv", "dlc"),
    "nwb": ("ndx_pose", "b", "b/left.nwb/*_m1.nwb", "nwb"),
    "trc": ("numpy", "b", "b/left.trc/*_m1.trc", "trc"),
    "c3d": ("numpy", "b", "b/left.c3d/*_m1.c3d", "c3d"),
    "json": ("numpy", "b", "b/left*.jsonl", "nimblepose"),
    "csv": ("numpy", "b", "b/left*.csv", "nimblepose"),
    "parquet": ("pyarrow", "b", "b/left*.parquet", "nimblepose"),
    "coco-dataset": ("numpy", "b", "b/left*.json", "coco"),
}
CVAT_VIDEO = """<?xml version="1.0" encoding="utf-8"?>
<annotations><meta><task><source>left.mp4</source>
<original_size><width>64</width><height>48</height></original_size></task></meta>
<track id="3" label="mouse"><skeleton frame="0" outside="0" keyframe="1">
<points label="nose" outside="0" occluded="1" points="10.50,20.50"/><points label="tail" outside="1" points="0,0"/>
</skeleton><skeleton frame="7" outside="0" keyframe="0">
<points label="nose" outside="0" occluded="0" points="11.50,20.50"/><points label="tail" outside="0" points="5.0,6.0"/>
</skeleton></track></annotations>"""
PICTURES = """{"format": "nimblepose", "version": 2, "model": "m", "skeletons": {"s": {"name": "s", "keypoints":
["nose", "ear"], "limbs": [["nose", "ear"]]}}, "pictures": [{"file": "a.png", "height": 48, "width": 64,
"skeleton": "s", "people": [{"score": 0.5, "box": [1, 2, 3, 4], "keypoints": [{"name": "nose", "x": 10.25, "y": 20.5,
"score": 0.9}]}]}]}"""
TOKENS = [
    b"", b"null", b"-1", b"1e400", b"1e308", b"nan", b"NaN", b"Infinity", b"9" * 40, b"9" * 5000, b"1,5", b"[]", b"{}",
    b'"x"', b"[" * 2000, b"\xff\xfe", b"\0", b"true", b"../../../etc/passwd", b"0x10", "\u0663".encode(),
    b"1_0", b"-0.0", b"4294967295", b"1e9",
]  # fmt: skip


def spoil(data, rng):
    """One change of one of many kinds."""
    kind = rng.randrange(9)
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
    if kind == 6:
        return exchange_columns(lines, rng)
    spots = list(re.finditer(rb"-?\d+\.?\d*|\"[^\"]*\"|[a-z]+", data))
    if not spots:
        return data + rng.choice(TOKENS)
    chosen = rng.choice(spots)
    return data[: chosen.start()] + rng.choice(TOKENS) + data[chosen.end() :]


def exchange_columns(lines, rng):
    """Of one line, or of all that have them, as somebody does who sorts a table by hand."""
    mark = max((b",", b"\t", b" "), key=lambda one: sum(line.count(one) for line in lines))
    one, other = (rng.randrange(1 + max(line.count(mark) for line in lines)) for _ in range(2))
    some = {rng.randrange(len(lines))} if rng.random() < 0.5 else set(range(len(lines)))
    made = []
    for number, line in enumerate(lines):
        cells = line.split(mark)
        if number in some and max(one, other) < len(cells):
            cells[one], cells[other] = cells[other], cells[one]
        made.append(mark.join(cells))
    return b"\n".join(made)


def read_peak():
    """MB that this process has had at most; 0 where nobody says."""
    if sys.platform == "win32":
        return 0
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def try_all(path, read, count, seed, *, unpack=bytes, pack=bytes):
    data, before = unpack(path.read_bytes()), read_peak()
    for number in range(count):
        rng = random.Random(f"{seed}{number}")  # noqa: S311 - no secret
        spoiled = data
        for _ in range(rng.choice((1, 1, 1, 3))):
            spoiled = spoil(spoiled, rng)
        path.write_bytes(pack(spoiled))
        message = ""
        try:
            labels = read()
        except PoseError as error:
            message = str(error)
        except Exception as error:
            raise AssertionError(f"variant {number} of {path.name}: {error!r}") from error
        assert len(message) < 2000, message[:200]
        if not message:
            check(labels)
    assert read_peak() - before < MEMORY
    path.write_bytes(pack(data))
    check(read())


def check(labels):
    """What was read is what everybody may rely on: places in some picture, flags and scores that are some."""
    assert isinstance(labels, LabelSet)
    assert all(one.file and one.reason for one in labels.skipped)
    for label in (one for picture in labels.pictures for one in picture.labels):
        assert np.isfinite(label.xy[label.labelled]).all()
        assert (np.abs(label.xy[label.labelled]) <= FURTHEST).all()
        assert np.isin(label.visibility, (0, 1, 2)).all()


@pytest.mark.parametrize("tool", TEXTS)
def test_text(tmp_path, tool):
    write, pattern = TEXTS[tool]
    write(tmp_path)
    path = sorted(tmp_path.glob(pattern))[0]
    try_all(path, lambda: read_labels(tmp_path, tool.split()[0]), VARIANTS, tool)


@pytest.mark.parametrize("form", OURS)
def test_what_we_write_and_read(tmp_path, form):
    package, out, pattern, name = OURS[form]
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} (for {form}) is not installed")
    find_writer(form).write(read_labels(write_dlc(tmp_path / "a")), tmp_path / out)
    path = sorted(tmp_path.glob(pattern))[0]
    try_all(path, lambda: read_labels(path, name), VARIANTS, form)


@pytest.mark.parametrize(("name", "tool", "text"), [("a.xml", "cvat", CVAT_VIDEO), ("a.json", "nimblepose", PICTURES)])
def test_tracks_of_cvat_and_pictures_of_our_own(tmp_path, name, tool, text):
    path = tmp_path / name
    path.write_text(text)
    try_all(path, lambda: read_labels(path, tool), VARIANTS, tool)


@pytest.mark.parametrize("whole", [True, False], ids=["its bytes", "what is in it"])
def test_what_is_kept_beside_a_form(tmp_path, whole):
    """Whatever is in it, the form itself is read."""
    labels = read_labels(write_dlc(tmp_path / "a"))
    find_writer("labelme").write(labels, tmp_path / "b")
    path = write_sidecar(labels, tmp_path / "b")

    def read():
        back = read_labels(tmp_path / "b", "labelme")
        assert len(back.pictures) >= 12
        return back

    if whole:
        try_all(path, read, VARIANTS, "sidecar")
    else:
        try_all(path, read, VARIANTS, "kept", unpack=gzip.decompress, pack=gzip.compress)


def test_every_reader_is_tried_and_300_variants_in_all():
    names = {tool.split()[0] for tool in TEXTS} | {name for *_, name in OURS.values()}
    assert names == {reader.name for reader in READERS}
    assert VARIANTS * (len(TEXTS) + len(OURS) + 4) >= 300
