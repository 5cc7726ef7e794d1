"""A body of two keypoints goes the whole way: no limit on it is a person's."""

import json

import numpy as np
import pytest
import yaml

from nimblepose import Skeleton
from nimblepose.data.check import check
from nimblepose.data.coco import load_records
from nimblepose.training.devices import build_fabric
from nimblepose.training.preflight import preflight
from nimblepose.training.prior import learn_prior
from nimblepose.training.recipe import load_recipe

WORM = {"name": "worm", "keypoints": ["head", "tail"], "limbs": [["head", "tail"]]}


@pytest.fixture
def worms(pictures, tmp_path):
    """The drawn creatures, of which only head and tail are labelled."""
    coco = json.loads((pictures / "annotations.json").read_text())
    names = coco["categories"][0]["keypoints"]
    kept = [names.index(name) for name in WORM["keypoints"]]
    coco["categories"][0] |= {"name": "worm", "keypoints": WORM["keypoints"], "skeleton": [[1, 2]]}
    for annotation in coco["annotations"]:
        annotation["keypoints"] = np.reshape(annotation["keypoints"], (-1, 3))[kept].ravel().tolist()
        annotation["num_keypoints"] = 2
    (tmp_path / "worms.json").write_text(json.dumps(coco))
    (tmp_path / "worm.yaml").write_text(yaml.safe_dump(WORM))
    return tmp_path


def test_a_skeleton_of_two_keypoints_is_checked_trained_and_measured(tiny, pictures, worms):
    annotations, images = worms / "worms.json", pictures / "images"
    assert check(annotations, images, Skeleton.load(worms / "worm.yaml")) == []
    changes = {
        "data__annotations": [str(annotations)],
        "data__images": [str(images)],
        "data__skeleton": str(worms / "worm.yaml"),
        "augment__centre": "person",
        "validation": {"annotations": str(annotations), "images": str(images), "height": 64},
    }
    recipe = load_recipe(tiny(**changes))
    preflight(recipe, fabric=build_fabric(recipe), export=False)


def test_poses_of_two_keypoints_are_learnt(pictures, worms):
    skeleton = Skeleton.load(worms / "worm.yaml")
    records = load_records([worms / "worms.json"], [pictures / "images"], skeleton)
    people = np.concatenate([record.xy for record in records] * 10)
    prior = learn_prior(people, skeleton)
    alone = people[:3].copy()
    alone[:, 1] = np.nan
    assert np.isfinite(prior.complete(alone)).all()
