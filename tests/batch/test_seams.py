"""Pieces become one video only where they fit."""

import dataclasses

import numpy as np
import pytest

from nimblepose.batch.parts import Part, Row, pack
from nimblepose.batch.seams import Joiner, SeamError
from nimblepose.core.errors import MediaError
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import COCO_17
from nimblepose.media.endings import Ending
from nimblepose.media.frames import Stamp

RNG = np.random.default_rng(0)
RED, BLUE = (RNG.integers(0, 120, (18, 32, 3), np.uint8) + np.uint8([[tone]]) for tone in ((130, 0, 0), (0, 0, 130)))
ENDING = dataclasses.asdict(Ending(6, 0.6, 0.1))


def border(frame):
    return {"index": frame, "time": frame / 10, "pixels": 100 + frame}


def piece(begin, count, *, first=None, last=None, ending=None, shots=None, **changes):
    """A part of frames that are shown every tenth of a second; `first` and `last` are pictures with contrast."""
    facts = {
        "name": f"a.mp4, {begin}", "rows": count, "before": border(begin - 1) if begin else None,
        "last": border(begin + count - 1) if count else None, "decoded": count, "refused": 0, "cpu": 1.0,
        "latest": (begin + count - 1) / 10 if count else -1, "ending": ending, "first_contrast": first,
        "last_contrast": last, "info": {"duration": 0.6, "rate": [10, 1], "pixel_aspect": [1, 1]},
    }  # fmt: skip
    rows = [
        Row(
            Stamp(n, (begin + n) / 10, (4, 4)),
            dataclasses.replace(Poses.empty(COCO_17), shot=(shots or [0] * count)[n]),
        )
        for n in range(count)
    ]
    return lambda: Part({**facts, **changes}, iter(rows))


def join(*parts, counted=False):
    joiner = Joiner("a.mp4", counted=counted)
    return list(joiner.join(parts)), joiner.joined


def test_frames_are_counted_on():
    rows, joined = join(piece(0, 2), piece(2, 3), piece(5, 1, ending=ENDING))
    assert [row.stamp.index for row in rows] == list(range(6))
    assert [row.stamp.time for row in rows] == [n / 10 for n in range(6)]
    assert (joined.problems, joined.cpu, joined.info.rate) == ([], 3, 10)


def test_shots_are_counted_on():
    rows, _ = join(piece(0, 2, shots=[0, 1]), piece(2, 3, shots=[1, 1, 2], first=[-1, pack(RED)], last=pack(BLUE)))
    assert [row.poses.shot for row in rows] == [0, 1, 2, 2, 3]


@pytest.mark.parametrize(("after", "shots"), [(BLUE, [0, 0, 0, 0, 1]), (RED, [0] * 5)])
def test_a_cut_behind_black_is_found_where_the_black_is_shared(after, shots):
    """The second piece begins with two black frames, behind others that end the first one."""
    rows, _ = join(piece(0, 2, last=pack(RED)), piece(2, 3, first=[2, pack(after)], last=pack(after)))
    assert [row.poses.shot for row in rows] == shots


def test_black_may_last_for_whole_pieces():
    black = piece(2, 2)
    rows, _ = join(piece(0, 2, last=pack(RED)), black, piece(4, 2, first=[1, pack(BLUE)], last=pack(BLUE)))
    assert [row.poses.shot for row in rows] == [0, 0, 0, 0, 0, 1]


@pytest.mark.parametrize(
    "before", [None, {**border(1), "pixels": 7}, {**border(1), "time": 0.15}], ids=["none", "pixels", "time"]
)
def test_pieces_that_do_not_fit(before):
    with pytest.raises(SeamError, match=r"^a\.mp4: its pieces do not fit where a\.mp4, 2 begins"):
        join(piece(0, 2), piece(2, 2, before=before))


def test_numbers_that_do_not_fit_matter_where_pieces_know_them():
    other = {**border(1), "index": 7}
    assert len(join(piece(0, 2), piece(2, 2, before=other))[0]) == 4
    with pytest.raises(SeamError):
        join(piece(0, 2), piece(2, 2, before=other), counted=True)


def test_pieces_without_frames_are_passed_over():
    """Nothing is shown for a while, or the file ends before it says so."""
    gap = piece(2, 0, before=border(1), last=None)
    rows, joined = join(piece(0, 2), gap, piece(2, 1), piece(3, 0, before=border(2), last=None, ending=ENDING))
    assert [row.stamp.index for row in rows] == [0, 1, 2]
    assert joined.problems == ["a.mp4 breaks off; 3 of 6 frames were whole, up to 0.20 s"]


def test_what_comes_behind_a_break_does_not_count():
    broken = {**ENDING, "broken": "cannot read a.mp4: Invalid data"}
    rows, joined = join(piece(0, 2, refused=1), piece(2, 1, ending=broken, refused=2), piece(4, 2))
    assert len(rows) == 3
    assert joined.problems == [
        "a.mp4: 3 damaged pieces could not be decoded and were left out",
        "cannot read a.mp4: Invalid data; 3 of 6 frames were whole, up to 0.20 s",
    ]


def test_a_piece_that_failed_ends_it():
    with pytest.raises(MediaError, match="its process died"):
        join(piece(0, 2), lambda: Part({"failure": "a.mp4: its process died 2 times"}, iter(())))
