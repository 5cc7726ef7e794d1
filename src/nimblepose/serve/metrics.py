"""Numbers for Prometheus, of all processes of a server together."""

import mmap
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROUTES = (
    "/v1/poses", "/v1/stream", "/v1/model", "/v2/infer", "/v2", "/healthz", "/readyz", "/metrics", "page",
)  # fmt: skip
STATUSES = (101, 200, 204, 304, 400, 401, 403, 404, 405, 406, 408, 413, 415, 422, 499, 500, 503, 504)
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

_HELP = {  # name -> kind and help, in the order in which they are printed
    "nimblepose_requests_total": ("counter", "Requests that have ended, by route and status; 499: the client left."),
    "nimblepose_request_seconds": ("histogram", "Seconds from a request's first byte to its answer's last."),
    "nimblepose_pictures_total": ("counter", "Pictures and frames in which people were looked for."),
    "nimblepose_people_total": ("counter", "People found."),
    "nimblepose_stream_frames_total": ("counter", "Frames that came by streams."),
    "nimblepose_stream_dropped_frames_total": ("counter", "Frames of streams that newer ones have replaced."),
    "nimblepose_streams": ("gauge", "Streams that are open."),
    "nimblepose_queue": ("gauge", "Pictures that wait."),
    "nimblepose_busy_workers": ("gauge", "Threads that work on a picture."),
    "nimblepose_workers": ("gauge", "Threads that may."),
    "nimblepose_ready": ("gauge", "Processes that take requests."),
}


def _list_series() -> Iterator[str]:
    for name, (kind, _) in _HELP.items():
        if name == "nimblepose_requests_total":
            yield from (f'{name}{{route="{route}",status="{status}"}}' for route in ROUTES for status in STATUSES)
        elif kind == "histogram":
            for route in ROUTES:
                yield from (f'{name}_bucket{{route="{route}",le="{limit}"}}' for limit in (*_SECONDS, "+Inf"))
                yield from (f'{name}_{part}{{route="{route}"}}' for part in ("sum", "count"))
        else:
            yield name


_SERIES = tuple(_list_series())
_PLACE = {series: place for place, series in enumerate(_SERIES)}


class Metrics:
    """A row of numbers per process, in memory that all of them see; each writes its own, from one thread."""

    def __init__(self, file: Path | None = None, *, process: int = 0, processes: int = 1) -> None:
        """All numbers are 0, but for those that are in the file.

        Args:
            file: That the processes of a server share, as `make_shared` makes it; None: there is one process.
            process: Which this one is.
            processes: How many there are.
        """
        self.numbers: NDArray[np.float64] = np.zeros((processes, len(_SERIES)))
        if file is not None:
            with file.open("r+b") as opened:
                shared = mmap.mmap(opened.fileno(), self.numbers.nbytes)
            self.numbers = np.frombuffer(shared, np.float64).reshape(self.numbers.shape)
        self._own = self.numbers[process]

    @staticmethod
    def make_shared(file: Path, processes: int) -> None:
        """A file of zeros for so many processes."""
        file.write_bytes(bytes(8 * processes * len(_SERIES)))

    def add(self, name: str, amount: float = 1) -> None:
        """To a counter."""
        self._own[_PLACE[name]] += amount

    def put(self, name: str, value: float) -> None:
        """The present value of a gauge."""
        self._own[_PLACE[name]] = value

    def note_request(self, route: str, status: int, seconds: float) -> None:
        """A request has ended."""
        status = status if status in STATUSES else status // 100 * 100 if status // 100 * 100 in STATUSES else 500
        self.add(f'nimblepose_requests_total{{route="{route}",status="{status}"}}')
        name = "nimblepose_request_seconds"
        for limit in (*(limit for limit in _SECONDS if seconds <= limit), "+Inf"):
            self.add(f'{name}_bucket{{route="{route}",le="{limit}"}}')
        self.add(f'{name}_sum{{route="{route}"}}', seconds)
        self.add(f'{name}_count{{route="{route}"}}')

    def to_text(self) -> str:
        """In Prometheus' own form; series of routes and statuses that have not been seen are left out."""
        total = self.numbers.sum(axis=0)
        lines = []
        for name, (kind, text) in _HELP.items():
            lines += [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
            family = {f"{name}{part}" for part in ("", "_bucket", "_sum", "_count")}
            for series in (series for series in _SERIES if series.partition("{")[0] in family):
                route = series.partition('route="')[2].partition('"')[0]
                seen = not route or total[_PLACE[f'nimblepose_request_seconds_count{{route="{route}"}}']]
                if seen and (total[_PLACE[series]] or kind != "counter" or "{" not in series):
                    lines.append(f"{series} {total[_PLACE[series]]:.10g}")
        return "\n".join(lines) + "\n"
