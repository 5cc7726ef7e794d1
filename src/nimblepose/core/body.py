"""What the names of keypoints say of a body: where its head is, and which of its limbs are limbs of a body."""

import re
from functools import cache

from nimblepose.core.skeleton import Skeleton

HEAD = frozenset({"nose", "eye", "ear", "head", "mouth", "chin", "muzzle", "forehead"})


@cache
def list_keypoints(names: tuple[str, ...], words: frozenset[str]) -> list[int]:
    """Those that have one of the words in their names; cached, since splitting names takes as long as decoding."""
    split = (set(re.split(r"[^a-z]+", re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower())) for name in names)
    return [i for i, parts in enumerate(split) if parts & words]


def list_body_limbs(skeleton: Skeleton) -> frozenset[int]:
    """The limbs that a body has to the eye, without those that are only there to group keypoints.

    A head joins its body in the middle. Limbs beside it, from an ear to a shoulder, help to find who belongs to whom;
    drawn they run across cheeks and hats, and OpenPose, which has them too, draws 17 of its 19 limbs. They are left out
    where the body hangs together without them.

    >>> from nimblepose.core.skeleton import COCO_17, HUMAN_18
    >>> [HUMAN_18.limbs[i] for i in sorted(set(range(19)) - list_body_limbs(HUMAN_18))]
    [('right_shoulder', 'right_ear'), ('left_shoulder', 'left_ear')]
    >>> len(list_body_limbs(COCO_17)) == len(COCO_17.limbs)  # no neck: its head hangs by the ears
    True
    """
    return _list_body_limbs(skeleton.keypoints, skeleton.limbs, skeleton.mirror_pairs)


_Pairs = tuple[tuple[str, str], ...]


@cache
def _list_body_limbs(keypoints: tuple[str, ...], limbs: _Pairs, mirror_pairs: _Pairs) -> frozenset[int]:
    everything = frozenset(range(len(limbs)))
    head = {keypoints[i] for i in list_keypoints(keypoints, HEAD)}
    sided = {name for pair in mirror_pairs for name in pair}
    body = everything - {i for i, (a, b) in enumerate(limbs) if (a in head) != (b in head) and {a, b} <= sided}
    group = {name: {name} for name in keypoints}
    for i in body:
        both = group[limbs[i][0]] | group[limbs[i][1]]
        group |= dict.fromkeys(both, both)
    return body if len(group[keypoints[0]]) == len(keypoints) else everything
