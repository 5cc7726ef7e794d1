"""What notebooks show of people is HTML that holds who was found, and nothing that runs."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from nimblepose import HUMAN_18, Poses, Skeleton
from nimblepose.core.sketch import sketch, tabulate

EVIL = Skeleton("<script>alert(1)</script>", ("a", "b"), (("a", "b"),))


def make(people, skeleton=HUMAN_18, **more):
    k = len(skeleton.keypoints)
    keypoints = np.random.default_rng(0).uniform(0, 400, (people, k, 2)).astype(np.float32)
    return Poses(
        skeleton,
        keypoints,
        np.full((people, k), 0.5, np.float32),
        np.linspace(1, 0.25, people, dtype=np.float32),
        **more,
    )


def parse(html):
    return ElementTree.fromstring(html)  # noqa: S314 - our own


def test_a_row_for_each_person_and_a_line_for_each_limb_of_a_body():
    poses = make(3, track_ids=np.array([5, 6, 9]))
    page = parse(poses._repr_html_())
    rows = [[cell.text or "" for cell in row] for row in page.iter("tr")]
    assert [row[:3] for row in rows] == [
        ["id", "score", "keypoints"], ["5", "1.00", "18 of 18"], ["6", "0.62", "18 of 18"], ["9", "0.25", "18 of 18"]
    ]  # fmt: skip
    svg = "{http://www.w3.org/2000/svg}"
    assert len(list(page.iter(f"{svg}line"))) == 3 * 17
    assert len(list(page.iter(f"{svg}circle"))) == 3 * 18


def test_all_of_the_sketch_lies_in_its_frame():
    poses = make(4)
    page = parse(sketch(poses))
    left, top, width, height = map(float, page.get("viewBox").split())
    low, high = poses.keypoints.reshape(-1, 2).min(axis=0), poses.keypoints.reshape(-1, 2).max(axis=0)
    assert (np.array([left, top]) < low).all()
    assert (np.array([left + width, top + height]) > high).all()
    assert float(page.get("height")) <= 220


def test_what_was_not_found_is_not_there():
    poses = make(2)
    poses.keypoints[0] = np.nan
    poses.keypoints[1, 4:] = np.nan
    assert "nan" not in tabulate(poses)
    assert len(list(parse(sketch(poses)))) == 3 + 4  # neck to nose, to the right arm
    poses.keypoints[1] = np.nan
    assert sketch(poses) == ""
    assert "nan" not in tabulate(poses)
    assert "0 people, human18" in tabulate(Poses.empty(HUMAN_18))


def test_names_are_text_and_many_people_are_counted():
    assert "<script" not in tabulate(make(1, EVIL))
    page = parse(tabulate(make(30)))
    assert len(list(page.iter("tr"))) == 1 + 20
    assert "and 10 more" in "".join(page.itertext())


@pytest.mark.parametrize("people", [1, 2])
def test_a_person_is_shown_as_people_are(people):
    person = make(people)[people - 1]
    assert person._repr_html_() == tabulate(person.poses)
