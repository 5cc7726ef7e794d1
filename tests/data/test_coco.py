import copy
import gzip
from pathlib import Path

import numpy as np
import pytest

from nimblepose import COCO_17, HUMAN_18
from nimblepose.core.errors import DataError
from nimblepose.data.centres import CentreOptions, choose_centres
from nimblepose.data.coco import build_records, load_records, read_json
from nimblepose.data.regions import paint_regions


def test_everyone_in_the_picture_is_one_array_of_pixel_centres(coco, bird):
    (record,) = build_records(coco, Path("pictures"), bird)
    assert record.xy.shape == (2, 4, 2)
    np.testing.assert_allclose(record.xy[0, 0], [19.5, 9.5])  # COCO counts from the corner of the first pixel
    assert np.isnan(record.xy[1, 2]).all()
    assert record.size == (64, 96)
    assert record.path == Path("pictures/birds.png")
    assert record.ignore == ()


def test_a_picture_may_say_that_its_labels_miss_people(coco, bird):
    assert not build_records(coco, Path("pictures"), bird)[0].partial
    coco["images"][0]["labels"] = "partial"
    assert build_records(coco, Path("pictures"), bird)[0].partial


def test_derived_keypoints_are_added(shared):
    records = load_records(
        [shared / "data/coco-train/person_keypoints.json"], [shared / "data/coco-train/images"], HUMAN_18
    )
    xy = np.concatenate([record.xy for record in records])
    assert len(records) == 2755
    neck, shoulders = xy[:, 1], xy[:, [2, 5]].mean(axis=1)
    np.testing.assert_array_equal(neck, shoulders)
    assert (~np.isnan(neck[:, 0])).sum() > 4000


@pytest.mark.parametrize("kind", ["crowd", "no keypoints", "all invisible"])
def test_who_is_not_labelled_is_masked_by_the_box_where_there_is_no_segmentation(coco, bird, kind):
    spoiled = coco["annotations"][1]
    spoiled |= {"crowd": {"iscrowd": 1}, "no keypoints": {"keypoints": None}, "all invisible": {"keypoints": [0] * 12}}[
        kind
    ]
    (record,) = build_records(coco, Path(), bird)
    assert len(record.xy) == 1
    mask = paint_regions(record.ignore, record.size)
    x, y, w, h = spoiled["bbox"]
    assert mask[y : y + h, x : x + w].all()
    assert mask.sum() <= (w + 2) * (h + 2)  # the border is rounded


def test_area_is_estimated_where_the_file_has_none(coco, bird):
    del coco["annotations"][0]["area"]
    (record,) = build_records(coco, Path(), bird)
    assert record.areas.tolist() == [300, 300]  # half of 20 x 30; given


def test_gzip_and_many_files(coco, bird, save, tmp_path):
    path, images = save(coco)
    packed = tmp_path / "more.json.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert len(load_records([path, packed], [images, images], bird)) == 2


def _duplicate(coco):
    coco["images"].append(copy.deepcopy(coco["images"][0]))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda c: c["annotations"][0].update(image_id=8), "annotations of no picture: annotation 0: image_id 8"),
        (lambda c: c["categories"][0].update(keypoints=["a"]), "no category has the keypoints of skeleton 'bird'"),
        (lambda c: c["annotations"][0].update(keypoints=[1, 2, 2]), "expected 4 keypoints"),
        (lambda c: c["annotations"][0].update(bbox=[1]), "broken boxes.*bbox: expected"),
        (lambda c: c["images"][0].pop("height"), "broken pictures: picture 7.*height: expected a whole number"),
        (lambda c: c["images"][0].update(file_name="../../secret.png"), "leads out of the picture folder"),
        (_duplicate, "duplicate picture ids: picture 7"),
        (lambda c: c["annotations"][1].update(iscrowd=1, segmentation={"size": [9, 9], "counts": [81]}), "do not fill"),
    ],
    ids=["stray", "skeleton", "keypoints", "box", "height", "path", "duplicate", "runs"],
)
def test_what_contradicts_itself_is_refused_by_name(coco, bird, spoil, message):
    spoil(coco)
    with pytest.raises(DataError, match=message):
        build_records(coco, Path("pictures"), bird)


@pytest.mark.parametrize(
    "content", [b"", b"[1]", b'{"images": []}', b"\x1f\x8b broken"], ids=["empty", "list", "part", "gzip"]
)
@pytest.mark.parametrize("name", ["a.json", "a.json.gz"])
def test_what_is_not_coco_is_refused(tmp_path, content, name):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=name):
        read_json(tmp_path / name)


def test_centres_are_people_worth_it_and_not_too_near(coco, bird):
    (record,) = build_records(coco, Path(), bird)

    def chosen(**options):
        defaults = {"min_keypoints": 1, "min_area": 0.0, "min_distance": 0.3}
        return choose_centres(record, CentreOptions(**defaults | options))

    assert chosen() == [0, 1]
    assert chosen(min_keypoints=4) == [0]
    assert chosen(min_area=301.0) == []
    assert chosen(min_distance=10.0) == [0]


def test_other_order_of_keypoints_is_not_taken_for_ours(shared):
    with pytest.raises(DataError, match="in this order"):
        build_records(
            {
                "images": [],
                "annotations": [],
                "categories": [{"id": 1, "keypoints": list(reversed(COCO_17.keypoints))}],
            },
            Path(),
            COCO_17,
        )


def test_categories_of_the_same_keypoints_are_one_class_and_that_is_said(coco, bird, caplog):
    coco["categories"].append(coco["categories"][0] | {"id": 4, "name": "chick"})
    coco["annotations"][1]["category_id"] = 4
    (record,) = build_records(coco, Path(), bird)
    assert len(record.xy) == 2
    assert record.ignore == ()
    assert "several categories" in caplog.text
    (one,) = build_records(coco, Path(), bird, category_id=4)
    assert one.people.labelled.tolist() == [False, True]
    assert len(one.ignore) == 1  # neither taught nor taken for background
