"""Every frame of a video, upright, at its own time; what is broken is told."""

import os
from fractions import Fraction

import numpy as np
import pytest
from video_files import make_video, number_of, numbered

from nimblepose.core.errors import MediaError, MissingPackageError, OptionError
from nimblepose.media.frames import Selection
from nimblepose.media.video import VideoFile

NUMBERS = [numbered(n) for n in range(20)]


def seen(source, **selection):
    return [(f.index, f.time, number_of(f.image)) for f in VideoFile(source, Selection(**selection))]


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"),
    [
        ("a.mp4", "libx264", "yuv420p"),
        ("a.mov", "libx265", "yuv420p10le"),
        ("a.mkv", "libsvtav1", "yuv420p"),
        ("a.webm", "libvpx-vp9", "yuv420p"),
        ("a.avi", "mjpeg", "yuvj420p"),
        ("a.ts", "libx264", "yuv420p"),
        ("a: b%.mkv", "ffv1", "yuv444p"),
    ],
)
def test_frames_come_in_order_with_their_times(tmp_path, name, codec, pix_fmt):
    video = VideoFile(make_video(tmp_path / name, NUMBERS, codec=codec, pix_fmt=pix_fmt))
    frames = list(video)
    assert [(f.index, number_of(f.image)) for f in frames] == [(n, n) for n in range(20)]
    np.testing.assert_allclose([f.time for f in frames], np.arange(20) / 10, atol=1e-6)
    assert (video.problems, video.live, video.dropped) == ([], False, 0)
    assert video.info.duration == pytest.approx(2.0, abs=0.1)


def test_a_variable_frame_rate_keeps_its_times(tmp_path):
    times = [0.0, 0.033, 0.067, 0.5, 0.51, 1.25, 4.0]
    found = seen(make_video(tmp_path / "phone.mp4", NUMBERS[:7], times=times))
    np.testing.assert_allclose([time for _, time, _ in found], times, atol=1e-6)


def test_times_count_from_the_beginning_where_stamps_do_not(tmp_path):
    path = make_video(tmp_path / "a.ts", NUMBERS, times=[5000 + n / 10 for n in range(20)])
    np.testing.assert_allclose([time for _, time, _ in seen(path)], np.arange(20) / 10, atol=1e-6)


@pytest.mark.parametrize("rotation", [0, 90, 180, -90])
def test_phones_held_upright(tmp_path, rotation):
    path = make_video(tmp_path / "phone.mp4", NUMBERS[:2], rotation=rotation)
    image = next(iter(VideoFile(path))).image
    expected = np.rot90(NUMBERS[0], rotation // 90)
    assert image.shape == expected.shape
    np.testing.assert_allclose(image[8:-8:16, 8:-8:16], expected[8:-8:16, 8:-8:16], atol=6)


def test_4k_portrait_with_rotation(tmp_path):
    path = make_video(tmp_path / "phone.mp4", [numbered(n, (2160, 3840)) for n in range(2)], rotation=-90)
    frames = list(VideoFile(path))
    assert [f.image.shape for f in frames] == [(3840, 2160, 3)] * 2


@pytest.mark.parametrize("size", [(47, 65), (1, 1), (2, 3)], ids=str)
def test_odd_sizes(tmp_path, size):
    pictures = [np.full((*size, 3), 100, np.uint8)] * 3
    path = make_video(tmp_path / "odd.mkv", pictures, codec="ffv1", pix_fmt="yuv444p")
    assert [f.image.shape for f in VideoFile(path)] == [(*size, 3)] * 3


@pytest.mark.parametrize("matrix", [1, 5, 2], ids=["bt709", "bt601", "untagged"])
def test_colours_survive(tmp_path, matrix):
    picture = np.zeros((720, 64, 3), np.uint8) + np.array([200, 60, 30], np.uint8)
    path = make_video(tmp_path / "hd.mp4", [picture] * 2, matrix=matrix)
    np.testing.assert_allclose(next(iter(VideoFile(path))).image.mean(axis=(0, 1)), picture[0, 0], atol=4)


def test_sound_does_not_disturb(tmp_path):
    video = VideoFile(make_video(tmp_path / "a.mp4", NUMBERS, audio="aac"))
    assert [number_of(f.image) for f in video] == list(range(20))


def test_one_frame(tmp_path):
    assert seen(make_video(tmp_path / "one.mp4", NUMBERS[7:8])) == [(0, 0.0, 7)]


def test_pixels_that_are_not_square_are_told(tmp_path):
    path = make_video(tmp_path / "dv.mp4", NUMBERS, aspect=Fraction(16, 11))
    turned = make_video(tmp_path / "turned.mp4", NUMBERS, aspect=Fraction(16, 11), rotation=90)
    for video, expected in ((VideoFile(path), Fraction(16, 11)), (VideoFile(turned), Fraction(11, 16))):
        next(iter(video))
        assert video.info.pixel_aspect == expected


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts", "h264"])
@pytest.mark.parametrize("every", [1, 3])
def test_a_selection_is_the_same_frames_as_in_the_whole(tmp_path, suffix, every):
    path = make_video(tmp_path / f"a.{suffix}", [numbered(n) for n in range(100)], options={"g": "10"})
    whole = seen(path)
    assert [index for index, *_ in whole] == list(range(100))
    begin, end = whole[60][1] + 0.05, whole[85][1]
    expected = [frame for frame in whole if begin <= frame[1] < end and frame[0] % every == 0]
    assert seen(path, start=begin, end=end, every=every) == expected
    assert seen(path, start=begin, every=every, after=expected[2][0])[0] == expected[3]


def test_a_start_behind_the_end_selects_nothing(video):
    assert seen(video, start=60) == []


@pytest.mark.parametrize("selection", [{"every": 0}, {"start": -1}, {"start": 2, "end": 2}], ids=str)
def test_selections_that_cannot_be(selection):
    with pytest.raises(OptionError, match="every must be"):
        Selection(**selection)


def test_a_resolution_that_changes(tmp_path):
    data = b"".join(
        make_video(tmp_path / f"{height}.h264", [numbered(n, (height, 64)) for n in range(5)]).read_bytes()
        for height in (48, 96)
    )
    (tmp_path / "both.h264").write_bytes(data)
    frames = list(VideoFile(tmp_path / "both.h264"))
    assert [f.image.shape[0] for f in frames] == [48] * 5 + [96] * 5
    assert [number_of(f.image) for f in frames] == [0, 1, 2, 3, 4] * 2
    assert np.all(np.diff([f.time for f in frames]) > 0)


def test_broken_in_the_middle_delivers_up_to_the_break(tmp_path):
    path = make_video(tmp_path / "a.mp4", NUMBERS, container_options={"movflags": "faststart"}, options={"g": "2"})
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.85)])
    video = VideoFile(path)
    found = [number_of(f.image) for f in video]
    assert found == list(range(len(found)))
    assert 5 < len(found) < 20
    assert f"{path} breaks off" in video.problems[-1]
    assert f"{len(found)} of 20 frames were whole" in video.problems[-1]


