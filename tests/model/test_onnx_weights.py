"""Weights come back out of exported files, float and 8 bits, and compute what the file computes."""

import dataclasses

import numpy as np
import pytest
import torch

from nimblepose import HUMAN_18
from nimblepose.convert.export import export_onnx, take_pixels
from nimblepose.core.errors import ModelError
from nimblepose.core.metadata import InputSpec, ModelMetadata
from nimblepose.media.pictures import read_picture
from nimblepose.model.importing import import_weights
from nimblepose.model.network import NetworkOptions, build_network
from nimblepose.model.onnx_weights import read_onnx
from nimblepose.runtime.backends import open_backend
from nimblepose.runtime.models import DEMO_PICTURE, find_model

onnx = pytest.importorskip("onnx")
SMALL = NetworkOptions(width=0.1, channels=8, initial_head_channels=16)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A network whose BatchNorm does something, and its file."""
    network = build_network(SMALL, HUMAN_18, seed=1)
    network.train()(torch.rand(2, 3, 64, 64))
    spec = InputSpec(mean=120.0, scale=1 / 200)
    metadata = ModelMetadata(skeleton=HUMAN_18, input=spec, network=SMALL.to_dict(), licence="MIT", input_height=200)
    path = tmp_path_factory.mktemp("exported") / "a.onnx"
    export_onnx(network.eval(), metadata, path)
    return network, path


def test_an_exported_network_comes_back(exported):
    network, path = exported
    back, metadata = import_weights(path)
    assert (back.options, metadata.licence, metadata.input_height) == (SMALL, "MIT", 200)
    picture = torch.rand(1, 3, 64, 96)
    for ours, theirs in zip(back(picture), network(picture), strict=True):
        torch.testing.assert_close(ours.heatmaps, theirs.heatmaps, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(ours.pafs, theirs.pafs, atol=1e-5, rtol=1e-4)


def test_who_takes_pixels_gives_back_the_normalisation(exported):
    _, path = exported
    onnx.save(take_pixels(onnx.load(path)), path.with_name("pixels.onnx"))
    metadata, _ = read_onnx(path.with_name("pixels.onnx"))
    assert (metadata.input.dtype, metadata.input.mean) == ("float32", 120.0)
    assert metadata.input.scale == pytest.approx(1 / 200)


def test_the_packaged_model_in_8_bits_computes_in_float_nearly_what_it_does():
    path = find_model("human")
    network, metadata = import_weights(path)
    assert metadata.skeleton == HUMAN_18
    assert metadata.scorer is not None, "told by the file"
    picture = read_picture(DEMO_PICTURE)
    pixels = np.ascontiguousarray(picture[:256, :256, ::-1].transpose(2, 0, 1))[None]
    heatmaps, pafs = open_backend(path, threads=1).run(pixels)
    spec = metadata.input
    with torch.no_grad():
        found = network((torch.from_numpy(pixels).float() - spec.mean) * spec.scale)[-1]
    assert heatmaps[0, :-1].max() > 0.5, "somebody is there"
    assert np.abs(found.heatmaps.numpy() - heatmaps).mean() < 0.01
    assert np.abs(found.pafs.numpy() - pafs).mean() < 0.01


def test_files_of_others_and_damaged_ones_are_refused(exported, tmp_path):
    _, path = exported
    (tmp_path / "cut.onnx").write_bytes(path.read_bytes()[:500])
    with pytest.raises(ModelError, match="cut"):
        import_weights(tmp_path / "cut.onnx")
    proto = onnx.load(path)
    del proto.graph.initializer[0]
    onnx.save(proto, tmp_path / "less.onnx")
    with pytest.raises(ModelError, match=r"missing: model\.0\.0\.weight"):
        import_weights(tmp_path / "less.onnx")
    del proto.metadata_props[:]
    onnx.save(proto, tmp_path / "foreign.onnx")
    with pytest.raises(ModelError, match="no nimblepose metadata"):
        import_weights(tmp_path / "foreign.onnx")


def test_another_skeleton_of_the_same_file_keeps_its_own(exported):
    _, path = exported
    assert import_weights(path, options=dataclasses.replace(SMALL))[1].skeleton == HUMAN_18
