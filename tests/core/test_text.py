"""Text of strangers reaches a terminal as text only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nimblepose.core.errors import MediaError, PoseError, SkeletonError
from nimblepose.core.skeleton import Skeleton
from nimblepose.core.text import is_printable, make_printable


@given(st.text())
def test_what_comes_out_is_printable_and_stays_as_it_is(text):
    shown = make_printable(text)
    assert all(is_printable(line) for line in shown.split("\n"))
    assert make_printable(shown) == shown


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"])))
def test_what_can_be_seen_is_left_alone(text):
    assert make_printable(text) == text


@pytest.mark.parametrize("odd", ["\x1b]52;c;aGk=\x07", "\x9b2J", "\u202egnp", "\r", "\udcff"])
def test_errors_and_names_carry_nothing_that_a_terminal_obeys(odd):
    for kind in (PoseError, MediaError):
        assert odd not in str(kind(f"cannot read {odd}.jpg"))
        assert str(kind("two\nlines")) == "two\nlines"
    for name, keypoints in (("a", ("nose", f"tail{odd}")), (f"a{odd}", ("nose", "tail"))):
        with pytest.raises(SkeletonError, match="names must be printable"):
            Skeleton(name, keypoints, ((keypoints[0], keypoints[1]),))


def test_spaces_of_all_kinds_are_no_harm():
    assert Skeleton("a", ("left\xa0ear", "nose"), (("left\xa0ear", "nose"),)).keypoints[0] == "left\xa0ear"