def test_damage_in_the_middle_costs_its_own_frames(tmp_path):
    path = make_video(tmp_path / "a.mov", NUMBERS, codec="png", pix_fmt="rgb24")
    parts = path.read_bytes().split(b"IHDR")
    path.write_bytes(b"IHDR".join([*parts[:9], bytes(20) + parts[9][20:], *parts[10:]]))
    video = VideoFile(path)
    assert [number_of(f.image) for f in video] == [*range(8), *range(9, 20)]
    assert "1 damaged" in video.problems[0]


def spoiled(folder):
    whole = make_video(folder / "whole.mp4", NUMBERS)
    make_video(folder / "sound.mp4", NUMBERS[:1], audio="aac", only_audio=True)
    (folder / "empty.mp4").touch()
    (folder / "text.mp4").write_text("this is not a video\n" * 50)
    (folder / "cut.mp4").write_bytes(whole.read_bytes()[:-400])
    (folder / "cut_early.mp4").write_bytes(whole.read_bytes()[: whole.stat().st_size // 3])
    (folder / "folder.mp4").mkdir()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("empty.mp4", "is empty"),
        ("text.mp4", "not a video"),
        ("cut.mp4", r"cut off.*moov"),
        ("cut_early.mp4", r"cut off.*moov"),
        ("sound.mp4", "sound but no pictures"),
        ("missing.mp4", "no such file"),
        ("folder.mp4", "is a folder"),
    ],
)
def test_spoiled_files_are_refused_in_words(tmp_path, name, message):
    spoiled(tmp_path)
    with pytest.raises(MediaError, match=message) as caught:
        VideoFile(tmp_path / name)
    assert name in str(caught.value)


def test_pictures_beyond_the_limit_are_refused(video):
    with pytest.raises(MediaError, match=r"64 x 48 pixels, more than the limit of 3000"):
        VideoFile(video, max_pixels=3000)


def test_a_stream_of_bytes(tmp_path):
    path = make_video(tmp_path / "a.ts", NUMBERS)

    read, write = os.pipe()
    with os.fdopen(write, "wb") as end:
        end.write(path.read_bytes())  # less than a pipe holds
    with os.fdopen(read, "rb") as pipe:
        assert [number_of(f.image) for f in VideoFile(pipe)] == list(range(20))


def test_a_file_that_is_left_early_is_closed(video):
    source = VideoFile(video)
    frames = iter(source)
    next(frames)
    source.close()
    assert list(frames) == []
    assert source.problems == []


def test_without_pyav_it_says_what_to_install(video, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'nimblepose\[video\]'"):
        VideoFile(video)


def test_closed_in_the_middle_it_ends_with_the_frame_at_hand(video):
    source = VideoFile(video)
    frames = iter(source)
    assert number_of(next(frames).image) == 0
    source.close()  # as a signal handler does while the iteration is under way
    assert list(frames) == []
    assert source.problems == []
    source.close()


def test_a_start_behind_the_end_selects_nothing_and_that_is_no_damage(video):
    source = VideoFile(video, Selection(start=50))
    assert list(source) == []
    assert source.problems == []
