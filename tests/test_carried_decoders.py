"""Decoders in other languages, examples/deploy, find whom Python finds, from the JSON file beside a model alone."""

import json
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
from drawn_crowds import make_crowd

from nimblepose.media.pictures import read_picture
from nimblepose.runtime.estimator import PoseEstimator
from nimblepose.runtime.models import DEMO_PICTURE, PACKAGED

pytest.importorskip("onnx")

from nimblepose.convert.deploy.exporting import export_for

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "examples" / "deploy"
ANDROID_JSON = Path("/usr/share/java/com.android.json.jar")  # Debian's libandroid-json-java
PIXELS = 0.1  # that keypoints may be off


def run(*command, cwd=None):
    ran = subprocess.run([str(one) for one in command], cwd=cwd, capture_output=True, text=True, timeout=600)
    assert not ran.returncode, ran.stderr
    return ran.stdout


def find_tool(name):
    if not (tool := shutil.which(name)):
        pytest.skip(f"{name} is not installed")
    return tool


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """The packaged model without integers, which OpenCV 4.6 reads, too."""
    folder = tmp_path_factory.mktemp("model")
    export_for("human", "onnx-float32", folder)
    return folder / "human-onnx-float32.json"


@pytest.fixture(scope="module")
def cases(exported, tmp_path_factory):
    """Sidecar and golden case of each: real pictures, crowds, nobody; all but the first list every weak pose, too."""
    folder = tmp_path_factory.mktemp("cases")
    loose = change_sidecar(exported, folder / "loose.json", decode={"min_pose_score": 0.0})
    plain = change_sidecar(exported, folder / "plain.json", metadata={"prior": None, "scorer": None})
    estimator = PoseEstimator(exported.with_suffix(".onnx"), input_height=256, threads=1)
    people = read_picture(DEMO_PICTURE)
    given = []
    for picture in (people, people[:, ::-1], people[::-1], people[:250], people[:, 200:500], people[::3, ::3]):
        picture = np.ascontiguousarray(picture)
        placement = estimator.place(picture)
        fields = estimator.compute_fields([picture], placement)
        given.append((type(fields)(fields.heatmaps[0], fields.pafs[0]), placement))
    crowds = [make_crowd(estimator, count, seed) for count, seed in ((3, 0), (12, 1), (40, 2))]
    crowds.append(make_crowd(estimator, 150, 9, (92, 160)))
    nobody = type(crowds[0][0])(*(np.zeros((count, 3, 5), np.float32) for count in (19, 38))), crowds[0][1]
    listed = [(exported, given[0]), (plain, given[0]), *((loose, one) for one in [*given, *crowds, nobody])]
    return [
        (sidecar, write_case(folder / f"{number}.json", fields, placement, estimator, sidecar))
        for number, (sidecar, (fields, placement)) in enumerate(listed)
    ]


def change_sidecar(sidecar, out, **changes):
    told = json.loads(sidecar.read_text("utf-8"))
    for part, values in changes.items():
        told[part] |= values
    out.write_text(json.dumps(told))
    return out


def write_case(path, fields, placement, estimator, sidecar):
    """As examples/deploy/make_case.py writes them; people are those of the sidecar's options."""
    import dataclasses

    from nimblepose.codec.decode import decode

    told = json.loads(sidecar.read_text("utf-8"))
    metadata = dataclasses.replace(
        estimator.metadata,
        prior=estimator.metadata.prior if told["metadata"]["prior"] else None,
        scorer=estimator.metadata.scorer if told["metadata"]["scorer"] else None,
    )
    poses = decode(
        fields.heatmaps,
        fields.pafs,
        metadata.skeleton,
        options=dataclasses.replace(estimator.decode_options, min_pose_score=told["decode"]["min_pose_score"]),
        prior=metadata.prior,
        scorer=metadata.scorer,
    )
    factors = np.array(placement.input_size[::-1]) / np.array(placement.image_size[::-1])
    people = (poses.keypoints + 0.5) / factors - 0.5
    value = {
        "size": fields.heatmaps.shape[1:],
        "image_size": placement.image_size,
        "input_size": placement.input_size,
        "heatmaps": fields.heatmaps.ravel().tolist(),
        "pafs": fields.pafs.ravel().tolist(),
        "people": [
            {"score": float(score), "keypoints": [None if np.isnan(v) else v for v in xy.ravel().tolist()]}
            for score, xy in zip(poses.scores, people, strict=True)
        ],
    }
    path.write_text(json.dumps(value))
    return path


def check_people(found, case, *, pixels=PIXELS):
    expected = json.loads(case.read_text("utf-8"))["people"]
    assert len(found) == len(expected)
    if expected:
        ours, theirs = (
            np.array([[np.nan if v is None else v for v in one["keypoints"]] for one in people], float)
            for people in (found, expected)
        )
        np.testing.assert_allclose(ours, theirs, atol=pixels)
        scores = [[one["score"] for one in people] for people in (found, expected)]
        np.testing.assert_allclose(*scores, atol=1e-3)
    return len(expected)


def check_cases(cases, decode):
    """All golden cases; there have to be people in them."""
    assert sum(check_people(decode(sidecar, case), case) for sidecar, case in cases) > 40


