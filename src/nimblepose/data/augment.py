"""Sample -> new sample. Picture, keypoints and mask move together, by one matrix; the dice are thrown elsewhere."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from nimblepose.core.errors import ModelError
from nimblepose.core.geometry import Size, from_corner, to_rescaling
from nimblepose.core.mirror_names import guess_mirror_pairs
from nimblepose.core.skeleton import Skeleton

GRAY = (128, 128, 128)  # beyond the picture's border: 0 for the network


@dataclass(frozen=True, eq=False)
class Sample:
    """A picture with everybody in it.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        xy: (N, K, 2) float32 pixel centres of the image; NaN where not labelled.
        ignore: (H, W) bool, where the loss does not count.
    """

    image: NDArray[np.uint8]
    xy: NDArray[np.float32]
    ignore: NDArray[np.bool_]


@dataclass(frozen=True)
class Warp:
    """A (2, 3) affine from picture pixels to input pixels, and whether it mirrors (then left and right swap names)."""

    matrix: NDArray[np.float64]
    mirrored: bool

    @property
    def factor(self) -> float:
        """Input pixels per picture pixel."""
        return float(abs(np.linalg.det(self.matrix[:, :2])) ** 0.5)


@dataclass(frozen=True, kw_only=True)
class AugmentOptions:
    """Ranges of the dice. The defaults are the reference's; colour, blur and JPEG noise are ours and off."""

    centre: Literal["person", "picture"] = "person"
    relative_to: Literal["person", "side", "picture"] = "person"  # what `fill` means; see `measure_subject`
    fill: float = 0.6  # height of the person (longer side, or picture) over the height of the input, before `scale`
    scale: tuple[float, float] = (0.5, 1.1)
    rotation: float = 40.0  # degrees to either side
    shift: float = 40.0  # input pixels in x and y to either side
    flip: float = 0.5  # probability
    colour: float = 0.0  # gain and offset of each channel, to either side: 0.2 is strong
    blur: float = 0.0  # probability of a Gaussian blur of up to 2 pixels
    jpeg: float = 0.0  # probability of JPEG noise of quality 20 to 80

    def __post_init__(self) -> None:
        """Refuse ranges that make no sense."""
        low, high = self.scale
        if self.centre not in ("person", "picture"):
            raise ModelError(f"augment.centre is 'person' or 'picture', not {self.centre!r}")
        if self.relative_to not in ("person", "side", "picture"):
            raise ModelError(f"augment.relative_to is 'person', 'side' or 'picture', not {self.relative_to!r}")
        if not 0 < low <= high or self.fill <= 0:
            raise ModelError(f"augment.scale must be 0 < low <= high and fill > 0, got {self.scale}, {self.fill}")
        if not 0 <= self.rotation <= 180 or self.shift < 0:
            raise ModelError(f"augment.rotation must be in 0..180, shift not negative: {self.rotation}, {self.shift}")
        for name in ("flip", "colour", "blur", "jpeg"):
            if not 0 <= getattr(self, name) <= 1:
                raise ModelError(f"augment.{name} must be in 0..1, got {getattr(self, name)}")


def find_unpaired_sides(skeleton: Skeleton) -> tuple[tuple[str, str], ...]:
    """Pairs of keypoints whose names say left and right, and that a mirror does not exchange for all that."""
    paired = {name for pair in skeleton.mirror_pairs for name in pair}
    return tuple(pair for pair in guess_mirror_pairs(skeleton.keypoints) if not paired & set(pair))


def measure_subject(box: tuple[float, float], picture: Size, options: AugmentOptions) -> float:
    """What `fill` is a multiple of, in pixels: a person's height, the longer side of the box, or the picture's height.

    An animal seen from above has a box that is wide when it lies across; scaled by its height, it would be enlarged
    out of all proportion.

    Args:
        box: (height, width) of the subject's box.
        picture: (height, width) of the picture.
        options: Say which.
    """
    if options.relative_to == "picture":
        return picture[0]
    return max(box) if options.relative_to == "side" else box[0]


