"""A site is whole, for any model, asks nothing of other hosts, and replaces nobody's page."""

import hashlib
import json
import re
import subprocess
from html.parser import HTMLParser

import pytest

from nimblepose.cli.app import main
from nimblepose.core.errors import DownloadError, MediaError, ModelError
from nimblepose.core.metadata import InputSpec, ModelMetadata
from nimblepose.core.palette import choose_person_colour, make_limb_palette
from nimblepose.core.skeleton import Skeleton
from nimblepose.runtime.models import ModelFile, NamedModel
from nimblepose.web import runtime_files
from nimblepose.web.model_facts import describe_model
from nimblepose.web.runtime_files import RUNTIME, WEBGPU, find_runtime
from nimblepose.web.site import PAGE, FloatModel, write_site

NAMES = ["ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"]
BEETLE = Skeleton("beetle", ("head", "tail", "wing"), (("head", "tail"), ("head", "wing")))


@pytest.fixture
def runtime(tmp_path, monkeypatch):
    """A runtime of a few bytes, with its checksums."""
    folder = tmp_path / "dist"
    folder.mkdir()
    files = []
    for name in NAMES:
        (folder / name).write_bytes(name.encode())
        checksum = hashlib.sha384(name.encode()).hexdigest()
        files.append(ModelFile(f"http://127.0.0.1:9/{name}", len(name), checksum))
    monkeypatch.setattr(runtime_files, "RUNTIME", NamedModel("runtime-of-a-test", "", "MIT", tuple(files)))
    monkeypatch.setenv("NIMBLEPOSE_CACHE", str(tmp_path / "cache"))
    return folder


def test_a_site_has_every_file_that_the_page_asks_for(tmp_path, runtime, dots_model):
    out = tmp_path / "deep/site"
    names = write_site(out, dots_model, ModelMetadata(skeleton=BEETLE), find_runtime(runtime))
    written = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert written == set(names)
    assert names[-1] == "index.html", "whoever finds the page finds everything"
    for path in out.rglob("*.js"):
        for imported in re.findall(r'(?:from|import\()\s*"(\.[^"]+)"', path.read_text("utf-8")):
            assert (path.parent / imported).is_file(), f"{path.name} imports {imported}"
    listed = json.loads((out / "files.json").read_text())
    assert set(listed["files"]) == written - {"files.json", "service-worker.js"}
    facts = json.loads((out / "model.json").read_text())
    assert facts["file"] == "model.onnx"
    assert facts["size"] == len((out / "model.onnx").read_bytes()) == dots_model.stat().st_size
    assert facts["checksum"] == hashlib.sha256(dots_model.read_bytes()).hexdigest()
    assert facts["skeleton"]["keypoints"] == ["head", "tail", "wing"]


def test_what_a_graphics_card_needs_lies_beside_and_is_fetched_when_it_is_asked_for(tmp_path, runtime, dots_model):
    more = tmp_path / "ort.webgpu.min.mjs"
    more.write_bytes(b"more")
    floats = FloatModel(b"floats", InputSpec(mean=120, scale=0.5), [more])
    out = tmp_path / "site"
    names = write_site(out, dots_model, ModelMetadata(skeleton=BEETLE), find_runtime(runtime), webgpu=floats)
    assert {"model-webgpu.onnx", "runtime/ort.webgpu.min.mjs", "model.onnx"} <= set(names)
    assert (out / "model-webgpu.onnx").read_bytes() == b"floats"
    told = json.loads((out / "model.json").read_text())["webgpu"]
    assert (told["file"], told["size"]) == ("model-webgpu.onnx", 6)
    assert (told["input"]["dtype"], told["input"]["mean"]) == ("float32", 120)
    listed = json.loads((out / "files.json").read_text())
    assert not any("webgpu" in name for name in listed["files"]), "visitors without a card do not fetch it"
    later = re.search(r"LATER = /(.*?)/", (out / "service-worker.js").read_text())[1]
    assert {name for name in names if re.search(later, name)} == set(names) - set(listed["files"]) - {
        "files.json", "service-worker.js",
    }  # fmt: skip
    plain = write_site(tmp_path / "plain", dots_model, ModelMetadata(skeleton=BEETLE), find_runtime(runtime))
    assert "webgpu" not in json.loads((tmp_path / "plain/model.json").read_text())
    assert not any("webgpu" in name for name in plain)


