import re

import pytest

from nimblepose.core.errors import DataError, OptionError
from nimblepose.labels.splitting import name_group, split_set


def make_coco(**videos):
    """Pictures per video, with one label each."""
    images = [
        {"id": f"{video}{n}", "file_name": f"{n}.png", "video": video}
        for video, count in videos.items()
        for n in range(count)
    ]
    annotations = [{"id": i, "image_id": image["id"]} for i, image in enumerate(images)]
    return {"images": images, "annotations": annotations, "categories": [{"id": 1}], "info": {"x": 1}}


def videos_of(part):
    return {image["video"] for image in part["images"]}


def test_no_video_is_in_two_parts_and_nothing_is_lost():
    coco = make_coco(a=30, b=10, c=10, d=8, e=20, f=2)
    parts = split_set(coco, {"train": 0.7, "val": 0.2, "test": 0.1})
    assert not videos_of(parts["train"]) & videos_of(parts["val"])
    assert set().union(*map(videos_of, parts.values())) == set("abcdef")
    assert sum(len(part["annotations"]) for part in parts.values()) == 80
    assert parts["val"]["info"] == {"x": 1}
    assert abs(len(parts["train"]["images"]) / 80 - 0.7) < 0.15


def test_every_part_gets_a_video_and_labels_go_with_their_pictures():
    parts = split_set(make_coco(a=100, b=1), {"train": 0.99, "val": 0.01})
    assert (videos_of(parts["train"]), videos_of(parts["val"])) == ({"a"}, {"b"})
    for part in parts.values():
        assert {one["image_id"] for one in part["annotations"]} == {image["id"] for image in part["images"]}


def test_sessions_stay_together():
    coco = make_coco(m1_a=5, m1_b=5, m2_a=5, m2_b=5)
    parts = split_set(coco, {"train": 0.5, "val": 0.5}, session=re.compile("(m[0-9])_"))
    assert {frozenset(name[:2] for name in videos_of(part)) for part in parts.values()} == {
        frozenset(["m1"]),
        frozenset(["m2"]),
    }
    with pytest.raises(DataError, match="fits nothing in it"):
        split_set(coco, {"train": 0.5, "val": 0.5}, session=re.compile("rat"))


def test_the_seed_decides_among_alike():
    coco = make_coco(**dict.fromkeys("abcdefgh", 3))
    shares = {"train": 0.75, "val": 0.25}
    chosen = {frozenset(videos_of(split_set(coco, shares, seed=seed)["val"])) for seed in range(6)}
    assert len(chosen) > 1
    assert split_set(coco, shares, seed=1) == split_set(coco, shares, seed=1)


def test_one_video_is_not_split_unless_pictures_are_asked_for():
    coco = make_coco(a=10)
    with pytest.raises(DataError, match=r"1 videos cannot be 2 parts.*--by picture"):
        split_set(coco, {"train": 0.8, "val": 0.2})
    parts = split_set(coco, {"train": 0.8, "val": 0.2}, by_picture=True)
    assert [len(part["images"]) for part in parts.values()] == [8, 2]
    with pytest.raises(OptionError, match="make 1 together"):
        split_set(coco, {"train": 0.8, "val": 0.1})


def test_without_a_video_the_folder_counts():
    assert name_group({"file_name": "day1/a.png"}) == "day1"
    assert name_group({"file_name": "a.png"}) == ""


def test_entries_without_ids_are_refused():
    with pytest.raises(DataError, match="an entry of images has no id"):
        split_set({"images": [{}], "annotations": []}, {"train": 0.5, "val": 0.5})
