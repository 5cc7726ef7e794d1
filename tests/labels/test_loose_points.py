"""Bodies of points by name become labels; one that lies in no picture is listed, and costs no other."""

import numpy as np

from nimblepose.labels.label_set import LabelledPicture
from nimblepose.labels.loose_points import LooseBody, assemble_pictures, name_keypoints


def test_a_body_that_lies_in_no_picture_is_listed_and_costs_no_other():
    near = LooseBody("mouse", {"nose": (1.0, 2.0, 2), "tail": (3.0, 4.0, 1)})
    far = LooseBody("mouse", {"nose": (1e6, 2.0, 2)})
    found = [(LabelledPicture("a/1.png", ()), [far, near]), (LabelledPicture("A/1.png", ()), [])]
    skipped = []
    pictures = assemble_pictures(found, name_keypoints([near, far]), skipped)
    assert [picture.name for picture in pictures] == ["a/1.png", "A/1-2.png"]
    (label,) = pictures[0].labels
    np.testing.assert_array_equal(label.xy, [[1, 2], [3, 4]])
    (one,) = skipped
    assert (one.file, "mouse: a place is further than" in one.reason) == ("a/1.png", True)
