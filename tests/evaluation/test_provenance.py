"""What stands beside a figure: enough to get it again."""

import json
import types

import numpy

from nimblepose import __version__
from nimblepose.codec.decode import DecodeOptions
from nimblepose.core.metadata import ModelMetadata
from nimblepose.core.skeleton import COCO_17
from nimblepose.evaluation.provenance import describe_machine, describe_model, describe_run
from nimblepose.runtime.quality import QUALITIES

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # SHA-256 of "abc", FIPS 180-2


def test_the_machine_is_named_with_its_versions():
    facts = describe_machine()
    assert facts["processor"]
    assert 1 <= facts["usable_cores"] <= facts["cores"]
    assert facts["packages"]["nimblepose"] == __version__
    assert facts["packages"]["numpy"] == numpy.__version__


def test_a_model_is_known_by_the_checksums_of_all_its_files(tmp_path):
    for suffix in (".xml", ".bin"):
        (tmp_path / f"model{suffix}").write_text("abc")
    facts = describe_model(tmp_path / "model.xml", ModelMetadata(skeleton=COCO_17, licence="MIT", origin="here"))
    assert facts["sha256"] == {"model.xml": ABC, "model.bin": ABC}
    assert (facts["licence"], facts["origin"], facts["skeleton"]["name"]) == ("MIT", "here", "coco17")


def test_all_options_are_there_and_plain(tmp_path):
    (tmp_path / "model.onnx").write_text("abc")
    estimator = types.SimpleNamespace(
        model=tmp_path / "model.onnx", metadata=ModelMetadata(skeleton=COCO_17), backend_name="openvino",
        quality=None, any_way_up=False, input_height=128, flip=True, scales=(0.5, 1.0), decode_options=DecodeOptions(),
    )  # fmt: skip
    value = json.loads(json.dumps(describe_run(estimator, threads=3)))
    expected = {"backend": "openvino", "threads": 3, "input_height": 128, "flip": True, "scales": [0.5, 1.0]}
    assert expected.items() <= value["options"].items()
    assert value["options"]["quality"] is None
    estimator.quality = QUALITIES["balanced"]
    described = json.loads(json.dumps(describe_run(estimator, threads=3)))["options"]["quality"]
    assert described["bound"] == QUALITIES["balanced"].bound
    assert described["looks"]["sizes"] == list(QUALITIES["balanced"].looks.sizes)
    assert value["options"]["decode"]["limb_samples"] == DecodeOptions().limb_samples
    assert describe_run(estimator, threads=0)["options"]["threads"] == describe_machine()["usable_cores"]
    assert value["date"].endswith("+00:00")
