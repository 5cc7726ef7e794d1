"""The table of formats: chosen by name; one line more is a format more, of pictures, of videos, and in the help."""

import importlib

import numpy as np
import pytest
from video_files import make_video, numbered

from nimblepose.cli import options
from nimblepose.core.errors import MissingPackageError, OptionError, SkeletonError
from nimblepose.core.files import GrowingFile
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import COCO_17, Skeleton
from nimblepose.media.video import VideoFile
from nimblepose.results import formats
from nimblepose.results.formats import FORMATS, parse_formats
from nimblepose.results.output_format import FolderMaker, OutputFormat, PictureMaker, VideoMaker
from nimblepose.results.picture_sink import PictureSink, SinkOptions
from nimblepose.results.video_sink import VideoSink, VideoSinkOptions

NOBODY = Poses.empty(COCO_17)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("json", ["json"]),
        (" CSV , coco", ["csv", "coco"]),
        ("", []),
        ("json,jsonl,json", ["json"]),
        (",".join(known.name for known in FORMATS), [known.name for known in FORMATS]),
    ],
    ids=["one", "spaces", "none", "twice", "all"],
)
def test_formats_are_chosen_by_name(text, expected):
    assert [chosen.name for chosen in parse_formats(text)] == expected


def test_an_unknown_format_is_named():
    with pytest.raises(OptionError, match=r"xml.*choose from json"):
        parse_formats("json,xml")


class HeadCount:
    """A toy: how many people there were in each frame."""

    def __init__(self, path, header):
        self._file = GrowingFile(path)
        self._file.append(f"{header.model}\n".encode())
        self.finish, self.close = self._file.finish, self._file.close

    def add(self, stamp, poses):
        self._file.append(f"{stamp.index} {len(poses)}\n".encode())


TOY = OutputFormat(
    name="count",
    help="how many there are",
    folder=FolderMaker(".count", lambda results, header: f"{header.model} {len(results)}".encode()),
    picture=PictureMaker(".one", lambda result: str(len(result.poses)).encode()),
    video=VideoMaker(".poses.count", HeadCount),
)


@pytest.fixture
def toy(monkeypatch):
    """One line more in the table."""
    monkeypatch.setattr(formats, "FORMATS", (*FORMATS, TOY))
    return parse_formats("csv,count")


def test_a_new_format_is_one_line_for_pictures(toy, tmp_path):
    sink = PictureSink(["x/a.png", "x/a.jpg"], SinkOptions(out=tmp_path, formats=toy, pictures=False), model="m")
    for source in ("x/a.png", "x/a.jpg"):
        sink.add(source, np.zeros((6, 8, 3), np.uint8), NOBODY)
    sink.finish()
    assert {path.name: path.read_text() for path in tmp_path.iterdir() if path.suffix != ".csv"} == {
        "a.one": "0", "a-2.one": "0", "poses.count": "m 2",
    }  # fmt: skip


def test_a_new_format_is_one_line_for_videos(toy, tmp_path):
    source = VideoFile(make_video(tmp_path / "clip.mp4", [numbered(n) for n in range(3)]))
    sink = VideoSink(tmp_path / "a", source, VideoSinkOptions(formats=toy, video=False), model="m", skeleton=COCO_17)
    for frame in source:
        sink.add(frame.stamp, NOBODY)
    assert [path.name for path in sink.finish()] == ["a.poses.csv", "a.poses.count"]
    assert (tmp_path / "a.poses.count").read_text() == "m\n0 0\n1 0\n2 0\n"


def test_a_new_format_is_one_line_for_the_help(toy, monkeypatch):
    try:
        assert "count (how many there are)" in importlib.reload(options).FormatOption.__metadata__[0].help
    finally:
        monkeypatch.undo()
        importlib.reload(options)


def test_a_format_that_lacks_its_package_says_so_before_the_first_picture(tmp_path):
    lacking = OutputFormat(name="rare", help="", requires="no_such_module", folder=TOY.folder)
    with pytest.raises(MissingPackageError, match="the format rare: no_such_module is not installed"):
        PictureSink(["a.png"], SinkOptions(out=tmp_path, formats=[lacking]), model="m")


def test_a_skeleton_that_a_format_has_no_place_for_is_refused_before_the_work():
    creature = Skeleton("creature", ("head", "tail"), (("head", "tail"),))
    for known in FORMATS:
        known.check_skeleton(COCO_17)
        if known.name != "controlnet":
            known.check_skeleton(creature)
    with pytest.raises(SkeletonError, match=r"controlnet has places for nose, neck, .* 'creature' has head, tail"):
        parse_formats("controlnet")[0].check_skeleton(creature)
