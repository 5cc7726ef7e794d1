"""`nimblepose model list` and `fetch`."""

import hashlib

import pytest

from nimblepose.runtime import models
from nimblepose.runtime.models import ModelFile, NamedModel


@pytest.fixture
def tiny(web_server, monkeypatch, tmp_path):
    content = b"weights" * 1000
    web_server.pages["/tiny.onnx"] = content
    file = ModelFile(f"{web_server.address}/tiny.onnx", len(content), hashlib.sha384(content).hexdigest())
    monkeypatch.setitem(models.MODELS, "tiny", NamedModel("tiny", "a test", "Apache-2.0", (file,)))
    monkeypatch.setenv(models.CACHE_VARIABLE, str(tmp_path))
    monkeypatch.delenv(models.OFFLINE_VARIABLE, raising=False)
    return tmp_path / "tiny" / "tiny.onnx"


def test_fetch_prints_the_path_and_list_knows_it(cli, tiny, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    row = next(line for line in cli("model", "list").out.splitlines() if "tiny" in line)
    assert " no " in row
    assert cli("model", "fetch", "tiny").out.strip() == str(tiny)
    assert tiny.is_file()
    row = next(line for line in cli("model", "list").out.splitlines() if "tiny" in line)
    assert " yes " in row


def test_without_network_fetch_says_what_to_do(cli, tiny, web_server):
    web_server.pages.clear()
    ran = cli("model", "fetch", "tiny")
    assert ran.code == 2
    for text in ("404", "By hand", str(tiny.parent)):
        assert text in ran.err


def test_an_unknown_name_lists_the_known(cli, tiny):
    ran = cli("model", "fetch", "tinny")
    assert ran.code == 2
    assert "tiny" in ran.err


def test_the_model_of_the_package_needs_no_fetching(cli, tiny, web_server, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    row = next(line for line in cli("model", "list").out.splitlines() if "human (default)" in line)
    assert "in the package" in row
    assert cli("model", "fetch", "human").out.strip().endswith("human.onnx")
    start = next(line for line in cli("model", "list").out.splitlines() if "creature-025" in line)
    assert "in the package" in start
    assert cli("model", "fetch", "creature-025").out.strip().endswith("creature-025.safetensors")
    assert web_server.requests == []