@pytest.fixture(scope="module")
def png(tmp_path_factory):
    """The package's picture without loss: decoders of JPEG differ."""
    path = tmp_path_factory.mktemp("picture") / "people.png"
    cv2.imwrite(str(path), read_picture(DEMO_PICTURE)[..., ::-1])
    return path


@pytest.fixture(scope="module")
def whole(exported, png, tmp_path_factory):
    """The golden case of the whole way from the picture, by the script that is there for users."""
    import sys

    path = tmp_path_factory.mktemp("whole") / "case.json"
    run(sys.executable, DEPLOY / "make_case.py", exported.with_suffix(".onnx"), png, path, "--height", 368)
    return path


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    compiler, config = find_tool("g++"), find_tool("pkg-config")
    flags = subprocess.run([config, "--cflags", "opencv4"], capture_output=True, text=True)
    if flags.returncode:
        pytest.skip("OpenCV's headers are not installed (Debian: libopencv-dev)")
    program = tmp_path_factory.mktemp("cpp") / "find_people"
    libraries = [f"-lopencv_{part}" for part in ("dnn", "imgcodecs", "imgproc", "core")]
    source = DEPLOY / "cpp" / "find_people.cpp"
    probe = subprocess.run([compiler, "-x", "c++", "-E", "-"], input="#include <nlohmann/json.hpp>", text=True,
                           capture_output=True)  # fmt: skip
    if probe.returncode:
        pytest.skip("nlohmann/json is not installed (Debian: nlohmann-json3-dev)")
    warnings = ["-Wall", "-Wextra", "-Werror", "-isystem", "/usr/include/opencv4"]
    run(compiler, "-std=c++17", "-O1", *warnings, source, "-o", program, *flags.stdout.split(), *libraries)
    return program


def test_cpp_finds_the_same_people_in_golden_fields(compiled, cases):
    check_cases(cases, lambda sidecar, case: json.loads(run(compiled, sidecar, "--fields", case)))


def test_cpp_finds_the_same_people_in_a_picture_with_opencv(compiled, exported, png, whole):
    found = json.loads(run(compiled, exported, png, 368))
    assert check_people(found, whole) == 3


def test_cpp_says_what_it_cannot_read(compiled, exported, png, tmp_path):
    for arguments, words in (
        ([tmp_path / "none.json", png], "cannot read"),
        ([exported, tmp_path / "none.png"], "no picture"),
    ):
        ran = subprocess.run([compiled, *arguments], capture_output=True, text=True)
        assert ran.returncode == 1
        assert words in ran.stderr
    (tmp_path / "other.json").write_text('{"version": 1}')
    ran = subprocess.run([compiled, tmp_path / "other.json", png], capture_output=True, text=True)
    assert "is not a JSON file of `nimblepose export --to`" in ran.stderr


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    folder = tmp_path_factory.mktemp("node")
    shutil.copytree(DEPLOY / "javascript", folder, dirs_exist_ok=True)
    shutil.copytree(ROOT / "src/nimblepose/web/page/pose", folder / "pose")
    return [find_tool("node"), "--single-threaded", folder / "find_people.mjs"]


def test_javascript_finds_the_same_people_in_golden_fields(script, cases):
    check_cases(cases, lambda sidecar, case: json.loads(run(*script, sidecar, "--fields", case)))


def test_javascript_finds_the_same_people_in_a_picture_with_onnxruntime(script, exported, png, whole):
    """Its two packages are looked for in the folder that NODE_PATH names, which modules do not read by themselves."""
    import os

    packages = Path(os.environ.get("NODE_PATH", ""))
    if not all((packages / name).is_dir() for name in ("onnxruntime-node", "sharp")):
        pytest.skip("NODE_PATH names no folder with onnxruntime-node and sharp (npm install)")
    (script[-1].parent / "node_modules").symlink_to(packages.resolve())
    assert check_people(json.loads(run(*script, exported, png, 368)), whole) == 3
    pixels = exported.parent / "pixels"
    export_for("human", "ort", pixels)
    assert PACKAGED["human"].path.is_file()
    assert len(json.loads(run(*script, pixels / "human-ort.json", png, 368))) == 3


def test_kotlin_finds_the_same_people_in_golden_fields(cases, tmp_path):
    """Compiled with org.json, as Android has it."""
    compiler, java = find_tool("kotlinc"), find_tool("java")
    if not ANDROID_JSON.is_file():
        pytest.skip("org.json is not installed (Debian: libandroid-json-java)")
    program = tmp_path / "cases.jar"
    sources = sorted((DEPLOY / "kotlin").glob("*.kt"))
    run(compiler, "-nowarn", "-cp", ANDROID_JSON, *sources, "-include-runtime", "-d", program)
    by_sidecar = {}
    for sidecar, case in cases:
        by_sidecar.setdefault(sidecar, []).append(case)
    found = {}
    for sidecar, some in by_sidecar.items():
        lines = run(java, "-cp", f"{program}:{ANDROID_JSON}", "nimblepose.CasesKt", sidecar, *some).splitlines()
        found |= zip(some, map(json.loads, lines), strict=True)
    check_cases(cases, lambda _, case: found[case])
