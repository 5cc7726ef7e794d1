"""Every frame of a video, upright, at its own time; what is broken is told."""

import io
import os
from fractions import Fraction
from types import SimpleNamespace

import av
import numpy as np
import pytest
from video_files import make_video, number_of, numbered

from nimblepose.core.errors import MediaError, MissingPackageError, OptionError
from nimblepose.media import containers
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
    video = VideoFile(make_video(tmp_path / "one.mp4", NUMBERS[7:8]))
    assert [(f.index, f.time, number_of(f.image)) for f in video] == [(0, 0.0, 7)]
    assert video.problems == []


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
    with pytest.raises(MediaError, match="no such file"):  # which no package brings
        VideoFile(video.with_name("missing.mp4"))


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


@pytest.fixture
def decoded(monkeypatch):
    """How many frames were decoded, by now."""
    count = []
    original = VideoFile._decoded

    def watch(self):
        for frame in original(self):
            count.append(frame)
            yield frame

    monkeypatch.setattr(VideoFile, "_decoded", watch)
    return count


@pytest.mark.parametrize(("suffix", "offset"), [("mp4", 0), ("mkv", 0), ("ts", 0), ("ts", 5000)])
def test_a_late_start_is_not_decoded_up_to(tmp_path, decoded, suffix, offset):
    path = make_video(
        tmp_path / f"a.{suffix}",
        [numbered(n) for n in range(300)],
        options={"g": "10"},
        container_options={"output_ts_offset": str(offset)},
    )
    frames = list(VideoFile(path, Selection(start=28.0, end=28.5)))
    assert [(f.index, number_of(f.image)) for f in frames] == [(n, n % 25) for n in range(280, 285)]
    assert len(decoded) < 150


def test_where_nothing_tells_how_many_frames_were_before_all_are_decoded(tmp_path, decoded):
    """A stream without a container cannot be sought in."""
    path = make_video(tmp_path / "a.h264", [numbered(n) for n in range(70)], options={"g": "10"})
    assert [f.index for f in VideoFile(path, Selection(start=6.0))] == list(range(60, 70))
    assert len(decoded) == 70


def is_closed(container):
    """PyAV has no word for it, and refuses to read."""
    try:
        next(container.demux())
    except AssertionError:
        return True
    return False


@pytest.fixture
def opened(monkeypatch):
    """The containers that were opened."""
    found = []

    def open_container(*given, **options):
        found.append(containers.open_container(*given, **options))
        return found[-1]

    monkeypatch.setattr("nimblepose.media.video.open_container", open_container)
    return found


@pytest.mark.parametrize("way", ["used_up", "left", "closed", "not_begun", "over"])
def test_however_it_ends_the_file_is_released(video, opened, way):
    source = VideoFile(video, Selection(end=0.5) if way == "over" else Selection())
    frames = iter(source)
    if way in ("used_up", "over"):
        list(frames)
    elif way == "not_begun":
        source.close()
        assert list(source) == []
    else:
        next(frames)
        assert not is_closed(opened[0])
        if way == "left":
            frames.close()
        else:
            source.close()
            list(frames)
    assert all(is_closed(container) for container in opened)


def test_what_has_no_pictures_is_released(tmp_path, opened):
    make_video(tmp_path / "sound.mp4", NUMBERS[:1], audio="aac", only_audio=True)
    with pytest.raises(MediaError, match="no pictures"):
        VideoFile(tmp_path / "sound.mp4")
    assert is_closed(opened[0])


