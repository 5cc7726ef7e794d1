"""Which frames of a video samples with times are: the places of a grid, where all of them lie on one."""

from collections.abc import Sequence

import numpy as np

from nimblepose.labels.label_set import Floats

_NEAR = 0.1  # frames by which a time may lie beside the grid: some recorders cut times to milliseconds
_NEAR_FITTED = 0.02  # beside a grid that is only guessed: a wide one fits any few times
_MOST = 1 << 53  # frames; beyond, numbers are no longer exact


def number_frames(times: Sequence[float], rate: float | None = None) -> list[int]:
    """The frame of each sample; where times lie on no grid, samples are counted.

    The grid begins at 0 s, the first frame of a video; if nothing fits there, at the first sample.

    >>> number_frames([0.0, 0.04, 0.12]), number_frames([0.0, 0.08, 0.16], 25), number_frames([0.0, 0.02, 0.05])
    ([0, 1, 3], [0, 2, 4], [0, 1, 2])

    Args:
        times: Seconds, each later than the one before.
        rate: Frames per second; None: not known, the shortest step is taken for one frame.
    """
    at = np.asarray(times, np.float64)
    counted = list(range(len(at)))
    with np.errstate(all="ignore"):  # what is no finite number is on no grid
        near, rate = (_NEAR, rate) if rate else (_NEAR_FITTED, _fit_rate(at))
        for begin in (0.0, *at[:1].tolist()):
            places = (at - begin) * rate
            frames = np.rint(places)
            fits = bool((np.abs(places - frames) <= near).all() and (np.abs(frames) < _MOST).all())
            if fits and (frames >= 0).all() and (np.diff(frames) > 0).all():
                return [int(frame) for frame in frames]
    return counted


def _fit_rate(times: Floats) -> float:
    """Frames per second, if the shortest step is one frame: over all of them, as each alone is rounded; NaN of one."""
    if len(times) < 2:
        return float("nan")
    steps = np.diff(times)
    rate = 1 / steps.min()
    for _ in range(2):
        rate = np.rint(steps * rate).sum() / (times[-1] - times[0])
    return float(rate)
