"""A body is drawn without the limbs that only help to group keypoints, and never falls apart."""

import pytest

from nimblepose import COCO_17, HUMAN_18, Skeleton
from nimblepose.core.body import list_body_limbs

CAT = Skeleton(
    "cat", ("nose", "left_ear", "right_ear", "left_paw", "right_paw"),
    (("nose", "left_ear"), ("nose", "right_ear"), ("left_ear", "left_paw"), ("right_ear", "right_paw")),
    mirror_pairs=(("left_ear", "right_ear"), ("left_paw", "right_paw")),
)  # fmt: skip


def test_a_human_has_openposes_seventeen():
    ears = {("right_shoulder", "right_ear"), ("left_shoulder", "left_ear")}
    assert {HUMAN_18.limbs[i] for i in list_body_limbs(HUMAN_18)} == set(HUMAN_18.limbs) - ears


@pytest.mark.parametrize("skeleton", [COCO_17, CAT], ids=lambda s: s.name)
def test_where_the_head_hangs_by_the_ears_all_are_drawn(skeleton):
    assert list_body_limbs(skeleton) == set(range(len(skeleton.limbs)))


def test_names_that_say_nothing_leave_all_limbs():
    ring = Skeleton("ring", ("a", "b", "c"), (("a", "b"), ("b", "c"), ("c", "a")))
    assert list_body_limbs(ring) == {0, 1, 2}
