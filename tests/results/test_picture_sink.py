"""Results get names that harm nobody's files."""

import json

import numpy as np
import pytest

from nimblepose.core.errors import MediaError
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import COCO_17
from nimblepose.results.formats import FORMATS
from nimblepose.results.picture_sink import PictureSink, SinkOptions

PICTURE = np.zeros((6, 8, 3), np.uint8)
NOBODY = Poses.empty(COCO_17)


def test_every_file_written_is_reported_and_nothing_else_appears(tmp_path):
    sink = PictureSink(["x/a.png", "y/A.PNG"], SinkOptions(out=tmp_path, formats=FORMATS), model="m")
    written = sink.add("x/a.png", PICTURE, NOBODY) + sink.add("y/A.PNG", PICTURE, NOBODY) + sink.finish()
    assert sorted(written) == sorted(tmp_path.iterdir())
    assert len({path.name.casefold() for path in written}) == 9, "distinct where case does not count, too"


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
