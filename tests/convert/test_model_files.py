"""Model files are looked into, and written again with other metadata and the same weights."""

import dataclasses

import numpy as np
import pytest

from nimblepose.core.errors import ModelError

pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from nimblepose.convert.model_files import open_network, read_onnx_metadata, write_with_metadata
from nimblepose.model.checkpoint import load_checkpoint


def test_a_checkpoint_and_its_onnx_file_have_one_network(tiny):
    (first, one), (second, other) = open_network(str(tiny.checkpoint)), open_network(str(tiny.onnx))
    assert first.options == second.options
    assert one == other == read_onnx_metadata(tiny.onnx)
    assert {n: p.shape for n, p in first.named_parameters()} == {n: p.shape for n, p in second.named_parameters()}


def test_variants_and_models_of_the_package_have_names():
    assert open_network("lightweight")[1] is None
    assert open_network("human")[1].licence == "Apache-2.0"
    with pytest.raises(ModelError, match="no variant or file 'nothing'"):
        open_network("nothing")


def test_nonsense_is_no_onnx_file(tmp_path):
    (tmp_path / "a.onnx").write_text("nonsense")
    with pytest.raises(ModelError, match="not a readable ONNX file"):
        read_onnx_metadata(tmp_path / "a.onnx")


@pytest.mark.parametrize("kind", ["checkpoint", "onnx"])
def test_other_metadata_leave_the_weights(tiny, tmp_path, kind):
    path = getattr(tiny, kind)
    out = tmp_path / f"out{path.suffix}"
    metadata = dataclasses.replace(open_network(str(path))[1], origin="somewhere else")
    write_with_metadata(path, metadata, out)
    assert open_network(str(out))[1].origin == "somewhere else"
    if kind == "onnx":
        assert onnx.load(out).graph == onnx.load(path).graph
        return
    before, after = (load_checkpoint(file)[0].state_dict() for file in (path, out))
    assert before.keys() == after.keys()
    assert all(np.array_equal(before[name], after[name]) for name in before)
