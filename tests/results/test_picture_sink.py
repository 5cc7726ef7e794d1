"""Results get names that harm nobody's files."""

import json
import os

import numpy as np
import pytest
from own_formats import FORMATS

from nimblepose.core.errors import MediaError, OptionError
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import COCO_17
from nimblepose.results.formats import parse_formats
from nimblepose.results.picture_sink import PictureSink, SinkOptions

PICTURE = np.zeros((6, 8, 3), np.uint8)
NOBODY = Poses.empty(COCO_17)


def test_every_file_written_is_reported_and_nothing_else_appears(tmp_path):
    sink = PictureSink(["x/a.png", "y/A.PNG"], SinkOptions(out=tmp_path, formats=FORMATS), model="m")
    written = sink.add("x/a.png", PICTURE, NOBODY) + sink.add("y/A.PNG", PICTURE, NOBODY) + sink.finish()
    assert sorted(written) == sorted(path for path in tmp_path.rglob("*") if path.is_file())
    assert len({path.name.casefold() for path in written}) == 8, "distinct where case does not count, too"


def test_a_json_for_nobody_is_still_a_json(tmp_path):
    sink = PictureSink([tmp_path / "a.png"], SinkOptions(pictures=False), model="m")
    assert sink.add(tmp_path / "a.png", PICTURE, NOBODY) == []
    assert [path.name for path in sink.finish()] == ["a.poses.json"]


def test_without_any_picture_nothing_is_written(tmp_path):
    assert PictureSink([], SinkOptions(out=tmp_path), model="m").finish() == []
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_gone_is_our_error(tmp_path):
    with pytest.raises(MediaError, match="gone"):
        PictureSink(["a.png"], SinkOptions(out=tmp_path / "gone"), model="m").add("a.png", PICTURE, NOBODY)


def test_a_name_that_is_not_utf_8_costs_no_file(tmp_path):
    """Python gives such a name with lone surrogates, which JSON, CSV and Parquet cannot hold."""
    sources = ["caf\udce9.png", "b.png"]
    sink = PictureSink(sources, SinkOptions(out=tmp_path, formats=FORMATS, pictures=False), model="m")
    for source in sources:
        sink.add(source, PICTURE, NOBODY)
    sink.finish()
    pictures = json.loads((tmp_path / "poses.json").read_text("utf-8"))["pictures"]
    assert [picture["file"] for picture in pictures] == ["caf\ufffd.png", "b.png"]


def test_pictures_of_one_name_from_several_folders_lie_as_their_sources_do(tmp_path):
    sources = [
        "s/cam1/frame.png",
        "s/cam2/frame.png",
        "s/cam2/frame.PNG",
        "s/cam2/other.jpg",
        "https://a.org/frame.png",
    ]
    sink = PictureSink(sources, SinkOptions(out=tmp_path, formats=parse_formats("json,openpose")), model="m")
    for source in sources:
        sink.add(source, PICTURE, NOBODY)
    sink.finish()
    assert sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()) == [
        "cam1/frame.poses.png", "cam1/frame_keypoints.json", "cam2/frame-2.poses.PNG", "cam2/frame-2_keypoints.json",
        "cam2/frame.poses.png", "cam2/frame_keypoints.json", "cam2/other.poses.jpg", "cam2/other_keypoints.json",
        "frame.poses.png", "frame_keypoints.json", "poses.json",
    ]  # fmt: skip


def test_no_folder_is_made_for_what_is_not_written(tmp_path):
    sources = ["s/cam1/frame.png", "s/cam2/frame.png"]
    sink = PictureSink(sources, SinkOptions(out=tmp_path, pictures=False), model="m")
    for source in sources:
        sink.add(source, PICTURE, NOBODY)
    sink.finish()
    assert [path.name for path in tmp_path.iterdir()] == ["poses.json"]


@pytest.mark.parametrize("equal", [True, False], ids=["one folder", "many folders"])
def test_a_thousand_equal_names_take_as_many_looks_at_the_disk(tmp_path, monkeypatch, equal):
    """They once took the square of it: 350 s for 2,000 files."""
    number, looked = 1000, []
    sources = [f"https://a.org/{n}/frame.png" if equal else f"s/cam{n}/frame.png" for n in range(number)]
    realpath = os.path.realpath
    monkeypatch.setattr(os.path, "realpath", lambda *a, **k: looked.append(1) or realpath(*a, **k))
    sink = PictureSink(sources, SinkOptions(out=tmp_path, formats=()), model="m")
    written = [path for source in sources for path in sink.write(source, (6, 8), NOBODY, b"drawn")]
    assert len(set(written)) == number
    assert len(looked) < 10 * number


def test_the_longest_names_of_sources_make_results(tmp_path):
    sources = [tmp_path / f"{letter * 250}.png" for letter in "ab"]
    sink = PictureSink(sources, SinkOptions(formats=FORMATS), model="m")
    written = [path for source in sources for path in sink.add(source, PICTURE, NOBODY)] + sink.finish()
    assert all(path.is_file() for path in written)
    assert len({path.name for path in written}) == len(written)


def test_formats_of_videos_are_refused_where_there_are_none(tmp_path):
    options = SinkOptions(out=tmp_path, formats=parse_formats("json,trc"))
    with pytest.raises(OptionError, match="--format trc is of videos"):
        PictureSink(["a.png"], options, model="m")
    PictureSink(["a.png"], options, model="m", among_videos=True)
