"""Units know what they depend on, and can be halved."""

import pytest

from nimblepose.batch.units import Group, Piece, Source, compute_id, find_parts, parse_shard, read_unit
from nimblepose.core.errors import OptionError

SOURCE = Source("a.mp4", "/videos/a.mp4", 7, "3")
PIECE = Piece("abc", SOURCE, 60.0, 120.0, False, 60.0)
GROUP = Group("abc", tuple(Source(f"{n}.jpg", f"{n}.jpg") for n in range(5)))


@pytest.mark.parametrize("unit", [PIECE, GROUP, Piece("abc", SOURCE, 0.0, None, True)])
def test_there_and_back(unit):
    assert read_unit(unit.to_dict()) == unit


def test_halves_are_the_whole():
    one, other = PIECE.halve()
    assert (one.begin, one.end, one.first) == (60, 90, False)
    assert (other.begin, other.end, other.first) == (90, 120, False)
    assert (one.id, other.id) == ("abc-1", "abc-2")
    one, other = GROUP.halve()
    assert one.pictures + other.pictures == GROUP.pictures
    assert (one.first, other.first) == (0, 2)
    assert other.halve()[1].first == 3


def test_what_cannot_be_halved():
    assert Group("abc", GROUP.pictures[:1]).halve() is None


def test_one_picture_is_no_pictures():
    names = [Group("abc", GROUP.pictures[:many]).name for many in (1, 2)]
    assert names == ["1 picture from 0.jpg", "2 pictures from 0.jpg"]
    assert Piece("abc", SOURCE, 0.0, None, True).halve() is None


def test_the_last_piece_is_halved_by_what_the_file_says_of_its_length():
    one, other = Piece("abc", SOURCE, 0.0, None, True, 50.0).halve()
    assert (one.begin, one.end, one.first, other.begin, other.end, other.first) == (0, 25, True, 25, None, False)


def test_ids_differ_with_anything():
    ids = {compute_id("piece", "a", 1), compute_id("piece", "a", 2), compute_id("piece", "b", 1), compute_id("piece")}
    assert len(ids) == 4
    assert compute_id("piece", {"b": 1, "a": 2}) == compute_id("piece", {"a": 2, "b": 1})


def test_a_part_of_a_unit_counts_before_its_failure():
    assert find_parts("a", {"a.failed.parquet"}) == ["a.failed.parquet"]
    assert find_parts("a", {"a.failed.parquet", "a.parquet"}) == ["a.parquet"]
    assert find_parts("a", {"a-1.parquet", "a-2.parquet"}) == ["a-1.parquet", "a-2.parquet"]
    assert find_parts("a", {"a-2.parquet"}) is None


@pytest.mark.parametrize("text", ["3/3", "1", "-1/2", "a/b", "1/0"])
def test_no_shard(text):
    with pytest.raises(OptionError, match="from 0 to N - 1"):
        parse_shard(text)
