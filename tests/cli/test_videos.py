"""`nimblepose predict VIDEO` and `nimblepose track`: every file, progress, interruption, resuming, what goes wrong."""

import inspect
import io
import json
import os
import signal

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from video_files import make_video, numbered

from nimblepose.cli import window
from nimblepose.cli.track import track
from nimblepose.cli.videos import VideoChoices
from nimblepose.media.video import VideoFile
from nimblepose.tracking.tracker import TrackOptions

RESULTS = ["clip.poses.jsonl", "clip.poses.mp4"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Twenty frames with sound, ten a second; a picture of the same name; we are there."""
    make_video(tmp_path / "clip.mp4", [numbered(n) for n in range(20)], audio="aac")
    Image.fromarray(numbered(3)).save(tmp_path / "clip.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def added(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.name not in ("clip.mp4", "clip.png"))


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def interrupt_at(*counts):
    def hook(count):
        if count in counts:
            os.kill(os.getpid(), signal.SIGINT)

    return staticmethod(hook)


@pytest.mark.parametrize("verb", ["predict", "track"])
def test_a_video_becomes_a_video_and_a_line_per_frame(cli, estimator, folder, verb):
    ran = cli(verb, "clip.mp4")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "clip.mp4: 20 frames, 1 person", "-> clip.poses.mp4", "-> clip.poses.jsonl"
    ]  # fmt: skip
    assert added(folder) == RESULTS
    assert [line["people"][0]["track_id"] for line in lines(folder / "clip.poses.jsonl")] == [1] * 20
    assert len(list(VideoFile(folder / "clip.poses.mp4"))) == 20


def test_every_format_into_out(cli, estimator, folder):
    assert cli("track", "clip.mp4", "-o", "a/b", "-f", "jsonl,coco,openpose,csv,parquet", "--quiet").out == ""
    assert sorted(path.name for path in (folder / "a/b").iterdir()) == [
        "clip.openpose_json", "clip.poses.coco.json", "clip.poses.csv", "clip.poses.jsonl", "clip.poses.mp4",
        "clip.poses.parquet",
    ]  # fmt: skip
    assert len(list((folder / "a/b/clip.openpose_json").iterdir())) == 20


@pytest.mark.parametrize(("verb", "option"), [("predict", "--no-pictures"), ("track", "--no-video")])
def test_numbers_only(cli, estimator, folder, verb, option):
    assert cli(verb, "clip.mp4", option, "-f", "csv").code == 0
    assert added(folder) == ["clip.poses.csv"]


def test_predict_without_identities(cli, estimator, folder):
    assert "20 frames\n" in cli("predict", "clip.mp4", "--no-track").out
    assert "track_id" not in lines(folder / "clip.poses.jsonl")[0]["people"][0]


def test_a_part_of_it(cli, estimator, folder):
    assert cli("track", "clip.mp4", "--start", "0:00.5", "--end", "1.5", "--every", 3).code == 0
    assert [line["frame"] for line in lines(folder / "clip.poses.jsonl")] == [6, 9, 12]


def test_a_second_pass(cli, estimator, folder):
    assert cli("track", "clip.mp4", "--smooth", "offline").code == 0
    assert added(folder) == RESULTS


def test_a_folder_of_frames(cli, estimator, folder):
    (folder / "frames").mkdir()
    for n in range(4):
        Image.fromarray(numbered(n)).save(folder / "frames" / f"{n}.png")
    assert cli("track", "frames", "--fps", 2).code == 0
    assert [line["time"] for line in lines(folder / "frames.poses.jsonl")] == [0, 0.5, 1, 1.5]


def test_pictures_and_videos_in_one_run_do_not_overwrite_each_other(cli, estimator, folder):
    assert cli("predict", "clip.png", "clip.mp4", "-f", "json,csv").code == 0
    assert added(folder) == [
        "clip.poses.csv", "clip.poses.jsonl", "clip.poses.mp4", "clip.poses.png", "poses.csv", "poses.json"
    ]  # fmt: skip
    assert set(pd.read_csv("clip.poses.csv")["frame"]) == set(range(20))


def test_two_videos_of_one_name_get_two_names(cli, estimator, folder):
    (folder / "sub").mkdir()
    make_video(folder / "sub" / "clip.mkv", [numbered(n) for n in range(3)])
    assert cli("track", "clip.mp4", "sub/clip.mkv", "clip.mp4", "-o", "out").code == 0
    assert len(lines(folder / "out/clip.poses.jsonl")) == 20
    assert len(lines(folder / "out/sub/clip.poses.jsonl")) == 3
    assert len([path for path in (folder / "out").rglob("*") if path.is_file()]) == 4, "given twice, it is done once"


def test_options_reach_the_drawing(cli, estimator, folder):
    drawn = []
    for more in ([], ["--boxes", "--scores", "--colour-by", "limb"]):
        cli("predict", "clip.mp4", *more)
        drawn.append([frame.image.astype(int) for frame in VideoFile("clip.poses.mp4")])
    plain, lively = drawn
    assert np.abs(plain[5] - lively[5]).max() > 60
    cli("predict", "clip.mp4", "--blur-faces")
    assert estimator.calls == 60
    assert estimator.options["decode"].find_heads


def test_what_was_found_without_looking_for_heads_is_no_beginning_for_blurring(cli, estimator, folder):
    estimator.hook = interrupt_at(7)
    cli("track", "clip.mp4")
    ran = cli("track", "clip.mp4", "--blur-faces", "--resume")
    assert ran.code == 1
    assert "another blur_faces" in ran.err


# Interruption --------------------------------------------------------------------------------------------------------


def test_ctrl_c_completes_the_files_and_resume_goes_on(cli, estimator, folder):
    estimator.hook = interrupt_at(7)
    before = signal.getsignal(signal.SIGINT)
    ran = cli("track", "clip.mp4", "other.mp4")
    assert ran.code == 130
    assert "completed" in ran.err
    assert "other.mp4" not in ran.err, "what comes after is not tried"
    assert added(folder) == sorted([*RESULTS, "clip.poses.journal"])
    assert len(lines(folder / "clip.poses.jsonl")) == len(list(VideoFile(folder / "clip.poses.mp4"))) == 7
    assert signal.getsignal(signal.SIGINT) is before
    calls = estimator.calls
    assert cli("track", "clip.mp4", "--resume").code == 0
    assert estimator.calls - calls == 13
    assert added(folder) == RESULTS
    assert len(lines(folder / "clip.poses.jsonl")) == len(list(VideoFile(folder / "clip.poses.mp4"))) == 20


def test_a_request_to_terminate_is_the_same(cli, estimator, folder):
    estimator.hook = staticmethod(lambda count: count == 7 and os.kill(os.getpid(), signal.SIGTERM))
    assert cli("track", "clip.mp4").code == 130
    assert len(lines(folder / "clip.poses.jsonl")) == 7


def test_ctrl_c_twice_leaves_partial_files(cli, estimator, folder):
    estimator.hook = staticmethod(lambda count: count == 7 and [os.kill(os.getpid(), signal.SIGINT) for _ in "ab"])
    ran = cli("track", "clip.mp4")
    assert ran.code == 130
    assert "partial names" in ran.err
    assert added(folder) == ["clip.poses.journal", "clip.poses.partial.jsonl", "clip.poses.partial.mp4"]
    assert len(lines(folder / "clip.poses.partial.jsonl")) == 6


def test_ctrl_c_at_the_first_frame_leaves_nothing_half(cli, estimator, folder):
    estimator.hook = interrupt_at(1)
    assert cli("track", "clip.mp4").code == 130
    assert len(lines(folder / "clip.poses.jsonl")) == 1


def test_another_model_cannot_resume(cli, estimator, folder, monkeypatch):
    estimator.hook = interrupt_at(7)
    cli("track", "clip.mp4")
    (folder / "other.onnx").write_bytes(b"other weights")
    ran = cli("track", "clip.mp4", "--resume", "--model", "other.onnx")
    assert ran.code == 1
    assert "another model" in ran.err


def test_another_backend_cannot_resume(cli, estimator, folder):
    """What it finds differs in the last digits: the files would not be those of an unbroken run."""
    estimator.hook = interrupt_at(7)
    cli("track", "clip.mp4", "--backend", "onnxruntime")
    ran = cli("track", "clip.mp4", "--resume", "--backend", "openvino")
    assert ran.code == 1
    assert "another backend" in ran.err
    assert cli("track", "clip.mp4", "--resume").code == 0, "which is what auto chooses"


# Looking -------------------------------------------------------------------------------------------------------------


class FakeWindow:
    """Keeps what it is shown; closed after `patience` pictures."""

    patience = 100
    shown = ()

    def __init__(self, title):
        type(self).shown = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def show(self, picture):
        self.shown.append(picture)
        return len(self.shown) < self.patience


def test_show_shows_every_drawn_frame(cli, estimator, folder, monkeypatch):
    monkeypatch.setattr(window, "Window", FakeWindow)
    assert cli("track", "clip.mp4", "--show", "--no-video").code == 0
    assert len(FakeWindow.shown) == 20
    assert FakeWindow.shown[0].shape == (48, 64, 3)
    assert added(folder) == ["clip.poses.jsonl"]


def test_who_closes_the_window_has_seen_enough(cli, estimator, folder, monkeypatch):
    monkeypatch.setattr(window, "Window", FakeWindow)
    monkeypatch.setattr(FakeWindow, "patience", 4)
    ran = cli("track", "clip.mp4", "--show")
    assert (ran.code, ran.err) == (0, "")
    assert len(lines(folder / "clip.poses.jsonl")) == 4


def test_without_a_screen_that_is_said(cli, estimator, folder, monkeypatch):
    pytest.importorskip("tkinter", reason="Python was built without Tk")
    monkeypatch.delenv("DISPLAY", raising=False)
    if os.name != "posix" or os.uname().sysname != "Linux":
        pytest.skip("only on Linux is a screen found by a variable")
    ran = cli("track", "clip.mp4", "--show")
    assert ran.code == 1
    assert "--show needs a screen" in ran.err
    assert added(folder) == []


@pytest.mark.skipif(not os.environ.get("DISPLAY"), reason="needs a screen")
def test_the_window_itself():
    with window.Window("test") as opened:
        assert opened.show(np.zeros((48, 64, 3), np.uint8))


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_where_somebody_watches(cli, estimator, folder, monkeypatch, terminal):
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("FORCE_COLOR" if terminal else "NO_COLOR", "1")
    ran = cli("track", "clip.mp4")
    assert ("frames/s" in ran.err) == ("1 person" in ran.err) == ("0:00:0" in ran.err) == terminal
    if not terminal:
        assert ran.err == ""
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "frames/s" not in cli("track", "clip.mp4", "--quiet").err


# What goes wrong -----------------------------------------------------------------------------------------------------


def test_a_bad_source_does_not_stop_the_others(cli, estimator, folder):
    (folder / "zero.mp4").touch()
    data = (folder / "clip.mp4").read_bytes()
    (folder / "cut.mp4").write_bytes(data[: len(data) // 2])
    (folder / "text.mp4").write_text("not a video")
    make_video(folder / "sound.mp4", [numbered(0)] * 5, audio="aac", only_audio=True)
    bad = {
        "zero.mp4": "is empty (0 bytes)",
        "cut.mp4": "moov",
        "text.mp4": "is not a video",
        "sound.mp4": "sound but no pictures",
        "missing.mp4": "no such file",
        "77": "camera 77 is not there",
        "http://127.0.0.1:1/a.mp4": "Connection refused",
        "rtsp://127.0.0.1:1/a": "Connection refused",
    }
    ran = cli("predict", *bad, "clip.mp4")
    assert ran.code == 1
    assert set(RESULTS) <= set(added(folder))
    told = ran.err.splitlines()
    assert len(told) == len(bad)
    for line, (source, message) in zip(told, bad.items(), strict=True):
        assert message in line
        assert source in line or source == "77"
    assert "Traceback" not in ran.err


def test_a_file_that_breaks_off_gives_what_is_whole_and_says_so(cli, estimator, folder):
    pictures = [np.random.default_rng(n).integers(0, 256, (48, 64, 3), np.uint8) for n in range(20)]
    path = make_video(folder / "cut.mp4", pictures, container_options={"movflags": "faststart"})
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    ran = cli("track", "cut.mp4")
    assert ran.code == 1
    assert ran.err.count("breaks off") == 1
    assert "frames were whole" in ran.err
    whole = len(lines(folder / "cut.poses.jsonl"))
    assert 3 < whole < 20
    assert len(list(VideoFile(folder / "cut.poses.mp4"))) == whole


def test_a_picture_size_that_changes_in_the_stream(cli, estimator, folder):
    parts = [
        make_video(folder / f"{n}.ts", [numbered(k, size) for k in range(10)], times=[n + k / 10 for k in range(10)])
        for n, size in enumerate([(48, 64), (96, 64)])
    ]
    (folder / "both.ts").write_bytes(b"".join(path.read_bytes() for path in parts))
    ran = cli("track", "both.ts")
    assert ran.code == 0, ran.err
    found = lines(folder / "both.poses.jsonl")
    assert {(line["height"], line["width"]) for line in found} == {(48, 64), (96, 64)}
    assert {frame.image.shape for frame in VideoFile(folder / "both.poses.mp4")} == {(48, 64, 3)}


def test_a_phone_held_upright(cli, estimator, folder):
    make_video(folder / "phone.mp4", [numbered(n) for n in range(3)], rotation=90)
    assert cli("track", "phone.mp4").code == 0
    assert lines(folder / "phone.poses.jsonl")[0]["height"] == 64
    assert next(iter(VideoFile(folder / "phone.poses.mp4"))).image.shape == (64, 48, 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--start", "soon"], "'soon' is no time"),
        (["--start", "5", "--end", "4"], "--end 4 is not after --start 5"),
        (["--every", "0"], "--every"),
        (["--format", "xml"], "unknown format xml"),
        (["--smooth", "maybe"], "--smooth"),
        (["--out", "clip.png"], "clip.png"),
    ],
    ids=["time", "end", "every", "format", "smooth", "out"],
)
def test_options_that_cannot_be_end_in_2(cli, estimator, folder, options, message):
    ran = cli("track", "clip.mp4", *options)
    assert ran.code == 2
    assert message in ran.err
    assert added(folder) == []


def test_the_command_line_waits_as_long_as_the_tracker():
    assert inspect.signature(track).parameters["max_gap"].default == TrackOptions().max_gap == VideoChoices.max_gap


def test_a_video_is_not_completed_by_guesses(cli, estimator, folder):
    ran = cli("predict", "clip.mp4", "--complete")
    assert ran.code == 2
    assert "--complete is for pictures, clip.mp4 is a video" in ran.err
    assert not estimator.calls


@pytest.mark.parametrize("sources", [["0", "1"], ["0", "clip.mp4"], ["rtsp://a.local/1", "rtsp://b.local/2"]], ids=str)
def test_nothing_waits_behind_a_live_source(cli, estimator, sources, monkeypatch):
    monkeypatch.setattr("nimblepose.media.sources.check_device", lambda device, name: None)
    monkeypatch.setattr("nimblepose.media.sources.open_container", lambda source, timeout: io.StringIO())
    ran = cli("track", *sources)
    assert ran.code == 2
    assert "would wait for ever" in ran.err


def test_an_address_of_a_recording_is_no_live_source(cli, estimator, tmp_path, web_server):
    path = make_video(tmp_path / "a.mp4", [numbered(n) for n in range(3)], container_options={"movflags": "faststart"})
    web_server.pages["/a.mp4"] = path.read_bytes()
    ran = cli("track", f"{web_server.address}/a.mp4", path, "--no-video", "--out", tmp_path / "out")
    assert ran.code == 0, ran.err


def test_patterns_and_folders_of_videos_are_taken_one_by_one_and_what_is_left_out_is_said(cli, estimator, folder):
    (folder / "clips").mkdir()
    for name in ("a.mp4", "b.MP4"):
        make_video(folder / "clips" / "made.mp4", [numbered(n) for n in range(3)]).rename(folder / "clips" / name)
    (folder / "clips/notes.txt").write_text("words")
    for number, source in enumerate(("clips", "clips/*.mp4", "clips/*")):
        for verb in ("track", "predict"):
            ran = cli(verb, source, "--out", f"{verb}{number}", "--no-video" if verb == "track" else "--no-pictures")
            assert ran.code == 0
            assert added(folder / f"{verb}{number}") == ["a.poses.jsonl", "b.poses.jsonl"]
            assert ("1 file is neither picture nor video" in ran.err) == (source == "clips/*")
    assert "left out" not in cli("track", "clips/*", "--out", "quiet", "--no-video", "--quiet").err


def test_what_pyav_opens_is_a_video_whatever_it_is_called(cli, estimator, folder):
    """Recorders' endings, and names that say nothing."""
    for name in ("clip.dav", "clip.360", "clip"):
        (folder / name).write_bytes((folder / "clip.mp4").read_bytes())
        ran = cli("predict", name, "--no-pictures", "--out", f"of {name}")
        assert (ran.code, ran.out.splitlines()[0]) == (0, f"{name}: 20 frames, 1 person")


def test_an_animation_is_a_video_for_track_and_a_picture_for_predict(cli, estimator, folder):
    pictures = [Image.fromarray(numbered(n)) for n in range(4)]
    pictures[0].save(folder / "a.webp", save_all=True, append_images=pictures[1:], duration=100, lossless=True)
    ran = cli("track", "a.webp")
    assert (ran.code, ran.out.splitlines()[0]) == (0, "a.webp: 4 frames, 1 person")
    assert len(list(VideoFile(folder / "a.poses.mp4"))) == 4
    ran = cli("predict", "a.webp")
    assert ran.out.startswith("a.webp: 1 person -> a.poses.webp")


def test_of_nothing_to_track_no_model_is_opened(cli, folder, monkeypatch):
    monkeypatch.setenv("NIMBLEPOSE_MODEL", "no-such-model")
    (folder / "empty").mkdir()
    ran = cli("track", "empty")
    assert ran.code == 1
    assert "no pictures or videos in this folder" in ran.err


@pytest.mark.parametrize("length", [235, 251])
def test_the_longest_names_of_videos_make_results_in_every_format(cli, estimator, folder, length):
    name = "n" * length + ".mp4"
    (folder / "clip.mp4").rename(folder / name)
    ran = cli("track", name, "-o", "out", "-f", "json,coco,openpose,csv,parquet,excel")
    assert (ran.code, ran.err) == (0, "")
    assert len(list((folder / "out").iterdir())) == 7
