"""KServe V2: with the protocol's own words, and with a client that others use."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from nimblepose.media.pictures import read_picture
from nimblepose.runtime.estimator import PoseEstimator

PEOPLE = Path(__file__).resolve().parents[2] / "examples/people.jpg"
OUTPUTS = ("keypoints", "keypoint_scores", "keypoint_errors", "scores", "boxes")


@pytest.fixture(scope="module")
def expected():
    return PoseEstimator()(PEOPLE)


def arrays(poses):
    return {"keypoints": poses.keypoints, "keypoint_scores": poses.keypoint_scores,
            "keypoint_errors": poses.keypoint_errors, "scores": poses.scores,
            "boxes": poses.boxes}  # fmt: skip


def image_request(picture, **more):
    tensor = {"name": "image", "datatype": "UINT8", "shape": list(picture.shape), "data": picture.ravel().tolist()}
    return json.dumps({"inputs": [tensor], **more}).encode()


def test_what_it_says_of_itself(model_server):
    assert model_server.ask("GET", "/v2").json["extensions"] == ["binary_tensor_data"]
    assert model_server.ask("GET", "/v2/health/live").json == {"live": True}
    for path in ("/v2/health/ready", "/v2/models/human/ready", "/v2/models/human/versions/1/ready"):
        assert model_server.ask("GET", path).json == {"ready": True}
    metadata = model_server.ask("GET", "/v2/models/human/versions/1").json
    assert metadata == model_server.ask("GET", "/v2/models/human").json
    assert [one["name"] for one in metadata["outputs"]] == list(OUTPUTS)
    for path in ("/v2/models/cat", "/v2/models/human/versions/2", "/v2/models/cat/ready"):
        missing = model_server.ask("GET", path)
        assert missing.status == 404
        assert "there is human" in missing.json["error"]


def test_json_in_and_out_without_a_content_type_and_with_null_for_what_was_not_found(model_server, expected):
    picture = read_picture(PEOPLE)
    answer = model_server.post(image_request(picture, id="7"), "/v2/models/human/infer")
    assert answer.json["id"] == "7"
    assert b"NaN" not in answer.body
    outputs = {one["name"]: one for one in answer.json["outputs"]}
    for name, array in arrays(expected).items():
        assert outputs[name]["shape"] == list(array.shape)
        got = np.array([np.nan if v is None else v for v in outputs[name]["data"]]).reshape(array.shape)
        np.testing.assert_array_equal(got.astype(np.float32), array)
    assert np.isnan(expected.keypoints).any(), "or null was not tried"


def test_bare_nan_in_parameters_and_data_is_read(start):
    body = b'{"inputs": [{"name": "image", "datatype": "UINT8", "shape": [1, 1, 3], "data": [NaN, 1, 2]}]}'
    answer = start().post(body, "/v2/models/human/infer")
    assert answer.status == 400
    assert "0 to 255" in answer.json["error"], "as numbers, not as JSON"


@pytest.mark.parametrize(
    ("change", "names"),
    [({"inputs": 3}, "inputs"), ({"inputs": [{"name": "x", "shape": [1]}]}, "image"), ({"parameters": 3}, "parameters"),
     ({"inputs": []}, "one input"), ({"parameters": {"quality": "x"}}, "balanced"),
     ({"outputs": [{"name": "x"}]}, "keypoints"), ({"parameters": {"min_score": "x"}}, "min_score"),
     ({"inputs": [{"name": "image", "datatype": "UINT8", "shape": [2, 2, 3], "data": [1]}]}, "shape"),
     ({"inputs": [{"name": "image", "datatype": "FP64", "shape": [1], "data": [1]}]}, "datatype"),
     ({"inputs": [{"name": "image", "datatype": "UINT8", "shape": [-1], "data": [1]}]}, "shape"),
     ({"inputs": [{"name": "image", "datatype": "UINT8", "shape": [1, 3], "data": [1, 2, 3]}]}, "height"),
     ({"inputs": [{"name": "file", "datatype": "BYTES", "shape": [1], "data": ["junk"]}]}, "PNG or JPEG")],
)  # fmt: skip
def test_what_does_not_fit_is_an_error_that_clients_show(start, change, names):
    body = json.loads(image_request(np.zeros((8, 8, 3), np.uint8))) | change
    answer = start().post(json.dumps(body).encode(), "/v2/models/human/infer")
    assert answer.status in (400, 422)
    assert names in answer.json["error"]
    assert answer.json["error"] == answer.json["detail"]


@pytest.mark.parametrize(
    ("body", "headers"),
    [(b"{", {}), (b"[]", {}), (b"{}", {"Inference_Header_Content_Length": "3"}),
     (b"{}", {"Inference_Header_Content_Length": "x"}), (b"{}", {"Content_Encoding": "gzip"}),
     (gzip.compress(b"{}")[:-4], {"Content_Encoding": "gzip"}), (b"{}", {"Content_Encoding": "br"})],
)  # fmt: skip
def test_broken_requests(start, body, headers):
    answer = start().post(body, "/v2/models/human/infer", **headers)
    assert answer.status in (400, 415)
    assert answer.json["error"]


def test_a_body_that_inflates_beyond_the_limit_is_refused(start):
    answer = start(max_bytes=10_000).post(gzip.compress(bytes(1 << 24)), "/v2/models/human/infer",
                                          Content_Encoding="gzip")  # fmt: skip
    assert answer.status == 413
    assert "--max-bytes" in answer.json["error"]


@pytest.fixture(scope="module")
def small():
    """A picture of few pixels, and who is in it."""
    picture = np.ascontiguousarray(read_picture(PEOPLE)[::4, ::4])
    return picture, PoseEstimator()(picture)


@pytest.fixture(scope="module")
def triton(model_server):
    """tritonclient's own client."""
    module = pytest.importorskip("tritonclient.http", reason="tritonclient[http] is not installed")
    client = module.InferenceServerClient(f"127.0.0.1:{model_server.port}")
    yield module, client
    client.close()


