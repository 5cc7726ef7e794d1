"""A model is found, or fetched whole and verified, or refused with what to do; nothing broken ever gets its name."""

import hashlib
import multiprocessing
import os

import pytest

from nimblepose.core.errors import DownloadError, ModelError
from nimblepose.runtime import models
from nimblepose.runtime.models import ModelFile, NamedModel, fetch_model, find_cache_folder, find_cached, find_model

XML, BIN = b"<net/>" * 500, bytes(range(256)) * 2000


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    for variable in (models.MODEL_VARIABLE, models.OFFLINE_VARIABLE):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv(models.CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def named(address, xml=XML, weights=BIN):
    files = [
        ModelFile(f"{address}/{name}", len(content), hashlib.sha384(content).hexdigest())
        for name, content in (("tiny.xml", xml), ("tiny.bin", weights))
    ]
    return NamedModel("tiny", "a test", "Apache-2.0", tuple(files))


@pytest.fixture
def model(web_server, monkeypatch):
    web_server.pages |= {"/tiny.xml": XML, "/tiny.bin": BIN}
    model = named(web_server.address)
    monkeypatch.setitem(models.MODELS, "tiny", model)
    return model


def files_in(folder):
    return sorted(p.name for p in folder.rglob("*") if p.is_file())


def test_a_named_model_is_fetched_once(model, web_server, own_cache):
    path = find_model("tiny")
    assert path == own_cache / "tiny" / "tiny.xml"
    assert path.read_bytes() == XML
    assert path.with_suffix(".bin").read_bytes() == BIN
    assert find_model("tiny") == path == find_cached(model)
    assert web_server.requests == ["/tiny.xml", "/tiny.bin"]
    assert files_in(own_cache) == ["tiny.bin", "tiny.xml"]


def test_progress_is_told_in_bytes(model):
    told = []
    fetch_model(model, progress=lambda *args: told.append(args))
    assert told[-1] == ("tiny.bin", len(BIN), len(BIN))
    assert len([t for t in told if t[0] == "tiny.bin"]) > 1


def wrong_content(request):
    request.send_response(200)
    request.end_headers()
    request.wfile.write(BIN[:-1] + b"?")


def truncated(request):
    request.send_response(200)
    request.send_header("Content-Length", str(len(BIN)))
    request.end_headers()
    request.wfile.write(BIN[: len(BIN) // 2])


def truncated_without_length(request):
    request.send_response(200)
    request.end_headers()
    request.wfile.write(BIN[: len(BIN) // 2])


def endless(request):
    request.send_response(200)
    request.end_headers()
    try:
        while True:
            request.wfile.write(BIN)
    except OSError:
        pass


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (wrong_content, "hash"),
        (truncated, "bytes arrived"),
        (truncated_without_length, "hash"),
        (endless, "larger"),
        (None, "404"),
    ],
    ids=["checksum", "truncated", "truncated_without_length", "endless", "gone"],
)
def test_what_is_not_the_file_is_refused_and_not_kept(model, web_server, own_cache, answer, message):
    if answer:
        web_server.pages["/tiny.bin"] = answer
    else:
        del web_server.pages["/tiny.bin"]
    with pytest.raises(DownloadError, match=message) as caught:
        find_model("tiny")
    assert files_in(own_cache) == ["tiny.xml"]
    for needed in (model.files[1].url, model.files[1].sha384, str(own_cache / "tiny")):
        assert needed in str(caught.value), "the message says what to do by hand"
    web_server.pages["/tiny.bin"] = BIN
    assert find_model("tiny").with_suffix(".bin").read_bytes() == BIN, "the next attempt succeeds"


def test_an_interrupted_download_leaves_nothing_and_can_be_repeated(model, own_cache):
    def interrupt(name, arrived, _):
        if name == "tiny.bin" and arrived > 100_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        find_model("tiny", progress=interrupt)
    assert files_in(own_cache) == ["tiny.xml"]
    assert find_cached(model) is None
    assert find_model("tiny").with_suffix(".bin").read_bytes() == BIN


def test_a_file_damaged_in_the_cache_is_fetched_again(model):
    path = find_model("tiny").with_suffix(".bin")
    path.write_bytes(BIN[:-1] + b"?")
    assert find_cached(model) is None
    assert find_model("tiny").with_suffix(".bin").read_bytes() == BIN


def fetch_in_process(model, folder, barrier):
    os.environ[models.CACHE_VARIABLE] = folder
    barrier.wait(20)
    fetch_model(model)


def test_processes_that_fetch_at_the_same_time_all_succeed(model, own_cache):
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(4)
    crowd = [context.Process(target=fetch_in_process, args=(model, str(own_cache), barrier)) for _ in range(4)]
    for process in crowd:
        process.start()
    for process in crowd:
        process.join(30)
    assert [process.exitcode for process in crowd] == [0] * 4
    assert files_in(own_cache) == ["tiny.bin", "tiny.xml"]
    assert find_cached(model)


@pytest.mark.parametrize("value", ["1", "true", "yes"])
def test_offline_means_no_request_at_all(model, web_server, monkeypatch, value):
    monkeypatch.setenv(models.OFFLINE_VARIABLE, value)
    with pytest.raises(DownloadError, match=r"(?s)NIMBLEPOSE_OFFLINE.*By hand"):
        find_model("tiny")
    assert web_server.requests == []


def test_files_brought_by_hand_are_used_offline(model, own_cache, monkeypatch):
    monkeypatch.setenv(models.OFFLINE_VARIABLE, "1")
    (own_cache / "tiny").mkdir(parents=True)
    (own_cache / "tiny" / "tiny.xml").write_bytes(XML)
    (own_cache / "tiny" / "tiny.bin").write_bytes(BIN)
    assert find_model("tiny") == own_cache / "tiny" / "tiny.xml"


def test_the_order_is_argument_variable_default(model, monkeypatch, tmp_path):
    mine, other = tmp_path / "mine.onnx", tmp_path / "other.onnx"
    mine.touch()
    other.touch()
    monkeypatch.setattr(models, "DEFAULT_MODEL", "tiny")
    assert find_model().name == "tiny.xml"
    monkeypatch.setenv(models.MODEL_VARIABLE, str(other))
    assert find_model() == other
    assert find_model(mine) == find_model(str(mine)) == mine


def test_an_unknown_name_lists_the_known_and_says_where_it_came_from(monkeypatch):
    with pytest.raises(ModelError, match="human-pose-estimation-0001"):
        find_model("no-such-model")
    monkeypatch.setenv(models.MODEL_VARIABLE, "gone.onnx")
    with pytest.raises(ModelError, match=r"gone\.onnx.*NIMBLEPOSE_MODEL"):
        find_model()


def test_the_cache_follows_the_variables(monkeypatch, tmp_path):
    assert find_cache_folder() == tmp_path / "cache"
    monkeypatch.delenv(models.CACHE_VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert find_cache_folder() == tmp_path / "xdg" / "nimblepose"


def test_every_named_model_is_described_whole():
    for name, model in models.MODELS.items():
        assert name == model.name
        assert model.licence == "Apache-2.0"
        assert all(f.url.startswith("https://") and len(f.sha384) == 96 and f.size > 0 for f in model.files)
    for name, packaged in models.PACKAGED.items():
        assert name == packaged.name
        assert packaged.licence == "Apache-2.0"
    assert models.DEFAULT_MODEL in models.PACKAGED


def test_the_default_model_is_in_the_package_whole(own_cache):
    path = find_model()
    assert path == find_model("human") == models.PACKAGED["human"].path
    assert models.PACKAGED["human"].is_intact()
    assert path.stat().st_size <= 5_000_000
    assert not own_cache.exists()


def test_an_installation_without_its_model_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(models, "_WEIGHTS", tmp_path)
    assert not models.PACKAGED["human"].is_intact()
    with pytest.raises(ModelError, match="install nimblepose again"):
        find_model()


def test_what_is_said_of_files_adds_up(model):
    assert [file.name for file in model.files] == ["tiny.xml", "tiny.bin"]
    assert model.size == len(XML) + len(BIN)


def test_progress_grows_to_the_size_of_each_file(model):
    told = []
    fetch_model(model, progress=lambda *args: told.append(args))
    for name, content in (("tiny.xml", XML), ("tiny.bin", BIN)):
        arrived = [n for file, n, size in told if file == name and size == len(content)]
        assert arrived == sorted(set(arrived))
        assert arrived[-1] == len(content)


def test_what_need_not_be_fetched_is_not_even_where_nothing_may_be(model, web_server, own_cache):
    with pytest.raises(DownloadError, match=r"tiny is not in .*cache; bring it with `nimblepose model fetch tiny`"):
        find_model("tiny", fetch=False)
    assert web_server.requests == []
    path = find_model("tiny")
    assert find_model("tiny", fetch=False) == path


def test_of_a_half_fetched_model_the_other_half_is_fetched(model, web_server, own_cache):
    (own_cache / "tiny").mkdir(parents=True)
    (own_cache / "tiny" / "tiny.xml").write_bytes(XML)
    assert find_cached(model) is None
    find_model("tiny")
    assert web_server.requests == ["/tiny.bin"]


def test_a_file_of_the_right_size_or_the_right_beginning_is_not_enough(tmp_path, model):
    file, path = model.files[1], tmp_path / "a"
    assert not file.is_intact(path)
    for content, intact in ((BIN, True), (BIN[:-1], False), (BIN + b"x", False), (b"x" * len(BIN), False)):
        path.write_bytes(content)
        assert file.is_intact(path) == intact


def test_a_home_is_found(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "mine.onnx").touch()
    assert find_model("~/mine.onnx") == tmp_path / "mine.onnx"
    monkeypatch.setenv(models.CACHE_VARIABLE, "~/models")
    assert find_cache_folder() == tmp_path / "models"


def test_a_packaged_file_that_was_changed_is_not_intact(monkeypatch, tmp_path):
    whole = models.PACKAGED["human"].path.read_bytes()
    monkeypatch.setattr(models, "_WEIGHTS", tmp_path)
    for content, intact in ((whole, True), (whole[:-1] + b"?", False)):
        (tmp_path / models.PACKAGED["human"].file).write_bytes(content)
        assert models.PACKAGED["human"].is_intact() == intact
