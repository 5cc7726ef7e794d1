"""Which real numbers the 256 stored values of an activation stand for."""

from dataclasses import dataclass

import numpy as np

from nimblepose.convert.quantization.layers import Floats

_LEVELS = 255
_ELU_LOWEST = -4.0  # ELU of anything below lies within 0.02 of -1


@dataclass(frozen=True)
class Scale:
    """Real value = step * (stored - zero), stored in 0..255."""

    step: float
    zero: int

    def quantize(self, values: Floats) -> Floats:
        """Values as they are after storing; the same shape."""
        step, zero = np.float32(self.step), np.float32(self.zero)
        stored = values / step
        np.rint(stored, out=stored)
        np.clip(stored, -zero, _LEVELS - zero, out=stored)
        stored *= step
        return stored

    @classmethod
    def from_range(cls, low: float, high: float, *, before_elu: bool = False) -> "Scale":
        """Evenly from `low` to `high`, widened to hold 0 exactly: padding and ReLU need that.

        The widest range seen, not one that clips: the largest values are those of people, and once channels are
        equalised nothing else is gained by a narrower one (docs/quantization.md).

        Args:
            low: Smallest value seen.
            high: Largest value seen.
            before_elu: Nothing but ELU reads the tensor, which flattens what is far below 0: that may be clipped.
        """
        low = max(low, _ELU_LOWEST) if before_elu else low
        low, high = min(low, 0.0), max(high, 0.0)
        step = float(np.float32(max(high - low, 1e-6) / _LEVELS))
        return cls(step, int(np.clip(np.rint(-low / step), 0, _LEVELS)))
