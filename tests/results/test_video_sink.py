"""All files of a video: named alike, grown together, named when complete."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from own_formats import FORMATS
from video_files import make_video, numbered

from nimblepose.core.errors import MediaError
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import COCO_17
from nimblepose.drawing.people import DrawOptions
from nimblepose.drawing.trails import Trails
from nimblepose.media.video import VideoFile
from nimblepose.results.formats import parse_formats
from nimblepose.results.video_sink import VideoSink, VideoSinkOptions

NAMES = [
    "a.openpose_json",
    "a.poses.coco.json",
    "a.poses.controlnet.json",
    "a.poses.csv",
    "a.poses.excel.csv",
    "a.poses.jsonl",
    "a.poses.mp4",
    "a.poses.parquet",
]
PARTIAL = [
    "a.partial.openpose_json", "a.poses.coco.partial.json", "a.poses.controlnet.partial.json",
    "a.poses.excel.partial.csv", "a.poses.partial.arrows", "a.poses.partial.csv", "a.poses.partial.jsonl",
    "a.poses.partial.mp4",
]  # fmt: skip


def person(at):
    """One person, upright, around x = `at`."""
    keypoints = np.stack([np.full(17, at) + np.arange(17) % 3, np.linspace(5, 40, 17)], -1)[None].astype(np.float32)
    scores = np.full((1, 17), 0.9, np.float32)
    return Poses(COCO_17, keypoints, scores, np.full(1, 0.9, np.float32), np.array([4]))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def out(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def test_every_file_gets_its_name_when_all_are_complete(video, out):
    source = VideoFile(video)
    sink = VideoSink(out / "a", source, VideoSinkOptions(formats=FORMATS), model="m", skeleton=COCO_17)
    frames = list(source)
    for frame in frames:
        drawn = sink.add(frame.stamp, person(10 + frame.index), frame.image)
        assert drawn.shape == frame.image.shape
        assert not np.array_equal(drawn, frame.image)
    assert names(out) == PARTIAL
    written = sink.finish()
    assert sorted(path.name for path in written) == names(out) == NAMES
    shown = list(VideoFile(out / "a.poses.mp4"))
    assert [frame.time for frame in shown] == [frame.time for frame in frames]
    lines = [json.loads(line) for line in (out / "a.poses.jsonl").read_text().splitlines()]
    assert [line["frame"] for line in lines] == list(range(20))
    for table in (pd.read_csv(out / "a.poses.csv"), pd.read_parquet(out / "a.poses.parquet")):
        np.testing.assert_allclose(table["x"][table["keypoint"] == "nose"], 10 + np.arange(20))


def test_left_early_everything_is_readable_under_its_partial_name(video, out):
    source = VideoFile(video)
    sink = VideoSink(out / "a", source, VideoSinkOptions(formats=FORMATS), model="m", skeleton=COCO_17)
    for frame, _ in zip(source, range(5), strict=False):
        sink.add(frame.stamp, person(10), frame.image)
    sink.close()
    assert names(out) == PARTIAL
    assert len(list(VideoFile(out / "a.poses.partial.mp4"))) == 5
    assert len(json.loads((out / "a.poses.coco.partial.json").read_text())) == 5


def test_older_results_stay_until_new_ones_are_complete(video, out):
    (out / "a.poses.jsonl").write_text("older")
    source = VideoFile(video)
    sink = VideoSink(out / "a", source, VideoSinkOptions(video=False), model="m", skeleton=COCO_17)
    frame = next(iter(source))
    assert sink.add(frame.stamp, person(10)) is None
    assert (out / "a.poses.jsonl").read_text() == "older"
    sink.finish()
    assert json.loads((out / "a.poses.jsonl").read_text())["frame"] == 0


def test_trails_grow_from_frame_to_frame(video, out):
    source = VideoFile(video)
    draw = DrawOptions(show_skeletons=False)
    sink = VideoSink(
        out / "a",
        source,
        VideoSinkOptions(formats=(), video=False, draw=draw, trails=Trails(seconds=5)),
        model="m",
        skeleton=COCO_17,
    )
    blank = np.zeros((48, 64, 3), np.uint8)
    drawn = [sink.add(frame.stamp, person(5 + 2 * frame.index), blank) for frame in source]
    lit = [np.flatnonzero(picture.any(axis=(0, 2))) for picture in drawn]
    assert len(lit[0]) == 0
    assert len(lit[-1]) > len(lit[5]) > 5
    sink.close()


def test_the_sound_of_the_source_goes_along(tmp_path, out):
    import av

    path = make_video(tmp_path / "b.mp4", [numbered(n) for n in range(20)], audio="aac")
    source = VideoFile(path)
    sink = VideoSink(out / "a", source, VideoSinkOptions(formats=()), model="m", skeleton=COCO_17, sound=path)
    for frame in source:
        sink.add(frame.stamp, person(10), frame.image)
    sink.finish()
    with av.open(str(out / "a.poses.mp4")) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio"]


def test_one_file_that_cannot_be_begun_closes_the_others(video, out):
    (out / "a.openpose_json").write_text("not ours")
    with pytest.raises(MediaError, match="no folder"):
        VideoSink(
            out / "a",
            VideoFile(video),
            VideoSinkOptions(formats=parse_formats("csv,openpose")),
            model="m",
            skeleton=COCO_17,
        )
    assert names(out) == ["a.openpose_json", "a.poses.partial.csv"]


def test_a_video_whose_name_is_not_utf_8_is_named_as_far_as_it_can_be(video, out):
    source = VideoFile(video)
    source.info = dataclasses.replace(source.info, name="caf\udce9.mp4")
    sink = VideoSink(out / "a", source, VideoSinkOptions(formats=FORMATS, video=False), model="m", skeleton=COCO_17)
    for frame in source:
        sink.add(frame.stamp, person(10))
    sink.finish()
    assert set(pd.read_csv(out / "a.poses.csv")["file"]) == {"caf\ufffd.mp4"}
    assert set(pd.read_parquet(out / "a.poses.parquet")["file"]) == {"caf\ufffd.mp4"}
