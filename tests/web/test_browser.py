"""The page in a real browser: what it finds, what it asks for, without a network, with a camera, on a phone's width."""

import functools
import itertools
import json
import os
import re
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("websockets")
import drawn_bodies
from browsers import Browser, find_browser
from firefox import Firefox, find_firefox
from video_files import make_video, numbered

from nimblepose.core.errors import PoseError
from nimblepose.media.encoding import encode_picture
from nimblepose.media.pictures import read_picture
from nimblepose.runtime.estimator import PoseEstimator
from nimblepose.runtime.models import PACKAGED
from nimblepose.web.runtime_files import WEBGPU, find_runtime
from nimblepose.web.site import FloatModel, write_site

PEOPLE = Path(__file__).resolve().parents[2] / "examples/people.jpg"
RUNTIME_VARIABLE = "NIMBLEPOSE_WEB_RUNTIME"  # folder of ONNX Runtime Web's files, for these tests
HEIGHT = 160  # pictures twice as large are halved, which is the same to the last byte everywhere


@pytest.fixture(scope="module", params=["Chromium", "Firefox"])
def start_browser(request):
    """Each of the browsers that are here, in a folder of its own."""
    find, start = {"Chromium": (find_browser, Browser), "Firefox": (find_firefox, Firefox)}[request.param]
    if find() is None:
        pytest.skip(f"no {request.param} is installed")
    return start


@pytest.fixture(scope="session")
def runtime():
    given = os.environ.get(RUNTIME_VARIABLE)
    try:
        files = find_runtime(Path(given) if given else None, fetch=False)
    except PoseError as error:
        pytest.skip(str(error))
    if files is None:
        pytest.skip(f"ONNX Runtime Web is not here: fetch it by `nimblepose web`, or set {RUNTIME_VARIABLE}")
    return files


class Host:
    """Static files as the plainest host sends them: no headers of isolation, .wasm as octet-stream."""

    def __init__(self, folder):
        outer = self

        class Handler(SimpleHTTPRequestHandler):
            def guess_type(self, path):
                known = {".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/octet-stream"}
                return known.get(Path(path).suffix) or super().guess_type(path)

            def do_GET(self):
                outer.requests.append(self.path)
                super().do_GET()

            def log_message(self, *_):
                pass

        self.requests = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
        self.address = f"http://127.0.0.1:{self.server.server_port}/"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture(scope="module")
def estimator():
    return PoseEstimator(input_height=HEIGHT, threads=1)


