"""A recipe is chosen by what the pictures show; what would not be learnt is said before it runs."""

import json
import re

import numpy as np
import pytest

from nimblepose.core.errors import DataError
from nimblepose.core.skeleton import Skeleton
from nimblepose.training.recipe import load_recipe
from nimblepose.training.recipe_check import check_recipe
from nimblepose.training.recipe_writing import write_fitting_recipe

NAMES = ["snout", "leftear", "rightear", "tailbase"]
MOUSE = np.array([(0.0, 0.0), (9.0, 10.0), (-9.0, 10.0), (0.0, 130.0)]) - [0, 65]


def build_set(count, size, zooms, turn, names):
    """COCO annotations of one mouse in the middle of each picture."""
    rng = np.random.default_rng(0)
    images, annotations = [], []
    for i in range(1, count + 1):
        angle = np.radians(rng.uniform(-turn, turn))
        matrix = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) * zooms[i % len(zooms)]
        xy = MOUSE @ matrix + np.array(size[::-1]) / 2
        low, high = xy.min(axis=0), xy.max(axis=0)
        images.append({"id": i, "file_name": f"{i}.png", "height": size[0], "width": size[1]})
        keypoints = [float(v) for x, y in xy for v in (x, y, 2)]
        box = [*low, *(high - low)]
        annotations.append({"id": i, "image_id": i, "category_id": 1, "bbox": box, "keypoints": keypoints})
    category = {"id": 1, "name": "mouse", "keypoints": list(names)}
    return {"images": images, "annotations": annotations, "categories": [category]}


@pytest.fixture
def write(tmp_path):
    """Write a set of mice, pictures aside, and a recipe for it, and read that."""

    def write_(*, count=40, size=(480, 640), zoom=(1.0,), turn=180.0, names=NAMES, val=10, val_zoom=(1.0,), **options):
        for part, number, zooms in (("train", count, zoom), ("val", val, val_zoom)):
            if number:
                (tmp_path / part / "images").mkdir(parents=True, exist_ok=True)
                coco = build_set(number, size, zooms, turn, names)
                (tmp_path / part / "annotations.json").write_text(json.dumps(coco))
        given = {"skeleton": None, "name": None, "licence": "unknown", "force": True} | options
        written = write_fitting_recipe(tmp_path, tmp_path / "recipe.yaml", **given)
        return load_recipe(tmp_path / "recipe.yaml"), written

    return write_


def test_mice_from_above(write, tmp_path):
    recipe, written = write()
    apart = np.hypot(9, 10) * recipe.height / 480
    assert 12 <= apart < 12.5, "1.5 cells of 8 pixels, and no more than a step of the height"
    assert recipe.validation.height == recipe.height
    assert (recipe.augment.rotation, recipe.augment.flip) == (180, 0.5)
    assert (recipe.augment.centre, recipe.augment.relative_to) == ("person", "picture")
    assert recipe.augment.fill * recipe.data.size[0] == pytest.approx(recipe.height, rel=0.01)
    assert min(recipe.data.size) > 130 * recipe.height / 480 * recipe.augment.scale[1], "they fit into samples"
    assert recipe.network.width == 0.25
    assert written.remarks == ()
    assert [path.name for path in written.files] == ["recipe.yaml", "recipe.skeleton.yaml"]
    assert Skeleton.load(recipe.data.skeleton).mirror_pairs == (("leftear", "rightear"),)


def test_of_keypoints_that_are_never_labelled_together_nothing_is_said(write, tmp_path):
    """A point on each of many animals; a recipe all the same."""
    lonely = build_set(40, (480, 640), (1.0,), 180.0, NAMES)
    for one in lonely["annotations"]:
        one["keypoints"][3:] = [0] * 9
    (tmp_path / "annotations.json").write_text(json.dumps(lonely))
    recipe, _ = write(count=0, val=0, skeleton=None)
    text = (tmp_path / "recipe.yaml").read_text()
    assert "no two keypoints are labelled together" in text
    assert recipe.augment.rotation == 180
    assert not re.search(r"\b(nan|inf|0000)\b", text)


