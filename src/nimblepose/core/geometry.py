"""Where a pixel is: changes of size and of origin go through here, so that half a pixel is typed nowhere else.

Points are (x, y) and name pixel centres: the centre of the first pixel is (0, 0), the picture spans
[-0.5, width - 0.5]. Sizes are (height, width).
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nimblepose.core.errors import ShapeError

Array = Any  # numpy.ndarray or torch.Tensor: this room must not import torch
Size = tuple[int, int]
"""(height, width) in pixels or cells."""

_SIZES = 256  # of pictures, whose placements are kept


def rescale(xy: Array, factor: ArrayLike) -> Array:
    """Move pixel-centre points (..., 2) with an image that is resized by `factor` (one number, or one for x and y).

    Points are a numpy array, or a torch tensor if the factor is one number; so is what comes back, in the same dtype.

    >>> rescale(np.array([3.5, 11.5]), 1 / 8)
    array([0., 1.])
    """
    factor = float(factor) if isinstance(factor, int | float) else np.asarray(factor, xy.dtype)
    return (xy + 0.5) * factor - 0.5


def to_rescaling(factor: float) -> NDArray[np.float64]:
    """`rescale` as a matrix (3, 3) of homogeneous points, for chains of affine maps.

    >>> (to_rescaling(1 / 8) @ [3.5, 11.5, 1]).tolist()
    [0.0, 1.0, 1.0]
    """
    aside = (factor - 1) / 2
    return np.array([[factor, 0, aside], [0, factor, aside], [0, 0, 1]])


def from_corner(xy: NDArray[np.floating]) -> NDArray[np.floating]:
    """Points that are counted from the corner of the first pixel, as COCO and boxes count, to pixel centres."""
    return xy - xy.dtype.type(0.5)


def to_corner(xy: NDArray[np.floating]) -> NDArray[np.floating]:
    """The inverse: pixel centres to points that are counted from the corner of the first pixel."""
    return xy + xy.dtype.type(0.5)


def turn_points(xy: NDArray[np.floating], size: Size, turns: int) -> NDArray[np.floating]:
    """Points (..., 2) of a picture of `size`, where they are after quarter turns against the clock, as `numpy.rot90`.

    >>> turn_points(np.array([0.0, 0.0]), (2, 3), 1)  # the upper left corner becomes the lower left one
    array([0., 2.])
    """
    height, width = size
    x, y = xy[..., 0], xy[..., 1]
    match turns % 4:
        case 1:
            return np.stack([y, width - 1 - x], axis=-1)
        case 2:
            return np.stack([width - 1 - x, height - 1 - y], axis=-1)
        case 3:
            return np.stack([height - 1 - y, x], axis=-1)
    return xy


@dataclass(frozen=True)
class Placement:
    """How a picture becomes the network input: resized as a whole, without padding.

    The only object that knows the picture and the input. Both sides of the input are multiples of the stride, so the
    two axes are scaled a little differently (by less than half a stride over the side). That was measured to be better
    than padding (0.5 AP), and it leaves no border of invented pixels.

    Raises:
        ShapeError: a side without pixels.
    """

    image_size: Size
    input_size: Size
    pixel_aspect: float = 1.0  # of the picture: width over height of its pixels as they are shown; the input's is 1

    def __post_init__(self) -> None:
        """Check once that there is a picture."""
        if min(*self.image_size, *self.input_size) < 1:
            raise ShapeError(f"sizes must be positive, got {self}")

    @classmethod
    def fit(
        cls,
        image_size: Size,
        input_height: int,
        *,
        stride: int = 8,
        max_aspect: float = 6.0,
        pixel_aspect: float = 1.0,
    ) -> "Placement":
        """Scale a picture to `input_height`, keep its aspect as well as multiples of `stride` allow.

        A picture wider than `max_aspect` times its height is scaled by its width instead, so that a panorama cannot
        ask for unbounded memory.

        Args:
            image_size: (height, width) of the picture in its own pixels.
            input_height: Pixels of the input.
            stride: Input pixels per cell.
            max_aspect: Widest shape whose height is kept.
            pixel_aspect: Width over height of the picture's pixels as they are shown: the input has square ones.

        Raises:
            ShapeError: a picture without pixels, or an input that is lower than one cell.

        >>> Placement.fit((720, 1280), 256).input_size
        (256, 456)
        >>> Placement.fit((576, 720), 256, pixel_aspect=64 / 45).input_size  # PAL, 16:9
        (256, 456)
        """
        if not 0 < pixel_aspect < np.inf:
            raise ShapeError(f"pixel_aspect must be positive, got {pixel_aspect}")
        if input_height < stride:
            raise ShapeError(f"input_height must be at least the stride {stride}, got {input_height}")
        if min(image_size) < 1:
            raise ShapeError(f"sizes must be positive, got a picture of (height, width) {image_size}")
        return _fit((int(image_size[0]), int(image_size[1])), input_height, stride, max_aspect, pixel_aspect)

    @classmethod
    def cover(cls, image_size: Size, input_pixels: float, *, stride: int = 8, pixel_aspect: float = 1.0) -> "Placement":
        """Scale a picture to about `input_pixels`, whatever its shape: height times width of the input.

        Args:
            image_size: (height, width) of the picture in its own pixels.
            input_pixels: Of the input; of a picture so narrow that its input is one cell wide, never many more.
            stride: Input pixels per cell.
            pixel_aspect: Width over height of the picture's pixels as they are shown: the input has square ones.

        Raises:
            ShapeError: a picture without pixels, or an input of less than one cell.

        >>> Placement.cover((480, 640), 384 * 512).input_size, Placement.cover((640, 480), 384 * 512).input_size
        ((384, 512), (512, 384))
        """
        if not 0 < pixel_aspect < np.inf:
            raise ShapeError(f"pixel_aspect must be positive, got {pixel_aspect}")
        if input_pixels < stride * stride:
            raise ShapeError(f"input_pixels must be those of a cell ({stride} x {stride}) or more, got {input_pixels}")
        height, width = image_size[0], image_size[1] * pixel_aspect
        cells = np.array([height, width]) * np.sqrt(input_pixels / max(height * width, 1)) / stride
        rows, columns = np.clip(np.rint(cells), 1, input_pixels // stride**2).astype(int).tolist()
        return cls(image_size, (rows * stride, columns * stride), pixel_aspect)

    @cached_property
    def factor(self) -> NDArray[np.float32]:
        """Input pixels per picture pixel, (x, y)."""
        (height, width), (input_height, input_width) = self.image_size, self.input_size
        factor = np.array([input_width / width, input_height / height], np.float32)
        factor.flags.writeable = False  # frames of one video share it
        return factor

    @cached_property
    def zoom(self) -> np.float32:
        """Input pixels per picture pixel, in the mean of both axes."""
        return np.float32(np.sqrt(self.factor.prod()))

    def to_input(self, xy: NDArray[np.floating]) -> NDArray[np.floating]:
        """Picture pixels (..., 2) to input pixels."""
        return np.asarray(rescale(xy, self.factor))

    def to_image(self, xy: NDArray[np.floating]) -> NDArray[np.floating]:
        """Input pixels (..., 2) to picture pixels."""
        return np.asarray(rescale(xy, 1 / self.factor))


@lru_cache(_SIZES)
def _fit(image_size: Size, input_height: int, stride: int, max_aspect: float, pixel_aspect: float) -> Placement:
    """`Placement.fit`, which every frame of a video asks for the same."""
    height, width = image_size[0], image_size[1] * pixel_aspect
    factor = min(input_height / height, input_height * max_aspect / width)
    rows, columns = (max(1, round(side * factor / stride)) * stride for side in (height, width))
    return Placement(image_size, (rows, columns), pixel_aspect)
