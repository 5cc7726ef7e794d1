"""What players need: H.264, 4:2:0, the index first, the times and the sound of the source; and whole at any time."""

import itertools
import struct
from fractions import Fraction

import av
import numpy as np
import pytest
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from video_files import make_video, number_of, numbered

from nimblepose.core.errors import MediaError, MissingPackageError
from nimblepose.media.audio import Sound
from nimblepose.media.frames import StreamInfo
from nimblepose.media.video import VideoFile
from nimblepose.media.video_writer import VideoWriter, fit_picture, make_even

INFO = StreamInfo("source", None, Fraction(10))
TIMES = [n / 10 for n in range(20)]


def write(path, pictures, times, info=INFO, **options):
    writer = VideoWriter(path, info, **options)
    for picture, time in zip(pictures, times, strict=True):
        writer.add(picture, time)
    return writer.finish()


def boxes(path):
    """Kinds of the top-level boxes of an MP4, in order."""
    data, position, kinds = path.read_bytes(), 0, []
    while position < len(data):
        length, kind = struct.unpack(">I4s", data[position : position + 8])
        kinds.append(kind.decode())
        position += length
    return kinds


def times_of(path):
    """When frames are shown; our own reader counts from the first one."""
    with av.open(f"file:{path}") as container:
        return [frame.time for frame in container.decode(video=0)]


def stamps_of(path):
    """As they stand in the file: our own reader counts from the first frame."""
    with av.open(f"file:{path}") as container:
        return [frame.time for frame in container.decode(video=0)]


def samples(path, codec=None):
    """The sound of a file, (channels, samples) float, from time 0 on; and its codec."""
    with av.open(f"file:{path}") as container:
        stream = container.streams.audio[0]
        heard = np.zeros((stream.codec_context.channels, 48_000 * 20), np.float32)
        end = 0
        for frame in container.decode(stream):
            values = frame.to_ndarray().astype(np.float32)
            values = values.reshape(-1, heard.shape[0]).T if not frame.format.is_planar else values
            values = values / (32768 if "s16" in frame.format.name else 1)
            begin = round(frame.time * frame.sample_rate)
            values = values[:, max(0, -begin) :]
            heard[:, max(0, begin) : max(0, begin) + values.shape[1]] = values
            end = max(0, begin) + values.shape[1]
        return heard[:, :end], stream.codec_context.name


def test_browsers_and_phones_can_play_it(tmp_path):
    path = write(tmp_path / "a.mp4", map(numbered, range(20)), TIMES)
    with av.open(f"file:{path}") as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.format.name) == ("h264", "yuv420p")
        assert (stream.width, stream.height, stream.frames) == (64, 48, 20)
        assert stream.average_rate == 10
        assert stream.codec_context.color_range == 1
        assert stream.codec_context.colorspace == 1
    assert boxes(path)[:2] == ["ftyp", "moov"], "it starts before it is loaded"
    assert [number_of(frame.image) for frame in VideoFile(path)] == list(range(20))
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "times",
    [
        TIMES,
        [0.0, 0.033333, 0.066667, 0.5, 0.51, 1.25, 4.0],
        [n * 1001 / 30000 for n in range(40)],
        [0.25, 0.5, 0.6],
        [7.0],
    ],
    ids=["constant", "variable", "ntsc", "late", "one_frame"],
)
def test_every_frame_is_shown_at_the_time_it_had(tmp_path, times):
    path = write(tmp_path / "a.mp4", map(numbered, range(len(times))), times)
    np.testing.assert_allclose(stamps_of(path), times, atol=1e-4)


def test_it_begins_where_the_part_chosen_begins(tmp_path):
    path = write(tmp_path / "a.mp4", map(numbered, range(3)), [5.5, 5.6, 5.8], begin=5.0)
    np.testing.assert_allclose(stamps_of(path), [0.5, 0.6, 0.8], atol=1e-4)


@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 160, 0), (20, 40, 230), (128, 128, 128)], ids=str)
def test_colours_stay(tmp_path, colour):
    picture = np.full((720, 64, 3), colour, np.uint8)
    for size in (720, 96):
        path = write(tmp_path / "a.mp4", [picture[:size]], [0.0])
        np.testing.assert_allclose(next(iter(VideoFile(path))).image[20:-20, 20:-20].mean((0, 1)), colour, atol=6)


