"""Which stream of a container is meant, and what is said of files whose index is lost."""

import struct
from types import SimpleNamespace

import pytest
from video_files import make_video, number_of, numbered

from nimblepose.core.errors import MediaError
from nimblepose.media.containers import find_video_stream, load_av, open_container
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
        (box(b"ftyp", b"isom") + box(b"mdat", bytes(100), large=True), True),
        (box(b"ftyp", b"isom") + box(b"mdat", bytes(100)) + box(b"moov", bytes(20))[:-1], True),
        (box(b"ftyp", b"isom") + box(b"mdat", bytes(100), large=True) + box(b"moov", bytes(20), large=True)[:-1], True),
        (box(b"ftyp", b"isom") + struct.pack(">I4s", 0, b"mdat") + bytes(100), True),
    ],
    ids=["index", "index_behind_64_bits", "no_index", "cut_index", "cut_64_bit_index", "to_the_end"],
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