def test_every_choice_has_its_reason(write, tmp_path):
    write()
    lines = (tmp_path / "recipe.yaml").read_text().splitlines()
    of_files = ("name", "licence", "  annotations", "  images", "  skeleton")
    choices = [line for line in lines if ": " in line and not line.startswith(of_files)]
    assert len(choices) > 20
    assert all("  # " in line for line in choices)


def test_who_lies_one_way_is_not_turned_over_and_without_pairs_nothing_is_mirrored(write):
    recipe, _ = write(turn=8.0, names=["a", "b", "c", "d"])
    assert recipe.augment.rotation == 15
    assert recipe.augment.flip == 0


def test_subjects_that_fill_their_pictures_are_seen_whole(write):
    recipe, _ = write(size=(160, 192))
    assert recipe.augment.centre == "picture"
    assert recipe.data.size[0] == recipe.height


@pytest.mark.parametrize("size", [(141, 160), (480, 900)])
def test_subjects_are_not_enlarged_beyond_their_samples(write, size):
    """Such as fill the whole picture, and such as are larger than the largest sample."""
    zoom = size[0] / 160
    recipe, written = write(size=size, turn=8.0, zoom=(zoom,), val_zoom=(zoom,), count=40)
    assert 1 <= recipe.augment.scale[1] < 1.25, "or they would be cut"
    assert not any("larger than samples" in line for line in written.remarks)


def test_sizes_of_every_kind_are_levelled_by_the_longer_side(write):
    recipe, _ = write(size=(900, 900), zoom=(0.3, 1.0, 4.0), val_zoom=(0.3, 1.0, 4.0))
    assert recipe.augment.relative_to == "side"
    assert recipe.augment.scale[0] < 0.2


def test_more_pictures_take_a_wider_network(write):
    assert write(count=3000, size=(120, 160), zoom=(0.5,))[0].network.width == 0.5


def test_what_the_data_do_not_bear_is_said(write, tmp_path):
    _, written = write(val_zoom=(3.0,))
    assert any("validation shows other sizes" in line for line in written.remarks)
    write()
    path = tmp_path / "recipe.yaml"
    assert not check_recipe(load_recipe(path))
    small = check_recipe(load_recipe(path, ["validation.height=160"]))
    assert any("share a cell of 8 pixels at input height 160: snout and" in line for line in small)
    across = check_recipe(load_recipe(path, ["augment.relative_to=person", "augment.fill=0.8"]))
    assert any("larger than samples" in line for line in across), "by its height who lies across is enlarged too much"


def test_without_validation_it_is_said(write):
    recipe, written = write(val=0)
    assert not recipe.validation.annotations
    assert any("nobody knows how good" in line for line in written.remarks)


def test_files_that_are_there_stay(write):
    write()
    with pytest.raises(DataError, match="there already"):
        write(force=False)


def test_limbs_of_the_file_are_kept_and_so_is_a_given_skeleton(write, tmp_path):
    write()
    path = tmp_path / "train" / "annotations.json"
    coco = json.loads(path.read_text())
    coco["categories"][0]["skeleton"] = [[1, 2], [2, 3], [3, 4]]
    path.write_text(json.dumps(coco))
    given = {"name": "c", "licence": "MIT", "force": False}
    write_fitting_recipe(tmp_path, tmp_path / "b.yaml", skeleton=None, **given)
    assert Skeleton.load(tmp_path / "b.skeleton.yaml").limbs[2] == ("rightear", "tailbase")
    written = write_fitting_recipe(tmp_path, tmp_path / "c.yaml", skeleton=str(tmp_path / "b.skeleton.yaml"), **given)
    assert [path.name for path in written.files] == ["c.yaml"]
    recipe = load_recipe(tmp_path / "c.yaml")
    assert (recipe.name, recipe.licence) == ("c", "MIT")
    assert Skeleton.load(recipe.data.skeleton).limbs[2] == ("rightear", "tailbase")
