"""The site builds without a warning, its links and anchors lead somewhere, and it asks no other host for anything."""

import importlib
import json
import re
import subprocess
import sys
import threading
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from browsers import Browser, find_browser

import nimblepose

ROOT = Path(__file__).resolve().parents[1]
pytest.importorskip("mkdocs")
pytest.importorskip("material")
pytest.importorskip("mkdocstrings")
BASE = "http://site/"


class Page(HTMLParser):
    """What a page names: anchors, links, and what it loads."""

    def __init__(self, text):
        super().__init__()
        self.anchors, self.links, self.loaded = set(), set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        self.anchors |= {named.get("id"), named.get("name")} - {None}
        if tag == "a" and named.get("href"):
            self.links.add(named["href"])
        if tag == "link" and named.get("rel") not in ("canonical", "next", "prev", "edit"):
            self.loaded.add(named["href"])
        if tag in ("img", "script", "source", "video", "iframe") and named.get("src"):
            self.loaded.add(named["src"])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the site."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)  # not --quiet: then --strict sees nothing
    assert built.returncode == 0, built.stderr[-3000:]
    return folder


@pytest.fixture(scope="module")
def pages(site):
    """Its pages by address."""
    return {
        urljoin(BASE, path.relative_to(site).as_posix().removesuffix("index.html")): Page(path.read_text("utf-8"))
        for path in site.rglob("*.html")
        if path.name != "404.html"
    }


def test_links_and_anchors_lead_somewhere(site, pages):
    assert len(pages) > 35
    lost = []
    for address, page in pages.items():
        for target in page.links | page.loaded:
            whole = urlsplit(urljoin(address, target))
            if whole.netloc != "site" or target.startswith("data:"):
                continue
            place = whole._replace(query="", fragment="").geturl()
            if place in pages:
                found = not whole.fragment or unquote(whole.fragment) in pages[place].anchors
            else:
                found = (site / unquote(whole.path).lstrip("/")).is_file()
            if not found:
                lost.append(f"{address}: {target}")
    assert not lost, lost[:10]


def test_nothing_is_loaded_from_other_hosts(site, pages):
    for address, page in pages.items():
        hosts = {urlsplit(urljoin(address, target)).netloc for target in page.loaded if not target.startswith("data:")}
        assert hosts <= {"site"}, (address, hosts)
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(@import|url\()\s*[\"']?(https?:)?//", sheet.read_text("utf-8")), sheet.name
    text = (site / "index.html").read_text("utf-8")
    assert "fonts.googleapis" not in text
    assert "api.github.com" not in text  # what a `repo_url` would ask for stars


def test_the_command_line_is_all_there(site):
    text = (site / "cli/index.html").read_text("utf-8")
    for verb in ("predict", "track", "batch-plan", "data-convert", "skeleton-check", "model-poses", "serve", "web"):
        assert f'id="nimblepose-{verb}"' in text
    assert "--any-way-up" in text
    assert text.count("<strong>Examples</strong>") > 25
    assert "Print versions, runtimes, CPU features and" in text
    assert not re.search(r"</code>: [^<]*\.\.\.</li>", text)  # nothing is cut off


def test_every_public_name_is_described(site):
    text = (site / "api/index.html").read_text("utf-8")
    for name in set(nimblepose.__all__) - {"__version__"}:
        assert f'id="nimblepose.{name}"' in text, name
    assert "Raises:" in text
    assert "&gt;&gt;&gt; " in re.sub(r"<[^>]+>", "", text)  # doctests are code


def test_words_are_found(site):
    index = json.loads((site / "search/search_index.json").read_text("utf-8"))
    for word, place in (("heatmap", "network/"), ("mirror_pairs", "skeletons/"), ("any-way-up", "cli/")):
        named = {page["location"].partition("#")[0] for page in index["docs"] if word in page["text"].lower()}
        assert place in named, word
    assert list((site / "assets/javascripts/workers").glob("search*.js"))


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *_):
        pass


@pytest.fixture
def address(site):
    """The site, served."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def test_a_browser_finds_words_asks_nobody_else_and_needs_no_sideways_scrolling(address, tmp_path):
    pytest.importorskip("websockets")
    if not find_browser():
        pytest.skip("no browser is here")
    browser = Browser(tmp_path, size=(1280, 900))
    try:
        for width in (1280, 400):
            browser.resize(width, 900)
            for place in ("", "api/", "cli/", "figures/", "notebooks/first-picture/"):
                there = f"location.href === '{address}{place}' && document.readyState === 'complete'"
                browser.open(address + place, there)
                assert browser.run("document.documentElement.scrollWidth") <= width, place
        browser.open(f"{address}?q=heatmap", "document.querySelectorAll('.md-search-result__item').length > 3")
        assert {urlsplit(url).netloc for _, url in browser.requests if url.startswith("http")} == {address[7:-1]}
        assert not browser.problems
    finally:
        browser.close()


def test_pages_of_elsewhere_and_notebooks_are_shown(pages):
    for place in ("benchmarks/", "CHANGELOG/", "examples/", "notebooks/first-picture/", "notebooks/own-skeleton/"):
        assert urljoin(BASE, place) in pages, place
    assert any(target.startswith("data:image/") for target in pages[BASE + "notebooks/first-picture/"].loaded)


@pytest.mark.parametrize("name", ["repository", "doctests"])
def test_its_functions_keep_their_examples(name, monkeypatch):
    import doctest

    monkeypatch.syspath_prepend(ROOT / "docs/site")
    tried = doctest.testmod(importlib.import_module(name))
    assert tried.attempted > 0
    assert tried.failed == 0


def test_a_public_name_without_a_place_is_told(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs/site")
    generated = importlib.import_module("generated")
    monkeypatch.setattr(nimblepose, "__all__", [*nimblepose.__all__, "Newcomer"])
    with pytest.raises(ValueError, match="Newcomer"):
        list(generated.list_names())
