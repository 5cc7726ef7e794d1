"""How well a picture is looked at, said simply."""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from nimblepose.core.errors import OptionError
from nimblepose.core.geometry import Size
from nimblepose.looks.attention import AttentionOptions
from nimblepose.looks.options import LookOptions

QualityName = Literal["fast", "balanced", "best"]

FRAME_HEIGHT = 256  # of a single pass over a picture, or over a video's frame, if neither we nor the model say it
_PASS = 368  # height of the pass that costs are counted in
_PASS_ASPECT = 4 / 3  # width over height of the pictures that passes and bounds were chosen on
_LONG = 2.0  # times longer than wide; what is longer is seen as several pictures
_MOST_PICTURES = 4.0
_MOST_PIXELS = 1 << 23  # each takes some 70 bytes
_DEFAULT: QualityName = "balanced"
_BEST_SIZE = 160.0  # input pixels, of the model with which the numbers below were chosen; and of one that says none
_MOST_TIMES = 4.0  # larger or smaller than that


@dataclass(frozen=True, kw_only=True)
class Quality:
    """Passes over a picture as a whole, looks at parts of it, and what they may cost together.

    Attributes:
        passes: Input pixels of each pass, upright or landscape; see `count_pixels`. Poses of several passes compete.
        looks: At whoever the passes see too small or too large; None: no looks.
        bound: What all runs of the network for one picture may cost, in passes at height 368 over it, by input pixels;
            each run counts once, mirrored or not. See `count_most_pixels`.
        flip: Every run is averaged with the one of its mirror image.
        min_pose_score: Poses of a lower score are left out, if nothing else is said. Of several sightings of what is
            nobody the best is kept, so the more of them there are, the more is asked.
    """

    passes: tuple[int, ...]
    looks: LookOptions | None
    bound: float
    flip: bool = False
    min_pose_score: float = 0.45

    def count_pixels(self, size: Size, pixel_aspect: float = 1.0) -> tuple[int, ...]:
        """Input pixels of each pass over a picture of a size; strips and panoramas have more, as several pictures."""
        return tuple(round(pixels * _count_pictures(size, pixel_aspect)) for pixels in self.passes)

    def fit(self, best_size: float | None, made_for: int | None = None) -> "Quality":
        """The same for a model that is not like ours: passes follow its height, looks the size of people.

        Args:
            best_size: `ModelMetadata.best_size`, at which the model sees people best.
            made_for: `ModelMetadata.input_height`, of the pictures that it was made for.
        """
        whole, close = _measure_times(best_size, made_for)
        if whole == close == 1:
            return self
        looks = self.looks and dataclasses.replace(
            self.looks,
            sizes=tuple(size * close for size in self.looks.sizes),
            trace_size=self.looks.trace_size * close,
        )
        passes = tuple(round(pixels * whole * whole) for pixels in self.passes)
        of_passes = sum(self.passes) / (_PASS * _PASS * _PASS_ASPECT)  # what the bound has for them; the rest is looks
        bound = self.bound * close * close + of_passes * (whole * whole - close * close)
        return dataclasses.replace(self, passes=passes, looks=looks, bound=bound)

    def count_most_pixels(self, size: Size, pixel_aspect: float = 1.0) -> int:
        """Input pixels of all runs for a picture of a size."""
        aspect = min(max(size[1] * pixel_aspect / size[0], 1 / _LONG), _LONG)
        return min(int(self.bound * _PASS * _PASS * aspect * _count_pictures(size, pixel_aspect)), _MOST_PIXELS)


def _measure_times(best_size: float | None, made_for: int | None = None) -> tuple[float, float]:
    """How many times larger than by ours pictures are seen as a whole, and people when they are looked at closely.

    What the model does not say of the one follows from the other.
    """
    whole = None if made_for is None else made_for / FRAME_HEIGHT
    close = None if best_size is None else best_size / _BEST_SIZE
    whole, close = whole or close or 1.0, close or whole or 1.0
    return min(max(whole, 1 / _MOST_TIMES), _MOST_TIMES), min(max(close, 1 / _MOST_TIMES), _MOST_TIMES)


def _count_pictures(size: Size, pixel_aspect: float) -> float:
    """How many pictures a strip or a panorama counts as: 1 up to twice as long as wide, then in proportion, up to 4."""
    aspect = size[1] * pixel_aspect / size[0]
    return min(max(aspect / _LONG, 1 / (aspect * _LONG), 1.0), _MOST_PICTURES)


QUALITIES: dict[str, Quality] = {
    "fast": Quality(passes=(40_000,), looks=LookOptions(sizes=(145.0,), margin=0.18), bound=3.0, min_pose_score=0.42),
    "balanced": Quality(passes=(87_000,), looks=LookOptions(), bound=4.0),
    "best": Quality(
        passes=(90_000,),
        looks=LookOptions(sizes=(180.0, 250.0, 350.0), margin=0.4, min_gain=0.0),
        bound=16.0,
        flip=True,
        min_pose_score=0.6,
    ),
}
"""Chosen on pictures of COCO 2017 that no reported figure is computed on (`benchmarks/looks_study.py`)."""


FRAME_QUALITIES: dict[str, AttentionOptions] = {  # of videos
    "fast": AttentionOptions(height=280),
    "balanced": AttentionOptions(height=400, size=170.0),
    "best": AttentionOptions(height=640, size=200.0),
}


def choose_quality(
    quality: "QualityName | Quality | None",
    *,
    input_height: int | None = None,
    scales: Sequence[float] = (1.0,),
    best_size: float | None = None,
    made_for: int | None = None,
) -> Quality | None:
    """The quality that was asked for, by name or as it is; None if single passes were, or are what the model is for.

    Args:
        quality: A name is a quality made to fit the model; one in numbers stays as it is.
        input_height: Of the first pass.
        scales: Over which a pass is averaged.
        best_size: At which the model sees people best.
        made_for: Height of the pictures that the model was made for: one pass at it, if nothing is asked for.

    Raises:
        OptionError: there is none of that name, or what was asked for contradicts itself.
    """
    averaged = tuple(scales) != (1.0,)
    if averaged and quality is not None:
        raise OptionError(f"scales average a single pass: leave out either quality or scales; got {tuple(scales)}")
    if quality is None and (averaged or input_height is not None or made_for is not None):
        return None
    if isinstance(quality, Quality):
        return quality
    name = quality or _DEFAULT
    if name not in QUALITIES:
        raise OptionError(f"quality is one of {', '.join(QUALITIES)}, got {name!r}")
    return QUALITIES[name].fit(best_size, made_for)


def choose_attention(
    quality: "QualityName | Quality | None",
    input_height: int | None = None,
    best_size: float | None = None,
    made_for: int | None = None,
) -> AttentionOptions | None:
    """How frames of videos are looked at, if a quality is asked for by name; a height takes the place of its own."""
    if not isinstance(quality, str):
        return None
    options, (whole, close) = FRAME_QUALITIES[quality], _measure_times(best_size, made_for)
    if (whole, close) != (1, 1):
        options = dataclasses.replace(
            options,
            height=round(options.height * whole),
            size=options.size * close,
            search_size=options.search_size * close,
        )
    return options if input_height is None else dataclasses.replace(options, height=input_height)


def describe_quality(quality: Quality | None) -> dict[str, Any] | None:
    """Its numbers as plain data, as JSON gives them back; None of single passes."""
    if quality is None:
        return None
    numbers: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(quality)))
    return numbers
