"""Which frames a selection wants."""

import pytest

from nimblepose.core.errors import OptionError
from nimblepose.media.frames import EVERYTHING, Selection


def chosen(selection, count=10):
    """Indices of frames at 10 per second."""
    found = []
    for index in range(count):
        if selection.is_over(index / 10):
            break
        if selection.wants(index, index / 10):
            found.append(index)
    return found


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, list(range(10))),
        ({"every": 3}, [0, 3, 6, 9]),
        ({"start": 0.3}, [3, 4, 5, 6, 7, 8, 9]),
        ({"end": 0.3}, [0, 1, 2]),
        ({"start": 0.2, "end": 0.5}, [2, 3, 4]),
        ({"every": 2, "start": 0.3, "end": 0.8, "after": 4}, [6]),
        ({"after": 0}, list(range(1, 10))),
    ],
)
def test_from_start_on_before_the_end_every_nth(options, expected):
    assert chosen(Selection(**options)) == expected


def test_everything_is_every_frame():
    assert chosen(EVERYTHING) == list(range(10))
    assert not EVERYTHING.is_over(1e9)


@pytest.mark.parametrize("options", [{"every": 0}, {"start": -0.1}, {"end": 0}, {"start": 2, "end": 2}])
def test_selections_that_cannot_hold_a_frame_are_refused(options):
    with pytest.raises(OptionError, match="every must be at least 1"):
        Selection(**options)