def test_pictures_that_grow_beyond_the_limit_are_refused_when_they_come(tmp_path):
    parts = [
        make_video(tmp_path / f"{h}.h264", [numbered(n, (h, 64)) for n in range(5)]).read_bytes() for h in (48, 96)
    ]
    (tmp_path / "both.h264").write_bytes(b"".join(parts))
    frames = iter(VideoFile(tmp_path / "both.h264", max_pixels=64 * 48))
    assert [number_of(next(frames).image) for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(MediaError, match="64 x 96 pixels"):
        next(frames)


def test_without_time_stamps_frames_follow_each_other_at_the_rate(tmp_path):
    video = VideoFile(make_video(tmp_path / "a.mkv", NUMBERS[:5], rate=8))
    step = Fraction(1, 8)
    untimed = SimpleNamespace(pts=None, time_base=None)
    assert video._time(untimed, -1.0) == 0
    assert video._time(untimed, 0.0) == step
    assert video._time(untimed, 0.5) == 0.5 + step
    early = SimpleNamespace(pts=0, time_base=Fraction(1, 1000))
    assert video._time(early, 0.5) == 0.5 + step, "always later than the frame before"
    later = SimpleNamespace(pts=900, time_base=Fraction(1, 1000))
    assert video._time(later, 0.5) == 0.9
    assert video._time(SimpleNamespace(pts=900, time_base=None), 0.5) == 0.5 + step


def test_what_is_said_of_a_file_that_breaks_off(tmp_path):
    """10 frames a second; an MP4 knows how many frames it holds, Matroska does not."""
    pictures = [numbered(n) for n in range(20)]
    path = make_video(tmp_path / "a.mp4", pictures, container_options={"movflags": "faststart"}, options={"g": "1"})
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 4])
    video = VideoFile(path)
    frames = list(video)
    assert 0 < len(frames) < 20
    assert video.problems == [
        f"{path} breaks off; {len(frames)} of 20 frames were whole, up to {frames[-1].time:.2f} s"
    ]
    path = make_video(tmp_path / "a.mkv", pictures, options={"g": "1"})
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 4])
    video = VideoFile(path)
    frames = list(video)
    assert 0 < len(frames) < 20
    assert video.problems == [f"{path} breaks off; {len(frames)} frames were whole, up to {frames[-1].time:.2f} s"]


@pytest.mark.parametrize(("count", "said"), [(1, "no frame in it could be decoded"), (9, "0 of 9 frames were whole")])
def test_a_video_of_which_nothing_can_be_decoded_says_so(tmp_path, count, said):
    path = make_video(tmp_path / "a.mov", NUMBERS[:count], codec="png", pix_fmt="rgb24")
    path.write_bytes(path.read_bytes().replace(b"IHDR", b"JUNK"))
    video = VideoFile(path)
    assert list(video) == []
    assert said in video.problems[-1]


@pytest.mark.parametrize(("whole", "told"), [(20, False), (19, False), (18, True), (7, True)])
def test_bytes_that_break_off_are_told_but_for_one_frame(tmp_path, whole, told):
    """Of bytes it is not known how many there should be, only how many frames; containers count generously."""
    options = {"g": "1", "bf": "0"}
    path = make_video(tmp_path / "a.mp4", NUMBERS, container_options={"movflags": "faststart"}, options=options)
    with av.open(str(path)) as container:
        places = [packet.pos for packet in container.demux(video=0) if packet.pos]
    data = path.read_bytes()
    video = VideoFile(io.BytesIO(data[: [*places, len(data)][whole]]))
    assert len(list(video)) == whole
    said = f"standard input breaks off; {whole} of 20 frames were whole, up to {(whole - 1) / 10:.2f} s"
    assert video.problems == ([said] if told else [])


def test_times_are_told_to_the_microsecond(tmp_path):
    path = make_video(tmp_path / "a.mp4", NUMBERS[:8], rate=30)
    assert [f.time for f in VideoFile(path)] == [round(n / 30, 6) for n in range(8)]


def test_time_begins_at_zero_without_a_sign(tmp_path):
    path = make_video(tmp_path / "a.ts", NUMBERS[:8], rate=30)  # its clock is finer than that of the file's beginning
    assert str(next(iter(VideoFile(path))).time) == "0.0"


@pytest.mark.filterwarnings("ignore:pictures of more than 8 bits")
@pytest.mark.parametrize("bright", range(8))
def test_levels_are_found_in_every_part_of_a_file(tmp_path, bright):
    """One eighth of the file is four times as bright as the rest, which is dark beside it."""
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("ffv1", rate=10)
        stream.height, stream.width, stream.pix_fmt = 24, 32, "gray16le"
        for n in range(32):
            values = np.linspace(0, 4000 if n // 4 == bright else 1000, 24 * 32).astype(np.uint16).reshape(24, 32)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(values, format="gray16le")))
        out.mux(stream.encode(None))
    brightest = [f.image.max() for f in VideoFile(path)]
    assert len(brightest) == 32
    for n, value in enumerate(brightest):
        assert value > 240 if n // 4 == bright else value < 90


def test_what_a_file_says_of_itself(tmp_path):
    video = VideoFile(make_video(tmp_path / "a.mp4", [numbered(n) for n in range(30)], rate=30))
    assert (video.info.duration, video.info.rate, video.info.pixel_aspect) == (1.0, 30, 1)
    assert VideoFile(make_video(tmp_path / "a.h264", NUMBERS)).info.duration is None
