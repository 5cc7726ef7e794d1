"""A decoded frame becomes what a person would see of it."""

import struct

import av
import cv2
import numpy as np
import pytest
from video_files import make_video, numbered

from nimblepose.media.conversion import FrameConverter, _standard_of_pq, find_deep_format, take_field, turn
from nimblepose.media.frames import Selection
from nimblepose.media.video import VideoFile

IDENTITY = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
MATRICES = {  # a, b, c, d of x' = a x + c y, y' = b x + d y; what becomes of the picture
    "mirrored": ((-1, 0, 0, 1), lambda p: p[:, ::-1]),
    "upside down and mirrored": ((1, 0, 0, -1), lambda p: p[::-1]),
    "a half turn": ((-1, 0, 0, -1), lambda p: p[::-1, ::-1]),
    "a quarter turn": ((0, 1, -1, 0), lambda p: np.rot90(p, -1)),
    "a quarter turn back": ((0, -1, 1, 0), lambda p: np.rot90(p)),
    "transposed": ((0, 1, 1, 0), lambda p: p.transpose(1, 0, 2)),
    "the other diagonal": ((0, -1, -1, 0), lambda p: np.rot90(p, 2).transpose(1, 0, 2)),
}


def first(path, **options):
    return next(iter(VideoFile(path, **options))).image


@pytest.mark.parametrize("name", MATRICES)
def test_pictures_are_shown_as_their_display_matrix_says(tmp_path, name):
    (a, b, c, d), turned = MATRICES[name]
    path = make_video(tmp_path / "a.mp4", [numbered(3)] * 2)
    data = path.read_bytes()
    at = data.index(IDENTITY, data.index(b"tkhd"))
    matrix = struct.pack(">9i", *(0x10000 * v for v in (a, b)), 0, *(0x10000 * v for v in (c, d)), 0, 0, 0, 0x40000000)
    path.write_bytes(data[:at] + matrix + data[at + 36 :])
    np.testing.assert_allclose(first(path).astype(int), turned(numbered(3)), atol=12)


@pytest.mark.parametrize("order", ["tff=1", "bff=1"])
def test_of_two_moments_in_one_frame_one_is_shown(tmp_path, order):
    """A bar that moves by 12 pixels between the fields is one bar, not a comb."""
    frame = np.full((96, 160, 3), 30, np.uint8)
    frame[::2, 40:60] = frame[1::2, 52:72] = 220
    path = make_video(tmp_path / "a.mp4", [frame] * 2, options={"x264-params": order, "qp": "4"})
    picture = first(path)
    assert picture.shape == frame.shape
    rows = picture[8:-8, :, 0].astype(int)
    assert np.abs(np.diff(rows, axis=0)).max() < 40, "neighbouring lines are alike"
    bar = np.flatnonzero(rows[40] > 120)
    assert 17 <= len(bar) <= 24
    assert abs(bar.mean() - 49.5) < 2


def test_a_progressive_file_is_left_as_it_is(tmp_path):
    frame = np.full((96, 160, 3), 30, np.uint8)
    frame[::2, 40:60] = 220
    picture = first(make_video(tmp_path / "a.mkv", [frame] * 2, codec="ffv1", pix_fmt="yuv444p"))
    np.testing.assert_allclose(picture, frame, atol=2)


def test_lines_of_a_field_stay_where_they_are():
    ramp = np.repeat(np.arange(0, 80, 2, dtype=np.uint8)[:, None, None], 3, axis=2).repeat(5, axis=1)
    whole = np.repeat(ramp, 2, axis=0)
    whole[1::2] = 255  # of the other moment
    np.testing.assert_array_equal(take_field(whole)[:78, 0, 0], np.arange(78))


def encode_deep(path, values, fmt, rate=10):
    with av.open(str(path), "w") as out:
        stream = out.add_stream("ffv1", rate=rate)
        stream.height, stream.width = values[0].shape[:2]
        stream.pix_fmt = fmt
        for one in values:
            given = "rgb48le" if one.ndim == 3 else "gray16le"
            out.mux(stream.encode(av.VideoFrame.from_ndarray(one, format=given).reformat(format=fmt)))
        out.mux(stream.encode(None))
    return path


