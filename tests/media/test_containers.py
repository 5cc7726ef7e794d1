"""Which stream of a container is meant, and what is said of files whose index is lost."""

import io
import struct
import time
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import pytest
from video_files import make_video, number_of, numbered

from nimblepose.core.errors import MediaError
from nimblepose.media.containers import (
    find_video_stream,
    frame_rate,
    is_cut_off,
    load_av,
    name_source,
    open_container,
    unify_errors,
)
from nimblepose.media.video import VideoFile

COVER, MARKED, PLAIN = (
    load_av().stream.Disposition.attached_pic,
    load_av().stream.Disposition.default,
    load_av().stream.Disposition(0),
)


def container(*streams, sound=False):
    """Of streams given as (disposition, width, height)."""
    video = [
        SimpleNamespace(index=i, disposition=kind, width=width, height=height, codec_context=object())
        for i, (kind, width, height) in enumerate(streams)
    ]
    return SimpleNamespace(streams=SimpleNamespace(video=video, audio=[object()] if sound else []))


@pytest.mark.parametrize(
    ("streams", "meant"),
    [
        ([(COVER, 3000, 3000), (PLAIN, 640, 480)], 1),
        ([(COVER | MARKED, 3000, 3000), (PLAIN, 640, 480)], 1),
        ([(PLAIN, 1920, 1080), (MARKED, 640, 480)], 1),
        ([(PLAIN, 640, 480), (PLAIN, 1920, 1080)], 1),
        ([(MARKED, 640, 480), (MARKED, 1920, 1080), (MARKED, 1920, 1080)], 1),
    ],
    ids=["cover", "marked_cover", "marked", "largest", "first_of_equals"],
)
def test_of_several_streams_the_marked_one_is_meant_else_the_largest(streams, meant):
    assert find_video_stream(container(*streams), "a.mkv").index == meant


@pytest.mark.parametrize(("sound", "message"), [(True, "sound but no pictures"), (False, "no pictures")])
def test_cover_art_is_no_video(sound, message):
    with pytest.raises(MediaError, match=f"song.m4a holds {message}"):
        find_video_stream(container((COVER, 600, 600), sound=sound), "song.m4a")


def box(kind, content, *, large=False):
    """A box of an MP4 file, its length in 32 or 64 bits."""
    if large:
        return struct.pack(">I4sQ", 1, kind, 16 + len(content)) + content
    return struct.pack(">I4s", 8 + len(content), kind) + content


@pytest.mark.parametrize(
    ("boxes", "lost"),
    [
        (box(b"ftyp", b"isom") + box(b"mdat", bytes(100)) + box(b"moov", bytes(20)), False),
        (box(b"ftyp", b"isom") + box(b"mdat", bytes(100), large=True) + box(b"moov", bytes(20)), False),
        (box(b"ftyp", b"isom") + box(b"mdat", bytes(100)) + box(b"moov", b""), False),
        (box(b"ftyp", b"isom") + box(b"mdat", bytes(100), large=True), True),
        (box(b"ftyp", b"isom") + box(b"mdat", bytes(100)) + box(b"moov", bytes(20))[:-1], True),
        (box(b"ftyp", b"isom") + box(b"mdat", bytes(100), large=True) + box(b"moov", bytes(20), large=True)[:-1], True),
        (box(b"ftyp", b"isom") + struct.pack(">I4s", 0, b"mdat") + bytes(100), True),
    ],
    ids=["index", "index_behind_64_bits", "empty_index", "no_index", "cut_index", "cut_64_bit_index", "to_the_end"],
)
def test_a_lost_index_is_told_from_a_file_that_is_no_video(tmp_path, boxes, lost):
    path = tmp_path / "a.mp4"
    path.write_bytes(boxes)
    with pytest.raises(MediaError) as caught:
        open_container(path)
    assert ("its index (moov) is missing" in str(caught.value)) == lost


def test_times_grow_where_stamps_begin_again(tmp_path):
    """Two recordings one behind the other, as recorders and `cat` leave them."""
    part = make_video(tmp_path / "part.ts", [numbered(n) for n in range(8)], options={"bf": "0"}).read_bytes()
    (tmp_path / "both.ts").write_bytes(part + part)
    frames = list(VideoFile(tmp_path / "both.ts"))
    assert [number_of(frame.image) for frame in frames] == [*range(8), *range(8)]
    assert [frame.time for frame in frames] == pytest.approx([n / 10 for n in range(16)], abs=1e-5)


def ebml_size(value, width):
    """A length as Matroska writes it, in `width` bytes; None: not known."""
    return ((1 << 7 * width) | ((1 << 7 * width) - 1 if value is None else value)).to_bytes(width, "big")


