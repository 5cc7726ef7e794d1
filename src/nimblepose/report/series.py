"""What of a recording is drawn as lines: so many identities and points as a page holds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nimblepose.report.bins import Step
from nimblepose.report.gathering import Gathered, Identity
from nimblepose.report.measures import Measures

MOST_LINES = 12  # identities; more curves or ways are a tangle
MOST_ROWS = 40  # identities in the timeline
MOST_VALUES = 300_000  # of all measures on the page: about one MB
_FEWEST = 100  # points of a curve, before rather an identity is left out


@dataclass(frozen=True, eq=False)
class Series:
    """One identity over time, T points.

    Attributes:
        identity: Its number.
        times: (T,) seconds.
        places: (T, 2) of the hub in pixels; NaN = not found.
        values: (T, M) measures; NaN = not known.
    """

    identity: int
    times: NDArray[np.float64]
    places: NDArray[np.float64]
    values: NDArray[np.float64]

    def to_dict(self, measures: Measures) -> dict[str, object]:
        """Plain data for the page: hundredths of seconds, whole pixels, whole px/s and degrees; null = not known."""
        return {
            "id": self.identity,
            "t": [round(100 * t) for t in self.times.tolist()],
            "xy": [[_round(x) for x in axis] for axis in self.places.T.tolist()],
            "v": [[_round(v) for v in self.values[:, m].tolist()] for m in range(len(measures.listed))],
        }


def choose_identities(gathered: Gathered, count: int) -> list[Identity]:
    """Those that were seen most often, in the order in which they came."""
    often = sorted(gathered.identities.values(), key=lambda identity: (-identity.sightings, identity.number))
    return sorted(often[:count], key=lambda identity: (identity.first, identity.number))


def make_series(gathered: Gathered, identities: Sequence[Identity]) -> list[Series]:
    """The means of each bin, for these identities."""
    steps: dict[int, list[Step]] = {identity.number: [] for identity in identities}
    for _, bin_ in gathered.bins:
        for number in steps.keys() & bin_.steps.keys():
            steps[number].append(bin_.steps[number])
    return [
        Series(
            number,
            np.array([step.time / step.sightings for step in own]),
            np.array([step.xy for step in own]).reshape(-1, 2),
            np.array([step.values for step in own]),
        )
        for number, own in steps.items()
        if own
    ]


def thin_series(series: Sequence[Series], most: int) -> list[Series]:
    """At most so many values in all: means of neighbours first, then the last ones (the least seen) are left out.

    Args:
        series: Most important first.
        most: Values, points times measures.
    """
    kept = list(series)
    while sum(one.values.size for one in kept) > most:
        if max(len(one.times) for one in kept) > _FEWEST or len(kept) == 1:
            kept = [_halve(one) if len(one.times) > 1 else one for one in kept]
            if len(kept) == 1 and len(kept[0].times) == 1:
                break
        else:
            kept.pop()
    return kept


def _halve(series: Series) -> Series:
    """Each two points become one, their mean."""
    starts = np.arange(0, len(series.times), 2)

    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        known = ~np.isnan(values)
        sums = np.add.reduceat(np.where(known, values, 0.0), starts, axis=0)
        counts = np.add.reduceat(known.astype(np.int64), starts, axis=0)
        with np.errstate(invalid="ignore"):
            return np.asarray(np.where(counts > 0, sums / counts, np.nan))

    return Series(series.identity, mean(series.times), mean(series.places), mean(series.values))


def _round(value: float) -> int | None:
    return None if math.isnan(value) else round(value)
