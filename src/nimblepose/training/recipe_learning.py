"""How a recipe's network learns: how wide it is, what it starts from, how many steps it takes, at which rate."""

import math
from dataclasses import dataclass

import numpy as np

from nimblepose.core.geometry import Size
from nimblepose.training.recipe_choice import Choice

_BATCH = 8
_STEPS = (600, 6000)
_EVERY_STEPS = 50  # steps are a multiple of it
# Times the root of the pictures, for twice as many need not be seen twice as often. A mouse is placed after half of
# them; a hand, of whose keypoints 0.89 were right after half, has 0.96 right (docs/own-skeleton.md).
_STEPS_OF_ONE = 300
_VALIDATIONS = 5


@dataclass(frozen=True, kw_only=True)
class _Width:
    """A network that may be chosen."""

    share: float  # of the paper's channels
    pictures: int  # from which on it is chosen
    minutes: int  # of two idle cores, that it may take
    seconds: float  # of one core per million pixels of samples, seen with AVX-512
    start: str
    cpm: str  # of the start
    why: str  # with {pictures}
    why_start: str


_WIDTHS = (
    _Width(
        share=0.25,
        pictures=0,
        minutes=15,
        seconds=0.73,
        start="creature-025",
        cpm="reference",
        why="{pictures} pictures are few: a wide network learns them by heart, and is slower",
        why_start="drawn creatures: after 250 steps on mice the heatmaps' error is 5.0, from scratch 7.5",
    ),
    _Width(
        share=0.5,
        pictures=3000,
        minutes=60,
        seconds=1.6,
        start="",
        cpm="reference",
        why="{pictures} pictures teach more than a quarter of the width can hold",
        why_start="from scratch: no start of half the width is in the package",
    ),
    _Width(
        share=1.0,
        pictures=10_000,
        minutes=240,
        seconds=5.0,
        start="human",
        cpm="intel",
        why="{pictures} pictures are enough for the whole width",
        why_start="the model in the package: after 150 steps on mice it misses none; an ImageNet backbone misses 87 %",
    ),
)


def choose_learning(pictures: int, size: Size) -> list[Choice]:
    """Lines about the network and its training.

    Args:
        pictures: With somebody labelled, to learn from.
        size: (height, width) of a sample.
    """
    width = next(one for one in reversed(_WIDTHS) if pictures >= one.pictures)
    steps, why_steps = _choose_steps(width, pictures, size)
    every = max(1, steps // _VALIDATIONS)
    return [
        Choice("network.width", width.share, width.why.format(pictures=pictures)),
        Choice("network.channels", round(128 * width.share), "in proportion"),
        Choice("network.initial_head_channels", round(512 * width.share), "in proportion"),
        Choice("network.refinement_stages", 1, "as in the paper's fastest network"),
        Choice("network.cpm", width.cpm, "as the start has it" if width.start else "the paper's"),
        Choice("start", width.start, width.why_start),
        Choice("batch_size", _BATCH, "fits two cores"),
        Choice("optimizer.learning_rate", 2e-3, "what is fresh learns quickly, and what is not keeps up"),
        Choice("optimizer.clip", 100, "a batch that is out of the way does no harm"),
        Choice("optimizer.refinement_factor", 1, "the paper's factors are for long runs"),
        Choice("optimizer.bias_factor", 1, "likewise"),
        Choice("optimizer.weight_decay", 1e-5, "little, of few weights"),
        Choice("schedule.kind", "cosine", "ends with small steps, whose weights are the best"),
        Choice("schedule.steps", steps, why_steps),
        Choice("schedule.warmup_steps", 50, "fresh weights"),
        Choice("average", 0.99, "the mean of the last hundred steps is steadier than any of them"),
        Choice("validation.every", every, "five times, and at the end; the best weights are kept"),
    ]


def _choose_steps(width: _Width, pictures: int, size: Size) -> tuple[int, str]:
    """As many as the time holds, and fewer where pictures are so few that they would be learnt by heart."""
    step = width.seconds * _BATCH * size[0] * size[1] / 1e6  # seconds of one core
    in_time, enough = 2 * 60 * width.minutes / step, _STEPS_OF_ONE * math.sqrt(pictures)
    steps = int(np.clip(min(in_time, enough), *_STEPS) // _EVERY_STEPS * _EVERY_STEPS)
    minutes, views = max(1, round(steps * step / 120)), steps * _BATCH / pictures
    return steps, (
        f"{views:.0f} times every picture, about {minutes} minutes of two idle cores. More steps are better as long as "
        f"the validation error falls"
    )
