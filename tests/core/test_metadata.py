"""Facts of the weights travel in a file there and back; what is damaged is refused with the file's name."""

import dataclasses
import json

import numpy as np
import pytest

from nimblepose import COCO_17, HUMAN_18, Skeleton
from nimblepose.core.errors import ModelError
from nimblepose.core.keypoint_errors import KeypointErrors
from nimblepose.core.metadata import RAW_BGR, InputSpec, ModelMetadata
from nimblepose.core.prior import PosePrior
from nimblepose.core.scorer import PoseScorer

FOX = Skeleton("fox", ("nose", "tail"), (("nose", "tail"),))
WHOLE = ModelMetadata(
    skeleton=FOX,
    input=InputSpec(stride=4, channels="rgb", mean=127.5, scale=1 / 127.5),
    paf_geometry="centre",
    network={"width": 0.25, "cpm": "intel"},
    licence="MIT",
    origin="a test, ünïcode",
    best_size=64.5,
    input_height=200,
)
PIXELS = ModelMetadata(skeleton=COCO_17, input=InputSpec(mean=0, scale=1, dtype="uint8"))


@pytest.mark.parametrize(
    "metadata",
    [WHOLE, ModelMetadata(skeleton=HUMAN_18), ModelMetadata(skeleton=COCO_17, input=RAW_BGR), PIXELS],
    ids=["all set", "defaults", "raw input", "pixels"],
)
def test_there_and_back(metadata):
    strings = metadata.to_strings()
    assert all(isinstance(key, str) and isinstance(value, str) for key, value in strings.items())
    back = ModelMetadata.from_strings(strings | {"of others": "left alone"}, source="a.onnx")
    assert back == metadata
    assert back.skeleton.sigmas_are_guessed == metadata.skeleton.sigmas_are_guessed


def test_the_defaults_are_those_of_the_public_weights():
    spec = InputSpec()
    assert (spec.stride, spec.channels, spec.dtype) == (8, "bgr", "float32")
    assert [(value - spec.mean) * spec.scale for value in (0, 128, 255)] == [-0.5, 0, 127 / 256]
    assert (RAW_BGR.mean, RAW_BGR.scale) == (0, 1)
    assert json.loads(ModelMetadata(skeleton=FOX).to_strings()["nimblepose"])["version"] == 1


@pytest.mark.parametrize("stride", [1, 64])
def test_the_ends_of_the_range_of_strides_are_in_it(stride):
    assert InputSpec(stride=stride).stride == stride


def prior(keypoints):
    return PosePrior(np.zeros((keypoints, 2)), np.eye(2 * keypoints))


def scorer(count):
    return PoseScorer(np.zeros(count), np.ones(count), np.zeros((count, 2)), np.zeros(2), np.zeros(2), np.ones(1))


def errors(keypoints):
    return KeypointErrors(np.ones((keypoints, 3)), np.zeros(4))


def test_what_was_learnt_of_poses_travels_too():
    taught = dataclasses.replace(WHOLE, prior=prior(2), scorer=scorer(8), errors=errors(2), best_size=128.5)
    back = ModelMetadata.from_strings(taught.to_strings(), source="a.onnx")
    assert back.best_size == 128.5
    assert back.to_strings() == taught.to_strings()
    np.testing.assert_array_equal(back.prior.covariance, np.eye(4))
    np.testing.assert_array_equal(back.scorer.output_bias, [1])
    np.testing.assert_array_equal(back.errors.kinds, np.ones((2, 3)))
    without = json.loads(taught.to_strings()["nimblepose"])
    del without["errors"]
    assert ModelMetadata.from_strings({"nimblepose": json.dumps(without)}, source="a.onnx").errors is None


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"prior": prior(3)}, "prior is of 3 keypoints"),
        ({"scorer": scorer(9)}, "scorer takes 9 features"),
        ({"errors": errors(3)}, "errors are of 3 keypoints"),
    ],
    ids=["prior", "scorer", "errors"],
)
def test_what_was_learnt_of_another_skeleton_is_refused(facts, message):
    with pytest.raises(ModelError, match=message):
        dataclasses.replace(WHOLE, **facts)


def test_files_from_before_there_were_pixels_take_float32():
    value = json.loads(WHOLE.to_strings()["nimblepose"])
    del value["input"]["dtype"]
    assert ModelMetadata.from_strings({"nimblepose": json.dumps(value)}, source="a.onnx") == WHOLE


