"""What differs between releases of PyAV ends where its values come in."""

from dataclasses import dataclass
from fractions import Fraction
from types import SimpleNamespace

import av
import pytest
from video_files import make_video, numbered

from nimblepose.media import containers
from nimblepose.media.audio import Sound
from nimblepose.media.containers import fraction, frame_rate, open_container
from nimblepose.media.frames import StreamInfo
from nimblepose.media.video import VideoFile
from nimblepose.media.video_writer import VideoWriter

PICTURES = [numbered(n) for n in range(5)]


@dataclass
class Rational:
    """As PyAV 19 has it: no arithmetic that could be relied on; false where nothing is known."""

    numerator: int
    denominator: int

    def __bool__(self):
        return self.numerator != 0 and self.denominator != 0


def test_ratios_become_fractions():
    ratio = fraction(Rational(30000, 1001))
    assert type(ratio) is Fraction
    assert ratio == fraction(Fraction(30000, 1001)) == Fraction(30000, 1001)


@pytest.mark.parametrize("unknown", [None, Rational(0, 1), Rational(1, 0), Rational(0, 0), Fraction(0)], ids=str)
def test_a_ratio_that_is_not_known_is_none(unknown):
    assert fraction(unknown) is None
    container = SimpleNamespace(format=SimpleNamespace(name="mov,mp4"))
    assert frame_rate(SimpleNamespace(average_rate=unknown, guessed_rate=unknown, container=container)) is None
    assert frame_rate(SimpleNamespace(average_rate=unknown, guessed_rate=Rational(25, 1), container=container)) == 25


def test_what_a_file_says_of_itself_is_in_fractions(tmp_path):
    video = VideoFile(make_video(tmp_path / "a.mp4", PICTURES, aspect=Fraction(4, 3)))
    list(video)
    assert (type(video.info.rate), type(video.info.pixel_aspect)) == (Fraction, Fraction)
    assert (video.info.rate, video.info.pixel_aspect) == (10, Fraction(4, 3))


@pytest.mark.parametrize(("version", "expected"), [("18.1.0", {"metadata_errors": "replace"}), ("19.0.2", {})])
def test_titles_are_mentioned_to_those_who_mind(monkeypatch, version, expected):
    asked = {}

    def opened(*_, options, timeout, **others):
        asked.update(others)

    pyav = SimpleNamespace(__version__=version, open=opened, error=av.error)
    monkeypatch.setattr(containers, "load_av", lambda: pyav)
    open_container("http://127.0.0.1/a.mp4")
    assert asked == expected


def replace_bytes(path, old, new):
    data = path.read_bytes()
    assert old in data
    assert len(old) == len(new)
    path.write_bytes(data.replace(old, new))


def test_names_of_tracks_that_are_not_utf_8_do_no_harm_and_are_not_passed_on(tmp_path):
    path = make_video(tmp_path / "a.mp4", PICTURES, audio="aac")
    replace_bytes(path, b"VideoHandler", "VïdeoHandler".encode("latin-1"))
    replace_bytes(path, b"SoundHandler", "SöundHandler".encode("latin-1"))
    frames = list(VideoFile(path))
    assert len(frames) == 5
    writer = VideoWriter(tmp_path / "b.mp4", StreamInfo("a", None, Fraction(10)), sound=Sound(path))
    for frame in frames:
        writer.add(frame.image, frame.time)
    with av.open(str(writer.finish())) as container:  # 18 would refuse what is not UTF-8, 19 tell lone surrogates
        texts = [*container.metadata.values(), *(text for s in container.streams for text in s.metadata.values())]
        assert len(container.streams.audio) == 1
    "".join(texts).encode("utf-8")
