"""A live source over many minutes, with forced disconnects: is every frame in time, does memory stay flat?

    python benchmarks/live_source.py MODEL VIDEO [--seconds 600] [--rate 10]

A server on this machine sends the frames of VIDEO again and again as one MPEG-TS stream, at their pace, over HTTP. At a
third and at two thirds of the time it cuts the connection and refuses new ones for some seconds.
"""

import argparse
import gc
import json
import resource
import tempfile
import threading
import time
from contextlib import suppress
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np

from nimblepose.media.frames import Selection
from nimblepose.media.pictures import Picture
from nimblepose.media.sources import open_frames
from nimblepose.media.video import VideoFile
from nimblepose.results.recording import Recording, RecordOptions
from nimblepose.results.video_sink import VideoSinkOptions
from nimblepose.runtime.estimator import PoseEstimator

_KEPT = 64  # frames that are repeated
_REFUSED = 4.0  # seconds after a cut


class Outlet:
    """What PyAV can write to and never seeks in."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, data: bytes) -> int:
        """Pass on."""
        self._file.write(data)
        return len(data)


def serve(pictures: list[Picture], *, rate: int, cuts: list[float]) -> ThreadingHTTPServer:
    """Start to broadcast on a free port; connections end at the `cuts`, in seconds from now."""
    began = time.monotonic()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            now = time.monotonic() - began
            if any(cut <= now < cut + _REFUSED for cut in cuts):
                self.send_error(503)
                return
            self.send_response(200)
            self.send_header("Content-Type", "video/mp2t")
            self.end_headers()
            end = next((cut for cut in cuts if cut > now), float("inf"))
            with suppress(OSError, av.error.FFmpegError):  # whoever looked has gone
                self._broadcast(end)

        def _broadcast(self, end: float) -> None:
            out = av.open(Outlet(self.wfile), "w", format="mpegts", options={"flush_packets": "1"})
            stream = out.add_stream("libx264", rate=rate, options={"preset": "ultrafast", "tune": "zerolatency"})
            stream.height, stream.width = pictures[0].shape[:2]
            stream.pix_fmt, stream.gop_size = "yuv420p", rate
            while True:
                number = int((time.monotonic() - began) * rate) + 1
                if number / rate >= end:
                    return
                time.sleep(max(0.0, began + number / rate - time.monotonic()))
                frame = av.VideoFrame.from_ndarray(pictures[number % len(pictures)], "rgb24")
                frame.pts, frame.time_base = number, Fraction(1, rate)
                out.mux(stream.encode(frame))

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def resident() -> float:
    """Megabytes that this process, the server included, holds."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6


def main() -> None:
    """Print what is held every minute, and at the end what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("video", type=Path)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--rate", type=int, default=10)
    parser.add_argument("--input-height", type=int, default=128)
    options = parser.parse_args()
    pictures = [frame.image for frame in islice(open_frames(options.video), _KEPT)]
    estimator = PoseEstimator(options.model, threads=1, input_height=options.input_height)
    server = serve(pictures, rate=options.rate, cuts=[options.seconds / 3, options.seconds * 2 / 3])
    with tempfile.TemporaryDirectory() as name:
        address = f"http://127.0.0.1:{server.server_port}/live.ts"
        recording = Recording(
            estimator,
            address,
            Path(name) / "live",
            RecordOptions(selection=Selection(end=options.seconds), sink=VideoSinkOptions()),
        )
        began, minute, warm, late, times = time.monotonic(), 0.0, 0.0, [], []
        for step in recording:
            now = time.monotonic() - began
            late.append(now - step.stamp.time)
            times.append(step.stamp.time)
            if now >= minute + 60:
                minute, held = minute + 60, resident()
                warm = warm or held
                print(f"{now:6.0f} s, {recording.frames} frames, {recording.source.dropped} dropped: {held:.1f} MB")
        recording.finish()
        grown = resident() - warm
        lines = [json.loads(line) for line in (Path(name) / "live.poses.jsonl").read_text().splitlines()]
        written = len(list(VideoFile(Path(name) / "live.poses.mp4")))
    server.shutdown()
    gaps = np.diff(times)
    print(f"{len(times)} frames in {times[-1]:.0f} s, {recording.source.dropped} dropped; {written} in the video,")
    print(f"{len(lines)} lines; reconnections {recording.source.reconnections}; problems {recording.source.problems}")
    print(f"longest gaps {np.sort(gaps)[-3:].round(2).tolist()} s, time always grew: {bool((gaps > 0).all())}")
    print(f"behind the source: median {np.median(late):.3f} s, longest {max(late):.3f} s")
    print(f"growth {grown:+.1f} MB from the first minute to the end, the files completed")


if __name__ == "__main__":
    main()