RAMP = np.linspace(0, 1, 48 * 64).reshape(48, 64)


@pytest.mark.filterwarnings("ignore:pictures of more than 8 bits")
@pytest.mark.parametrize("fmt", ["gray16le", "gbrp16le"])
def test_thermal_video_is_stretched_by_the_same_levels_from_end_to_end(tmp_path, fmt):
    values = [np.rint(7000 + (1000 + 100 * n) * RAMP).astype(np.uint16) for n in range(11)]
    values = [np.repeat(v[..., None], 3, axis=2) for v in values] if fmt == "gbrp16le" else values
    path = encode_deep(tmp_path / "a.mkv", values, fmt)
    whole = [frame.image for frame in VideoFile(path)]
    assert 235 <= whole[-1].max() <= 255
    slopes = [picture[..., 0].astype(float).max() / (1000 + 100 * n) for n, picture in enumerate(whole[:8])]
    assert max(slopes) / min(slopes) < 1.02, "equal values look equal in all frames"
    later = next(iter(VideoFile(path, Selection(start=0.7))))
    np.testing.assert_array_equal(later.image, whole[7])
    plain = first(path, levels="full")
    np.testing.assert_array_equal(plain[..., 0], (values[0] if fmt == "gray16le" else values[0][..., 0]) >> 8)


def test_high_dynamic_range_is_shown_as_on_a_screen(tmp_path):
    """Paper white (203 cd/m2) is 0.58 in PQ: read as it stands it is a middle gray, and a face is nearly black."""
    pq = np.zeros((64, 96, 3), np.uint8)
    pq[:, :32], pq[:, 32:64], pq[:, 64:] = 148, 90, 20  # 203, about 26 and 0.2 cd/m2
    options = {"x264-params": "transfer=smpte2084", "qp": "4"}
    picture = first(make_video(tmp_path / "a.mp4", [pq] * 2, options=options))
    white, middle, dark = picture[32, [16, 48, 80], 0].astype(int)
    assert white > 180
    assert 80 < middle < 130
    assert dark < 20
    standard = first(make_video(tmp_path / "b.mp4", [pq] * 2, options={"qp": "4"}))
    np.testing.assert_allclose(standard[32, [16, 48, 80], 0], [148, 90, 20], atol=4)


@pytest.mark.parametrize("suffix", ["h264", "h265"])
def test_the_rate_of_a_stream_without_a_container_is_its_own(tmp_path, suffix):
    codec = "libx264" if suffix == "h264" else "libx265"
    options = {} if suffix == "h264" else {"x265-params": "log-level=none"}
    video = VideoFile(
        make_video(tmp_path / f"a.{suffix}", [numbered(n) for n in range(8)], rate=30, codec=codec, options=options)
    )
    assert video.info.rate == 30
    np.testing.assert_allclose([frame.time for frame in video], np.arange(8) / 30, atol=1e-5)


@pytest.mark.parametrize("name", ["a.mkv", "a.webm", "a.avi", "a.mp4"])
@pytest.mark.parametrize("part", [0.5, 0.9])
def test_a_file_that_was_cut_says_so(tmp_path, name, part):
    codec = {"a.webm": "libvpx-vp9", "a.avi": "mpeg4"}.get(name, "libx264")
    rng = np.random.default_rng(0)
    pictures = [cv2.resize(rng.integers(0, 256, (12, 16, 3), np.uint8), (64, 48)) for _ in range(60)]
    options = {"movflags": "faststart"} if name == "a.mp4" else {}
    path = make_video(tmp_path / name, pictures, codec=codec, container_options=options)
    whole = VideoFile(path)
    assert len(list(whole)) == 60
    assert whole.problems == []
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * part)])
    cut = VideoFile(path)
    assert len(list(cut)) < 60
    assert any("breaks off" in problem for problem in cut.problems), cut.problems


