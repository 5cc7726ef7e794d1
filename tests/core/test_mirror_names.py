"""Left and right as people write them in the names of keypoints."""

from collections import Counter

import pytest

from nimblepose.core.mirror_names import guess_mirror_pairs


@pytest.mark.parametrize(
    ("names", "pairs"),
    [
        (["left_eye", "right_eye"], [("left_eye", "right_eye")]),
        (["eye.R", "eye.L"], [("eye.L", "eye.R")]),
        (["l-front-paw", "r-front-paw", "tail"], [("l-front-paw", "r-front-paw")]),
        (["Left Hand", "Right Hand"], [("Left Hand", "Right Hand")]),
        (["rightear", "leftear", "snout"], [("leftear", "rightear")]),
        (["eyeL", "eyeR"], [("eyeL", "eyeR")]),
        (["forelegR1", "forelegL1", "forelegR2"], [("forelegL1", "forelegR1")]),
        (["LEar", "REar", "Lfoot", "Rfoot"], [("LEar", "REar"), ("Lfoot", "Rfoot")]),
        (["earLeft", "earRight", "pawleft", "pawright"], [("earLeft", "earRight"), ("pawleft", "pawright")]),
        (["hind_paw_left_2", "hind_paw_right_2"], [("hind_paw_left_2", "hind_paw_right_2")]),
        (["bright", "bleft", "cleft"], [("bleft", "bright")]),
        (["tail", "nose", "Finger1", "Finger2", "Line"], []),
        (["left_eye"], []),
        (["l_eye", "r_eye", "L_eye"], [("l_eye", "r_eye")]),
    ],
    ids=str,
)
def test_mirror_pairs_are_read_off_words(names, pairs):
    assert list(guess_mirror_pairs(names)) == pairs
    counted = Counter(name for pair in pairs for name in pair)
    assert all(count == 1 for count in counted.values())
