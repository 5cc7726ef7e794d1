"""Three runtimes, one answer; and every file that is none of theirs is refused by name."""

import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from nimblepose import COCO_17, HUMAN_18, PoseEstimator
from nimblepose.core.errors import MissingPackageError, ModelError
from nimblepose.core.metadata import RAW_BGR
from nimblepose.media.pictures import read_picture
from nimblepose.runtime.backends import choose_backend, open_backend, openvino_settings

IR = "weights/human-pose-estimation-0001.xml"
NAMES = ["onnxruntime", "openvino", "torch"]


def need(name):
    pytest.importorskip(name)


def model_file(files, name):
    return files.checkpoint if name == "torch" else files.onnx


def opened(files, name, **options):
    need(name)
    return open_backend(model_file(files, name), name, **options)


def images(size, seed=0):
    return np.random.default_rng(seed).uniform(-0.5, 0.5, (*size[:1], 3, *size[1:])).astype(np.float32)


# One answer ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(1, 8, 8), (1, 64, 96), (2, 120, 40)], ids=str)
def test_fields_of_any_size_and_batch_agree(tiny, name, size):
    fields = opened(tiny, name).run(images(size))
    batch, height, width = size
    assert fields.heatmaps.shape == (batch, COCO_17.heatmap_channels, height // 8, width // 8)
    assert fields.pafs.shape == (batch, COCO_17.paf_channels, height // 8, width // 8)
    for ours, theirs in zip(fields, opened(tiny, "torch").run(images(size)), strict=True):
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, theirs, atol=1e-3, rtol=0)


@pytest.mark.parametrize("name", NAMES)
def test_the_facts_of_the_weights_come_with_the_file(tiny, name):
    metadata = opened(tiny, name).metadata
    assert metadata == opened(tiny, "torch").metadata
    assert metadata.skeleton == COCO_17
    assert (metadata.input.channels, metadata.input.mean, metadata.paf_geometry) == ("rgb", 120, "centre")


@pytest.mark.parametrize("name", NAMES)
def test_fields_stay_as_they_are_after_the_next_run(tiny, name):
    backend = opened(tiny, name)
    first = backend.run(images((1, 32, 32)))
    kept = [field.copy() for field in first]
    backend.run(images((1, 32, 32), seed=1))
    for field, copy in zip(first, kept, strict=True):
        np.testing.assert_array_equal(field, copy)


@pytest.mark.parametrize("name", NAMES)
def test_many_threads_get_each_their_own_answer(tiny, name):
    backend = opened(tiny, name, threads=2, parallel=2)
    inputs = [images((1, 32, 8 * side), seed=side) for side in range(1, 9)]
    alone = [backend.run(image).heatmaps for image in inputs]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda image: backend.run(image).heatmaps, inputs * 3))
    for ours, theirs in zip(together, alone * 3, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_threads_that_wait_leave_their_core_to_others(tiny):
    """ONNX Runtime's own choice takes 1.6 times the processor time beside other work."""
    options = opened(tiny, "onnxruntime", threads=2)._session.get_session_options()
    assert int(options.get_session_config_entry("session.intra_op.spin_duration_us")) <= 100


def test_torch_is_asked_by_one_thread_whoever_asks(tiny):
    backend, other = (opened(tiny, "torch", threads=2, parallel=2) for _ in range(2))
    network, inside, most, askers = backend._network, [], [], set()

    def watched(image):
        askers.add(threading.get_ident())
        inside.append(image)
        most.append(len(inside))
        time.sleep(0.001)
        answer = network(image)
        inside.pop()
        return answer

    backend._network = other._network = watched
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(backend.run, [images((1, 32, 32), seed=seed) for seed in range(24)]))
    other.run(images((1, 32, 32), seed=0))
    assert max(most) == 1
    assert len(askers) == 1
    assert threading.get_ident() not in askers


@pytest.mark.parametrize("name", NAMES)
def test_auto_takes_the_files_own(tiny, name):
    need(name)
    path = model_file(tiny, name)
    expected = {".onnx": "OnnxRuntimeBackend", ".safetensors": "TorchBackend"}[path.suffix]
    assert type(open_backend(path)).__name__ == expected