def test_a_version_changes_with_what_is_in_it(tmp_path, runtime, dots_model):
    def version(out, skeleton):
        write_site(out, dots_model, ModelMetadata(skeleton=skeleton), find_runtime(runtime))
        return json.loads((out / "files.json").read_text())["version"]

    one, other = BEETLE, Skeleton("ant", ("head", "tail"), (("head", "tail"),))
    assert version(tmp_path / "a", one) == version(tmp_path / "b", one)
    assert version(tmp_path / "a", other) != version(tmp_path / "b", one), "and an older page of ours is replaced"


def test_another_page_is_not_replaced(tmp_path, runtime, dots_model):
    (tmp_path / "index.html").write_text("<h1>My home</h1>")
    with pytest.raises(MediaError, match="another page"):
        write_site(tmp_path, dots_model, ModelMetadata(skeleton=BEETLE), find_runtime(runtime))
    assert (tmp_path / "index.html").read_text() == "<h1>My home</h1>"
    assert not (tmp_path / "app.js").exists()


def test_browsers_run_onnx_only_and_without_a_runtime_the_server_does_it(tmp_path, runtime, dots_model):
    other = dots_model.with_suffix(".safetensors")
    with pytest.raises(ModelError, match="nimblepose export"):
        write_site(tmp_path / "a", other, ModelMetadata(skeleton=BEETLE), find_runtime(runtime))
    names = write_site(tmp_path / "b", other, ModelMetadata(skeleton=BEETLE), None, server=True)
    facts = json.loads((tmp_path / "b/model.json").read_text())
    assert (facts["file"], facts["server"]) == (None, True)
    assert not any("runtime" in name or "onnx" in name for name in names)


def test_the_runtime_is_these_very_files(tmp_path, runtime):
    assert [path.name for path in find_runtime(runtime)] == NAMES
    (runtime / NAMES[1]).write_bytes(b"x" * len(NAMES[1]))
    with pytest.raises(MediaError, match="not the file"):
        find_runtime(runtime)
    (runtime / NAMES[1]).unlink()
    with pytest.raises(MediaError, match="is missing"):
        find_runtime(runtime)


def test_the_runtime_is_fetched_by_checksum_once(tmp_path, runtime, web_server, monkeypatch):
    files = tuple(
        ModelFile(f"{web_server.address}/{file.name}", file.size, file.sha384) for file in runtime_files.RUNTIME.files
    )
    monkeypatch.setattr(runtime_files, "RUNTIME", NamedModel("runtime-of-a-test", "", "MIT", files))
    assert find_runtime(fetch=False) is None
    web_server.pages = {f"/{name}": name.encode() for name in NAMES}
    assert [path.read_bytes() for path in find_runtime()] == [name.encode() for name in NAMES]
    asked = len(web_server.requests)
    assert [path.name for path in find_runtime(fetch=False)] == NAMES
    assert len(web_server.requests) == asked == 3


def test_without_a_network_it_says_what_to_do(runtime, monkeypatch):
    monkeypatch.setenv("NIMBLEPOSE_OFFLINE", "1")
    with pytest.raises(DownloadError) as error:
        find_runtime()
    assert "--runtime" in str(error.value)
    assert all(name in str(error.value) for name in NAMES)
    assert "NIMBLEPOSE_MODEL" not in str(error.value)


def test_what_cannot_be_fetched_is_said_once(monkeypatch, web_server, tmp_path):
    file = ModelFile(f"{web_server.address}/gone.mjs", 1, "0" * 96)
    monkeypatch.setattr(runtime_files, "RUNTIME", NamedModel("runtime-of-a-test", "", "MIT", (file,)))
    monkeypatch.setenv("NIMBLEPOSE_CACHE", str(tmp_path))
    monkeypatch.delenv("NIMBLEPOSE_OFFLINE", raising=False)
    with pytest.raises(DownloadError) as error:
        find_runtime()
    first, *rest = str(error.value).splitlines()
    assert first == f"the page's runtime, runtime-of-a-test: {file.url}: the server answered 404 Not Found"
    assert "By hand" in rest[0]


