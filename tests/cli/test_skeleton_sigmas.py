"""`nimblepose skeleton sigmas` prints what goes into the skeleton's file, or says that there is nothing to go by."""

import json

import pytest
import yaml


def annotated(shift, categories=1):
    people = [
        {"id": i, "image_id": 1, "category_id": 1, "bbox": [200 * i, 0, 100, 100], "area": 10_000, "iscrowd": 0,
         "keypoints": [200 * i + shift, 0, 2, 200 * i + 50, 50, 2, 200 * i, 90, 0]}
        for i in range(3)
    ]  # fmt: skip
    category = {"name": "three", "keypoints": ["a", "b", "c"], "skeleton": [[1, 2], [2, 3]]}
    return {
        "images": [{"id": 1, "file_name": "1.jpg", "height": 100, "width": 700}],
        "annotations": people,
        "categories": [{"id": i + 1, **category} for i in range(categories)],
    }


@pytest.fixture
def files(tmp_path):
    for name, shift in (("one.json", 0), ("two.json", 2)):
        (tmp_path / name).write_text(json.dumps(annotated(shift)))
    return tmp_path


def test_the_snippet_is_what_a_skeleton_file_takes(cli, files):
    ran = cli("skeleton", "sigmas", files / "one.json", files / "two.json")
    assert ran.code == 0, ran.err
    snippet = yaml.safe_load(ran.out[ran.out.index("oks_sigmas:") :])
    assert snippet == {"oks_sigmas": {"a": pytest.approx(0.0141, abs=1e-4), "b": 0}}  # sqrt(2^2 / 100^2 / 2)
    assert "# c: unknown" in ran.out
    assert "3 people annotated twice" in ran.out
    assert "hardly more than a guess: a, b, c" in ran.out


def test_without_doubles_it_says_that_the_defaults_are_a_guess(cli, files):
    ran = cli("skeleton", "sigmas", files / "one.json")
    assert ran.code == 1
    assert "0.06: that is a guess" in ran.out


def test_several_categories_need_a_choice(cli, tmp_path):
    several = annotated(0, categories=2)
    several["categories"][1]["keypoints"] = ["a", "b", "d"]
    (tmp_path / "two.json").write_text(json.dumps(several))
    ran = cli("skeleton", "sigmas", tmp_path / "two.json")
    assert ran.code == 2
    assert "--skeleton" in ran.err
