"""Fixtures shared by all tests."""

import dataclasses
import importlib.util
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import settings
from video_files import make_video, numbered

from nimblepose.core.metadata import InputSpec, ModelMetadata
from nimblepose.core.optional import keep_private
from nimblepose.core.skeleton import COCO_17, Skeleton

keep_private()  # before any test imports a runtime itself
settings.register_profile("untimed", deadline=None)  # tests assert no times, and machines may be busy
settings.load_profile("untimed")

SHARED = Path(__file__).resolve().parents[2] / "shared"


def pytest_configure(config):
    """Without torch, modules that import it are skipped when docstrings are looked for."""
    if importlib.util.find_spec("torch") is None:
        config.option.doctest_ignore_import_errors = True


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference material beside a developer's checkout; tests that need it are skipped without it."""
    if not (SHARED / "golden").is_dir():
        pytest.skip("reference material (../shared) is not beside this checkout")
    return SHARED


DOTS = Skeleton(
    "dots", ("low", "high", "far"), (("low", "high"), ("high", "far")), (0.1, 0.1, 0.1), mirror_pairs=(("low", "far"),)
)


@pytest.fixture(scope="session")
def dots_model(tmp_path_factory):
    """A tiny ONNX file that finds the same body in every picture of 64 x 128: cells (4, 3), (4, 8), (4, 13)."""
    onnx = pytest.importorskip("onnx")
    rows, columns = np.mgrid[:8, :16]
    heatmaps = np.stack([np.exp(-((rows - 4) ** 2 + (columns - c) ** 2) / 2) for c in (3, 8, 13)])
    heatmaps = np.concatenate([heatmaps, 1 - heatmaps.max(axis=0, keepdims=True)]).astype(np.float32)
    pafs = np.zeros((4, 8, 16), np.float32)
    pafs[[0, 2], 3:6] = 1  # both limbs point to the right
    constants = {"zero": np.zeros(1, np.float32), "h": heatmaps[None], "p": pafs[None], "axes": np.array([1, 2, 3])}
    nodes = [
        onnx.helper.make_node("ReduceSum", ["image", "axes"], ["sum"], keepdims=1),
        onnx.helper.make_node("Mul", ["sum", "zero"], ["nothing"]),
        onnx.helper.make_node("Add", ["h", "nothing"], ["heatmaps"]),
        onnx.helper.make_node("Add", ["p", "nothing"], ["pafs"]),
    ]
    kind = onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        nodes,
        "dots",
        [onnx.helper.make_tensor_value_info("image", kind, ["b", 3, "h", "w"])],
        [onnx.helper.make_tensor_value_info(name, kind, ["b", 4, 8, 16]) for name in ("heatmaps", "pafs")],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9)
    onnx.helper.set_model_props(model, ModelMetadata(skeleton=DOTS, licence="MIT", origin="a test").to_strings())
    path = tmp_path_factory.mktemp("model") / "dots.onnx"
    onnx.save(model, path)
    return path


class WebServer:
    """A local HTTP server; `pages` maps a path to bytes or to a function that is given the request handler."""

    def __init__(self):
        self.pages = {}
        self.requests = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.requests.append(self.path)
                page = outer.pages.get(self.path)
                if page is None:
                    self.send_error(404)
                elif callable(page):
                    page(self)
                else:
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(page)))
                    self.end_headers()
                    self.wfile.write(page)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def web_server(monkeypatch):
    """A web server of our own on this machine, stopped after the test; proxies are left aside."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = WebServer()
    yield server
    server.close()


class ModelFiles(NamedTuple):
    """One set of weights as a checkpoint (.safetensors) and as ONNX."""

    checkpoint: object
    onnx: object


def written(network, metadata, folder):
    from nimblepose.convert.export import export_onnx
    from nimblepose.model.checkpoint import save_checkpoint

    metadata = dataclasses.replace(metadata, network=network.options.to_dict())
    save_checkpoint(network, metadata, folder / "model.safetensors")
    export_onnx(network, metadata, folder / "model.onnx")
    return ModelFiles(folder / "model.safetensors", folder / "model.onnx")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """A quarter of the network with random weights, for COCO's skeleton, RGB input of its own scale."""
    for package in ("torch", "onnx", "onnxscript", "safetensors"):
        pytest.importorskip(package)
    from nimblepose.model.network import NetworkOptions, build_network

    options = NetworkOptions(width=0.25, channels=16, initial_head_channels=16)
    network = build_network(options, COCO_17, seed=0).eval()
    metadata = ModelMetadata(
        skeleton=COCO_17, input=InputSpec(channels="rgb", mean=120, scale=1 / 128), paf_geometry="centre", licence="MIT"
    )
    return written(network, metadata, tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def public(shared, tmp_path_factory):
    """The public weights, exported once."""
    for package in ("torch", "onnx", "onnxscript", "safetensors"):
        pytest.importorskip(package)
    from nimblepose.model.importing import import_weights

    network, metadata = import_weights(shared / "weights/human-pose-estimation-0001-dequantised.safetensors")
    return written(network, metadata, tmp_path_factory.mktemp("public"))


@pytest.fixture(scope="session")
def noise():
    """Pictures of three sizes, one of them twice."""
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, size, np.uint8) for size in ((90, 120, 3), (64, 64, 3), (90, 120, 3), (50, 200, 3))]


@pytest.fixture
def video(tmp_path):
    """Twenty numbered frames, 64 x 48, ten a second."""
    return make_video(tmp_path / "clip.mp4", [numbered(n) for n in range(20)])
