"""What labelled subjects are like, and the skeleton that follows from them."""

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from nimblepose.core.skeleton import Skeleton
from nimblepose.data.coco import build_records
from nimblepose.data.subjects import describe_subjects, join_nearest, list_pairs_within, propose_skeleton, share_joined

NAMES = ("snout", "leftear", "rightear", "tailbase")
SHAPE = np.array([(0.0, 0.0), (6.0, 10.0), (-6.0, 10.0), (0.0, 100.0)])
CHAIN = Skeleton("mouse", NAMES, tuple(pairwise(NAMES)))


def turned(degrees):
    angle = math.radians(degrees)
    return SHAPE @ np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])


def describe(*people, height=200, missing=()):
    images = [{"id": i, "file_name": f"{i}.png", "height": height, "width": 400} for i in range(len(people))]
    annotations = []
    for i, xy in enumerate(people):
        flags = [0 if (i, k) in missing else 2 for k in range(4)]
        keypoints = [v for (x, y), f in zip(xy + 150, flags, strict=True) for v in (x, y, f)]
        annotations.append({"id": i, "image_id": i, "category_id": 1, "keypoints": keypoints, "bbox": [0, 0, 10, 100]})
    category = {"id": 1, "name": "mouse", "keypoints": list(NAMES)}
    coco = {"images": images, "annotations": annotations, "categories": [category]}
    return describe_subjects(build_records(coco, Path(), CHAIN), NAMES)


def test_lengths_are_in_heights_of_the_picture():
    found = describe(*[turned(angle) for angle in range(0, 360, 30)])
    assert (found.pictures, found.most, found.size) == (12, 1, (200, 400))
    assert found.sizes.max() == pytest.approx(0.5, abs=0.02)
    a, b, near = found.nearest
    assert (a, near) == ("snout", pytest.approx(math.hypot(6, 10) / 200))
    assert b in ("leftear", "rightear")
    assert found.spread[2] > 90, "they lie anywhere"
    close = [set(pair[:2]) for pair in list_pairs_within(found, 0.0595)]
    assert close == [{"snout", "leftear"}, {"snout", "rightear"}]


def test_limbs_do_not_lead_through_what_is_often_hidden():
    """Both ears lie between the snout and the tail."""
    between = np.array([(0.0, 0.0), (30.0, 10.0), (30.0, -10.0), (60.0, 0.0)])
    hidden = {(i, k) for i in range(12) for k in (1, 2)}
    seen, half_seen = (
        [set(limb) for limb in propose_skeleton(describe(*[between] * 20, missing=missing), "mouse").limbs]
        for missing in (set(), hidden)
    )
    assert {"snout", "tailbase"} not in seen, "there is a shorter way"
    assert {"snout", "tailbase"} in half_seen, "longer, but always there"


def test_who_falls_into_parts_by_what_is_hidden_is_counted():
    found = describe(*[turned(0)] * 10, missing={(i, 1) for i in range(3)} | {(9, k) for k in (0, 2, 3)})
    chain = tuple(pairwise(NAMES))
    assert share_joined(found, chain) == 0.7, "three lack the second of the chain; who has one keypoint is whole"
    assert share_joined(found, (*chain, ("snout", "rightear"))) == 1


def test_those_who_lie_one_way_do_not_spread():
    a, b, degrees = describe(*[turned(angle) for angle in (-10, -5, 0, 5, 10) * 2]).spread
    assert (a, b) == ("snout", "tailbase")
    assert degrees == pytest.approx(np.std([-10, -5, 0, 5, 10]), rel=0.02)
    assert f"{describe(SHAPE).spread[2]:.0f}" == "0", "and no -0"


def test_what_is_labelled_in_too_few_says_nothing():
    found = describe(*[turned(0)] * 12, missing={(i, 3) for i in range(10)})
    assert np.isnan(found.distances[0, 3])
    assert found.spread[:2] != ("snout", "tailbase")
    skeleton = propose_skeleton(found, "mouse")
    assert {name for limb in skeleton.limbs for name in limb} == set(NAMES), "it is joined all the same"


def test_nobody_is_nobody():
    found = describe()
    assert (found.pictures, len(found.sizes)) == (0, 0)


def test_limbs_join_what_lies_near_and_their_mirror_image_is_a_limb():
    skeleton = propose_skeleton(describe(*[turned(angle) for angle in range(0, 360, 30)]), "mouse")
    assert set(skeleton.limbs) == {("snout", "leftear"), ("snout", "rightear"), ("snout", "tailbase")}
    assert skeleton.mirror_pairs == (("leftear", "rightear"),)
    assert not skeleton.loop_limbs
    skeleton.limb_flip  # noqa: B018 - raises if there is none
    assert all(0.05 <= sigma <= 0.07 for sigma in skeleton.oks_sigmas)
    assert not skeleton.sigmas_are_guessed
    assert propose_skeleton(describe(turned(0)), "mouse", CHAIN.limbs).limbs == CHAIN.limbs


def test_a_body_without_a_middle_is_joined_alike_on_both_sides():
    names, pairs = ("lf", "rf", "lh", "rh"), (("lf", "rf"), ("lh", "rh"))
    xy = np.array([(0.0, 0.0), (30.0, 0.0), (0.0, 40.0), (30.0, 40.0)])
    limbs = join_nearest(np.linalg.norm(xy[:, None] - xy[None], axis=-1), names, pairs)
    Skeleton("feet", names, limbs, mirror_pairs=pairs).limb_flip  # noqa: B018
    assert {frozenset(limb) for limb in limbs} >= {frozenset(("lf", "lh")), frozenset(("rf", "rh"))}