@pytest.fixture(scope="module")
def host(runtime, estimator, tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    write_site(folder, PACKAGED["human"].path, estimator.metadata, runtime)
    host = Host(folder)
    host.folder = folder
    yield host
    host.close()


@pytest.fixture(scope="module")
def page(start_browser, host, tmp_path_factory):
    """The page, ready."""
    browser = start_browser(tmp_path_factory.mktemp("browser"))
    browser.open(host.address)
    yield browser
    browser.close()


FIND = """(async () => {{
  const [{{ BrowserFinder, readPicture }}, model] = await Promise.all(
    [import("./finder.js"), fetch("model.json").then((r) => r.json())]);
  window.finder ??= await (async () => {{ const f = new BrowserFinder(model); await f.open(); return f; }})();
  const blob = await (await fetch("{name}")).blob(), {{ bitmap }} = await readPicture(blob);
  const found = await window.finder.find(bitmap,
    {{ quality: "{quality}", inputHeight: {height}, least: {least}, fields: true }});
  return {{ width: found.width, height: found.height, looks: found.looks,
    heatmaps: [...found.fields?.heatmaps ?? []], pafs: [...found.fields?.pafs ?? []],
    people: found.people.map((p) => ({{ score: p.score, scores: [...p.scores],
      keypoints: [...p.keypoints].map((v) => Number.isNaN(v) ? null : v) }})) }};
}})()"""


SAVED = """new Promise((resolve) => {
  const make = URL.createObjectURL;
  URL.createObjectURL = (blob) => { blob.text().then(resolve); URL.createObjectURL = make; return make(blob); };
  document.getElementById('json').click(); })"""  # what the button saves


def make_pictures(folder, *, times=1):
    """Fourteen, in formats and shapes of all kinds, most of them halved on their way into the network."""
    people = read_picture(PEOPLE)
    gray = people.mean(axis=2, keepdims=True).astype(np.uint8).repeat(3, 2)
    parts = {
        "whole.jpg": people, "mirrored.png": people[:, ::-1], "left.png": people[:, :330], "gray.jpg": gray,
        "middle.webp": people[:, 330:680], "right.jpg": people[:, 650:], "two.png": people[:, :660],
        "turned.png": people[::-1], "large.jpg": people.repeat(3, 0).repeat(3, 1), "dark.png": people // 2,
        "upper.webp": people[:325], "double.png": people.repeat(2, 0).repeat(2, 1)[100:],
        "small.png": people[::2, ::2], "lower.jpg": people[150:],
    }  # fmt: skip
    for name, picture in parts.items():
        picture = picture.repeat(times, 0).repeat(times, 1)
        (folder / name).write_bytes(encode_picture(np.ascontiguousarray(picture), Path(name).suffix))
    if times == 1:
        (folder / "whole.jpg").write_bytes(PEOPLE.read_bytes())
    return list(parts)


def test_pictures_have_the_fields_and_people_of_python(page, host, estimator):
    """Of twelve that are halved to the last digits; of two that are not a byte may differ by one, which int8 shows."""
    exact, people, off = 0, 0, []
    for name in make_pictures(host.folder):
        found = page.run(FIND.format(name=name, quality="", height=HEIGHT, least=0.35))
        picture = read_picture(host.folder / name)
        assert (found["height"], found["width"]) == picture.shape[:2]
        placement = estimator.place(picture)
        fields, poses = estimator.compute_fields([picture], placement), estimator(picture)
        differences = [
            np.abs(np.array(found[key]).reshape(right.shape) - right)
            for key, right in (("heatmaps", fields.heatmaps[0]), ("pafs", fields.pafs[0]))
        ]
        assert len(found["people"]) == len(poses), name
        if min(np.array(picture.shape[:2]) / placement.input_size) < 2:
            assert max(float(one.mean()) for one in differences) < 0.003
            continue
        exact, people = exact + 1, people + len(poses)
        off.append(max(float(one.max()) for one in differences))
        for person, expected in zip(found["people"], poses, strict=True):
            keypoints = np.array([np.nan if v is None else v for v in person["keypoints"]]).reshape(-1, 2)
            np.testing.assert_allclose(keypoints, expected.keypoints, atol=0.01, err_msg=name)
            assert person["score"] == pytest.approx(expected.score, abs=1e-4)
    print(exact, "pictures,", people, "people; largest differences of fields:", [f"{one:.1e}" for one in off])
    assert exact >= 12
    assert people >= 15
    assert max(off) < 1e-5


def test_looks_find_the_people_of_python(page, host):
    """As it is if nothing is asked for. Twelve pictures whose pass is halved; what is looked at again may not be."""
    estimator, pictures, people, off = PoseEstimator(threads=1), 0, 0, []
    for name in make_pictures(host.folder, times=2):
        picture = read_picture(host.folder / name)
        found = page.run(FIND.format(name=name, quality="balanced", height=0, least=0.45))
        poses = estimator(picture)
        np.testing.assert_array_equal(as_boxes(found["looks"]), poses.looks, name)
        assert len(found["people"]) == len(poses), name
        pictures, people = pictures + 1, people + len(poses)
        for person, expected in zip(found["people"], poses, strict=True):
            keypoints = np.array([np.nan if v is None else v for v in person["keypoints"]]).reshape(-1, 2)
            off.append(float(np.nanmax(np.abs(keypoints - expected.keypoints), initial=0)))
            assert np.array_equal(np.isnan(keypoints), np.isnan(expected.keypoints)), name
            assert person["score"] == pytest.approx(expected.score, abs=0.01)
    print(pictures, "pictures,", people, "people; largest differences, pixels:", [f"{one:.1e}" for one in off])
    assert pictures >= 12
    assert people >= 15


def as_boxes(corners):
    boxes = np.array(corners, float).reshape(-1, 4)
    return np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)


