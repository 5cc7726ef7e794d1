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
    """How a picture lies in the network input: resized to `scaled_size`, in the top left corner, the rest padding.

    The only object that knows the picture and the input. The two axes are scaled by the exact ratio of their
    rounded sizes, so that points come back where they were whatever the rounding.
    """

    image_size: Size
    scaled_size: Size
    input_size: Size

    def __post_init__(self) -> None:
        """Check once that the scaled picture lies inside the input."""
        sizes = (*self.image_size, *self.scaled_size, *self.input_size)
        if min(sizes) < 1:
            raise ValueError(f"sizes must be positive, got {self}")
        if any(s > i for s, i in zip(self.scaled_size, self.input_size, strict=True)):
            raise ValueError(f"scaled picture {self.scaled_size} does not fit the input {self.input_size}")

    @classmethod
    def fit(cls, image_size: Size, input_height: int, *, stride: int = 8, max_aspect: float = 6.0) -> "Placement":
        """Scale a picture to `input_height`, keep its aspect, pad both sides up to multiples of `stride`.

        A picture wider than `max_aspect` times its height is scaled by its width instead, so that a panorama cannot
        ask for unbounded memory.

        >>> Placement.fit((720, 1280), 256).input_size
        (256, 456)
        """
        height, width = image_size
        if input_height < stride:
            raise ValueError(f"input_height must be at least the stride {stride}, got {input_height}")
        factor = min(input_height / height, input_height * max_aspect / width)
        scaled = (max(1, round(height * factor)), max(1, round(width * factor)))
        padded = (-(-max(scaled[0], input_height) // stride) * stride, -(-scaled[1] // stride) * stride)
        return cls(image_size, scaled, padded)

    @property
    def factor(self) -> NDArray[np.float32]:
        """Input pixels per picture pixel, (x, y)."""
        (height, width), (scaled_height, scaled_width) = self.image_size, self.scaled_size
        return np.array([scaled_width / width, scaled_height / height], np.float32)

    def to_input(self, xy: NDArray[np.floating]) -> NDArray[np.floating]:
        """Picture pixels (..., 2) to input pixels."""
        return rescale(xy, self.factor)

    def to_image(self, xy: NDArray[np.floating]) -> NDArray[np.floating]:
        """Input pixels (..., 2) to picture pixels."""
        return rescale(xy, 1 / self.factor)
