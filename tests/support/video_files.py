"""Small videos, made where tests need them."""

import os
from contextlib import contextmanager
from fractions import Fraction

import av
import numpy as np

SOUND_RATE = 48000
_SHADES = 25  # numbers that can be told apart


def numbered(number, size=(48, 64)):
    """A picture whose gray says which frame it is; its top right quarter is white, so that it has an up and a right."""
    picture = np.full((*size, 3), 16 + 8 * (number % _SHADES), np.uint8)
    picture[: size[0] // 2, size[1] // 2 :] = 255
    return picture


def number_of(picture):
    """The number in a picture of `numbered`, after compression; below 25."""
    height, width = picture.shape[:2]
    return round((float(picture[height // 8 : -height // 8, : width // 3].mean()) - 16) / 8)


def make_video(
    path,
    pictures,
    *,
    times=None,
    rate=10,
    codec="libx264",
    pix_fmt="yuv420p",
    options=None,
    container_options=None,
    rotation=0,
    aspect=None,
    matrix=None,
    audio=None,
    only_audio=False,
):
    """Write pictures as a video and return its path.

    Args:
        path: Its suffix decides the container.
        pictures: (H, W, 3) RGB of one size.
        times: Of the pictures in seconds; without, `rate` a second.
        rate: Declared.
        codec: Of the pictures.
        pix_fmt: Of the codec.
        options: Of the codec.
        container_options: Of the container.
        rotation: Written beside the pictures, degrees counter-clockwise.
        aspect: Of a pixel.
        matrix: 1 for BT.709, 5 for BT.601 (2: unsaid), what the colours are written with.
        audio: Codec for a tone of the same length.
        only_audio: Leave the pictures out.
    """
    pictures = list(pictures)
    times = [n / rate for n in range(len(pictures))] if times is None else times
    base = Fraction(1, rate) if times == [n / rate for n in range(len(pictures))] else Fraction(1, 1000)
    with _as_it_was_scheduled(), av.open(f"file:{path}", "w", options=container_options or {}) as out:
        stream = None if only_audio else out.add_stream(codec, rate=rate, options=options or {})
        if stream:
            stream.height, stream.width = pictures[0].shape[:2]
            stream.pix_fmt, stream.codec_context.time_base = pix_fmt, base
            if aspect:
                stream.codec_context.sample_aspect_ratio = aspect
            if matrix:
                stream.codec_context.colorspace = matrix
            if rotation:
                stream.set_display_rotation(rotation)
        sound = out.add_stream(audio, rate=SOUND_RATE, layout="mono") if audio else None
        for picture, time in zip(pictures, times, strict=True) if stream else ():
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            if matrix:
                hd = matrix == 1 or (matrix == 2 and picture.shape[0] >= 720)
                frame = frame.reformat(format=pix_fmt, dst_colorspace=1 if hd else 5)
                frame.colorspace = matrix
            frame.time_base, frame.pts = base, round(time / base)
            out.mux(stream.encode(frame))
        if stream:
            out.mux(stream.encode(None))
        if sound:
            _add_tone(out, sound, times[-1] + 1 / rate)
    return path


@contextmanager
def _as_it_was_scheduled():
    """SVT-AV1 makes root's thread a real-time one, and everything beside it stands still: findings/."""
    policy = os.sched_getscheduler(0) if hasattr(os, "sched_getscheduler") else None
    try:
        yield
    finally:
        if policy is not None and os.sched_getscheduler(0) != policy:
            os.sched_setscheduler(0, policy, os.sched_param(0))


def _add_tone(out, stream, seconds):
    """440 Hz."""
    samples = np.sin(2 * np.pi * 440 * np.arange(round(SOUND_RATE * seconds)) / SOUND_RATE)
    tone = av.AudioFrame.from_ndarray((samples[None] * 8000).astype(np.int16), "s16", "mono")
    tone.sample_rate, tone.pts, tone.time_base = SOUND_RATE, 0, Fraction(1, SOUND_RATE)
    resampler = av.AudioResampler(
        stream.codec_context.format, "mono", SOUND_RATE, frame_size=stream.codec_context.frame_size or 1024
    )
    for frame in [*resampler.resample(tone), *resampler.resample(None)]:
        out.mux(stream.encode(frame))
    out.mux(stream.encode(None))
