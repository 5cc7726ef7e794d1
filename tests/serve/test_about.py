"""What is served answers to its own schema, and says when it is ready."""

import re
import threading

import pytest
from form_bodies import form

jsonschema = pytest.importorskip("jsonschema")


def check(schema, name, value):
    """By a schema of the served document."""
    jsonschema.Draft202012Validator(
        {"$ref": f"#/components/schemas/{name}", "components": schema["components"]}
    ).validate(value)


@pytest.fixture(scope="module")
def schema(model_server):
    return model_server.ask("GET", "/openapi.json").json


def list_refs(value):
    if isinstance(value, dict):
        yield from ([value["$ref"]] if "$ref" in value else [])
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from list_refs(one)


def test_the_schema_is_one(schema):
    assert schema["openapi"] == "3.1.0"
    for name, one in schema["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(one)
        assert f"#/components/schemas/{name}" in {*list_refs(schema), "#/components/schemas/Frame"}
    for ref in list_refs(schema):
        assert ref.rpartition("/")[2] in schema["components"]["schemas"]


@pytest.mark.parametrize(
    ("form_name", "name"), [("json", "Json"), ("coco", "Coco"), ("openpose", "OpenPose"), ("json,csv,coco", "Several")]
)
def test_answers_are_what_the_schema_says(model_server, schema, people, picture, form_name, name):
    body, kind = form(("people.jpg", people), ("gray.png", picture))
    for answer in (model_server.post(people, f"/v1/poses?format={form_name}"),
                   model_server.post(body, f"/v1/poses?format={form_name}", Content_Type=kind)):  # fmt: skip
        check(schema, name, answer.json)


def test_a_wrong_answer_would_be_seen(model_server, schema, people):
    answer = model_server.post(people).json
    answer["pictures"][0]["people"][0]["keypoints"][0]["name"] = "tail"
    with pytest.raises(jsonschema.ValidationError):
        check(schema, "Json", answer)


def test_problems_model_and_health_too(model_server, schema):
    check(schema, "Problem", model_server.post(b"junk").json)
    check(schema, "Problem", model_server.ask("GET", "/nothing").json)
    check(schema, "Model", model_server.ask("GET", "/v1/model").json)
    check(schema, "Health", model_server.ask("GET", "/readyz").json)
    check(schema, "Health", model_server.ask("GET", "/healthz").json)


def test_every_path_of_the_schema_is_there(model_server, schema):
    for path in schema["paths"]:
        assert model_server.ask("GET", path).status != 404 or path == "/v1/stream"


def test_the_docs_explain_every_path_and_every_problem(model_server, schema):
    answer = model_server.ask("GET", "/docs")
    page = answer.body.decode()
    for path in schema["paths"]:
        assert path in page
    for kind in schema["components"]["schemas"]["Problem"]["properties"]["type"]["enum"]:
        assert f'id="{kind.partition("#")[2]}"' in page
    assert not re.findall(r'(?:src|href)="(?!/)', page), "nothing comes from elsewhere"
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_ready_is_not_said_before_it_is_true(start, picture, monkeypatch):
    may_load = threading.Event()
    from nimblepose.serve.service import Service

    load = Service.load
    monkeypatch.setattr(Service, "load", lambda service: may_load.wait(20) and load(service))
    server = start(wait=False)
    server.when(lambda: server.server.started)
    try:
        assert server.ask("GET", "/healthz").status == 200
        for answer in (server.ask("GET", "/readyz"), server.post(picture), server.ask("GET", "/v2/health/ready"),
                       server.ask("GET", "/v1/model"), server.ask("GET", "/openapi.json")):  # fmt: skip
            assert (answer.status, answer.json["type"]) == (503, "/docs#loading")
            assert answer.headers["retry-after"] == "1"
    finally:
        may_load.set()
    server.wait_for("/readyz", 200)
    assert server.post(picture).status == 200


def test_draining_is_said_and_what_is_under_way_is_answered(start, picture):
    server, answers = start(), []
    server.estimator.may_go.clear()
    thread = threading.Thread(target=lambda: answers.append(server.post(picture)))
    thread.start()
    server.when(lambda: server.service.workers.busy == 1)
    server.loop.call_soon_threadsafe(server.server.handle_exit, 15, None)
    server.wait_for("/readyz", 503)
    assert server.post(picture).json["type"] == "/docs#draining"
    server.estimator.may_go.set()
    thread.join()
    assert answers[0].status == 200
    server.thread.join(20)
    assert not server.thread.is_alive(), "and then it ends"
