"""What runs the network: ONNX Runtime, OpenVINO or torch behind one small protocol."""

import os
import platform
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from nimblepose.core.errors import ModelError
from nimblepose.core.metadata import RAW_BGR, ModelMetadata
from nimblepose.core.optional import import_optional
from nimblepose.core.processor import check_processor
from nimblepose.core.skeleton import HUMAN_18
from nimblepose.runtime.checks import check_model, check_openvino
from nimblepose.runtime.forks import check_process, leave_alone, tell_of_forks
from nimblepose.runtime.prepare import Batch
from nimblepose.runtime.protocols import Backend, Fields

_IR_OUTPUTS = ("Mconv7_stage2_L2", "Mconv7_stage2_L1")  # heatmaps, pafs of human-pose-estimation-0001

BackendName = Literal["auto", "onnxruntime", "openvino", "torch"]
Runtime = Literal["onnxruntime", "openvino", "torch"]

_KERNEL_CACHE = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"  # read by oneDNN: how many compiled kernels it keeps
_OPENED = "this model was opened"

# Microseconds for which a thread of ONNX Runtime that waits for the others keeps its core busy. Its own choice is above
# a thousand: beside other work a run took 1.6 times the processor time then. Not to wait at all makes the network a
# tenth slower where nothing else runs, this does not: benchmarks/waiting_threads.py.
_SPIN = "50"

_RUNTIMES: dict[str, tuple[Runtime, ...]] = {  # suffix -> who runs such files, the file's own first
    ".onnx": ("onnxruntime", "openvino"),
    ".xml": ("openvino",),
    ".safetensors": ("torch",),
}


def open_backend(path: str | Path, backend: BackendName = "auto", *, threads: int = 0, parallel: int = 1) -> Backend:
    """Load a model file.

    Args:
        path: ONNX (any backend but torch), Open Model Zoo IR (.xml with .bin beside it; OpenVINO), or a checkpoint of
            ours (.safetensors; torch).
        backend: "auto" takes the file's own: ONNX Runtime for .onnx, OpenVINO for .xml, torch for .safetensors.
        threads: For all pictures together; 0 takes all cores the runtime sees.
        parallel: How many threads will call `run` at a time; the runtime's threads are shared among them.

    Raises:
        ModelError: no such file, not a model, not one for this backend, or not what its metadata say.
        MissingPackageError: the runtime is not installed.
    """
    path = Path(path)
    opened = _open(path, choose_backend(path, backend), threads=threads, parallel=parallel)
    check_model(opened, path)
    return opened


def _open(path: Path, runtime: Runtime, *, threads: int, parallel: int) -> Backend:
    match runtime:
        case "onnxruntime":
            return OnnxRuntimeBackend(path, threads=threads, parallel=parallel)
        case "openvino":
            return OpenVinoBackend(path, threads=threads, parallel=parallel)
        case "torch":
            return TorchBackend(path, threads=threads)


def choose_backend(path: Path, backend: BackendName = "auto") -> Runtime:
    """The runtime that `open_backend` takes for a file.

    Raises:
        ModelError: no such file, not a model, or not one for this backend.
    """
    if path.suffix not in _RUNTIMES:
        raise ModelError(
            f"{path}: a model ends in {', '.join(_RUNTIMES)}; see `nimblepose import` and `nimblepose export`"
        )
    if not path.is_file():
        raise ModelError(f"no model file {path}")
    own, *others = _RUNTIMES[path.suffix]
    for runtime in (own, *others):
        if backend in ("auto", runtime):
            return runtime
    raise ModelError(f"{path} cannot be run by {backend}; it is a file for {own}, so use backend='auto'")


