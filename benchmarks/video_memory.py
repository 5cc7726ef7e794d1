"""Does memory stay flat over a long video, with every format and the annotated video written?

    python benchmarks/video_memory.py MODEL VIDEO [--frames 10000] [--size 90 160] [--input-height 64]

The frames of VIDEO, made small, are repeated to a long video. Growth is what the process holds more after the last
frame, and after the files are complete, than after the first tenth of the frames, by the kernel's account (VmRSS).
"""

import argparse
import gc
import json
import resource
import tempfile
from fractions import Fraction
from itertools import cycle, islice
from pathlib import Path

import av
import cv2

from nimblepose.core.errors import PoseError
from nimblepose.core.skeleton import Skeleton
from nimblepose.drawing.people import DrawOptions
from nimblepose.drawing.trails import Trails
from nimblepose.media.sources import open_frames
from nimblepose.results.formats import FORMATS
from nimblepose.results.output_format import OutputFormat
from nimblepose.results.recording import Recording, RecordOptions
from nimblepose.results.video_sink import VideoSinkOptions
from nimblepose.runtime.estimator import PoseEstimator

_RATE = 30
_KEPT = 64  # frames that are repeated


def resident() -> float:
    """Megabytes that this process holds."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def make_long_video(source: Path, path: Path, *, frames: int, size: tuple[int, int]) -> None:
    """Write `frames` frames of (height, width) `size`: those of the source, again and again."""
    wh = size[::-1]
    pictures = [cv2.resize(f.image, wh, interpolation=cv2.INTER_AREA) for f in islice(open_frames(source), _KEPT)]
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=_RATE, options={"preset": "ultrafast"})
        stream.height, stream.width = size
        stream.pix_fmt, stream.codec_context.time_base = "yuv420p", Fraction(1, _RATE)
        for number, picture in enumerate(islice(cycle(pictures), frames)):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, _RATE)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def can_write(form: OutputFormat, skeleton: Skeleton) -> bool:
    """Is there a place for the skeleton, and is what it needs installed?"""
    try:
        form.check_available()
        form.check_skeleton(skeleton)
    except PoseError:
        return False
    return True


def main() -> None:
    """Print what is held along the way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("video", type=Path)
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--size", type=int, nargs=2, default=(90, 160), metavar=("HEIGHT", "WIDTH"))
    parser.add_argument("--input-height", type=int, default=64)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_long_video(options.video, folder / "long.mp4", frames=options.frames, size=tuple(options.size))
        estimator = PoseEstimator(options.model, threads=2, input_height=options.input_height)
        draw = DrawOptions(colour_by="person", show_ids=True)
        formats = tuple(form for form in FORMATS if can_write(form, estimator.skeleton))
        sink = VideoSinkOptions(formats=formats, draw=draw, trails=Trails())
        recording = Recording(estimator, folder / "long.mp4", folder / "out", RecordOptions(sink=sink))
        held, people, tenth = [], 0, max(1, options.frames // 10)
        for count, step in enumerate(recording, 1):
            people += len(step.poses)
            if count % tenth == 0:
                held.append(resident())
                if not options.json:
                    print(f"{count:6} frames, {people:6} people: {held[-1]:.1f} MB", flush=True)
        recording.finish()
        held.append(resident())
    row = {"frames": count, "people": people, "growth": held[-2] - held[0], "growth_finished": held[-1] - held[0]}
    print(json.dumps(row) if options.json else ", ".join(f"{key} {value:.1f}" for key, value in row.items()))


if __name__ == "__main__":
    main()