def test_a_clip_that_was_trimmed_without_encoding_again_is_whole(tmp_path):
    """Phones trim by an edit list: the file holds and counts frames that are not shown."""
    path = make_video(tmp_path / "a.mp4", [numbered(n) for n in range(20)], options={"g": "20", "bf": "0"})
    trimmed = tmp_path / "b.mp4"
    with av.open(str(path)) as source, av.open(str(trimmed), "w") as out:
        stream = out.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is None:
                continue
            shift = round(0.5 / packet.time_base)
            packet.pts, packet.dts, packet.stream = packet.pts - shift, packet.dts - shift, stream
            out.mux(packet)
    video = VideoFile(trimmed)
    assert len(list(video)) == 15
    assert video.problems == []


def test_light_of_high_dynamic_range_comes_out_as_the_standards_have_it():
    """Light in cd/m2, its signal in PQ as published, and the gray on a screen by the curves of Reinhard and sRGB."""
    signals, grays = np.array(
        [
            (0.1499, 15.3),  # 1
            (0.2478, 42.9),  # 5
            (0.2997, 61.3),  # 10
            (0.3800, 94.9),  # 26: a gray card
            (0.5081, 156.9),  # 100: a screen of standard range
            (0.5807, 190.9),  # 203: paper
            (0.6526, 220.2),  # 400
            (0.6963, 235.9),  # 600
            (0.7518, 255.0),  # 1000: white
        ]
    ).T
    table = _standard_of_pq()
    np.testing.assert_allclose(np.interp(255 * signals, np.arange(256), table), grays, atol=0.35)
    assert (table[0], table[-1]) == (0, 255)


TURNS = [(t, c, r) for t in (False, True) for c in (False, True) for r in (False, True)]


@pytest.mark.parametrize(("transposed", "columns", "rows"), TURNS)
def test_every_turn_is_a_transposition_and_two_mirrors(transposed, columns, rows):
    picture = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    expected = picture.transpose(1, 0, 2) if transposed else picture
    expected = expected[:, ::-1] if columns else expected
    expected = expected[::-1] if rows else expected
    np.testing.assert_array_equal(turn(picture, transposed, columns, rows), expected)


def test_deep_formats_are_those_of_more_than_8_bits_without_chroma():
    named = {name: find_deep_format(name) for name in av.video.format.names}
    for name, read_as in named.items():
        parts = av.VideoFormat(name, 2, 2)
        bits = {part.bits for part in parts.components}
        if read_as:
            assert min(bits) > 8, name
            assert max(bits) <= 16, name
            assert "f" not in name.removesuffix("le"), "no fractions"
            assert read_as == ("rgb48le" if parts.is_rgb else "gray16le")
    for name in ("gray9le", "gray10be", "gray16le", "gbrp9le", "gbrp16be", "gbrap10le", "rgb48le", "bgr48be"):
        assert named[name], name
    for name in ("gray", "rgb24", "gbrp", "gbrap", "yuv420p10le", "pal8"):
        assert named[name] is None, name


@pytest.mark.parametrize(("height", "matrix"), [(704, 5), (720, 1)], ids=["standard", "high"])
def test_untagged_colours_are_those_of_their_height(tmp_path, height, matrix):
    """Written with one matrix and no word about it, as many encoders do."""
    colour = np.array([200, 60, 30], np.uint8)
    frame = av.VideoFrame.from_ndarray(np.zeros((height, 32, 3), np.uint8) + colour, "rgb24")
    frame = frame.reformat(format="yuv420p", dst_colorspace=matrix)
    frame.colorspace = 2
    np.testing.assert_allclose(FrameConverter().convert(frame).mean(axis=(0, 1)), colour, atol=3)


@pytest.mark.parametrize("height", [1, 2, 3])
def test_a_picture_of_a_few_lines_has_a_field_too(height):
    picture = np.repeat(np.uint8([[[9]], [[200]], [[9]]]), 3, axis=2).repeat(4, axis=1)[:height]
    np.testing.assert_array_equal(take_field(picture), np.full((height, 4, 3), 9))