class OnnxRuntimeBackend:
    """ONNX files as `nimblepose export` writes them."""

    def __init__(self, path: Path, *, threads: int, parallel: int) -> None:
        ort = import_optional("onnxruntime", "running an ONNX file")
        self._process = os.getpid()
        options = ort.SessionOptions()
        # Calls that run side by side share the threads; as many as there are threads each stay in their own.
        options.intra_op_num_threads = max(1, threads // parallel) if parallel > 1 else threads
        self.callers = parallel
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.spin_duration_us", _SPIN)
        options.log_severity_level = 4  # errors are raised, too
        try:
            self._session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime has no common parent for its errors
            raise ModelError(f"{path} is not a model that ONNX Runtime can load: {error}") from error
        strings = self._session.get_modelmeta().custom_metadata_map
        self.metadata = ModelMetadata.from_strings(strings, source=str(path))
        self._input = self._session.get_inputs()[0].name
        tell_of_forks(self)

    def forget(self) -> None:
        """In a forked process the session is not there to be used, nor to be freed."""
        leave_alone(self._session)

    def run(self, image: Batch) -> Fields:
        """Fields of a prepared batch."""
        check_process(self._process, _OPENED)
        heatmaps, pafs = self._session.run(["heatmaps", "pafs"], {self._input: image})
        return Fields(heatmaps, pafs)


class OpenVinoBackend:
    """ONNX files of ours, and Open Model Zoo IR as it is."""

    def __init__(self, path: Path, *, threads: int, parallel: int) -> None:
        ov, self._process = _openvino(), os.getpid()
        if path.suffix == ".xml" and not path.with_suffix(".bin").is_file():
            raise ModelError(f"{path}: its weights {path.with_suffix('.bin').name} are missing; they lie beside it")
        # The binding sets up its table of types when a tensor's data are first looked at. If two threads do that at a
        # time, one waits for the table and the other for Python's lock, forever: so it is done here, in one thread.
        _ = ov.Tensor(np.zeros(1, np.float32)).data
        core = openvino_core()
        # OpenVINO computes in threads of its own: one caller more prepares or decodes while they are all at work.
        self.callers = parallel + 1 if parallel > 1 else 1
        config = {
            "NUM_STREAMS": parallel,
            **openvino_settings(),
            **({"INFERENCE_NUM_THREADS": threads} if threads else {}),
        }
        try:
            model = core.read_model(path)
            self.metadata = _ir_metadata(model, path) if path.suffix == ".xml" else _onnx_metadata(model, path)
            check_openvino(model, self.metadata.input, path)
            model.reshape([-1, 3, -1, -1])
            self._outputs = _IR_OUTPUTS if path.suffix == ".xml" else ("heatmaps", "pafs")
        except RuntimeError as error:
            raise ModelError(f"{path} is not a model that OpenVINO can load: {error}") from error
        try:
            self._compiled = core.compile_model(model, "CPU", config)
        except RuntimeError as error:
            raise ModelError(
                f"{path}: OpenVINO {ov.__version__} cannot compile it for this processor ({platform.machine()}); "
                f"use --backend onnxruntime (backend='onnxruntime'). It says: {error}"
            ) from error
        self._request = threading.local()  # a request belongs to one thread at a time
        tell_of_forks(self)

    def forget(self) -> None:
        """In a forked process the model is not there to be used, nor to be freed."""
        for native in (self._compiled, self._request):
            leave_alone(native)

    def run(self, image: Batch) -> Fields:
        """Fields of a prepared batch."""
        check_process(self._process, _OPENED)
        if not hasattr(self._request, "own"):
            self._request.own = self._compiled.create_infer_request()
        # The input is read where it lies; outputs are copied, so that they stay as they are after the next call.
        outputs = self._request.own.infer([image], share_inputs=True)
        return Fields(*(outputs[name] for name in self._outputs))


def openvino_core() -> Any:
    """The only OpenVINO core of the process; it stays.

    A forked process cannot have one if its parent had: OpenVINO gives its threads to whichever model needs them next,
    and compiling waits for ever for threads that are not there (seen with OpenVINO 2026.4).

    Each core that compiles for the CPU changes the stack that signals are handled on, and changes it back when it goes.
    Of two that go in the order in which they came, the second brings back the stack of the first, which is no more: the
    next Ctrl-C ends in a segmentation fault (seen with OpenVINO 2026.4).

    Raises:
        PoseError: this process was forked from one that has a core.
    """
    core, process = _make_core()
    check_process(process, "OpenVINO was started")
    return core


@cache
def _make_core() -> tuple[Any, int]:
    core = _openvino().Core()
    return core, os.getpid()


def openvino_settings() -> dict[str, str]:
    """With these OpenVINO computes the same, or nearly, on every processor.

    It would take bfloat16 where the processor has it: faster, but with other results than elsewhere. And on ARM its
    transformations to low precision are switched off, so that int8 files are computed in float32: with them 2025.4 and
    2026.0 computed something else without a word (nobody was found), 2026.3 and later compile no int8 file.
    """
    settings = {"INFERENCE_PRECISION_HINT": "f32"}
    entries = os.environ.get(_KERNEL_CACHE, "")
    if entries.isdecimal():  # each of the two caches keeps what the other lets go: findings/openvino-two-caches.sh
        settings["CPU_RUNTIME_CACHE_CAPACITY"] = entries
    if platform.machine().lower() in ("aarch64", "arm64"):
        settings["LP_TRANSFORMS_MODE"] = "NO"
    return settings


def _openvino() -> Any:
    check_processor("openvino")
    return import_optional("openvino", "this backend")


class TorchBackend:
    """Checkpoints of ours, for comparison and while training; the slowest of the three.

    All calls of a process are made by one thread of their own, one after the other. Each takes all cores anyway, and
    threads that come, ask torch and go, each with a team of torch's own, have been seen to hang for good in a process
    in which other runtimes had threads too.
    """

    def __init__(self, path: Path, *, threads: int) -> None:
        torch = import_optional("torch", "running a checkpoint")
        from nimblepose.model.checkpoint import load_checkpoint

        self._thread = _torch_thread(os.getpid())
        if threads:
            torch.set_num_threads(threads)  # for who comes after, and for the one that is there
            self._thread.submit(torch.set_num_threads, threads).result()
        self.callers = 1
        self._torch = torch
        self._network, self.metadata = load_checkpoint(path)
        self._network.eval()
        tell_of_forks(self)

    def forget(self) -> None:
        """A forked process has a thread of its own."""
        self._thread = _torch_thread(os.getpid())

    def run(self, image: Batch) -> Fields:
        """Fields of a prepared batch, of the last stage."""
        return self._thread.submit(self._run, image).result()

    def _run(self, image: Batch) -> Fields:
        with self._torch.inference_mode():
            fields = self._network(self._torch.from_numpy(image))[-1]
        return Fields(fields.heatmaps.numpy(), fields.pafs.numpy())


@cache
def _torch_thread(process: int) -> ThreadPoolExecutor:
    """The thread that asks torch; a forked process does not have its parent's."""
    return ThreadPoolExecutor(1, thread_name_prefix=f"torch of {process}")


def _onnx_metadata(model: Any, path: Path) -> ModelMetadata:
    try:
        strings = {key: value.astype(str) for key, value in model.get_rt_info()["framework"].items()}
    except (KeyError, AttributeError, RuntimeError):  # a file without metadata has no mapping there
        strings = {}
    return ModelMetadata.from_strings(strings, source=str(path))


def _ir_metadata(model: Any, path: Path) -> ModelMetadata:
    """Open Model Zoo files carry no facts of ours: what is known of human-pose-estimation-0001, if it is one."""
    names = {name for output in model.outputs for name in output.get_names()}
    if not names.issuperset(_IR_OUTPUTS):
        raise ModelError(
            f"{path}: of Open Model Zoo files only human-pose-estimation-0001 is known here; expected outputs "
            f"{', '.join(_IR_OUTPUTS)}, found {', '.join(sorted(names))}"
        )
    return ModelMetadata(skeleton=HUMAN_18, input=RAW_BGR, licence="Apache-2.0", origin="Open Model Zoo")
