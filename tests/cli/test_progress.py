"""Whoever waits is told how far it is: by a bar that names the file, or where nobody watches by a line now and then."""

import io

import pytest
from rich.console import Console

from nimblepose.cli import progress
from nimblepose.cli.progress import show_picture_bar, show_video_bar


@pytest.fixture
def terminal(monkeypatch):
    """What a terminal of 80 columns was sent."""
    file = io.StringIO()
    monkeypatch.setattr(progress, "Console", lambda **_: Console(file=file, force_terminal=True, width=80))
    return file


def test_the_bar_of_a_video_names_it_and_its_place_in_80_columns(terminal):
    with show_video_bar(0, 10, quiet=False, name="a-long-name-of-a-recording-of-monday.mp4", place="2/5") as advance:
        for second in range(5):
            advance("find", second, 3, 0)
    shown = terminal.getvalue()
    assert "2/5 ...a-recording-of-monday.mp4 find" in shown
    assert "frames/s" in shown
    assert "3 people" in shown
    with show_video_bar(0, 10, quiet=False, name="[a]/b.mp4") as advance:
        advance("find", 1, 3, 0)
    assert "[a]/b.mp4 find" in terminal.getvalue(), "a name is no markup"


def test_piped_a_video_prints_a_line_every_so_often(capsys):
    with show_video_bar(10, 70, quiet=False, name="b.mp4", place="2/5", every=0) as advance:
        advance("find", 40, 1, 2)
        advance("draw", 70, 3, 0)
    out, err = capsys.readouterr()
    assert out == ""
    first, second = err.splitlines()
    assert first == "nimblepose: 2/5 b.mp4 find: 30 of 60 s, 0.0 frames/s, 2 dropped, 1 person"
    assert second.startswith("nimblepose: 2/5 b.mp4 draw: 60 of 60 s")
    with show_video_bar(0, float("inf"), quiet=False, name="camera", every=0) as advance:
        advance("find", 30, 0, 0)
    assert "camera find: 30 s, " in capsys.readouterr().err


def test_piped_pictures_are_counted_every_so_often(capsys):
    with show_picture_bar(3, quiet=False, every=0) as bar:
        task = bar.add_task("predict", total=3)
        for _ in range(3):
            bar.advance(task)
    assert capsys.readouterr().err.splitlines() == [f"nimblepose: predict: {n} of 3" for n in (1, 2, 3)]


def test_short_runs_quiet_ones_and_single_pictures_print_nothing(capsys):
    with show_video_bar(0, 10, quiet=False, name="a.mp4") as advance:
        advance("find", 5, 1, 0)
    with show_video_bar(0, 10, quiet=True, name="a.mp4", every=0) as advance:
        advance("find", 5, 1, 0)
    for total, quiet in ((1, False), (3, True)):
        with show_picture_bar(total, quiet=quiet, every=0) as bar:
            bar.advance(bar.add_task("predict", total=total))
    assert capsys.readouterr() == ("", "")
