"""A page is whole, bounded, and nothing in it comes from outside; what strangers wrote in names stays text."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import HUMAN_18, Skeleton
from nimblepose.report.charts import TALL, WIDE, choose_ticks, choose_time_ticks, choose_top, trace_curve
from nimblepose.report.gathering import gather
from nimblepose.report.page import MOST_SECTIONS, make_page
from nimblepose.report.subject import Subject
from nimblepose.results.reading import ReadResult

NASTY = '</script><script>alert(1)</script><img src=x onerror="alert(2)">&amp;\'"\x1b[2J\u202e'
VOID = {"meta", "input", "br", "img", "link"}


class Page(HTMLParser):
    """Elements in order, each with its attributes; refuses what is not closed in turn."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.open, self.text, self.scripts = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "script":
            self.scripts.append("")

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.scripts[-1] += data
        else:
            self.text.append(data)

    def find(self, tag, **wanted):
        return [a for t, a in self.elements if t == tag and all(a.get(k.rstrip("_")) == v for k, v in wanted.items())]


def walk(skeleton=HUMAN_18, *, frames=50, people=2, name="a.mp4", ids=True, step=0.1):
    """Frames of people who walk to the right, and are hidden for a second."""
    rng = np.random.default_rng(0)
    body = rng.uniform(-40, 40, (len(skeleton.keypoints), 2))
    for n in range(frames):
        who = [i for i in range(people) if not (i == 0 and frames // 2 < n < frames // 2 + 20)]
        keypoints = np.array([body + np.array([60 + 3 * n % 500, 100 + 90 * (i % 3)]) for i in who], np.float32)
        keypoints = keypoints.reshape(len(who), len(skeleton.keypoints), 2)
        keypoints[:, -1][rng.random(len(who)) < 0.5] = np.nan
        scores = np.where(np.isnan(keypoints[..., 0]), 0, 0.6).astype(np.float32)
        own = rng.random(len(who)).astype(np.float32)
        track = np.array(who, np.int64) + 1 if ids else None
        yield ReadResult(name, n, n * step, (360, 640), Poses(skeleton, keypoints, scores, own, track))


def video(skeleton=HUMAN_18, *, name="a.mp4", **options):
    return Subject(name, "a.poses.jsonl", True, gather(walk(skeleton, name=name, **options), is_video=True), model="m")


def pictures(name="folder", *, file="{n}.jpg"):
    found = [
        ReadResult(file.format(n=result.frame), 0, 0.0, result.size, result.poses)
        for result in walk(frames=30, people=3, ids=False)
    ]
    return Subject(name, "poses.json", False, gather(found, is_video=False))


ENDING = "</script><script>alert(3)</script>"
NASTY_SKELETON = Skeleton("<i>", ("<b>a", "c\"'", ENDING), (("<b>a", "c\"'"), ("c\"'", ENDING)))


def test_a_page_is_whole_and_has_every_part():
    page = Page(make_page([video()]))
    titles = "".join(page.text)
    for part in ("Who was there when", "Where", "How they moved", "Keypoints found", "Weakest moments", "Identities"):
        assert part in titles
    assert page.find("input", type="range")
    assert page.find("option", selected=None)


def test_pictures_have_no_time():
    page = Page(make_page([pictures()]))
    assert "Weakest pictures" in "".join(page.text)
    assert not page.find("input", type="range")


@pytest.mark.parametrize(
    "subject",
    [
        video(name=NASTY),
        video(NASTY_SKELETON),
        pictures(NASTY, file=NASTY + "{n}"),
        Subject("a", NASTY, True, gather(walk(), is_video=True), model=NASTY, find_link=lambda s: NASTY),
    ],
    ids=["video", "skeleton", "pictures", "results"],
)
def test_names_stay_text(subject):
    text = make_page([subject, subject])
    clean = Page(make_page([video(), pictures()]))
    page = Page(text)
    assert {tag for tag, _ in page.elements} <= {tag for tag, _ in clean.elements}
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert len([s for s in page.scripts if "alert" in s and not s.startswith("{")]) == 0
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_nothing_is_fetched_and_no_other_script_runs():
    page = Page(make_page([video(), pictures()]))
    for tag, attributes in page.elements:
        for name in ("src", "href", "action", "data", "poster", "srcset"):
            address = attributes.get(name) or ""
            assert address.startswith(("data:", "#")) or not address, (tag, name, address)
        assert tag not in {"link", "iframe", "object", "embed", "base", "form"}
    (policy,) = [a["content"] for a in page.find("meta", http_equiv=None) if "default-src" in (a.get("content") or "")]
    *_, own = page.scripts
    assert f"'sha256-{base64.b64encode(hashlib.sha256(own.encode()).digest()).decode()}'" in policy
    assert policy.startswith("default-src 'none'")
    assert "http" not in re.sub(
        r"http://www\.w3\.org/2000/svg", "", make_page([video()]).lower().replace("http-equiv", "")
    )


def test_every_figure_says_what_it_shows_and_every_control_has_a_label():
    text = make_page([video(), pictures()])
    page = Page(text)
    assert len(page.find("svg")) > 20
    assert all(svg.get("role") == "img" and svg.get("aria-label") for svg in page.find("svg"))
    assert page.find("html", lang="en")
    for control in re.finditer(r"<(input|select)\b", text):
        before = text[: control.start()]
        assert before.rfind("<label") > before.rfind("</label>")
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    assert all(a["href"][1:] in ids for a in page.find("a") if a["href"].startswith("#"))


def test_gaps_are_drawn_and_said():
    text = make_page([video()])
    assert "Identity 1: 0:00.0 to 0:04.9, 1 gap, the longest 2.0 s" in text
    row = re.search(r'<span class="who">#1</span>.*?</svg>', text)[0]
    assert row.count("<rect") == 3  # two times in view, and the line below


def test_the_page_of_a_long_video_is_small_and_says_what_it_left_out():
    many = video(frames=500, people=60, step=30.0)
    text = make_page([many])
    assert len(text) < 3_000_000
    assert "The 40 of 60 identities" in text
    assert "of the 12 seen most often" in text
    assert "Each point stands for" in text
    (data,) = [json.loads(s) for s in Page(text).scripts if s.startswith("{")]
    assert sum(len(values) for one in data["series"] for values in one["v"]) <= 300_000
    assert all(max(map(len, one["v"])) == len(one["t"]) for one in data["series"])


def test_of_many_sources_the_first_are_shown_whole_and_all_are_listed():
    text = make_page([video(name=f"{n}.mp4", frames=12) for n in range(MOST_SECTIONS + 3)])
    assert text.count("<article") == MOST_SECTIONS
    assert f"{MOST_SECTIONS + 2}.mp4" in text
    assert f"The first {MOST_SECTIONS} are shown below" in text


@pytest.mark.parametrize(
    "results",
    [[], list(walk(people=0)), list(walk(frames=1)), list(walk(ids=False)), list(walk(frames=3, step=0.0001))],
    ids=["nothing", "nobody", "one_frame", "strangers", "an_instant"],
)
@pytest.mark.parametrize("is_video", [True, False])
def test_little_makes_a_page_too(results, is_video):
    page = Page(make_page([Subject("a", "a.jsonl", is_video, gather(results, is_video=is_video))]))
    assert "nan" not in "".join(page.text).lower().split()
    assert not [v for _, a in page.elements for v in a.values() if v and re.search(r"\bnan\b", v)]


def test_the_same_results_make_the_same_page():
    assert make_page([video()]) == make_page([video()])


def test_curves_break_where_nothing_is_known():
    path = trace_curve([0, 1, 2, 9, 10], [0, 5, None, 10, 10], 0, 10, gap=2, top=10)
    assert path == f"M0.0 {TALL:.1f}h0L100.0 100.0M900.0 0.0h0L{WIDE:.1f} 0.0"


@pytest.mark.parametrize("high", [1e-3, 0.7, 1, 9.99, 10, 87, 4321.0])
def test_scales_hold_everything_and_are_round(high):
    top = choose_top([0, high, None], "px/s")
    assert high <= top <= 2 * high + 1e-12
    ticks = choose_ticks(0, top, most=6)
    assert 3 <= len(ticks) <= 6
    assert ticks[0] == 0
    assert ticks[-1] <= top * (1 + 1e-9)


@pytest.mark.parametrize("end", [0.3, 4.6, 61, 3599, 14400, 86400 * 3, 1e7])
def test_axes_of_time_have_few_ticks(end):
    assert 2 <= len(choose_time_ticks(0, end)) <= 6
