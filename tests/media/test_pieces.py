"""Pieces of a video, read by themselves, are the video."""

import dataclasses
import io

import numpy as np
import pytest
from video_files import make_video, numbered

from nimblepose.media.pieces import VideoPiece
from nimblepose.media.video import VideoFile

OPEN = {"x264-params": "open-gop=1:bframes=3:keyint=12:scenecut=0"}
CLOSED = {"x264-params": "bframes=3:keyint=15:scenecut=0"}


def moving(number, size=(48, 64)):
    """A picture of noise that moves, so that what is decoded wrongly is seen."""
    noise = np.random.default_rng(7).integers(0, 256, (size[0], 400, 3), np.uint8)
    return np.ascontiguousarray(noise[:, 2 * number : 2 * number + size[1]])


KINDS = {
    "closed": ("mp4", {"options": CLOSED}),
    "open": ("mp4", {"options": OPEN}),
    "open-ts": ("ts", {"options": OPEN}),
    "mkv": ("mkv", {"options": CLOSED}),
    "hevc-open": ("mp4", {"codec": "libx265", "options": {"x265-params": "open-gop=1:keyint=12:log-level=none"}}),
    "vfr": ("mp4", {"options": CLOSED, "times": [round(n / 10 + 0.03 * (n % 4), 3) for n in range(140)]}),
    "avi": ("avi", {"codec": "mpeg4"}),
    "one-key-frame": ("mp4", {"options": {"x264-params": "keyint=1000:scenecut=0"}}),
}


@pytest.fixture(params=KINDS)
def video(request, tmp_path):
    suffix, how = KINDS[request.param]
    return make_video(tmp_path / f"clip.{suffix}", [moving(n) for n in range(140)], **how)


def read(source, begin, end, **options):
    piece = VideoPiece(source, begin=begin, end=end, first=not begin, **options)
    return piece, list(piece)


@pytest.mark.parametrize("seconds", [5.0, 3.1])
def test_pieces_are_the_whole_to_the_last_bit(video, seconds):
    whole = list(VideoFile(video))
    found, begin = [], 0.0
    while begin < 14:
        end = begin + seconds if begin + seconds < 14 else None
        piece, frames = read(video, begin, end)
        if begin:
            before = frames.pop(0)
            assert before.index == -1
            assert before.time == found[-1].time
            np.testing.assert_array_equal(before.image, found[-1].image)
        assert [frame.index for frame in frames] == list(range(len(frames)))
        assert (piece.decoded, piece.latest) == (len(frames), frames[-1].time)
        assert (piece.ending is None) == (end is not None)
        found += frames
        begin += seconds
    assert [frame.time for frame in found] == [frame.time for frame in whole]
    for one, other in zip(found, whole, strict=True):
        np.testing.assert_array_equal(one.image, other.image)


def test_of_every_third_frame_the_one_before_is_three_frames_before(video):
    whole = {frame.index: frame for frame in VideoFile(video)}
    _, frames = read(video, 8.0, 10.0, every=3)
    assert [frame.index % 3 for frame in frames] == [0] * len(frames)
    assert [frame.time < 8 for frame in frames] == [True] + [False] * (len(frames) - 1)
    for frame in frames:
        assert frame.time == whole[frame.index].time
        np.testing.assert_array_equal(frame.image, whole[frame.index].image)


def test_the_first_piece_of_a_later_part_has_the_numbers_of_the_whole_and_nothing_before(video):
    whole = [frame for frame in VideoFile(video) if 7 <= frame.time < 9]
    frames = list(VideoPiece(video, begin=7.0, end=9.0, first=True))
    assert [frame.stamp for frame in frames] == [frame.stamp for frame in whole]


def test_a_piece_in_the_middle_of_a_long_file_does_not_read_what_is_before_it(tmp_path):
    video = make_video(tmp_path / "long.mp4", [moving(n % 150) for n in range(600)], options=CLOSED)
    data = video.read_bytes()

    class Watched(io.BytesIO):
        places = []  # noqa: RUF012

        def read(self, size=-1):
            self.places.append(self.tell())
            return super().read(size)

    _, frames = read(Watched(data), 50.0, 51.0, name="long")
    assert len(frames) == 11
    assert not [place for place in Watched.places if len(data) * 0.3 < place < len(data) * 0.6]


def test_bytes_are_as_good_as_a_file(video):
    _, expected = read(video, 6.0, 7.0)
    piece, frames = read(io.BytesIO(video.read_bytes()), 6.0, 7.0, name="here")
    assert piece.info.name == "here"
    for one, other in zip(frames, expected, strict=True):
        assert one.stamp == other.stamp
        np.testing.assert_array_equal(one.image, other.image)


def test_behind_the_end_there_is_the_last_frame_only(tmp_path):
    video = make_video(tmp_path / "clip.mp4", [numbered(n) for n in range(60)])
    piece, frames = read(video, 6.5, None)
    assert [(frame.index, frame.time) for frame in frames] == [(-1, 5.9)]
    assert (piece.decoded, piece.latest) == (0, -1)


def test_a_file_that_breaks_off_says_so_in_its_last_piece(tmp_path):
    whole = make_video(
        tmp_path / "whole.mp4",
        [moving(n) for n in range(140)],
        options=CLOSED,
        container_options={"movflags": "faststart"},
    )
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    reference = VideoFile(cut)
    reference._stream.codec_context.thread_count = (
        1  # where several hold frames, PyAV loses some of those behind damage
    )
    frames = list(reference)
    total = 0
    for begin, end in ((0.0, 5.0), (5.0, 10.0), (10.0, None)):
        piece, _ = read(cut, begin, end)
        total += piece.decoded
        if piece.ending:
            break
    assert total == len(frames)
    latest = piece.latest if piece.latest >= 0 else frames[-1].time
    assert piece.ending.tell(str(cut), total, latest) == reference.problems[-1]
    assert piece.refused == 1
    assert dataclasses.replace(piece.ending, broken=None, cut_off=False).tell("a", 140, 13.9) is None


def test_a_first_piece_without_frames_knows_the_number_of_the_next(tmp_path):
    times = [n / 10 for n in range(70)] + [12 + n / 10 for n in range(20)]
    video = make_video(tmp_path / "gap.mp4", [moving(n) for n in range(90)], options=CLOSED, times=times)
    piece = VideoPiece(video, begin=8.0, end=10.0, first=True)
    assert (list(piece), piece.decoded) == ([], 70)