def matroska(length, width, content, *, header_width=1):
    """A file whose header is followed by one segment that says to be of this length."""
    header = b"\x1a\x45\xdf\xa3" + ebml_size(20, header_width) + bytes(20)
    return header + b"\x18\x53\x80\x67" + ebml_size(length, width) + content


def chunk(kind, content, *, length=None):
    """A chunk of an AVI file."""
    return kind + struct.pack("<I", len(content) if length is None else length) + content


@pytest.mark.parametrize(
    ("data", "tolerated"),
    [
        *((matroska(100, width, bytes(100)), 0) for width in (1, 2, 4, 8)),
        (matroska(300, 2, bytes(300), header_width=8), 0),
        (box(b"ftyp", b"isom") + box(b"moov", bytes(20)) + box(b"mdat", bytes(100)), 1),
        (box(b"ftyp", b"isom") + box(b"moov", bytes(20)) + box(b"mdat", bytes(100), large=True), 1),
        (box(b"ftyp", b"isom") + box(b"mdat", bytes(100), large=True) + box(b"moov", bytes(20)), 1),
        (chunk(b"RIFF", bytes(100)), 1),
        (chunk(b"RIFF", bytes(101)), 0),  # a byte is added to odd lengths, and not by everybody
        (chunk(b"RIFF", bytes(100)) + chunk(b"RIFF", bytes(60)), 1),
        (chunk(b"RIFF", bytes(101)) + b"\0" + chunk(b"RIFF", bytes(60)), 1),
    ],
)
def test_a_file_is_cut_off_from_where_its_own_headers_want_more(tmp_path, data, tolerated):
    path = tmp_path / "a"
    path.write_bytes(data)
    assert not is_cut_off(path)
    path.write_bytes(data + bytes(7))
    assert not is_cut_off(path), "what follows is nothing that is missing"
    for missing in (1, 2, 40):
        path.write_bytes(data[:-missing])
        assert is_cut_off(path) == (missing > tolerated)


@pytest.mark.parametrize("whole", [box(b"mdat", bytes(100)), box(b"mdat", bytes(100), large=True)])
def test_a_header_without_what_it_announces_is_cut_off(tmp_path, whole):
    path = tmp_path / "a"
    path.write_bytes(box(b"ftyp", b"isom") + whole[:-100])
    assert is_cut_off(path)
    path.write_bytes(chunk(b"RIFF", bytes(100))[:8])
    assert is_cut_off(path)


@pytest.mark.parametrize(
    "data",
    [
        *(matroska(None, width, bytes(100)) for width in (1, 2, 8)),
        matroska(200, 2, bytes(100)).replace(b"\x18\x53\x80\x67", b"\x18\x53\x80\x68"),
        chunk(b"RIFF", b"\x7f" * 100, length=0),
        chunk(b"RIFF", b"\x7f" * 100, length=0xFFFFFFFF),
        box(b"ftyp", b"isom") + struct.pack(">I4s", 0, b"mdat") + b"\x7f" * 100,
        box(b"ftyp", b"isom") + struct.pack(">I4s", 7, b"mdat") + b"\x7f" * 100,
        struct.pack(">I4s", 500, b"what") + bytes(100),
        bytes(100),
        b"\x1a\x45\xdf\xa3",
        b"",
    ],
)
def test_where_headers_do_not_say_how_long_a_file_is_nothing_is_missing(tmp_path, data):
    path = tmp_path / "a"
    path.write_bytes(data)
    assert not is_cut_off(path)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.webm", "a.avi"])