def test_versions_agree():
    wanted = json.loads((PAGE.parent / "package.json").read_text())["dependencies"]["onnxruntime-web"]
    assert RUNTIME.name == f"onnxruntime-web-{wanted}"
    assert WEBGPU.name == f"onnxruntime-web-{wanted}-webgpu"
    assert all(f"@{wanted}/" in file.url for file in RUNTIME.files + WEBGPU.files)


def test_the_verb(tmp_path, runtime, dots_model, capsys):
    main_code(["web", "--out", str(tmp_path / "site"), "--model", str(dots_model), "--runtime", str(runtime)], 0)
    assert "dots" in capsys.readouterr().out
    assert (tmp_path / "site/index.html").is_file()
    main_code(["web", "--out", str(tmp_path / "site"), "--model", str(dots_model), "--runtime", str(tmp_path)], 2)
    assert "--runtime" in capsys.readouterr().err


def main_code(arguments, code):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert (ended.value.code or 0) == code


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.elements = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))


def test_the_page_asks_nothing_of_other_hosts_and_its_policy_says_so():
    page = Page((PAGE / "index.html").read_text("utf-8"))
    (policy,) = (a["content"] for _, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["connect-src"] == rules["worker-src"] == rules["style-src"] == "'self'"
    assert rules["default-src"] == "'none'"
    assert set(rules["script-src"].split()) == {"'self'", "'wasm-unsafe-eval'"}
    assert policy in "".join(re.findall(r'"([^"]*)" ?\+?', (PAGE / "service-worker.js").read_text("utf-8"))), "the same"
    for _, attributes in page.elements:
        assert not re.match(r"(https?:)?//", attributes.get("src") or attributes.get("href") or "")
        assert not any(name.startswith("on") or name == "style" for name in attributes), "the policy forbids it"
    for script in PAGE.rglob("*.js"):
        assert not re.findall(r"https?://(?!www\.w3)", script.read_text("utf-8")), script.name


def test_every_control_has_a_name_and_the_status_is_told():
    text = (PAGE / "index.html").read_text("utf-8")
    page = Page(text)
    for tag, attributes in page.elements:
        if tag in ("select", "input"):
            assert re.search(rf'<label[^>]*>(?:(?!</label>).)*id="{attributes["id"]}"', text, re.DOTALL), attributes
    assert ("p", {"id": "status", "role": "status", "aria-live": "polite"}) in page.elements
    assert any(tag == "html" and attributes.get("lang") == "en" for tag, attributes in page.elements)


def luminance(colour):
    parts = [
        int(part, 16) / 255 for part in re.findall("..", colour if len(colour) == 6 else colour * 2)
    ]  # fff is white
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_text_has_contrast_in_light_and_dark():
    """4.5 to 1, as WCAG asks for."""
    blocks = re.findall(r":root \{(.*?)\}", (PAGE / "style.css").read_text(), re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        colours = {name: luminance(value) for name, value in re.findall(r"--([\w-]+): #(\w+)", block)}
        for ink, paper in (
            ("ink", "paper"),
            ("ink", "soft"),
            ("quiet", "paper"),
            ("quiet", "soft"),
            ("on-mark", "mark"),
        ):
            low, high = sorted((colours[ink], colours[paper]))
            assert (high + 0.05) / (low + 0.05) >= 4.5, (ink, paper)


def test_colours_are_those_of_drawing(node):
    script = node.folder / "colours.mjs"
    script.write_text(
        f'import {{ choosePersonColour }} from "{PAGE.as_uri()}/draw.js";'
        "console.log(JSON.stringify([...Array(50).keys()].map(choosePersonColour)))"
    )
    ran = subprocess.run(["node", script], capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout) == [list(choose_person_colour(n)) for n in range(50)]
    facts = describe_model(ModelMetadata(skeleton=BEETLE), name="x", file=None)
    assert facts["palette"] == [list(colour) for colour in make_limb_palette(BEETLE)]


def test_the_page_hears_of_the_height_that_a_model_was_made_for():
    made = describe_model(ModelMetadata(skeleton=BEETLE, input_height=224), name="x", file=None)
    assert made["input_height"] == 224
    assert describe_model(ModelMetadata(skeleton=BEETLE), name="x", file=None)["input_height"] is None
