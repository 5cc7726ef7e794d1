"""How long the rest of a phase will take, by what steps and validations took so far."""

import statistics
from collections import deque

_STEPS, _VALIDATIONS = 100, 5  # of each, the latest that count


class Pace:
    """Seconds of the latest steps and validations, apart: one long validation is no slow step."""

    def __init__(self) -> None:
        self._steps: deque[float] = deque(maxlen=_STEPS)
        self._validations: deque[float] = deque(maxlen=_VALIDATIONS)

    def add_step(self, seconds: float) -> None:
        """Learning alone."""
        self._steps.append(seconds)

    def add_validation(self, seconds: float) -> None:
        """Validating, drawing and saving."""
        self._validations.append(seconds)

    def estimate(self, steps: int, validations: int) -> float:
        """Seconds for so many more; validations are left out as long as nobody knows how long one takes.

        >>> pace = Pace()
        >>> pace.add_step(2.0)
        >>> pace.add_validation(60.0)
        >>> pace.estimate(10, 1)
        80.0
        """
        of_step = statistics.mean(self._steps) if self._steps else 0.0
        of_validation = statistics.mean(self._validations) if self._validations else 0.0
        return steps * of_step + validations * of_validation
