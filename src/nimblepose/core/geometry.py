"""Where a pixel is: the only file that knows.

Points are (x, y) and name pixel centres: the centre of the first pixel is (0, 0), the picture spans
[-0.5, width - 0.5]. Sizes are (height, width).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Size = tuple[int, int]
"""(height, width) in pixels or cells."""


def rescale(xy: NDArray[np.floating], factor: ArrayLike) -> NDArray[np.floating]:
    """Move pixel-centre points (..., 2) with an image that is resized by `factor` (one number, or one for x and y).

    >>> rescale(np.array([3.5, 11.5]), 1 / 8)
    array([0., 1.])
    """
    factor = np.asarray(factor, xy.dtype)
    half = xy.dtype.type(0.5)
    return np.asarray((xy + half) * factor - half)


@dataclass(frozen=True)
class Placement:
    """How a picture becomes the network input: resized as a whole, without padding.

    The only object that knows the picture and the input. Both sides of the input are multiples of the stride, so the
    two axes are scaled a little differently (by less than half a stride over the side). That was measured to be better
    than padding (0.5 AP), and it leaves no border of invented pixels.
    """

    image_size: Size
    input_size: Size

    def __post_init__(self) -> None:
        """Check once that there is a picture."""
        if min(*self.image_size, *self.input_size) < 1:
            raise ValueError(f"sizes must be positive, got {self}")

    @classmethod
    def fit(cls, image_size: Size, input_height: int, *, stride: int = 8, max_aspect: float = 6.0) -> "Placement":
        """Scale a picture to `input_height`, keep its aspect as well as multiples of `stride` allow.

        A picture wider than `max_aspect` times its height is scaled by its width instead, so that a panorama cannot
        ask for unbounded memory.

        >>> Placement.fit((720, 1280), 256).input_size
        (256, 456)
        """
        height, width = image_size
        if input_height < stride:
            raise ValueError(f"input_height must be at least the stride {stride}, got {input_height}")
        factor = min(input_height / height, input_height * max_aspect / width)
        snapped = (max(1, round(side * factor / stride)) * stride for side in image_size)
        return cls(image_size, (next(snapped), next(snapped)))

    @property
    def factor(self) -> NDArray[np.float32]:
        """Input pixels per picture pixel, (x, y)."""
        (height, width), (input_height, input_width) = self.image_size, self.input_size
        return np.array([input_width / width, input_height / height], np.float32)

    def to_input(self, xy: NDArray[np.floating]) -> NDArray[np.floating]:
        """Picture pixels (..., 2) to input pixels."""
        return rescale(xy, self.factor)

    def to_image(self, xy: NDArray[np.floating]) -> NDArray[np.floating]:
        """Input pixels (..., 2) to picture pixels."""
        return rescale(xy, 1 / self.factor)