def test_odd_sizes_get_their_last_row_and_column_twice(tmp_path):
    picture = np.zeros((33, 47, 3), np.uint8)
    picture[:, -1] = 255
    image = next(iter(VideoFile(write(tmp_path / "a.mp4", [picture], [0.0])))).image
    assert image.shape == (34, 48, 3)
    assert image[:, -2:].mean() > 160
    assert image[:, :40].mean() < 20


def test_pixels_that_are_not_square_stay_so(tmp_path):
    info = StreamInfo("source", None, Fraction(10), Fraction(4, 3))
    path = write(tmp_path / "a.mp4", [numbered(0)], [0.0], info)
    with av.open(f"file:{path}") as container:
        assert container.streams.video[0].sample_aspect_ratio == Fraction(4, 3)


def test_another_size_in_the_middle_is_fitted_in(tmp_path):
    pictures = [np.full((48, 64, 3), 200, np.uint8), np.full((96, 64, 3), 200, np.uint8)]
    first, second = (frame.image for frame in VideoFile(write(tmp_path / "a.mp4", pictures, [0.0, 0.1])))
    assert first.shape == second.shape == (48, 64, 3)
    assert second[:, 20:44].mean() > 180
    assert second[:, [2, -3]].mean() < 30


def test_fitting_keeps_the_shape_of_things():
    picture = np.full((10, 40, 3), 9, np.uint8)
    assert fit_picture(picture, (10, 40)) is picture
    inside = fit_picture(picture, (30, 20))[..., 0] > 0
    assert np.argwhere(inside).min(0).tolist() == [12, 0]
    assert np.argwhere(inside).max(0).tolist() == [16, 19]


def test_what_was_written_so_far_can_be_read_while_it_grows(tmp_path):
    writer = VideoWriter(tmp_path / "a.mp4", INFO)
    rng = np.random.default_rng(0)
    for n in range(100):
        writer.add(rng.integers(0, 256, (48, 64, 3), np.uint8), n / 10)
    seen = len(list(VideoFile(tmp_path / "a.partial.mp4")))  # as after kill -9: nothing was closed
    assert 50 <= seen < 100
    assert not (tmp_path / "a.mp4").exists()
    writer.close()
    assert len(list(VideoFile(tmp_path / "a.partial.mp4"))) == 100, "left on purpose, all is there"


def test_without_a_frame_there_is_no_video(tmp_path):
    with pytest.raises(MediaError, match="no frame"):
        VideoWriter(tmp_path / "a.mp4", INFO).finish()


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(MediaError, match="nowhere"):
        VideoWriter(tmp_path / "nowhere" / "a.mp4", INFO).add(numbered(0), 0.0)


def test_if_it_cannot_be_completed_what_there_is_stays(tmp_path, monkeypatch):
    writer = VideoWriter(tmp_path / "a.mp4", INFO)
    writer.add(numbered(0), 0.0)

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writer, "_rewrite", fail)
    with pytest.raises(MediaError, match="No space"):
        writer.finish()
    assert [path.name for path in tmp_path.iterdir()] == ["a.partial.mp4"]
    assert len(list(VideoFile(tmp_path / "a.partial.mp4"))) == 1


# Sound ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "aac"), ("a.mkv", "aac"), ("a.mkv", "flac"), ("a.mp4", "mp3")])
def test_sound_is_copied_as_it_is(tmp_path, name, codec):
    (tmp_path / "in").mkdir()
    source = make_video(tmp_path / "in" / name, map(numbered, range(20)), audio=codec)
    path = write(tmp_path / "b.mp4", map(numbered, range(20)), TIMES, sound=Sound(source))
    before, after = samples(source), samples(path)
    assert after[1] == before[1]
    length = min(before[0].shape[1], after[0].shape[1])
    assert length >= 48_000 * 1.95
    np.testing.assert_allclose(after[0][:, :length], before[0][:, :length], atol=1e-3)
    np.testing.assert_allclose(times_of(path), TIMES, atol=1e-4)


