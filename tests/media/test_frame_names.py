"""Where names stop to count and begin to be times, and which numbers are named as missing."""

from datetime import UTC, datetime

import pytest

from nimblepose.media.frame_names import place_frames

RATE = 10
YEAR_2000, YEAR_2100 = (round(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (2000, 2100))


def name(*numbers, before="f", behind=""):
    return [f"{before}{number}{behind}" for number in numbers]


def times_of(stems):
    return [time for _, time in place_frames(stems, RATE)[0]]


@pytest.mark.parametrize(
    "stems",
    [
        ["a1", "a1b2", "a1b2"],
        ["a2b2", "a1", "a1"],
        ["f1.5", "f2", "f3.5"],
        ["a2", "a1"],
        ["a1", "a01", "a2"],
        ["a1", "b2", "c3"],
        ["a1", "b1", "c1"],
        ["cam2_1.5", "cam2_2.25"],
        ["1.5_2", "2.5_3"],
        ["7"],
    ],
    ids=[
        "more_numbers",
        "fewer_numbers",
        "some_decimals",
        "falling",
        "equal",
        "letters_too",
        "letters_only",
        "two_numbers",
        "many_numbers",
        "single",
    ],
)
def test_names_that_neither_count_nor_tell_a_time_follow_each_other(stems):
    assert place_frames(stems, 3) == ([(i, round(i / 3, 6)) for i in range(len(stems))], "")


@pytest.mark.parametrize(("unit", "seconds"), [("s", 2), ("ms", 0.002), ("us", 0.000002), ("MS", 0.002)])
def test_a_unit_behind_the_number_makes_it_a_time(unit, seconds):
    assert times_of(name(5, 7, 15, behind=unit)) == pytest.approx([0, seconds, 5 * seconds], abs=1e-9)
    assert times_of(name(5, 7, 15, behind=f"{unit}_left")) == pytest.approx([0, seconds, 5 * seconds], abs=1e-9)


def test_nanoseconds_are_told_to_the_microsecond():
    assert times_of(name(0, 1_000_000, 2_000_400, 2_000_600, behind="ns")) == [0, 0.001, 0.002, 0.002001]


def test_letters_that_are_no_unit_do_not_make_it_a_time():
    assert times_of(name(5, 7, 15, behind="msec")) == [0, 0.1, 0.5]


def test_decimals_are_seconds_and_whole_ones_count():
    assert times_of(name("1.5", "2.25", "4.0")) == [0, 0.75, 2.5]
    assert times_of(name("1.5", "2.25", behind="ms")) == [0, 0.00075]
    assert times_of(name("1.0", "2.0", "4.0")) == [0, 0.1, 0.3]


@pytest.mark.parametrize("factor", [1, 1_000, 1_000_000], ids=["s", "ms", "us"])
def test_clocks_say_times_of_this_century(factor):
    """Ten seconds apart by the clock; what is just beyond the century is counted."""
    inside = [YEAR_2000, YEAR_2000 + 10], [YEAR_2100 - 10, YEAR_2100]
    beyond = [YEAR_2000 - 1, YEAR_2000 + 9], [YEAR_2100 - 9, YEAR_2100 + 1]
    for pair in inside:
        assert times_of(name(*(factor * n for n in pair))) == [0, 10]
    for pair in beyond:
        assert times_of(name(*(factor * n for n in pair))) == [0, 0.1]
    leaving = YEAR_2100 - 20, YEAR_2100 - 10, YEAR_2100 + 10
    assert times_of(name(*(factor * n for n in leaving))) == [0, 0.1, 0.3]


def add_up(*steps):
    return name(*(sum(steps[:n]) for n in range(len(steps) + 1)))


@pytest.mark.parametrize(
    ("steps", "milliseconds"),
    [
        ((33, 34, 33), True),
        ((33, 34), False),
        ((10, 11, 10, 9), True),
        ((9, 10, 9, 9), False),
        ((40, 40, 40), False),
        ((40, 80, 40, 40), False),
        ((20, 20, 20, 30), False),
        ((20, 20, 20, 25), True),
        ((100, 100, 100, 100, 100, 100, 110, 300, 501, 700), True),
        ((100, 100, 100, 100, 100, 100, 111, 300, 501, 700), False),
        ((100, 100, 100, 100, 100, 100, 90, 300, 501, 700), True),
        ((100, 100, 100, 100, 100, 100, 89, 300, 501, 700), False),
    ],
)
def test_steps_that_are_about_but_not_quite_equal_are_milliseconds(steps, milliseconds):
    """About: a tenth more or less, of seven steps in ten. Numbers that are multiples of half a step are counted."""
    found, remark = place_frames(add_up(*steps), RATE)
    assert ("times in ms" in remark) == milliseconds
    if milliseconds:
        assert found[-1] == (len(steps), pytest.approx(sum(steps) / 1000))


@pytest.mark.parametrize(
    ("numbers", "missing"),
    [
        ((3, 4, 5), None),
        ((10, 20, 30), None),
        ((3, 4, 6), "5"),
        ((10, 20, 40, 60), "30, 50"),
        ((0, 1, 7), "2, 3, 4, 5, 6"),
        ((0, 1, 8), "2, 3, 4, 5, 6 and 1 more"),
        ((0, 1, 3, 5, 9, 11), "2, 4, 6, 7, 8 and 1 more"),
        ((0, 1, 4, 10_000), "2, 3, 5, 6, 7 and 9992 more"),
    ],
)
def test_numbers_that_are_missing_are_named_up_to_a_few(numbers, missing):
    remark = place_frames(name(*numbers), RATE)[1]
    assert remark == (f"the numbers {missing} are missing: their frames are left out, times go on" if missing else "")


def test_times_are_told_to_the_microsecond():
    assert place_frames(["a", "b"], 7)[0][1] == (1, 0.142857)
    assert place_frames(["1", "2"], 7)[0][1] == (1, 0.142857)