def test_every_beginning_of_a_video_is_cut_off_and_the_whole_is_not(tmp_path, name):
    codec = {"a.webm": "libvpx-vp9", "a.avi": "mpeg4"}.get(name, "libx264")
    options = {"movflags": "faststart"} if name == "a.mp4" else {}
    path = make_video(tmp_path / name, [numbered(n) for n in range(8)], codec=codec, container_options=options)
    data = path.read_bytes()
    assert not is_cut_off(path)
    start = data.index(b"mdat") + 4 if name == "a.mp4" else 100  # what ends where a box does seems whole
    for length in (*range(start, len(data), len(data) // 40), len(data) - 2):
        path.write_bytes(data[:length])
        assert is_cut_off(path), f"{length} of {len(data)} bytes"


def test_a_video_that_was_never_finished_is_not_called_cut(tmp_path):
    """Recorders that lose power, and pipes, leave sizes unsaid."""
    path = make_video(tmp_path / "a.mkv", [numbered(n) for n in range(8)], container_options={"live": "1"})
    assert not is_cut_off(path)
    video = VideoFile(path)
    assert len(list(video)) == 8
    assert video.problems == []


def test_of_a_stream_without_a_container_the_rate_of_its_headers_counts():
    def rate(kind, average, guess):
        container = SimpleNamespace(format=SimpleNamespace(name=kind))
        return frame_rate(SimpleNamespace(average_rate=average, guessed_rate=guess, container=container))

    assert rate("matroska,webm", Fraction(30), Fraction(60)) == 30
    assert rate("h264", Fraction(25), Fraction(60)) == 60
    assert rate("h264", Fraction(25), None) == 25


def test_without_a_decoder_or_within_a_limit_of_pixels():
    there = container((PLAIN, 40, 30))
    assert find_video_stream(there, "a.mkv", max_pixels=1200).index == 0
    with pytest.raises(MediaError, match="40 x 30 pixels, more than the limit of 1199"):
        find_video_stream(there, "a.mkv", max_pixels=1199)
    assert find_video_stream(container((PLAIN, None, None), (PLAIN, 4, 3)), "a.mkv").index == 1
    there.streams.video[0].codec_context = None
    with pytest.raises(MediaError, match=r"a\.mkv: no decoder for its video"):
        find_video_stream(there, "a.mkv")


def test_a_playlist_on_this_machine_fetches_nothing_from_another(tmp_path, web_server):
    make_video(tmp_path / "a.ts", [numbered(n) for n in range(3)])
    web_server.pages["/a.ts"] = (tmp_path / "a.ts").read_bytes()
    head = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:0.3,\n"
    here, away = tmp_path / "here.m3u8", tmp_path / "away.m3u8"
    here.write_text(f"{head}a.ts\n#EXT-X-ENDLIST\n")
    away.write_text(f"{head}{web_server.address}/a.ts\n#EXT-X-ENDLIST\n")
    assert len(list(VideoFile(here))) == 3
    with pytest.raises(MediaError, match=r"away\.m3u8"):
        list(VideoFile(away))
    with pytest.raises(MediaError, match="standard input"), away.open("rb") as file:
        list(VideoFile(file))
    assert web_server.requests == []


def test_nothing_is_fetched_where_one_has_said_so(monkeypatch, tmp_path, web_server):
    path = make_video(tmp_path / "a.ts", [numbered(n) for n in range(3)])
    monkeypatch.setenv("NIMBLEPOSE_OFFLINE", "1")
    with pytest.raises(MediaError, match="NIMBLEPOSE_OFFLINE"):
        open_container(f"{web_server.address}/a.ts")
    assert web_server.requests == []
    with open_container(path.as_uri()) as opened:
        assert find_video_stream(opened, "a.ts").width == 64


@pytest.mark.parametrize(
    ("name", "message"), [("none.mp4", "no such file"), ("a/b.mp4", r"cannot read .*b\.mp4: Not a dir|no such file")]
)
def test_a_file_that_is_not_there(tmp_path, name, message):
    (tmp_path / "a").touch()
    with pytest.raises(MediaError, match=message):
        open_container(tmp_path / name)


def test_a_server_that_says_nothing(web_server):
    web_server.pages["/slow"] = lambda handler: time.sleep(1)
    with pytest.raises(MediaError, match=r"cannot open http://127.0.0.1:\d+/slow: no answer in time; is the address"):
        open_container(f"{web_server.address}/slow", timeout=0.2)


@pytest.mark.parametrize(("status", "words"), [(403, "the server answered: .*403"), (500, "the server answered")])
def test_a_server_that_refuses(web_server, status, words):
    web_server.pages["/a.mp4"] = lambda handler: handler.send_error(status)
    with pytest.raises(MediaError, match=words):
        open_container(f"{web_server.address}/a.mp4")


def test_whatever_happens_while_reading_or_writing_is_one_kind_of_error():
    av = load_av()
    for raised, said in (
        (av.error.InvalidDataError(1, "bad data"), "cannot write a.mp4: bad data"),
        (OSError(28, "No space left"), "cannot write a.mp4: .*No space left"),
        (ValueError("odd"), "cannot write a.mp4: odd"),
        (MediaError("as it is"), "^as it is$"),
    ):
        with pytest.raises(MediaError, match=said), unify_errors("a.mp4", "write"):
            raise raised
    with pytest.raises(ZeroDivisionError), unify_errors("a.mp4"):
        raise ZeroDivisionError
    with pytest.raises(MediaError, match="cannot read a"), unify_errors("a.mp4"):
        raise OSError("gone")


def test_sources_are_named_without_their_secrets():
    assert name_source("rtsp://me:secret@door/1") == "rtsp://door/1"
    assert name_source(Path("a:b@c.mp4")) == "a:b@c.mp4"
    assert name_source(io.BytesIO()) == "standard input"
