"""What is found does not depend on the processor: its instruction sets are switched off one by one, in processes."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

PREPARED = """
import numpy as np
from nimblepose.core.geometry import Placement
from nimblepose.core.metadata import InputSpec
from nimblepose.runtime.prepare import prepare
pixels = InputSpec(mean=0, scale=1, dtype="uint8")
rng = np.random.default_rng(0)
sizes = (480, 640, 256), (427, 640, 368), (720, 1280, 256), (1080, 1918, 368), (1024, 640, 256), (90, 121, 256)
for height, width, input_height in sizes:
    noise = rng.integers(0, 256, (height, width, 3), np.uint8)
    down, across, colour = np.ogrid[:height, :width, :3]
    smooth = ((down * 3 + across * 2 + colour * 40) // 7 % 256).astype(np.uint8)
    placement = Placement.fit((height, width), input_height)
    kind = "halved" if height >= 2 * input_height else "cubic"
    found[f"{kind} {height} x {width} to {input_height}"] = prepare([noise, smooth], placement, pixels)
"""
FIELDS = """
import numpy as np
from nimblepose.runtime.backends import open_backend
from nimblepose.runtime.models import PACKAGED
picture = np.random.default_rng(0).integers(0, 256, (1, 3, 64, 96), np.uint8)
found.update(open_backend(PACKAGED["human"].path, "openvino", threads=1).run(picture)._asdict())
"""
POSES = """
from nimblepose.codec.decode import decode
from nimblepose.core.skeleton import HUMAN_18
poses = decode(*np.load("fields.npz").values(), HUMAN_18)
found.update(keypoints=poses.keypoints, scores=poses.scores)
"""
# sha256 of the pictures that were halved: on x86, and on ARM (Cortex-A72 and all that QEMU knows, emulated)
HALVED = "4053ab18813f9929b5528ad05bd862360ab9c09c3e7b80cca44e8ed818e93756"


def compute(code, folder, **variables):
    """Arrays that `code` puts into `found`, in a process of its own."""
    script = f"import numpy as np\nfound = {{}}\n{code}\nnp.savez('found.npz', **found)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **variables}
    subprocess.run([sys.executable, "-c", script], check=True, cwd=folder, env=environment, capture_output=True)
    with np.load(folder / "found.npz") as found:
        return dict(found)


ELSEWHERE = (
    {"OPENCV_IPP": "avx2"},
    {"OPENCV_IPP": "disabled"},
    {"OPENCV_IPP": "disabled", "OPENCV_CPU_DISABLE": "AVX512_SKX,AVX2,FMA3,AVX,SSE4_2,SSE4_1"},
)


def test_the_prepared_picture_is_equal_to_the_byte_where_it_was_halved_and_to_one_level_elsewhere(tmp_path):
    here = compute(PREPARED, tmp_path)
    halved = [name for name in here if name.startswith("halved")]
    assert len(halved) == 3
    assert hashlib.sha256(b"".join(here[name].tobytes() for name in halved)).hexdigest() == HALVED
    for variables in ELSEWHERE:
        there = compute(PREPARED, tmp_path, **variables)
        for name, picture in here.items():
            difference = np.abs(there[name].astype(int) - picture)
            assert difference.max() <= (0 if name in halved else 1), (name, variables)
            assert (difference > 0).mean() <= 0.06, (name, variables)


def test_openvino_gives_the_same_fields_without_vnni_and_nearly_the_same_without_avx(tmp_path):
    """Without VNNI, because weights have 7 bits; ONNX Runtime has no such switch."""
    pytest.importorskip("openvino")
    here, avx2, sse = (
        compute(FIELDS, tmp_path, **variables)
        for variables in ({}, {"ONEDNN_MAX_CPU_ISA": "AVX2"}, {"ONEDNN_MAX_CPU_ISA": "SSE41"})
    )
    for name in ("heatmaps", "pafs"):
        np.testing.assert_array_equal(avx2[name], here[name])
        np.testing.assert_allclose(sse[name], here[name], atol=1e-6, rtol=0)


def test_the_decoder_finds_the_same_without_avx2(tmp_path):
    from nimblepose.codec.encode import EncodeOptions, encode
    from nimblepose.core.skeleton import HUMAN_18

    rng = np.random.default_rng(0)
    people = rng.uniform(30, 100, (3, 18, 2)) + np.array([[[0, 0]], [[120, 0]], [[240, 0]]])
    heatmaps, pafs = encode(people.astype(np.float32), (20, 46), HUMAN_18, EncodeOptions(overlap="max"))
    noise = rng.normal(0, 0.01, heatmaps.shape)
    np.savez(tmp_path / "fields.npz", h=(heatmaps + noise).astype(np.float32), p=pafs.astype(np.float32))
    here, less = compute(POSES, tmp_path), compute(POSES, tmp_path, NPY_DISABLE_CPU_FEATURES="X86_V3 X86_V4")
    assert len(here["keypoints"]) >= 3
    np.testing.assert_allclose(less["keypoints"], here["keypoints"], atol=1e-4, equal_nan=True)
    np.testing.assert_allclose(less["scores"], here["scores"], atol=1e-5, equal_nan=True)
