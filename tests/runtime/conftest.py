"""Models that several tests run: a tiny one built here, and the public weights where they are at hand."""

import dataclasses
from typing import NamedTuple

import numpy as np
import pytest

from nimblepose.core.metadata import InputSpec, ModelMetadata
from nimblepose.core.skeleton import COCO_17


class ModelFiles(NamedTuple):
    """One set of weights as a checkpoint (.safetensors) and as ONNX."""

    checkpoint: object
    onnx: object


def written(network, metadata, folder):
    from nimblepose.model.checkpoint import save_checkpoint
    from nimblepose.runtime.export import export_onnx

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
