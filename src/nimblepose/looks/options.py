"""How closely to look again, at whom, and for how much."""

from dataclasses import dataclass

from nimblepose.core.errors import OptionError


@dataclass(frozen=True, kw_only=True)
class LookOptions:
    """When is somebody looked at again, and how?

    A person's size is the diagonal of the box around all of their keypoints. The defaults were chosen on pictures of
    COCO 2017 that no reported figure is computed on (`benchmarks/looks_study.py`).

    Raises:
        OptionError: a value out of its range.
    """

    sizes: tuple[float, ...] = (160.0,)  # input pixels: each is a look at everybody, scaled so that they are as large
    margin: float = 0.3  # what is looked at around somebody, on each side, in parts of their size
    min_gain: float = 0.02  # OKS that a look at somebody is expected to add, at least
    too_large: float = 2.0  # times larger than that in every pass, from which on it helps to see people smaller
    most_zoom: float = 4.0  # times as closely as the first pass, at most
    min_score: float = 0.25  # of poses that are looked at again
    min_trace: float = 0.2  # height of peaks without a pose that are looked at; 1: none
    trace_size: float = 96.0  # input pixels of the pass before, taken for the size of whoever left such a trace
    alike: float = 1.5  # neighbours share a look if their zooms differ by less than this factor
    gap: int = 2  # cells between two looks on the canvas

    def __post_init__(self) -> None:
        """Name the option that cannot be."""
        if not self.sizes or not all(32 <= size <= 2048 for size in self.sizes):
            raise OptionError(f"sizes of looks must lie in [32, 2048], got {self.sizes}")
        for name in ("too_large", "most_zoom", "alike"):
            if not getattr(self, name) >= 1:
                raise OptionError(f"{name} is a factor, 1 or more; got {getattr(self, name)}")
        for name in ("min_gain", "min_score", "min_trace"):
            if not 0 <= getattr(self, name) <= 1:
                raise OptionError(f"{name} must lie in [0, 1], got {getattr(self, name)}")
        if not (0 <= self.margin <= 2 and self.trace_size > 0 and self.gap >= 0):
            raise OptionError(f"margin must lie in [0, 2], trace_size be positive, gap 0 or more; got {self}")
