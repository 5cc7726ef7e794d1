"""A video to all its results; broken off at any frame it is readable, and goes on to the same results."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.ipc
import pytest
from live_pages import stream_of
from own_formats import FORMATS
from PIL import Image
from seeing_numbers import SeeingNumbers, person
from video_files import make_video, number_of, numbered

from nimblepose.core.errors import MediaError, PoseError
from nimblepose.core.poses import Poses
from nimblepose.drawing.people import DrawOptions
from nimblepose.media.frames import Selection
from nimblepose.media.live import LiveOptions
from nimblepose.media.video import VideoFile
from nimblepose.results.output_format import Header
from nimblepose.results.reading import ResultsFile
from nimblepose.results.recording import Recording, RecordOptions
from nimblepose.results.tables import iterate_rows
from nimblepose.results.video_sink import VideoSinkOptions
from nimblepose.tracking.tracker import TrackOptions

EVERYTHING = RecordOptions(sink=VideoSinkOptions(formats=FORMATS))
_ENCODED_ANEW = 12  # levels by which a pixel may differ; frames that follow each other differ by more than 100
PLAIN = RecordOptions(tracking=None, smoothing="off", sink=VideoSinkOptions(video=False))
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


@pytest.fixture
def video(tmp_path):
    """Twenty numbered frames at uneven times, with sound."""
    times = [n / 10 + 0.02 * (n % 3) for n in range(20)]
    return make_video(tmp_path / "clip.mp4", [numbered(n) for n in range(20)], times=times, audio="aac")


@pytest.fixture
def out(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def record(source, stem, options, estimator=None):
    recording = Recording(estimator or SeeingNumbers(), source, stem, options)
    try:
        for _ in recording:
            pass
        recording.finish()
    finally:
        recording.abandon()
    return recording


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def assert_same_files(one, other):
    """To the byte, but for videos: x264 does not always encode the same pictures to the same bytes."""
    found, expected = ({path.relative_to(folder): path for path in folder.rglob("*")} for folder in (one, other))
    assert found.keys() == expected.keys()
    for name in found:
        if name.suffix == ".mp4":
            shown, meant = (list(VideoFile(folder / name)) for folder in (one, other))
            assert [frame.stamp for frame in shown] == [frame.stamp for frame in meant]
            for frame, unbroken in zip(shown, meant, strict=True):
                np.testing.assert_allclose(frame.image.astype(int), unbroken.image, atol=_ENCODED_ANEW)
        elif found[name].is_file():
            assert found[name].read_bytes() == expected[name].read_bytes(), name


def point(line, name):
    """The keypoint of the only person in a frame; None if it was not found."""
    (found,) = line["people"]
    return next((point for point in found["keypoints"] if point["name"] == name), None)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


class CrashError(Exception):
    pass


def crash_at(count):
    def hook(number):
        if number == count:
            raise CrashError

    return hook


# What comes out ------------------------------------------------------------------------------------------------------


def test_what_was_found_is_in_every_file(video, out):
    recording = record(video, out / "a", dataclasses.replace(PLAIN, sink=EVERYTHING.sink))
    assert names(out) == NAMES, "and no journal, no partial file"
    assert (recording.frames, recording.people) == (20, None)
    frames = list(VideoFile(video))
    expected = [person(n) for n in range(20)]
    found = lines(out / "a.poses.jsonl")
    skeleton = SeeingNumbers.skeleton
    header = Header(model="numbers", skeletons=(skeleton,), source=str(video), rate=float(VideoFile(video).info.rate))
    assert found[0].pop("header") == header.to_dict()
    for line, frame, poses in zip(found, frames, expected, strict=True):
        place = {"frame": frame.index, "time": frame.time, "height": 48, "width": 64}
        assert line == {**place, **poses.to_dict()}
    rows = [
        row
        for f, p in zip(frames, expected, strict=True)
        for row in iterate_rows(str(video), p, frame=f.index, time=f.time)
    ]
    table = pd.read_parquet(out / "a.poses.parquet")
    table = table.astype(object).where(table.notna(), None)  # nobody knows the errors
    assert [tuple(row) for row in table.itertuples(index=False)] == rows
    assert len(pd.read_csv(out / "a.poses.csv")) == len(rows)
    coco = json.loads((out / "a.poses.coco.json").read_text())
    assert coco == [
        row for f, p in zip(frames, expected, strict=True) for row in p.to_coco(f.index, file_name=str(video))
    ]
    for poses, path in zip(expected, sorted((out / "a.openpose_json").iterdir()), strict=True):
        assert json.loads(path.read_text()) == poses.to_openpose((48, 64))
    np.testing.assert_allclose([f.time for f in VideoFile(out / "a.poses.mp4")], [f.time for f in frames], atol=1e-4)


def test_people_have_identities_and_are_steadied(video, out):
    recording = record(video, out / "a", EVERYTHING)
    assert recording.people == 1
    found = lines(out / "a.poses.jsonl")
    assert {person["track_id"] for line in found for person in line["people"]} == {1}
    x = np.array([point(line, "neck")["x"] for line in found])
    raw = np.array([person(n).keypoints[0, 1, 0] for n in range(20)])
    assert x[0] == pytest.approx(raw[0], abs=0.01)
    assert (x[1:] < raw[1:]).all(), "the filter follows, a little behind"


class OnTheRight:
    """A tracker who knows everybody as 7, and a smoother who moves them one pixel."""

    def update(self, poses, time):
        keypoints = poses.keypoints if poses.track_ids is None else poses.keypoints + np.float32(1)
        return dataclasses.replace(poses, keypoints=keypoints, track_ids=np.full(len(poses), 7))


@pytest.mark.parametrize(("smoothing", "shift"), [("off", 0), ("live", 1)])
def test_a_tracker_and_a_smoother_of_ones_own_take_the_place_of_ours(video, out, smoothing, shift):
    options = dataclasses.replace(PLAIN, tracking=OnTheRight, smoothing=smoothing, smoother=OnTheRight)
    recording = Recording(SeeingNumbers(), video, out / "a", options)
    steps = list(recording)
    recording.finish()
    for number, step in enumerate(steps):
        assert step.poses.track_ids.tolist() == [7]
        np.testing.assert_array_equal(step.poses.keypoints, person(number).keypoints + np.float32(shift))


def test_the_second_pass_does_not_lag_and_flags_what_it_fills_in_everywhere(video, out):
    steps = []
    recording = Recording(SeeingNumbers(), video, out / "a", dataclasses.replace(EVERYTHING, smoothing="offline"))
    steps = [step.stage for step in recording]
    recording.finish()
    assert steps == ["find"] * 20 + ["write"] * 20
    assert names(out) == NAMES
    found = lines(out / "a.poses.jsonl")
    x = np.array([point(line, "neck")["x"] for line in found])
    np.testing.assert_allclose(x[2:-2], [person(n).keypoints[0, 1, 0] for n in range(2, 18)], atol=0.3)
    name = SeeingNumbers.skeleton.keypoints[4]
    filled = [4, 9, 14]  # the last one, 19, has nothing after it
    flagged = [n for n, line in enumerate(found) if (point(line, name) or {}).get("interpolated")]
    assert flagged == filled
    for table in (pd.read_csv(out / "a.poses.csv"), pd.read_parquet(out / "a.poses.parquet")):
        assert table["frame"][table["interpolated"]].tolist() == filled
        assert set(table["keypoint"][table["interpolated"]]) == {name}
    coco = json.loads((out / "a.poses.coco.json").read_text())
    assert [row["image_id"] for row in coco if any(row["interpolated"])] == filled
    documents = [json.loads(path.read_text()) for path in sorted((out / "a.openpose_json").iterdir())]
    assert [n for n, d in enumerate(documents) if any(d["people"][0]["pose_interpolated_2d"])] == filled


def test_the_second_pass_writes_the_same_numbers_with_and_without_a_video(video, out):
    offline = dataclasses.replace(EVERYTHING, smoothing="offline")
    record(video, out / "a", offline)
    silent = dataclasses.replace(offline, sink=dataclasses.replace(offline.sink, video=False))
    record(video, out / "b", silent)
    assert (out / "a.poses.jsonl").read_bytes() == (out / "b.poses.jsonl").read_bytes()


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(every=3), [0, 3, 6, 9, 12, 15, 18]),
        (Selection(start=0.5, end=1.0), [5, 6, 7, 8, 9]),
        (Selection(every=2, start=0.5), [6, 8, 10, 12, 14, 16, 18]),
    ],
    ids=["every", "part", "both"],
)
@pytest.mark.parametrize("smoothing", ["live", "offline"])
def test_of_a_part_the_frames_keep_their_index_and_time(video, out, selection, expected, smoothing):
    estimator = SeeingNumbers()
    options = dataclasses.replace(EVERYTHING, selection=selection, smoothing=smoothing)
    record(video, out / "a", options, estimator)
    assert estimator.seen == expected, "no other frame is looked at"
    assert [line["frame"] for line in lines(out / "a.poses.jsonl")] == expected
    times = [frame.time for frame in VideoFile(video) if frame.index in expected]
    assert [line["time"] for line in lines(out / "a.poses.jsonl")] == times
    shown = [frame.time for frame in VideoFile(out / "a.poses.mp4")]
    np.testing.assert_allclose(shown, np.array(times) - selection.start, atol=1e-4)


def test_a_folder_of_frames_at_its_rate(tmp_path, out):
    (tmp_path / "frames").mkdir()
    for n in range(5):
        Image.fromarray(numbered(n)).save(tmp_path / "frames" / f"{n}.png")
    record(tmp_path / "frames", out / "a", dataclasses.replace(EVERYTHING, rate=4))
    assert [line["time"] for line in lines(out / "a.poses.jsonl")] == [0, 0.25, 0.5, 0.75, 1]
    assert [frame.time for frame in VideoFile(out / "a.poses.mp4")] == [0, 0.25, 0.5, 0.75, 1]


def test_to_show_frames_they_are_drawn_even_if_no_video_is_written(video, out):
    sink = VideoSinkOptions(video=False)
    for show in (False, True):
        recording = Recording(SeeingNumbers(), video, out / "a", RecordOptions(sink=sink, show=show))
        assert all((step.drawn is not None) == show for step in recording)
        recording.finish()
    assert names(out) == ["a.poses.jsonl"]


def test_one_frame_is_a_video_too(tmp_path, out):
    record(make_video(tmp_path / "one.mp4", [numbered(3)]), out / "a", EVERYTHING)
    assert names(out) == NAMES
    assert len(list(VideoFile(out / "a.poses.mp4"))) == 1


def test_a_live_stream_with_two_disconnects_becomes_one_video(tmp_path, out, web_server):
    path = make_video(tmp_path / "a.ts", [numbered(n) for n in range(20)], options={"g": "5", "tune": "zerolatency"})
    pages = [stream_of(path, break_at=0.5), stream_of(path, break_at=0.6), stream_of(path)]
    web_server.pages["/live"] = lambda handler: pages.pop(0)(handler) if pages else handler.send_error(404)
    quick = LiveOptions(timeout=2, first_wait=0.01, longest_wait=0.02, give_up_after=0.3)
    before = datetime.now(UTC) - timedelta(milliseconds=1)  # that is what it is rounded to
    recording = record(f"{web_server.address}/live", out / "a", dataclasses.replace(EVERYTHING, live=quick))
    assert recording.source.reconnections >= 2
    assert names(out) == NAMES, "no journal: it cannot be read again"
    results = ResultsFile(out / "a.poses.jsonl")
    assert before <= results.header.started <= datetime.now(UTC)
    assert results.header.source == f"{web_server.address}/live"
    found = lines(out / "a.poses.jsonl")
    assert len(found) + recording.source.dropped == found[-1]["frame"] + 1 > 30
    shown = [frame.time for frame in VideoFile(out / "a.poses.mp4")]
    np.testing.assert_allclose(shown, np.array([line["time"] for line in found]) - found[0]["time"], atol=1e-3)


# Broken off ----------------------------------------------------------------------------------------------------------

ROADS = {
    "video": EVERYTHING,
    "numbers": dataclasses.replace(EVERYTHING, sink=VideoSinkOptions(formats=FORMATS, video=False)),
    "offline": dataclasses.replace(EVERYTHING, smoothing="offline"),
    "offline_numbers": dataclasses.replace(
        EVERYTHING, smoothing="offline", sink=VideoSinkOptions(formats=FORMATS, video=False)
    ),
    "every_other": dataclasses.replace(EVERYTHING, selection=Selection(every=2, start=0.3)),
}


@pytest.mark.parametrize("road", ROADS)
def test_a_resumed_run_ends_with_the_files_of_an_unbroken_one_and_looks_at_no_frame_twice(video, tmp_path, road):
    options = ROADS[road]
    for name in ("whole", "broken"):
        (tmp_path / name).mkdir()
    whole = SeeingNumbers()
    record(video, tmp_path / "whole" / "a", options, whole)
    seen = []
    for crash in (1, 3, None):  # frames that each attempt gets through
        estimator = SeeingNumbers(crash_at(crash))
        try:
            record(video, tmp_path / "broken" / "a", dataclasses.replace(options, resume=True), estimator)
        except CrashError:
            assert (tmp_path / "broken" / "a.poses.journal").exists()
        seen += estimator.seen
    assert seen == whole.seen
    assert_same_files(tmp_path / "broken", tmp_path / "whole")


def test_interrupted_all_files_are_complete_up_to_there_and_the_rest_can_follow(video, tmp_path, out):
    (tmp_path / "whole").mkdir()
    record(video, tmp_path / "whole" / "a", EVERYTHING)
    recording = Recording(SeeingNumbers(), video, out / "a", EVERYTHING)
    for count, _ in enumerate(recording, 1):
        if count == 7:
            recording.stop()
    recording.finish()
    assert names(out) == sorted([*NAMES, "a.poses.journal"])
    assert lines(out / "a.poses.jsonl") == lines(tmp_path / "whole" / "a.poses.jsonl")[:7]
    assert len(list(VideoFile(out / "a.poses.mp4"))) == 7
    record(video, out / "a", dataclasses.replace(EVERYTHING, resume=True))
    assert_same_files(out, tmp_path / "whole")


def test_interrupted_while_finding_the_second_pass_still_runs_over_what_was_found(video, out):
    recording = Recording(SeeingNumbers(), video, out / "a", ROADS["offline"])
    stages = []
    for step in recording:
        stages.append(step.stage)
        if len(stages) == 7:
            recording.stop()
    assert stages == ["find"] * 7 + ["write"] * 7
    recording.finish()
    assert len(lines(out / "a.poses.jsonl")) == 7


def test_interrupted_while_writing_the_second_pass_ends_there(video, out):
    recording = Recording(SeeingNumbers(), video, out / "a", ROADS["offline"])
    for count, _ in enumerate(recording, 1):
        if count == 25:
            recording.stop()
    recording.finish()
    assert len(lines(out / "a.poses.jsonl")) == 5


def test_stopped_before_the_first_frame_leaves_nothing(video, out):
    recording = Recording(SeeingNumbers(), video, out / "a", EVERYTHING)
    recording.stop()
    assert list(recording) == []
    with pytest.raises(MediaError, match="stopped before the first frame"):
        recording.finish()
    assert names(out) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from seeing_numbers import SeeingNumbers
from nimblepose.media.live import LiveOptions
from own_formats import FORMATS
from nimblepose.results.video_sink import VideoSinkOptions
from nimblepose.results.recording import Recording, RecordOptions

def kill(count):
    if count == 90:
        os.kill(os.getpid(), signal.SIGKILL)

options = RecordOptions(sink=VideoSinkOptions(formats=FORMATS))
for _ in Recording(SeeingNumbers(kill), sys.argv[1], Path(sys.argv[2]), options):
    pass
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 here")
def test_kill_9_leaves_files_that_can_be_read_and_a_run_that_can_be_resumed(tmp_path, out):
    video = make_video(tmp_path / "long.mp4", [numbered(n) for n in range(100)])
    path = os.pathsep.join(filter(None, (str(Path(__file__).parents[1] / "support"), *sys.path)))
    command = [sys.executable, "-c", KILLED, str(video), str(out / "a")]
    ran = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True)
    assert ran.returncode == -signal.SIGKILL, ran.stderr
    assert names(out) == [
        "a.partial.openpose_json", "a.poses.coco.partial.json", "a.poses.controlnet.partial.json",
        "a.poses.excel.partial.csv", "a.poses.journal", "a.poses.partial.arrows", "a.poses.partial.csv",
        "a.poses.partial.jsonl", "a.poses.partial.mp4",
    ]  # fmt: skip
    assert [line["frame"] for line in lines(out / "a.poses.partial.jsonl")] == list(range(90))
    assert len(json.loads((out / "a.poses.coco.partial.json").read_text())) == 90
    assert set(pd.read_csv(out / "a.poses.partial.csv")["frame"]) == set(range(90))
    with pyarrow.ipc.open_stream(out / "a.poses.partial.arrows") as batches:
        assert set(batches.read_all()["frame"].to_pylist()) == set(range(90))
    files = sorted((out / "a.partial.openpose_json").iterdir())
    assert [len(json.loads(path.read_text())["people"]) for path in files] == [1] * 90
    assert 30 <= len(list(VideoFile(out / "a.poses.partial.mp4"))) <= 90, "less what the encoder still held"
    estimator = SeeingNumbers()
    record(video, out / "a", dataclasses.replace(EVERYTHING, resume=True), estimator)
    assert len(estimator.seen) == 10
    assert names(out) == NAMES
    assert len(lines(out / "a.poses.jsonl")) == len(list(VideoFile(out / "a.poses.mp4"))) == 100


# What cannot be ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("rtsp://me:secret@door.local/1", RecordOptions(resume=True), "^rtsp://door.local/1: .*read twice"),
        ("0", RecordOptions(smoothing="offline"), "read twice"),
        ("clip.mp4", RecordOptions(smoothing="offline", tracking=None), "needs identities"),
        ("missing.mp4", RecordOptions(), "no such file"),
        ("clip.mp4", RecordOptions(selection=Selection(start=50)), "no frame in the part chosen"),
    ],
    ids=["resume_live", "offline_live", "offline_strangers", "missing", "behind_the_end"],
)
def test_what_cannot_be_is_said_and_leaves_nothing(video, out, monkeypatch, source, options, message):
    monkeypatch.chdir(video.parent)
    with pytest.raises(PoseError, match=message):
        record(source, out / "a", options)
    assert names(out) == []


@pytest.mark.parametrize(
    "change",
    [{"rate": 5}, {"selection": Selection(every=2)}, {"conditions": {"model": "other"}}],
    ids=["rate", "part", "model"],
)
def test_what_was_found_under_other_conditions_is_not_used(video, out, change):
    with pytest.raises(CrashError):
        record(video, out / "a", EVERYTHING, SeeingNumbers(crash_at(5)))
    with pytest.raises(MediaError, match="was written with another"):
        record(video, out / "a", dataclasses.replace(EVERYTHING, resume=True, **change))


def test_another_video_of_the_same_name_is_noticed(video, out):
    with pytest.raises(CrashError):
        record(video, out / "a", EVERYTHING, SeeingNumbers(crash_at(5)))
    make_video(video, [numbered(n) for n in range(7)])
    with pytest.raises(MediaError, match="was written with another video"):
        record(video, out / "a", dataclasses.replace(EVERYTHING, resume=True))


def test_how_people_are_followed_may_change_when_a_run_is_resumed(video, out):
    with pytest.raises(CrashError):
        record(video, out / "a", EVERYTHING, SeeingNumbers(crash_at(5)))
    options = dataclasses.replace(EVERYTHING, resume=True, smoothing="off", tracking=TrackOptions(max_gap=1))
    estimator = SeeingNumbers()
    record(video, out / "a", options, estimator)
    assert len(estimator.seen) == 15


def fill(folder, numbers):
    folder.mkdir(exist_ok=True)
    for n in numbers:
        Image.fromarray(numbered(n)).save(folder / f"f{n:03}.png")
    return folder


def test_each_row_names_the_picture_of_its_frame(tmp_path, out):
    folder = fill(tmp_path / "frames", [3, 4, 7])
    record(folder, out / "a", dataclasses.replace(EVERYTHING, sink=VideoSinkOptions(formats=FORMATS, video=False)))
    names = ["f003.png", "f004.png", "f007.png"]
    assert [(line["frame"], line["file"]) for line in lines(out / "a.poses.jsonl")] == list(
        zip([0, 1, 4], names, strict=True)
    )
    for table in (pd.read_csv(out / "a.poses.csv"), pd.read_parquet(out / "a.poses.parquet")):
        assert table.file.unique().tolist() == names
    assert [row["file_name"] for row in json.loads((out / "a.poses.coco.json").read_text())] == names


@pytest.mark.parametrize("draws", [True, False])
def test_a_folder_that_has_changed_is_not_gone_on_with(tmp_path, out, draws):
    folder = fill(tmp_path / "frames", [0, 1, 3, 4, 5])
    options = dataclasses.replace(PLAIN, sink=VideoSinkOptions(video=draws))
    recording = Recording(SeeingNumbers(), folder, out / "a", options)
    for _, _step in zip(range(3), recording, strict=False):
        pass
    recording.abandon()
    fill(folder, [2])
    with pytest.raises(MediaError, match="list of files"):
        Recording(SeeingNumbers(), folder, out / "a", dataclasses.replace(options, resume=True))


# Faces ---------------------------------------------------------------------------------------------------------------


class Faces(SeeingNumbers):
    """Sees nobody who could be in the results, but a head in the lower right, which it misses in some frames."""

    head = np.float32([[48, 36, 9, 9, 0.2]])

    def __init__(self, missed=()):
        super().__init__()
        self.missed = missed

    def estimate(self, picture, *, pixel_aspect=1.0):
        self.seen.append(number_of(picture))
        found = self.head[:0] if self.seen[-1] in self.missed else self.head
        return dataclasses.replace(Poses.empty(self.skeleton), heads=found)


@pytest.fixture
def crowd(tmp_path):
    """Ten numbered frames, 25 a second, in whose lower right corner there is detail to be blurred."""
    detail = np.random.default_rng(0).choice([0, 80], (24, 24, 1)).astype(np.uint8)
    frames = [numbered(n) for n in range(10)]
    for frame in frames:
        frame[24:, 36:60] = frame[24:, 36:60] // 2 + detail
    return make_video(tmp_path / "crowd.mp4", frames, rate=25, options={"crf": "4"})


BLURRING = RecordOptions(sink=VideoSinkOptions(draw=DrawOptions(blur_faces=True), formats=()))


def blurred(path):
    """How much detail there is around the head in each frame, against what there was."""
    return [float(frame.image[31:42, 43:54].std()) < 12 for frame in VideoFile(path)]


def test_without_blurring_there_is_detail(crowd, out):
    record(crowd, out / "a", RecordOptions(), Faces())
    assert not any(blurred(out / "a.poses.mp4"))


@pytest.mark.parametrize(
    "change",
    [{}, {"tracking": None, "smoothing": "off"}, {"smoothing": "off"}, {"smoothing": "offline"}],
    ids=["live", "no_track", "not_steadied", "offline"],
)
def test_a_head_without_anybody_is_blurred_and_stays_so_where_it_is_missed(crowd, out, change):
    record(crowd, out / "a", dataclasses.replace(BLURRING, **change), Faces(missed=(2, 5, 6)))
    assert blurred(out / "a.poses.mp4") == [True] * 10


def test_a_second_pass_covers_who_is_about_to_be_seen(crowd, out):
    record(crowd, out / "a", dataclasses.replace(BLURRING, smoothing="offline"), Faces(missed=(0, 1, 2)))
    assert blurred(out / "a.poses.mp4") == [True] * 10


def test_of_every_third_frame_too(crowd, out):
    options = dataclasses.replace(BLURRING, selection=Selection(every=3))
    record(crowd, out / "a", options, Faces(missed=(3, 6)))
    assert blurred(out / "a.poses.mp4") == [True] * 4


@pytest.mark.parametrize("smoothing", ["live", "offline"])
def test_a_resumed_run_blurs_what_an_unbroken_one_does(crowd, tmp_path, out, smoothing):
    options = dataclasses.replace(BLURRING, smoothing=smoothing)
    broken = Recording(Faces(missed=(4, 5)), crowd, out / "a", options)
    for _, _step in zip(range(5), broken, strict=False):
        pass
    broken.abandon()
    estimator = Faces(missed=(4, 5))
    record(crowd, out / "a", dataclasses.replace(options, resume=True), estimator)
    assert len(estimator.seen) in (4, 5), "the others are known"
    assert blurred(out / "a.poses.mp4") == [True] * 10
    (tmp_path / "whole").mkdir()
    record(crowd, tmp_path / "whole" / "a", options, Faces(missed=(4, 5)))
    assert_same_files(out, tmp_path / "whole")


def test_a_tracker_that_makes_poses_of_its_own_uncovers_nobody(crowd, out):
    class Forgetful:
        def update(self, poses, time):
            return dataclasses.replace(Poses.empty(poses.skeleton), track_ids=np.zeros(0, np.int64))

    record(crowd, out / "a", dataclasses.replace(BLURRING, tracking=Forgetful, smoothing="off"), Faces())
    assert blurred(out / "a.poses.mp4") == [True] * 10


def test_results_of_another_video_of_the_same_name_are_not_replaced(video, tmp_path, out):
    record(video, out / "clip", PLAIN)
    before = (out / "clip.poses.jsonl").read_bytes()
    other = make_video(tmp_path / "clip.mkv", [numbered(n) for n in range(3)])
    with pytest.raises(MediaError, match=r"clip\.poses\.jsonl holds the results of .*clip\.mp4; move it"):
        Recording(SeeingNumbers(), other, out / "clip", PLAIN)
    assert (out / "clip.poses.jsonl").read_bytes() == before
    record(video, out / "clip", PLAIN)


def test_the_same_video_named_from_another_folder_is_the_same(video, out, monkeypatch):
    record(video, out / "clip", PLAIN)
    monkeypatch.chdir(video.parent)
    record("clip.mp4", out / "clip", PLAIN)


@pytest.mark.parametrize("text", ["", "not json", "[1]", '{"frame": 0}'])
def test_files_that_do_not_say_whose_they_are_are_replaced_as_before(video, out, text):
    (out / "clip.poses.jsonl").write_text(text)
    record(video, out / "clip", PLAIN)
    assert len(lines(out / "clip.poses.jsonl")) == 20
