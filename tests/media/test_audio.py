"""The sound of a video lies where it lay beside the pictures, in as many channels, in whatever container it comes."""

from fractions import Fraction

import av
import numpy as np
import pytest
from video_files import make_video, number_of, numbered

from nimblepose.media import audio
from nimblepose.media.audio import Sound
from nimblepose.media.frames import StreamInfo
from nimblepose.media.video import VideoFile
from nimblepose.media.video_writer import VideoWriter

CLICK = 1.2  # seconds
WITH = 12  # the picture that is shown then


def make_clicking(path, codec, *, rate=48_000, channels=1, offset=0.0):
    """Two seconds of video at 10 frames per second; silence, but for a click in the first channel."""
    silent = make_video(path.with_name(f"silent_{path.stem}.mkv"), map(numbered, range(20)), options={"bf": "0"})
    samples = np.zeros((channels, 2 * rate), np.float32)
    at = round(CLICK * rate)
    samples[0, at : at + rate // 200] = 0.8 * np.random.default_rng(0).uniform(-1, 1, rate // 200)
    layout = {1: "mono", 2: "stereo", 6: "5.1"}[channels]
    options = {"output_ts_offset": str(offset)}
    with av.open(str(silent)) as source, av.open(str(path), "w", options=options) as out:
        pictures = out.add_stream_from_template(source.streams.video[0])
        sound = out.add_stream(codec, rate=rate, layout=layout)
        given = av.AudioFrame.from_ndarray(samples, "fltp", layout)
        given.sample_rate, given.pts, given.time_base = rate, 0, Fraction(1, rate)
        resampler = av.AudioResampler(sound.codec_context.format, layout, rate, frame_size=sound.frame_size or 1024)
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = pictures
                out.mux(packet)
        for frame in (*resampler.resample(given), *resampler.resample(None)):
            out.mux(sound.encode(frame))
        out.mux(sound.encode(None))
    return path


def listen(path):
    """The sound of a file by its own time stamps: samples (channels, n), seconds of each."""
    with av.open(f"file:{path}") as container:
        stream = container.streams.audio[0]
        parts, times = [], []
        for frame in container.decode(stream):
            parts.append(av.AudioResampler("fltp", frame.layout).resample(frame)[0].to_ndarray())
            times.append(frame.time + np.arange(frame.samples) / frame.sample_rate)
        return np.concatenate(parts, axis=1), np.concatenate(times)


def find_click(path, channel=0):
    """Seconds at which it begins."""
    values, times = listen(path)
    loud = np.abs(values[channel])
    return times[np.flatnonzero(loud > 0.5 * loud.max())[0]]


def find_picture(path, number):
    """Seconds at which it is shown."""
    with av.open(f"file:{path}") as container:
        return next(f.time for f in container.decode(video=0) if number_of(f.to_ndarray(format="rgb24")) == number)


def rewrite(source, path, begin=0.0, end=2.0):
    """Pictures and sound of a part of a video."""
    writer = VideoWriter(path, StreamInfo("source", None, Fraction(10)), begin=begin, sound=Sound(source))
    for frame in VideoFile(source):
        if begin <= frame.time < end:
            writer.add(frame.image, frame.time)
    return writer.finish()


@pytest.mark.parametrize(
    ("name", "codec", "offset"),
    [
        ("a.mkv", "aac", 0),
        ("a.mkv", "pcm_s16le", 0),
        ("a.ts", "aac", 80_000),
        ("a.ts", "mp2", 80_000),
    ],
    ids=["copied", "encoded", "copied_from_a_running_clock", "encoded_from_a_running_clock"],
)
@pytest.mark.parametrize(("begin", "end"), [(0.0, 2.0), (0.71, 1.6)], ids=["whole", "part"])
def test_a_click_stays_where_it_was_beside_the_pictures(tmp_path, name, codec, offset, begin, end):
    source = make_clicking(tmp_path / name, codec, offset=offset)
    written = rewrite(source, tmp_path / "b.mp4", begin, end)
    assert find_click(written) == pytest.approx(find_picture(written, WITH), abs=0.004)
    _, times = listen(written)
    assert times[0] < (0.03 if begin else 0.01), "a packet is all or nothing"
    assert end - begin - 0.05 < times[-1] < end - begin + 0.1 + 0.05


@pytest.mark.parametrize("codec", ["aac", "pcm_s16le"], ids=["copied", "encoded"])
@pytest.mark.parametrize(("rate", "channels", "kept"), [(44_100, 2, 2), (32_000, 1, 1)])
def test_channels_and_rate_are_kept(tmp_path, codec, rate, channels, kept):
    source = make_clicking(tmp_path / "a.mov", codec, rate=rate, channels=channels)
    written = rewrite(source, tmp_path / "b.mp4")
    values, _ = listen(written)
    assert len(values) == kept
    with av.open(str(written)) as container:
        assert container.streams.audio[0].rate == rate
    assert find_click(written) == pytest.approx(CLICK, abs=0.004)
    assert all(np.abs(other).max() < 0.1 * np.abs(values[0]).max() for other in values[1:]), "left stays left"


def test_many_channels_become_two(tmp_path):
    source = make_clicking(tmp_path / "a.mkv", "pcm_s16le", channels=6)
    assert len(listen(rewrite(source, tmp_path / "b.mp4"))[0]) == 2


@pytest.mark.parametrize("codec", ["aac", "pcm_s16le"], ids=["copied", "encoded"])
def test_packets_come_in_order_with_their_times_and_cover_the_part_asked_for(tmp_path, codec):
    source = make_clicking(tmp_path / "a.mov", codec)
    with av.open(str(tmp_path / "b.mp4"), "w") as out:
        found = [
            (seconds, float(packet.pts * packet.time_base), float(packet.duration * packet.time_base))
            for seconds, packet in Sound(source).read_packets(out, 0.5, 1.5)
        ]
    seconds, stamps, lengths = np.array(found).T
    np.testing.assert_allclose(seconds, stamps, atol=1e-3)
    assert np.all(np.diff(seconds) > 0)
    assert -2 * lengths.max() < seconds[0] <= 0
    assert 1 - lengths.max() <= seconds[-1] < 1 + lengths.max()


@pytest.mark.parametrize("codec", ["aac", "pcm_s16le", None])
def test_the_source_is_released_when_its_sound_is_through(tmp_path, monkeypatch, codec):
    opened = []
    monkeypatch.setattr(audio, "open_container", lambda source: opened.append(av.open(str(source))) or opened[-1])
    silent = make_video(tmp_path / "a.mkv", map(numbered, range(3)))
    source = make_clicking(tmp_path / "a.mov", codec) if codec else silent
    with av.open(str(tmp_path / "b.mp4"), "w") as out:
        packets = list(Sound(source).read_packets(out, 0, 1))
    assert bool(packets) == bool(codec)
    with pytest.raises(AssertionError):  # PyAV's way to say that it is closed
        next(opened[0].demux())


@pytest.mark.parametrize("codec", ["aac", "pcm_s16le"], ids=["copied", "encoded"])
def test_the_sound_of_a_file_that_breaks_off_goes_up_to_there(tmp_path, codec):
    path = make_clicking(tmp_path / "a.mkv", codec)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 4 // 5])
    written = rewrite(path, tmp_path / "b.mp4")
    with av.open(str(written)) as container:
        last = [frame.time for frame in container.decode(video=0)][-1]
    assert 0.5 < last < 1.9
    assert listen(written)[1][-1] == pytest.approx(last + 0.1, abs=0.1)


@pytest.mark.parametrize("codec", ["aac", "pcm_s16le"], ids=["copied", "encoded"])
def test_of_a_part_behind_its_end_there_is_no_sound(tmp_path, codec):
    source = make_clicking(tmp_path / "a.mkv", codec)
    with av.open(str(tmp_path / "b.mp4"), "w") as out:
        assert list(Sound(source).read_packets(out, 5, 6)) == []
