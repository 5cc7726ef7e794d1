"""Colours of limbs and of people."""

import colorsys

from nimblepose.core.skeleton import Skeleton

Colour = tuple[int, int, int]
"""Red, green, blue."""

_GOLDEN_ANGLE = 0.381966  # of a turn: neighbouring people get distant hues, however many there are


def make_limb_palette(skeleton: Skeleton) -> list[Colour]:
    """One colour per limb, around the colour wheel in the order of the limbs.

    >>> from nimblepose.core.skeleton import HUMAN_18
    >>> len(set(make_limb_palette(HUMAN_18))) == len(HUMAN_18.limbs)
    True
    """
    return [_make_colour(i / max(1, len(skeleton.limbs))) for i in range(len(skeleton.limbs))]


def choose_person_colour(identity: int) -> Colour:
    """The colour of a person or track id; the same id always has the same."""
    return _make_colour(identity * _GOLDEN_ANGLE)


def _make_colour(turn: float) -> Colour:
    red, green, blue = colorsys.hsv_to_rgb(turn % 1, 0.82, 1.0)
    return round(255 * red), round(255 * green), round(255 * blue)