@pytest.mark.parametrize(("name", "codec"), [("a.mov", "pcm_s16le"), ("a.avi", "mp2")])
def test_sound_that_players_would_not_play_in_mp4_becomes_aac(tmp_path, name, codec):
    source = make_video(tmp_path / name, map(numbered, range(20)), audio=codec)
    path = write(tmp_path / "b.mp4", map(numbered, range(20)), TIMES, sound=Sound(source))
    before, after = samples(source), samples(path)
    assert after[1] == "aac"
    a, b = (one[0][0, 4_800:86_400] for one in (before, after))
    assert np.corrcoef(a, b)[0, 1] > 0.98, "the same tone, not shifted"


@pytest.mark.parametrize("codec", ["aac", "pcm_s16le"], ids=["copied", "encoded"])
def test_of_a_part_the_sound_of_that_part(tmp_path, codec):
    source = make_video(tmp_path / "a.mov", map(numbered, range(20)), audio=codec)
    path = write(tmp_path / "b.mp4", map(numbered, range(5)), TIMES[8:13], begin=0.8, sound=Sound(source))
    before, after = samples(source)[0][0], samples(path)[0][0]
    assert 0.4 < len(after) / 48_000 < 0.7
    a, b = before[38_400 + 4_800 : 38_400 + 19_200], after[4_800:19_200]
    assert np.corrcoef(a, b)[0, 1] > 0.98


def test_a_silent_video_stays_silent(tmp_path):
    source = make_video(tmp_path / "a.mp4", map(numbered, range(20)))
    path = write(tmp_path / "b.mp4", map(numbered, range(20)), TIMES, sound=Sound(source))
    with av.open(f"file:{path}") as container:
        assert [stream.type for stream in container.streams] == ["video"]


def test_a_source_that_is_gone_costs_the_sound_only(tmp_path):
    path = write(tmp_path / "b.mp4", map(numbered, range(20)), TIMES, sound=Sound(tmp_path / "gone.mp4"))
    assert len(times_of(path)) == 20


def test_sound_and_pictures_lie_side_by_side(tmp_path):
    """Players that load a file as they play it need both of the same time close together."""
    source = make_video(tmp_path / "a.mkv", map(numbered, itertools.chain(range(20), range(20))), audio="aac")
    path = write(tmp_path / "b.mp4", map(numbered, range(40)), [n / 10 for n in range(40)], sound=Sound(source))
    with av.open(f"file:{path}") as container:
        order = [packet.stream.type for packet in container.demux() if packet.pos]
        order = [kind for kind, _ in itertools.groupby(order)]
    assert len(order) > 4


def packets_of(path):
    """Of the pictures: seconds shown, seconds decoded, can be jumped to."""
    with av.open(f"file:{path}") as container:
        return [
            (float(p.pts * p.time_base), float(p.dts * p.time_base), p.is_keyframe)
            for p in container.demux(video=0)
            if p.dts is not None
        ]


@pytest.mark.parametrize(("rate", "between"), [(Fraction(10), 20), (Fraction(5), 10), (None, 50)])
def test_players_can_jump_to_a_picture_every_two_seconds(tmp_path, rate, between):
    count = 2 * between + 1
    times = [2 * n / between for n in range(count)]
    path = write(tmp_path / "a.mp4", [numbered(3)] * count, times, StreamInfo("source", None, rate))
    packets = packets_of(path)
    assert [shown for shown, _, key in packets if key] == pytest.approx([0, 2, 4], abs=1e-4)
    assert all(shown == decoded for shown, decoded, _ in packets), "no picture waits for a later one"


@pytest.mark.parametrize("rate", [Fraction(30000, 1001), Fraction(1, 5), Fraction(10_000), Fraction(123_457, 4_001)])
def test_any_rate_that_a_source_declares_can_be_written(tmp_path, rate):
    path = write(tmp_path / "a.mp4", [numbered(1), numbered(2)], [0.0, 0.5], StreamInfo("source", None, rate))
    assert [number_of(f.image) for f in VideoFile(path)] == [1, 2]
    assert stamps_of(path) == pytest.approx([0, 0.5], abs=1e-4)


def test_pictures_of_one_moment_are_shown_one_after_the_other(tmp_path):
    path = write(tmp_path / "a.mp4", map(numbered, range(4)), [0.5, 0.5, 0.5, 0.4])
    stamps = stamps_of(path)
    assert [number_of(f.image) for f in VideoFile(path)] == [0, 1, 2, 3]
    assert np.all(np.diff(stamps) > 0)
    assert stamps[-1] == pytest.approx(0.5, abs=1e-3)