def test_a_host_without_headers_is_isolated_all_the_same_and_asked_for_nothing_but_its_own_files(page, host):
    assert page.run("crossOriginIsolated")
    assert not page.problems
    methods, hosts = {method for method, _ in page.requests}, {url for _, url in page.requests}
    assert methods == {"GET"}
    assert all(url.startswith((host.address, "data:", "blob:" + host.address)) for url in hosts), hosts
    assert page.run("fetch('https://example.org').then(() => 'went out', () => 'refused')") == "refused"
    page.problems.clear()  # it has said so


def test_what_a_person_does(page, tmp_path):
    page.problems.clear()
    page.choose_files(PEOPLE)
    page.until("document.getElementById('count').textContent === '3 found'")
    assert page.run("document.querySelectorAll('#people li').length") == 3
    assert page.run("document.getElementById('quality').value") == "balanced"
    assert page.run("document.getElementById('least').value") == "0.45", "what suits the quality"
    document = json.loads(page.run(SAVED))
    (picture,) = document["pictures"]
    assert (document["format"], document["model"], picture["file"]) == ("nimblepose", "human", "people.jpg")
    expected = PoseEstimator(threads=1)(PEOPLE).to_dict()["people"]  # what the page begins with is what Python does
    for ours, right in zip(picture["people"], expected, strict=True):
        assert ours["score"] == pytest.approx(right["score"], abs=2e-4)
        assert [k["name"] for k in ours["keypoints"]] == [k["name"] for k in right["keypoints"]]
        assert ours["box"] == pytest.approx(right["box"], abs=0.021)
    plain = page.run("document.getElementById('view').toDataURL()")
    page.run("document.getElementById('mirror').click()")
    assert page.run("document.getElementById('view').toDataURL()") != plain
    page.run("document.getElementById('mirror').click()")
    assert page.run("document.getElementById('view').toDataURL()") == plain
    page.run("""(() => { const least = document.getElementById('least'); least.value = 1;
      least.dispatchEvent(new Event('input')); least.dispatchEvent(new Event('change')); })()""")
    page.until("document.getElementById('count').textContent === '0 found'")
    page.run("""(() => { const least = document.getElementById('least'); least.value = 0.45;
      least.dispatchEvent(new Event('input')); least.dispatchEvent(new Event('change')); })()""")
    page.until("document.getElementById('count').textContent === '3 found'")
    (tmp_path / "junk.jpg").write_bytes(b"junk")
    page.choose_files(tmp_path / "junk.jpg")
    page.until("document.getElementById('status').classList.contains('wrong')")
    assert "JPEG or PNG" in page.run("document.getElementById('status').textContent")
    assert not [one for one in page.problems if "example.org" not in str(one)], "but for what was refused before"


def test_everything_can_be_reached_by_the_keyboard(page):
    page.run("document.activeElement.blur()")
    reached = []
    for _ in range(12):
        page.press("Tab")
        reached.append(page.run("document.activeElement.id"))
    assert {"files", "camera", "quality", "height", "least", "colours", "mirror"} <= set(reached)


def test_the_camera_is_followed_until_it_is_stopped(page):
    page.problems.clear()
    page.run("document.getElementById('camera').click()")
    page.until("/^camera: frame/.test(document.getElementById('status').textContent)", 60)
    page.until("!document.getElementById('json').disabled")
    assert page.run("document.getElementById('view').width") == 640
    page.run("document.getElementById('camera').click()")
    page.until("/frames looked at/.test(document.getElementById('status').textContent)")
    assert page.run("document.getElementById('camera').getAttribute('aria-pressed')") == "false"
    assert not page.problems


def test_a_phone_is_wide_enough(page, tmp_path):
    page.choose_files(PEOPLE)
    page.until("document.getElementById('count').textContent === '3 found'")
    page.resize(390, 844, 2)
    try:
        assert page.run("document.documentElement.scrollWidth") <= 390
        small = page.run("""[...document.querySelectorAll('button, select, .button')]
          .filter((one) => one.offsetParent && one.getBoundingClientRect().height < 43).map((one) => one.id)""")
        assert small == [], "large enough for a finger"
        page.picture(tmp_path / "phone.png")
        assert read_picture(tmp_path / "phone.png").shape[1] == 780
    finally:
        page.resize_back()


