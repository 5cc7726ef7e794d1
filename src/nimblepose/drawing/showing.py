"""A picture of people to look at: notebooks show it, and it can be saved."""

from typing import TYPE_CHECKING

from nimblepose.core.person import Person
from nimblepose.core.poses import Poses
from nimblepose.core.reduction import shrink
from nimblepose.drawing.people import PLAIN, DrawOptions, draw_poses
from nimblepose.media.pictures import Source, read_reduced

if TYPE_CHECKING:
    from PIL.Image import Image


def draw(picture: Source, poses: Poses | Person, options: DrawOptions = PLAIN) -> "Image":
    """Draw people on a picture: `draw("a.jpg", estimator("a.jpg"))` as the last line of a notebook's cell shows it.

    Args:
        picture: Whatever the estimator takes: a path, the bytes of a file, an open file, a PIL image, an array.
        poses: People in pixels of this picture, or one of them.
        options: Colours, widths, and what is drawn.

    Returns:
        A new `PIL.Image`, which has `save` and `show`. `draw_poses` is the same from array to array. A JPEG that is too
        large to be held (100 million pixels) is drawn at the size at which it was read.

    Raises:
        MediaError: not a picture, or one that cannot be read.
    """
    from PIL import Image

    people = poses.poses if isinstance(poses, Person) else poses
    read = read_reduced(picture)
    return Image.fromarray(draw_poses(read.picture, shrink(people, read.reduction), options))
