"""`POST /v1/poses` finds what the estimator finds, in every form of the product."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from form_bodies import form

from nimblepose.core.poses import from_coco_people
from nimblepose.media.encoding import encode_picture
from nimblepose.media.pictures import read_picture
from nimblepose.runtime.estimator import PoseEstimator
from nimblepose.serve.poses import choose_drawn
from nimblepose.serve.problems import ProblemError

PEOPLE = Path(__file__).resolve().parents[2] / "examples/people.jpg"


@pytest.fixture(scope="module")
def expected():
    return PoseEstimator()(PEOPLE)


@pytest.mark.parametrize("kind", ["image/jpeg", "application/octet-stream", "application/x-www-form-urlencoded", None])
def test_bytes_are_a_picture(model_server, expected, kind):
    headers = {} if kind is None else {"Content_Type": kind}
    answer = model_server.post(PEOPLE.read_bytes(), **headers)
    assert answer.status == 200
    (found,) = answer.json["pictures"]
    assert {"skeleton": found["skeleton"], "people": found["people"]} == expected.to_dict()
    assert (found["width"], found["height"]) == read_picture(PEOPLE).shape[1::-1]
    assert answer.json["model"] == "human"


def test_forms_of_the_product(model_server, expected):
    data = PEOPLE.read_bytes()
    coco = model_server.post(data, "/v1/poses?format=coco").json
    np.testing.assert_allclose(from_coco_people(coco, expected.skeleton).scores, expected.scores, atol=1e-6)
    openpose = model_server.post(data, "/v1/poses?format=openpose").json
    assert openpose == json.loads(json.dumps(expected.to_openpose(read_picture(PEOPLE).shape[:2])))
    table = model_server.post(data, "/v1/poses?format=csv")
    assert table.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(table.body.decode())))
    assert len(rows) == int(expected.found.sum())
    several = model_server.post(data, "/v1/poses?format=csv,coco,openpose,json").json
    assert several["coco"] == coco
    assert several["openpose"] == openpose
    assert several["csv"] == table.body.decode()
    assert several["json"]["pictures"][0]["people"] == expected.to_dict()["people"]


def test_quality_and_score_are_those_asked_for(model_server):
    data, fast = PEOPLE.read_bytes(), PoseEstimator(quality="fast")(PEOPLE)
    assert model_server.post(data, "/v1/poses?quality=fast").json["pictures"][0]["people"] == fast.to_dict()["people"]
    assert model_server.post(data, "/v1/poses?min_score=1").json["pictures"][0]["people"] == []
    everybody = model_server.post(data, "/v1/poses?min_score=0&quality=fast").json["pictures"][0]["people"]
    assert len(everybody) >= len(fast)


def test_a_form_holds_several_pictures_by_name(model_server, expected, picture):
    body, kind = form(("C:\\x\\people.jpg", PEOPLE.read_bytes()), ("gray.png", picture), fields=[("note", "hello")])
    found = model_server.post(body, Content_Type=kind).json["pictures"]
    assert [one["file"] for one in found] == ["people.jpg", "gray.png"]
    assert found[0]["people"] == expected.to_dict()["people"]
    assert found[1]["people"] == []
    files = model_server.post(body, "/v1/poses?format=openpose", Content_Type=kind).json
    assert [len(one["people"]) for one in files] == [3, 0]


def test_the_annotated_picture(model_server):
    answer = model_server.post(PEOPLE.read_bytes(), Accept="image/jpeg")
    assert answer.headers["content-type"] == "image/jpeg"
    drawn, plain = read_picture(answer.body), read_picture(PEOPLE)
    assert drawn.shape == plain.shape
    changed = (np.abs(drawn.astype(int) - plain).max(axis=2) > 60).mean()
    assert 0.005 < changed < 0.3, "skeletons, and little else"


def test_a_picture_larger_than_the_limit_is_reduced_if_it_is_a_jpeg(start):
    server = start(max_pixels=2_000)
    large = encode_picture(np.full((80, 100, 3), 90, np.uint8), ".jpg")
    (found,) = server.post(large).json["pictures"]
    assert (found["height"], found["width"]) == (80, 100)
    assert server.estimator.seen[-1].shape == (40, 50, 3)
    assert found["people"][0]["keypoints"][-1]["x"] == pytest.approx(0.9 * 100 + 0.5), "in pixels of the file"


@pytest.mark.parametrize(
    ("accept", "drawn"),
    [("", None), ("*/*", None), ("application/json", None), ("text/csv", None), ("image/*", "image/jpeg"),
     ("image/webp, */*;q=0.1", "image/webp"), ("application/json, image/png;q=0.9", None),
     ("text/html, image/png", "image/png"), ("image/png;q=0, application/json", None)],
)  # fmt: skip
def test_accept_says_what_is_wanted(accept, drawn):
    assert choose_drawn(accept) == drawn


def test_what_nobody_makes_is_refused():
    with pytest.raises(ProblemError, match="application/json"):
        choose_drawn("audio/ogg")


def test_an_answer_says_how_long_it_took_and_which_request_it_belongs_to(model_server, picture):
    answer = model_server.post(picture, X_Request_ID="order-66")
    assert answer.headers["x-request-id"] == "order-66"
    assert {one.split(";")[0].strip() for one in answer.headers["server-timing"].split(",")} == {
        "read", "queue", "find", "total",
    }  # fmt: skip
    other = model_server.post(picture, X_Request_ID="a b")
    assert other.headers["x-request-id"] != "a b", "what does not belong into a log gets another id"
