import json

import numpy as np
import pytest

from nimblepose.data.regions import Region, decompress_runs, paint_regions


def test_run_lengths_go_down_the_columns():
    region = Region.read({"segmentation": {"size": [3, 2], "counts": [1, 3, 2]}}, (3, 2))
    assert paint_regions([region], (3, 2)).tolist() == [[False, True], [True, False], [True, False]]


def test_compressed_runs_are_those_of_pycocotools():
    mask = pytest.importorskip("pycocotools.mask")
    rng = np.random.default_rng(0)
    for density in (0.01, 0.5, 0.99):
        picture = (rng.random((57, 83)) < density).astype(np.uint8)
        text = mask.encode(np.asfortranarray(picture))["counts"].decode()
        region = Region.read({"segmentation": {"size": [57, 83], "counts": text}}, (57, 83))
        np.testing.assert_array_equal(paint_regions([region], (57, 83)), picture.astype(bool))


@pytest.mark.parametrize("text", ["~~~~", "\n", "o" * 40], ids=["too high", "too low", "endless"])
def test_damaged_runs_are_refused(text):
    with pytest.raises(ValueError, match="not compressed run lengths"):
        decompress_runs(text)


def test_polygons_cover_what_pycocotools_covers(shared):
    mask = pytest.importorskip("pycocotools.mask")
    coco = json.loads((shared / "data/coco-train/person_keypoints.json").read_text())
    sizes = {image["id"]: (image["height"], image["width"]) for image in coco["images"]}
    polygons = [a for a in coco["annotations"] if isinstance(a.get("segmentation"), list) and a["area"] > 3000][:40]
    for annotation in polygons:
        size = sizes[annotation["image_id"]]
        ours = paint_regions([Region.read(annotation, size)], size)
        theirs = mask.decode(mask.merge(mask.frPyObjects(annotation["segmentation"], *size))).astype(bool)
        assert (ours & theirs).sum() / (ours | theirs).sum() > 0.93  # OpenCV paints the border too