def test_tritonclient_finds_what_it_looks_for(triton):
    _, client = triton
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("human")
    assert client.is_model_ready("human", "1")
    assert client.get_server_metadata()["name"] == "nimblepose"
    assert client.get_model_metadata("human")["inputs"][0]["name"] == "image"


@pytest.mark.parametrize("version", ["", "1"])
@pytest.mark.parametrize("binary_in", [True, False])
@pytest.mark.parametrize("binary_out", [True, False])
@pytest.mark.parametrize("compression", [None, "gzip", "deflate"])
def test_tritonclient_gets_what_the_estimator_finds(triton, small, version, binary_in, binary_out, compression):
    module, client = triton
    picture, expected = small
    tensor = module.InferInput("image", list(picture.shape), "UINT8")
    tensor.set_data_from_numpy(picture, binary_data=binary_in)
    outputs = [module.InferRequestedOutput(name, binary_data=binary_out) for name in OUTPUTS]
    result = client.infer(
        "human", [tensor], model_version=version, outputs=outputs, request_compression_algorithm=compression,
        response_compression_algorithm=compression,
    )  # fmt: skip
    for name, array in arrays(expected).items():
        np.testing.assert_array_equal(result.as_numpy(name), array)


def test_tritonclient_sends_files_and_parameters_and_shows_errors(triton):
    module, client = triton
    tensor = module.InferInput("file", [1], "BYTES")
    tensor.set_data_from_numpy(np.array([PEOPLE.read_bytes()], object))
    result = client.infer("human", [tensor], parameters={"quality": "fast", "min_score": "0.3"})
    fast = PoseEstimator(quality="fast").for_threads(min_pose_score=0.3)(PEOPLE)
    np.testing.assert_array_equal(result.as_numpy("keypoints"), fast.keypoints)
    tensor.set_data_from_numpy(np.array([b"junk"], object))
    with pytest.raises(module.InferenceServerException, match="convert it to PNG or JPEG"):
        client.infer("human", [tensor])
    with pytest.raises(module.InferenceServerException, match="there is human"):
        client.infer("cat", [tensor])