def eval_pictures(shared, count):
    paths = sorted((shared / "data/coco-eval").rglob("*.jpg"))
    return [read_picture(path) for path in paths[:: len(paths) // count][:count]]


def test_the_public_weights_give_the_same_poses_in_all_runtimes(public, shared):
    """On 20 pictures of coco-eval, to a twentieth of a pixel; fields to 1e-3."""
    pictures = eval_pictures(shared, 20)
    for name in NAMES:
        need(name)
    estimators = {name: PoseEstimator(model_file(public, name), backend=name, input_height=128) for name in NAMES}
    people = 0
    for picture in pictures:
        placement = estimators["torch"].place(picture)
        fields = {name: one.compute_fields([picture], placement) for name, one in estimators.items()}
        poses = {name: one.decode(*(f[0] for f in fields[name]), placement) for name, one in estimators.items()}
        people += len(poses["torch"])
        for name in NAMES[:2]:
            for ours, theirs in zip(fields[name], fields["torch"], strict=True):
                np.testing.assert_allclose(ours, theirs, atol=1e-3, rtol=0)
            assert len(poses[name]) == len(poses["torch"])
            np.testing.assert_allclose(poses[name].keypoints, poses["torch"].keypoints, atol=0.05)
            np.testing.assert_allclose(poses[name].scores, poses["torch"].scores, atol=1e-3)
    assert people >= 15


def test_the_published_file_runs_as_it_is_and_finds_the_same_people(public, shared):
    """The int8 file takes other numbers (BGR, 0 to 255), so its estimator must place and prepare by its own facts."""
    need("openvino")
    raw, ours = PoseEstimator(shared / IR), PoseEstimator(public.onnx)
    assert raw.metadata.input == RAW_BGR
    assert (raw.metadata.licence, raw.metadata.origin) == ("Apache-2.0", "Open Model Zoo")
    assert raw.skeleton == ours.skeleton == HUMAN_18
    alike = total = 0
    for picture in eval_pictures(shared, 5):
        one, other = raw(picture), ours(picture)
        distance = np.sqrt(((one.keypoints[:, None] - other.keypoints[None]) ** 2).sum(-1))  # (N, M, K)
        near = np.nan_to_num(distance, nan=np.inf).min(axis=0, initial=np.inf)
        alike += int((near < 8).sum())
        total += int(other.found.sum())
    assert total > 40
    assert alike > 0.7 * total


# Refused -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["model.pth", "model.pb", "model", "model.ONNX.txt"])
def test_other_kinds_of_files_are_refused_with_those_that_are_known(tmp_path, name):
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(ModelError, match=r"a model ends in \.onnx, \.xml, \.safetensors; see `nimblepose import`"):
        open_backend(tmp_path / name)


@pytest.mark.parametrize("name", ["model.onnx", "model.xml", "model.safetensors"])
def test_a_file_that_is_not_there_is_refused(tmp_path, name):
    with pytest.raises(ModelError, match=r"no model file .*model\."):
        open_backend(tmp_path / name)
    (tmp_path / name).mkdir()
    with pytest.raises(ModelError, match=r"no model file .*model\."):
        open_backend(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "backend"),
    [
        ("model.onnx", "torch"),
        ("model.xml", "torch"),
        ("model.xml", "onnxruntime"),
        ("model.safetensors", "onnxruntime"),
        ("model.safetensors", "openvino"),
        ("model.onnx", "tensorflow"),
    ],
)
def test_a_file_for_another_runtime_is_refused_with_the_remedy(tmp_path, name, backend):
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(ModelError, match=rf"cannot be run by {backend}; it is a file for .* use backend='auto'"):
        open_backend(tmp_path / name, backend)


@pytest.mark.parametrize("content", [b"", b"x" * 1000], ids=["empty", "garbage"])
@pytest.mark.parametrize(
    ("suffix", "backend"),
    [(".onnx", "onnxruntime"), (".onnx", "openvino"), (".xml", "openvino"), (".safetensors", "torch")],
)
def test_files_that_are_no_models_are_refused(tmp_path, suffix, backend, content):
    need(backend)
    path = tmp_path / f"model{suffix}"
    path.write_bytes(content)
    path.with_suffix(".bin").write_bytes(b"")
    with pytest.raises(ModelError, match=r"model\.(onnx|xml|safetensors)"):
        open_backend(path, backend)


@pytest.mark.parametrize("backend", NAMES)
def test_a_file_that_was_cut_off_is_refused(tiny, tmp_path, backend):
    need(backend)
    whole = model_file(tiny, backend)
    path = tmp_path / whole.name
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(ModelError, match=path.name):
        open_backend(path, backend)


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_an_onnx_file_of_others_is_refused_with_the_way_to_make_one(tiny, tmp_path, backend):
    need(backend)
    onnx = pytest.importorskip("onnx")
    model = onnx.load(tiny.onnx)
    del model.metadata_props[:]
    onnx.save(model, tmp_path / "others.onnx")
    with pytest.raises(ModelError, match=r"others\.onnx carries no nimblepose metadata.*nimblepose export"):
        open_backend(tmp_path / "others.onnx", backend)


def test_an_ir_without_its_weights_is_refused_by_their_name(tmp_path):
    need("openvino")
    (tmp_path / "model.xml").write_text("<net/>")
    with pytest.raises(ModelError, match=r"weights model\.bin are missing; they lie beside it"):
        open_backend(tmp_path / "model.xml")


def test_an_ir_with_the_weights_cut_off_is_refused(shared, tmp_path):
    need("openvino")
    shutil.copy(shared / IR, tmp_path / "model.xml")
    weights = (shared / IR).with_suffix(".bin").read_bytes()
    (tmp_path / "model.bin").write_bytes(weights[: len(weights) // 2])
    with pytest.raises(ModelError, match=r"model\.xml is not a model that OpenVINO can load"):
        open_backend(tmp_path / "model.xml")


def test_an_ir_of_another_network_is_refused_with_what_was_expected(tiny, tmp_path):
    openvino = pytest.importorskip("openvino")
    openvino.save_model(openvino.Core().read_model(tiny.onnx), tmp_path / "other.xml")
    with pytest.raises(ModelError, match=r"only human-pose-estimation-0001 .*expected outputs Mconv7.*heatmaps"):
        open_backend(tmp_path / "other.xml")


@pytest.mark.parametrize(
    ("suffix", "package", "remedy"),
    [
        (".onnx", "onnxruntime", "pip install onnxruntime"),
        (".xml", "openvino", r"nimblepose\[openvino\]"),
        (".safetensors", "torch", r"nimblepose\[train\]"),
    ],
)
def test_a_missing_runtime_says_what_to_install(tmp_path, monkeypatch, suffix, package, remedy):
    path = tmp_path / f"model{suffix}"
    path.write_bytes(b"x")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingPackageError, match=remedy):
        open_backend(path)


def test_openvino_models_that_go_leave_ctrl_c_as_it_was(tiny):
    """Cores that go one after the other would leave signals a stack that is no more; Ctrl-C would be a crash."""
    pytest.importorskip("openvino")
    code = (
        "import gc, signal\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's background jobs ignore it
        "from nimblepose.runtime.backends import open_backend\n"
        f"models = [open_backend({str(tiny.onnx)!r}, 'openvino') for _ in range(2)]\n"
        "while models: models.pop(0); gc.collect()\n"
        "try: signal.raise_signal(signal.SIGINT)\n"
        "except KeyboardInterrupt: print('interrupted')\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ran.returncode, ran.stdout.strip()) == (0, "interrupted"), ran.stderr


@pytest.mark.parametrize(
    ("machine", "whole"), [("aarch64", False), ("arm64", False), ("x86_64", True), ("AMD64", True)]
)
def test_on_arm_openvino_computes_int8_files_in_float32(monkeypatch, machine, whole):
    """Its low precision there finds nobody, or does not compile."""
    need("openvino")
    from nimblepose.runtime import backends
    from nimblepose.runtime.models import PACKAGED

    monkeypatch.setattr(backends.platform, "machine", lambda: machine)
    operators = backends.open_backend(PACKAGED["human"].path, "openvino")._compiled.get_runtime_model().get_ops()
    facts = [operator.get_rt_info() for operator in operators]
    precisions = {f["runtimePrecision"].astype(str) for f in facts if f["layerType"].astype(str) == "Convolution"}
    assert ("u8" in precisions) == whole
    assert "f32" in precisions


# Threads -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("threads", "parallel", "inside"), [(3, 1, 3), (3, 2, 1), (0, 1, 0), (0, 4, 1)])
def test_onnx_runtime_spreads_a_lone_call_and_leaves_each_of_many_in_its_thread(dots_model, threads, parallel, inside):
    backend = open_backend(dots_model, "onnxruntime", threads=threads, parallel=parallel)
    options = backend._session.get_session_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (inside, 1)
    assert backend.callers == parallel


def test_one_caller_and_all_cores_unless_others_are_asked_for(dots_model):
    backend = open_backend(dots_model)
    assert (backend._session.get_session_options().intra_op_num_threads, backend.callers) == (0, 1)


@pytest.mark.parametrize(("threads", "parallel", "callers"), [(2, 1, 1), (2, 2, 3), (1, 1, 1)])
def test_openvino_has_as_many_streams_as_pictures_and_one_caller_more(dots_model, threads, parallel, callers):
    need("openvino")
    backend = open_backend(dots_model, "openvino", threads=threads, parallel=parallel)
    compiled = backend._compiled
    assert backend.callers == callers
    assert int(compiled.get_property("NUM_STREAMS")) == parallel
    assert int(compiled.get_property("INFERENCE_NUM_THREADS")) == threads
    assert "float" in str(compiled.get_property("INFERENCE_PRECISION_HINT")), "the same on processors with bfloat16"


def test_the_runtime_that_is_chosen_is_the_files_own_unless_another_is_asked_for(dots_model):
    assert choose_backend(dots_model) == choose_backend(dots_model, "onnxruntime") == "onnxruntime"
    assert choose_backend(dots_model, "openvino") == "openvino"


@pytest.mark.parametrize(("entries", "bound"), [(None, None), ("340", "340"), ("many", None)])
def test_both_caches_of_openvino_are_bounded_by_one_variable(monkeypatch, entries, bound):
    """Bounded alone, neither of them lets memory go: findings/openvino-two-caches.sh."""
    monkeypatch.delenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", raising=False)
    if entries is not None:
        monkeypatch.setenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", entries)
    assert openvino_settings().get("CPU_RUNTIME_CACHE_CAPACITY") == bound
