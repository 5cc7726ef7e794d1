"""Names that readers of tables change by themselves are told."""

import pytest

from nimblepose.core.naming import find_misread_names
from nimblepose.core.skeleton import BUILT_IN


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["nose", "NA"], "'NA' is read as a missing value"),
        (["None"], "'None' is read as a missing value"),
        (["TRUE", "nose"], "'TRUE' is read as true or false"),
        (["T"], "'T' is read as true or false"),
        (["1e5"], "'1e5' is read as a number"),
        (["inf"], "'inf' is read as a number"),
        (["left_ear", "left-ear"], "'left_ear' and 'left-ear' become one field"),
        (["Nose", "nose"], "'Nose' and 'nose' become one field"),
        (["1st"], "'1st' does not begin with a letter"),
        (["=nose"], "'=nose' does not begin with a letter"),
        (["nose "], "'nose ' begins or ends with a space"),
    ],
    ids=str,
)
def test_a_misread_name_is_told_once(names, expected):
    (warning,) = find_misread_names(names)
    assert warning.startswith(expected)


@pytest.mark.parametrize("names", [skeleton.keypoints for skeleton in BUILT_IN.values()], ids=list(BUILT_IN))
def test_our_own_names_are_good(names):
    assert find_misread_names(names) == []


@pytest.mark.parametrize("names", [["left-ear", "right-ear"], ["tail", "tail_base"], ["Schnauze", "Öhrchen"], ["t1"]])
def test_what_no_reader_changes_is_good(names):
    assert find_misread_names(names) == []
