"""How well identities are kept over time: IDF1 (Ristani et al., 2016) and identity switches."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.optional import import_optional

Ids = NDArray[np.int64]


@dataclass(frozen=True)
class Sighting:
    """The people of one frame: G who are there, F who were found."""

    true_ids: Ids  # (G,)
    found_ids: Ids  # (F,)
    similarity: NDArray[np.float64]  # (G, F) in [0, 1]


@dataclass(frozen=True)
class IdentityScores:
    """Counts over all frames; the ratios follow."""

    true: int  # people to be found, summed over frames
    found: int
    agreeing: int  # found under the one identity that belongs to the person
    switches: int  # times that a person is found under another identity than before

    @property
    def idf1(self) -> float:
        """Share of the people, true and found, whose identities agree; 1 is perfect."""
        return 2 * self.agreeing / max(1, self.true + self.found)

    @property
    def recall(self) -> float:
        """Share of the people to be found who were, under the identity that belongs to them."""
        return self.agreeing / max(1, self.true)

    @property
    def precision(self) -> float:
        """Share of the people found who are the person to whom their identity belongs."""
        return self.agreeing / max(1, self.found)


def score_identities(frames: Sequence[Sighting], *, min_similarity: float = 0.5) -> IdentityScores:
    """Compare identities over a sequence.

    Each true identity gets at most one found identity, and the other way round, so that over all frames as many people
    as possible agree; everything else is wrong. Switches are counted frame by frame, where people keep the identity
    they had while it is still similar enough.

    Args:
        frames: True and found people of each frame.
        min_similarity: From which on a find may be a person.

    Raises:
        MissingPackageError: scipy is not installed.
    """
    true_ids = np.unique(np.concatenate([f.true_ids for f in frames] or [np.zeros(0, np.int64)]))
    found_ids = np.unique(np.concatenate([f.found_ids for f in frames] or [np.zeros(0, np.int64)]))
    together = np.zeros((len(true_ids), len(found_ids)))
    for frame in frames:
        rows, columns = np.searchsorted(true_ids, frame.true_ids), np.searchsorted(found_ids, frame.found_ids)
        together[np.ix_(rows, columns)] += frame.similarity >= min_similarity
    return IdentityScores(
        true=sum(len(f.true_ids) for f in frames),
        found=sum(len(f.found_ids) for f in frames),
        agreeing=int(together[find_best_pairs(together)].sum()),
        switches=_count_switches(frames, min_similarity),
    )


def find_best_pairs(value: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of the pairs of positive value, each used once, that have the largest sum.

    Raises:
        MissingPackageError: scipy is not installed.
    """
    optimize = import_optional("scipy.optimize", "comparing identities")
    rows, columns = optimize.linear_sum_assignment(value, maximize=True)
    some = value[rows, columns] > 0
    return rows[some], columns[some]


def _count_switches(frames: Sequence[Sighting], min_similarity: float) -> int:
    """As CLEAR MOT does (Bernardin and Stiefelhagen, 2008)."""
    last: dict[int, int] = {}
    switches = 0
    for frame in frames:
        possible = np.where(frame.similarity >= min_similarity, frame.similarity, 0.0)
        kept = np.array([[last.get(t) == f for f in frame.found_ids.tolist()] for t in frame.true_ids.tolist()])
        possible = possible + (possible > 0) * kept.reshape(possible.shape)  # nothing outweighs whoever it was
        for row, column in zip(*find_best_pairs(possible), strict=True):
            person, found = int(frame.true_ids[row]), int(frame.found_ids[column])
            switches += last.get(person, found) != found
            last[person] = found
    return switches