def test_after_the_first_visit_it_works_without_a_network(start_browser, host, tmp_path):
    other = Host(host.folder)
    browser = start_browser(tmp_path / "browser")
    try:
        browser.open(other.address)
        browser.until("navigator.serviceWorker.controller !== null")
        other.close()
        browser.open(other.address)
        assert browser.run("crossOriginIsolated")
        browser.choose_files(PEOPLE)
        browser.until("document.getElementById('count').textContent === '3 found'")
    finally:
        browser.close()


def test_a_skeleton_of_ones_own_has_its_own_page(start_browser, runtime, tmp_path):
    onnx = pytest.importorskip("onnx")
    model = tmp_path / "bodies.onnx"
    onnx.save(drawn_bodies.network(onnx), model)
    write_site(tmp_path / "site", model, drawn_bodies.METADATA, runtime)
    picture, place = drawn_bodies.draw(np.random.default_rng(3))
    (tmp_path / "body.png").write_bytes(encode_picture(picture, ".png"))
    host, browser = Host(tmp_path / "site"), start_browser(tmp_path / "browser")
    try:
        browser.open(host.address)
        assert "bodies" in browser.run("document.querySelector('h1').textContent")
        (tmp_path / "site/body.png").write_bytes(encode_picture(picture, ".png"))
        found = browser.run(FIND.format(name="body.png", quality="", height=64, least=0))
        (person,) = found["people"][:1]
        keypoints = np.array(person["keypoints"]).reshape(3, 2)
        np.testing.assert_allclose(keypoints, place, atol=1.5)
        expected = PoseEstimator(model, input_height=64, threads=1)(picture)
        np.testing.assert_allclose(keypoints, expected.keypoints[0], atol=0.01)
    finally:
        browser.close()
        host.close()


def test_a_graphics_card_finds_the_people_of_python(runtime, tmp_path):
    """The model in floats, which natively is another ONNX file; Chromium has a card in software for it."""
    pytest.importorskip("onnx")
    from nimblepose.convert.deploy.onnx_forms import read_floats

    if find_browser() is None:
        pytest.skip("no Chromium is installed")
    given = os.environ.get(RUNTIME_VARIABLE)
    try:
        files = find_runtime(Path(given) if given else None, kind=WEBGPU, fetch=False)
    except PoseError as error:
        pytest.skip(str(error))
    if files is None:
        pytest.skip("ONNX Runtime Web for graphics cards is not here: fetch it by `nimblepose web --webgpu`")
    weights, spec = read_floats(PACKAGED["human"].path)
    (tmp_path / "floats.onnx").write_bytes(weights)
    floats = FloatModel(weights, spec, files)
    estimator = PoseEstimator(tmp_path / "floats.onnx", input_height=96, threads=1)
    write_site(tmp_path / "site", PACKAGED["human"].path, PoseEstimator(threads=1).metadata, runtime, webgpu=floats)
    (tmp_path / "site/people.jpg").write_bytes(PEOPLE.read_bytes())
    host, browser = Host(tmp_path / "site"), Browser(tmp_path / "browser", webgpu=True)
    try:
        browser.open(host.address)
        if not browser.run("navigator.gpu?.requestAdapter().then((adapter) => adapter !== null)"):
            pytest.skip("this Chromium has no WebGPU adapter, not even in software")
        assert not browser.run("document.getElementById('device-label').hidden")
        assert not any("webgpu" in path for path in host.requests), "only where somebody asks for it"
        browser.run(
            f"(() => {{ ({ON_A_CARD})().then((v) => (window.found = v), (e) => (window.found = e.message)); }})()"
        )
        browser.until("window.found", 900)  # a card in software takes its time
        found = browser.run("window.found")
        poses = estimator(PEOPLE)
        assert len(found) == len(poses) == 3
        for person, expected in zip(found, poses, strict=True):
            keypoints = np.array([np.nan if v is None else v for v in person["keypoints"]]).reshape(-1, 2)
            np.testing.assert_allclose(keypoints, expected.keypoints, atol=0.01)
            assert person["score"] == pytest.approx(expected.score, abs=1e-3)
        assert {method for method, _ in browser.requests} == {"GET"}
        assert not browser.problems
    finally:
        browser.close()
        host.close()