def test_a_picture_before_the_part_begins_is_shown_at_its_beginning(tmp_path):
    path = write(tmp_path / "a.mp4", map(numbered, range(2)), [4.9, 5.5], begin=5.0)
    first, second = stamps_of(path)
    assert (first, second) == (0, pytest.approx(0.5, abs=1e-4))


def test_colours_are_declared_as_they_are_written(tmp_path):
    with av.open(str(write(tmp_path / "a.mp4", [numbered(1)], [0.0]))) as container:
        context = container.streams.video[0].codec_context
        kinds = (context.colorspace, context.color_primaries, context.color_trc, context.color_range)
        frame = next(container.decode(video=0))
    assert kinds == (
        Colorspace.ITU709,
        ColorPrimaries.BT709,
        ColorTrc.BT709,
        ColorRange.MPEG,
    )
    assert frame.to_ndarray()[:48].max() <= 236, "white of limited range"


def test_without_an_encoder_it_is_said_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(av, "codecs_available", {"mpeg4"})
    with pytest.raises(MissingPackageError, match="cannot write H"):
        VideoWriter(tmp_path / "a.mp4", INFO)


@pytest.mark.parametrize(
    ("shape", "size"), [((48, 64), (48, 64)), ((47, 64), (48, 64)), ((48, 63), (48, 64)), ((1, 1), (2, 2))]
)
def test_sides_become_even_by_a_row_or_column_more(shape, size):
    picture = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    even = make_even(picture)
    assert even.shape == (*size, 3)
    assert even.flags.c_contiguous
    np.testing.assert_array_equal(even[: shape[0], : shape[1]], picture)
    assert np.shares_memory(even, picture) == (shape == size), "what is even is not copied"
    np.testing.assert_array_equal(even[-1], even[shape[0] - 1])
    np.testing.assert_array_equal(even[:, -1], even[:, shape[1] - 1])
    assert make_even(picture[:, ::-1][:, ::-1]).flags.c_contiguous


@pytest.mark.parametrize(
    ("shape", "size"),
    [((10, 40), (30, 20)), ((40, 10), (30, 20)), ((4, 6), (40, 60)), ((1, 500), (20, 30)), ((500, 1), (20, 30))],
)
def test_a_fitted_picture_touches_two_sides_and_is_in_the_middle(shape, size):
    inside = fit_picture(np.full((*shape, 3), 9, np.uint8), size)
    assert inside.shape == (*size, 3)
    rows, columns = (np.flatnonzero(inside[..., 0].any(axis)) for axis in (1, 0))
    factor = min(size[0] / shape[0], size[1] / shape[1])
    assert (len(rows), len(columns)) == tuple(max(1, round(factor * side)) for side in shape)
    for found, whole in ((rows, size[0]), (columns, size[1])):
        assert found[0] == (whole - len(found)) // 2
        assert np.all(np.diff(found) == 1)


def test_half_a_result_is_not_left_behind(tmp_path, monkeypatch):
    writer = VideoWriter(tmp_path / "a.mp4", INFO)
    writer.add(numbered(0), 0.0)

    def fail(path):
        path.write_bytes(b"half of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writer, "_rewrite", fail)
    with pytest.raises(MediaError, match=r"cannot write .*a\.mp4: .*No space"):
        writer.finish()
    assert [path.name for path in tmp_path.iterdir()] == ["a.partial.mp4"]


def test_a_video_can_be_closed_twice_and_completed_after(tmp_path):
    writer = VideoWriter(tmp_path / "a.mp4", INFO)
    writer.close()
    writer.add(numbered(3), 0.0)
    writer.close()
    writer.close()
    assert writer.finish() == tmp_path / "a.mp4"
    assert [number_of(f.image) for f in VideoFile(tmp_path / "a.mp4")] == [3]
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]


def test_sound_ends_soon_after_the_last_picture(tmp_path):
    source = make_video(tmp_path / "a.mkv", map(numbered, range(20)), audio="aac")
    path = write(tmp_path / "b.mp4", map(numbered, range(11)), TIMES[:11], sound=Sound(source))
    heard = samples(path)[0].shape[1] / 48_000
    assert 1.0 < heard < 1.0 + 0.1 + 2 * 1024 / 48_000
