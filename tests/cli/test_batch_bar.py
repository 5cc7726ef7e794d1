"""How far a batch is, for who reads its log."""

import pytest

from nimblepose.batch.driving import Outcome
from nimblepose.cli.batch_bar import show_batch_bar


@pytest.mark.parametrize(("every", "quiet", "lines"), [(0, False, 2), (60, False, 0), (0, True, 0)])
def test_where_nobody_watches_a_line_says_what_is_done_and_left(capsys, every, quiet, lines):
    with show_batch_bar(4, quiet=quiet, every=every) as tell:
        tell(Outcome(done=1, total=4, frames=10, people=25))
        tell(Outcome(done=2, total=4, frames=20, people=50, failed={"a": "cut"}, waiting=True))
    said = capsys.readouterr().err.splitlines()
    assert len(said) == lines
    if lines:
        assert said[0].startswith("nimblepose: 1 of 4 units, ")
        assert ", 2.5 people in each, 1 failed, waiting for another run, about 0 s left" in said[1]


def test_one_is_not_many(capsys):
    with show_batch_bar(1, quiet=False, every=0) as tell:
        tell(Outcome(done=1, total=1, frames=1, people=1))
    assert capsys.readouterr().err.startswith("nimblepose: 1 of 1 unit, ")
