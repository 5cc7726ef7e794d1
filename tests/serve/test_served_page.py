"""The page at /: whole, isolated, its policy kept, asked for no key."""

import json

import pytest

from nimblepose.core.metadata import ModelMetadata
from nimblepose.core.skeleton import HUMAN_18
from nimblepose.web.site import write_site


@pytest.fixture
def server(start, tmp_path, dots_model):
    write_site(tmp_path, dots_model, ModelMetadata(skeleton=HUMAN_18), None, server=True)
    (tmp_path / "runtime").mkdir()
    (tmp_path / "runtime/a.wasm").write_bytes(b"wasm")
    (tmp_path / "runtime/a.mjs").write_bytes(b"export {}")
    return start(page=tmp_path, keys=("first-key-0123456789",))


def test_the_page_is_there_without_a_key_and_isolated(server):
    answer = server.ask("GET", "/")
    assert answer.status == 200
    assert b"<title>nimblepose" in answer.body
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["cross-origin-embedder-policy"] == "require-corp"
    policy = answer.headers["content-security-policy"]
    assert "connect-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert server.ask("GET", "/v1/model").status == 401


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/app.js", "text/javascript"), ("/runtime/a.mjs", "text/javascript"), ("/runtime/a.wasm", "application/wasm"),
     ("/style.css", "text/css"), ("/model.json", "application/json")],
)  # fmt: skip
def test_files_have_the_types_that_browsers_insist_on(server, path, kind):
    answer = server.ask("GET", path)
    assert answer.status == 200
    assert answer.headers["content-type"].split(";")[0] == kind
    assert answer.headers["cache-control"] == "no-cache"
    again = server.ask("GET", path, If_None_Match=answer.headers["etag"])
    assert (again.status, again.body) == (304, b"")


def test_it_knows_that_there_is_a_server(server):
    assert json.loads(server.ask("GET", "/model.json").body)["server"] is True


@pytest.mark.parametrize("path", ["/../model.json", "/%2e%2e/secret", "/runtime", "/app.py", "//etc/passwd"])
def test_nothing_else_is_served(server, path):
    assert server.ask("GET", path).status == 404


def test_what_is_not_there_is_a_problem_and_methods_are_checked(server):
    assert server.ask("GET", "/nothing.js").json["type"] == "/docs#not-found"
    assert server.ask("POST", "/app.js").status == 405
    assert server.ask("GET", "/v1/poses", X_API_Key="first-key-0123456789").status == 405, "and no missing file"
    assert server.ask("GET", "/v1/other", X_API_Key="first-key-0123456789").status == 404
