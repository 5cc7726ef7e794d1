"""A plan is read as it was written, and is not mixed with another."""

import dataclasses

import pytest

from nimblepose.batch.manifest import Manifest, Settings, cut_video, gather_pictures
from nimblepose.batch.stores import open_store
from nimblepose.batch.units import Source
from nimblepose.core.errors import MediaError, OptionError

SETTINGS = Settings(
    model="/a/model.onnx",
    sha256="12",
    estimating={"backend": "onnxruntime", "quality": None},
    videos={"input_height": 256},
    pictures={"quality": {"bound": 4.0}},
    levels=(7.0, 9.0),
    seconds=60,
    group=2,
)
VIDEO = Source("a.mp4", "/v/a.mp4", 7, "3")
PICTURES = [Source(f"{n}.jpg", f"/p/{n}.jpg", n, "3") for n in range(5)]


def plan(settings=SETTINGS):
    video = cut_video(VIDEO, 200.0, settings, divide=True)
    return Manifest(settings, (video,), tuple(gather_pictures(PICTURES, settings)), {"x": "no such file"})


def test_there_and_back(tmp_path):
    store = open_store(str(tmp_path))
    plan().write(store)
    read = Manifest.read(store)
    assert read == plan()
    assert list(read.iterate_units()) == list(plan().iterate_units())


@pytest.mark.parametrize(
    ("duration", "part", "borders"),
    [
        (200.0, (0, None), [0, 60, 120, None]),
        (85.0, (0, None), [0, None]),
        (None, (0, None), [0, None]),
        (200.0, (30, 130), [30, 90, 130]),
        (200.0, (300, None), [300, None]),
        (100.0, (0, 900), [0, 60, 900]),
    ],
)
def test_pieces_follow_each_other_without_a_gap(duration, part, borders):
    settings = dataclasses.replace(SETTINGS, start=part[0], end=part[1])
    pieces = cut_video(VIDEO, duration, settings, divide=True).list_pieces()
    assert [piece.begin for piece in pieces] == borders[:-1]
    assert [piece.end for piece in pieces] == borders[1:]
    assert [piece.first for piece in pieces] == [True] + [False] * (len(pieces) - 1)


def test_what_cannot_be_read_from_the_middle_is_one_piece():
    (piece,) = cut_video(VIDEO, 200.0, SETTINGS, divide=False).list_pieces()
    assert (piece.begin, piece.end, piece.seconds) == (0, None, 200)


def test_a_video_whose_pieces_do_not_fit_is_one_piece_with_another_id():
    video = cut_video(VIDEO, 200.0, SETTINGS, divide=True)
    assert (video.whole.begin, video.whole.end, video.whole.first) == (0, None, True)
    assert video.whole.id not in {piece.id for piece in video.list_pieces()}
    units = list(plan().iterate_units(frozenset([video.whole.id])))
    assert units[0] == video.whole
    assert len(units) == 4


@pytest.mark.parametrize(
    ("change", "named"),
    [({"sha256": "13"}, "model"), ({"videos": {"input_height": 368}}, "input_height"), ({"every": 2}, "every"),
     ({"seconds": 30}, "seconds"), ({"levels": "auto"}, "levels"), ({"version": "9"}, "version")],
)  # fmt: skip
def test_other_settings_are_refused_and_change_every_id_they_touch(change, named, tmp_path):
    other = dataclasses.replace(SETTINGS, **change)
    store = open_store(str(tmp_path))
    plan().write(store)
    with pytest.raises(OptionError, match=f"another {named}; use the same"):
        plan(other).write(store)
    assert Manifest.read(store) == plan()
    same = {unit.id for unit in plan().iterate_units()} & {unit.id for unit in plan(other).iterate_units()}
    shared = {"input_height": 3, "every": 3, "seconds": 3}.get(named, 0)  # pictures do not depend on those
    assert len(same) <= shared


def test_where_the_model_lies_does_not_matter(tmp_path):
    plan().write(open_store(str(tmp_path)))
    plan(dataclasses.replace(SETTINGS, model="/b/model.onnx")).write(open_store(str(tmp_path)))


def test_what_is_no_plan(tmp_path):
    store = open_store(str(tmp_path))
    with pytest.raises(MediaError, match="make a plan first"):
        Manifest.read(store)
    store.write("manifest.jsonl", b'{"batch":"nimblepose","version":99}\n')
    with pytest.raises(MediaError, match="plan again"):
        Manifest.read(store)