def choose_warp(
    middle: NDArray[np.floating], height: float, size: Size, options: AugmentOptions, rng: np.random.Generator
) -> Warp:
    """Throw the dice of scale, rotation, shift and flip for something of a height around a middle.

    Args:
        middle: (x, y) picture pixel that comes near the input's centre.
        height: Of the person or picture, in picture pixels.
        size: (height, width) of the input.
        options: Ranges.
        rng: The dice; the same number of throws whatever they show.
    """
    factor = options.fill * size[0] / max(height, 1.0) * rng.uniform(*options.scale)
    angle = np.deg2rad(rng.uniform(-options.rotation, options.rotation))
    shift = rng.uniform(-options.shift, options.shift, 2)
    return build_warp(middle, factor, float(angle), shift, mirrored=bool(rng.random() < options.flip), size=size)


def build_warp(
    middle: NDArray[np.floating],
    factor: float,
    angle: float,
    shift: NDArray[np.float64],
    *,
    mirrored: bool,
    size: Size,
) -> Warp:
    """Scale and rotate (radians) about a picture point that lands `shift` from the input's centre; then mirror."""
    cos, sin = factor * np.cos(angle), factor * np.sin(angle)
    linear = np.array([[cos, -sin], [sin, cos]])
    centre = from_corner(np.array(size[::-1]) / 2)
    matrix = np.column_stack([linear, centre + shift - linear @ middle])
    if mirrored:
        matrix[0] = [0, 0, 2 * centre[0]] - matrix[0]
    return Warp(matrix, mirrored)


def warp(sample: Sample, how: Warp, size: Size, skeleton: Skeleton, *, reduced: int = 1, detail: float = 1.0) -> Sample:
    """Apply one affine to image, keypoints and mask; in a mirror left and right swap their names.

    Args:
        sample: Keypoints and mask in picture pixels.
        how: From picture pixels to input pixels.
        size: (height, width) of the result.
        skeleton: Knows the mirror pairs.
        reduced: `sample.image` was read at 1/reduced of the picture's size.
        detail: The resulting image is larger by this factor than the input that keypoints and mask are in.
    """
    matrix, wh = how.matrix, size[::-1]
    # Pixels of the reduced picture first go back to the whole one, and at last to the result's.
    of_image = (to_rescaling(detail) @ np.vstack([matrix, [0, 0, 1]]) @ to_rescaling(reduced))[:2]
    large = (round(wh[0] * detail), round(wh[1] * detail))
    image = cv2.warpAffine(sample.image, of_image, large, flags=cv2.INTER_LINEAR, borderValue=GRAY)
    ignore = np.zeros(size, bool)
    if sample.ignore.any():
        ignore = cv2.warpAffine(sample.ignore.astype(np.uint8), matrix, wh, flags=cv2.INTER_NEAREST).astype(bool)
    xy = (sample.xy @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
    return Sample(np.asarray(image, np.uint8), xy[:, skeleton.flip_permutation] if how.mirrored else xy, ignore)


def disturb_picture(sample: Sample, options: AugmentOptions, rng: np.random.Generator) -> Sample:
    """Colour, blur and JPEG noise: the picture changes, nothing moves."""
    image: cv2.typing.MatLike = sample.image
    gain, offset = rng.uniform(-1, 1, (2, 3)) * options.colour
    if options.colour:
        table = np.arange(256)[:, None] * (1 + gain) + 255 * offset / 2
        image = cv2.LUT(image, np.clip(np.round(table), 0, 255).astype(np.uint8)[None])
    blur, spread, noise, quality = rng.random(4)
    if blur < options.blur:
        image = cv2.GaussianBlur(image, (0, 0), 0.3 + 1.7 * spread)
    if noise < options.jpeg:
        encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(20 + 60 * quality)])[1]
        image = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR))
    return Sample(np.asarray(image, np.uint8), sample.xy, sample.ignore)