def test_files_from_before_there_was_a_geometry_have_pafs_drawn_from_the_corner():
    value = json.loads(WHOLE.to_strings()["nimblepose"])
    del value["paf_geometry"]
    old = ModelMetadata.from_strings({"nimblepose": json.dumps(value)}, source="a.onnx")
    assert old == dataclasses.replace(WHOLE, paf_geometry="corner") != WHOLE


@pytest.mark.parametrize("spec", [{"dtype": "float16"}, {"dtype": "uint8"}, {"dtype": "uint8", "mean": 0}], ids=str)
def test_pixels_are_uint8_and_not_normalised_twice(spec):
    with pytest.raises(ModelError, match="uint8 with mean 0 and scale 1"):
        InputSpec(**spec)


@pytest.mark.parametrize("strings", [None, {}, {"other": "x"}], ids=str)
def test_a_file_of_others_is_refused_with_the_way_to_make_it_ours(strings):
    with pytest.raises(ModelError, match=r"a\.onnx carries no nimblepose metadata.*nimblepose import.*export"):
        ModelMetadata.from_strings(strings, source="a.onnx")


def test_a_newer_file_asks_for_an_upgrade():
    value = json.loads(WHOLE.to_strings()["nimblepose"]) | {"version": 2}
    with pytest.raises(ModelError, match=r"a\.onnx: written by a newer nimblepose"):
        ModelMetadata.from_strings({"nimblepose": json.dumps(value)}, source="a.onnx")


@pytest.mark.parametrize("key", ["version", "skeleton", "input", "network", "licence", "origin"])
def test_every_missing_fact_is_damage(key):
    value = json.loads(WHOLE.to_strings()["nimblepose"])
    del value[key]
    with pytest.raises(ModelError, match=rf"a\.onnx: damaged nimblepose metadata .*{key}"):
        ModelMetadata.from_strings({"nimblepose": json.dumps(value)}, source="a.onnx")


@pytest.mark.parametrize(
    "change",
    [
        {"version": "new"},
        {"skeleton": {"keypoints": ["a", "b"], "limbs": [["a", "c"]]}},
        {"skeleton": None},
        {"input": {"stride": 0}},
        {"input": {"stride": 8.5}},
        {"input": {"stride": "8"}},
        {"input": {"stride": 65}},
        {"input": {"stride": True}},
        {"input": {"channels": "gray"}},
        {"input": {"mean": "128"}},
        {"input": {"mean": float("nan")}},
        {"input": {"scale": 0}},
        {"input": {"scale": float("inf")}},
        {"input": {"padding": 3}},
        {"input": 3},
        {"paf_geometry": "middle"},
        {"network": [1]},
        {"licence": 3},
        {"prior": {"mean": [[0, 0], [1, 1]], "covariance": [[1]]}},
        {"prior": [1]},
        {"scorer": {"centre": [0]}},
        {"scorer": "high"},
        {"errors": {"kinds": [[0]]}},
        {"errors": "large"},
        {"best_size": 8},
        {"best_size": "160"},
        {"best_size": True},
        {"best_size": float("nan")},
    ],
    ids=str,
)
def test_every_fact_that_cannot_be_is_refused_with_the_name_of_the_file(change):
    value = json.loads(WHOLE.to_strings()["nimblepose"]) | change
    with pytest.raises(ModelError, match=r"a\.onnx"):
        ModelMetadata.from_strings({"nimblepose": json.dumps(value)}, source="a.onnx")


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", "[" * 100_000], ids=lambda text: text[:5] or "empty")
def test_what_is_no_json_object_is_damage(text):
    with pytest.raises(ModelError, match=r"a\.onnx: damaged"):
        ModelMetadata.from_strings({"nimblepose": text}, source="a.onnx")


@pytest.mark.parametrize("height", [0, 15, 9000, 200.0, True, "200"])
def test_a_height_that_cannot_be_is_refused(height):
    with pytest.raises(ModelError, match="input_height"):
        dataclasses.replace(WHOLE, input_height=height)


def test_files_of_before_say_no_height():
    strings = dataclasses.replace(WHOLE, input_height=None).to_strings()
    assert "input_height" not in json.loads(strings["nimblepose"])
    assert ModelMetadata.from_strings(strings, source="a.onnx").input_height is None
