"""People as the decoder groups them."""

import numpy as np

from nimblepose.core.people import GroupedPeople


def test_an_extent_is_that_of_the_keypoints_that_were_found():
    nan = np.nan
    xy = np.float32([[[1, 2], [nan, nan], [4, 9]], [[nan, nan], [3, 3], [nan, nan]]])
    people = GroupedPeople(xy, np.ones((2, 3), np.float32), np.ones(2, np.float32))
    np.testing.assert_array_equal(people.extents, [[3, 7], [0, 0]])
    np.testing.assert_array_equal(people[np.array([1])].extents, [[0, 0]])  # of those who were chosen