ON_A_CARD = """async () => {
  const [{ BrowserFinder, readPicture }, model] = await Promise.all(
    [import("./finder.js"), fetch("model.json").then((r) => r.json())]);
  const finder = new BrowserFinder(model, "webgpu");
  await finder.open();
  const { bitmap } = await readPicture(await (await fetch("people.jpg")).blob());
  const found = await finder.find(bitmap, { quality: "", inputHeight: 96, least: 0.35 });
  const plain = (values) => [...values].map((v) => (Number.isNaN(v) ? null : v));
  return found.people.map(({ score, keypoints }) => ({ score, keypoints: plain(keypoints) }));
}"""


def test_the_server_finds_people_where_it_is_asked_to(start_browser, runtime, tmp_path):
    pytest.importorskip("starlette")
    process = subprocess.Popen(
        [sys.executable, "-m", "nimblepose", "serve", "--port", "0", "--threads", "1", "--timeout", "60"],
        stderr=subprocess.PIPE, text=True, env={**os.environ, "NIMBLEPOSE_API_KEY": "key-of-the-page-01234"},
    )  # fmt: skip
    address = process.stderr.readline().rpartition(" ")[2].strip()
    threading.Thread(target=process.stderr.read, daemon=True).start()
    browser = start_browser(tmp_path / "browser")
    try:
        browser.open(f"{address}/", "document.getElementById('where').value !== ''")
        browser.until("document.getElementById('status').textContent.startsWith('Ready')")
        browser.run("""(() => { const where = document.getElementById('where'); where.value = 'server';
          where.dispatchEvent(new Event('change')); })()""")
        assert "sent to this server" in browser.run("document.getElementById('privacy').textContent")
        browser.choose_files(PEOPLE)
        browser.until("!document.getElementById('key-label').hidden")
        assert "X-API-Key" in browser.run("document.getElementById('status').textContent")
        browser.run("document.getElementById('key').value = 'key-of-the-page-01234'")
        browser.choose_files(PEOPLE)
        browser.until("document.getElementById('count').textContent === '3 found'")
        assert {method for method, _ in browser.requests} == {"GET", "POST"}
        assert all(url.startswith((address, "data:", "blob:")) for _, url in browser.requests)
    finally:
        browser.close()
        process.terminate()
        assert process.wait(60) == 0


def test_a_video_is_looked_at_frame_by_frame(page, tmp_path):
    pytest.importorskip("av")
    page.problems.clear()
    video = make_video(tmp_path / "clip.mp4", [numbered(n) for n in range(12)])
    page.choose_files(video)
    page.until("/clip.mp4: [0-9]+ frames looked at|wrong/.test(document.getElementById('status').textContent)")
    lines = page.run(SAVED).splitlines()
    frames = [json.loads(line) for line in lines]
    assert frames[0]["header"]["source"] == "clip.mp4"
    times = [frame["time"] for frame in frames]
    assert times == sorted(set(times))
    assert len(frames) >= 10, "a browser may leave out one or two at the ends"
    assert (frames[0]["height"], frames[0]["width"]) == (48, 64)
    assert not page.problems


def test_people_in_a_video_keep_their_identities(page, tmp_path):
    pytest.importorskip("av")
    page.problems.clear()
    wider = np.pad(read_picture(PEOPLE)[:640:2, :960:2], ((0, 0), (0, 40), (0, 0)), mode="edge")
    frames = [np.ascontiguousarray(wider[:, 4 * n : 4 * n + 480]) for n in range(5)]
    page.choose_files(make_video(tmp_path / "walk.mp4", frames))
    page.until("/walk.mp4: [0-9]+ frames looked at|wrong/.test(document.getElementById('status').textContent)", 600)
    lines = page.run(SAVED).splitlines()
    found = [[person["track_id"] for person in json.loads(line)["people"]] for line in lines]
    assert found, "a busy machine leaves out many of so few"
    everybody = list(range(1, len(found[0]) + 1))
    assert len(everybody) >= 2
    assert all(sorted(ids) == everybody for ids in found), found
    places = [{p["track_id"]: p["box"][0] for p in json.loads(line)["people"]} for line in lines]
    assert all(abs(one[i] - other[i]) < 30 for one, other in itertools.pairwise(places) for i in everybody)
    listed = page.run("[...document.querySelectorAll('#people li')].map((one) => one.textContent)")
    assert all(re.match(r"person \d, score", one) for one in listed), listed
    assert not page.problems
