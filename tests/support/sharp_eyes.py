"""A network made by hand that sees whom it is told of: those who are of a size in its input, and no others."""

import dataclasses

import numpy as np

from nimblepose.codec.encode import REFERENCE, encode
from nimblepose.core.geometry import Placement, turn_points
from nimblepose.core.metadata import ModelMetadata
from nimblepose.core.skeleton import Skeleton
from nimblepose.runtime.protocols import Fields

STAR = Skeleton(
    "star",
    ("head", "left_hand", "right_hand", "foot"),
    (("head", "left_hand"), ("head", "right_hand"), ("head", "foot")),
    (0.08, 0.08, 0.08, 0.08),
)
SHAPE = np.array([[0.0, -0.5], [-0.3, 0.0], [0.3, 0.0], [0.05, 0.5]], np.float32)  # of a body one high
METADATA = ModelMetadata(skeleton=STAR, paf_geometry="centre")
OPTIONS = dataclasses.replace(REFERENCE, paf_geometry="centre")


def make_bodies(*places):
    """Bodies (N, K, 2) from (x, y, height) of each."""
    return np.stack([SHAPE * height + np.array([x, y], np.float32) for x, y, height in places]).astype(np.float32)


class SharpEyes:
    """Stands in for the network: knows bodies in pixels of the picture, and notes what it is asked."""

    def __init__(self, bodies, *, least=60.0, most=400.0, upright=False):
        """Bodies of a height between `least` and `most` input pixels are seen; with `upright` only such as stand so."""
        self.bodies, self.least, self.most, self.upright = bodies, least, most, upright
        self.asked = []

    def __call__(self, picture, where):
        self.asked.append(where)
        stride = METADATA.input.stride
        if isinstance(where, Placement):
            turned = self.turn(picture, self.find_turns(picture))
            return self.draw(where.to_input(turned), (where.input_size[0] // stride, where.input_size[1] // stride))
        maps = np.zeros((1, STAR.heatmap_channels, *where.size), np.float32)
        maps[:, -1] = 1
        pafs = np.zeros((1, STAR.paf_channels, *where.size), np.float32)
        for look in range(len(where)):
            corner = where.to_picture(look, np.zeros(2))
            axes = np.stack([where.to_picture(look, axis) - corner for axis in np.eye(2)])
            inside = (self.bodies - corner) @ np.linalg.inv(axes)
            fields = self.draw(inside.astype(np.float32), tuple(where.sizes[look].tolist()))
            where.cut(look, maps[0])[:] = fields.heatmaps[0]
            where.cut(look, pafs[0])[:] = fields.pafs[0]
        return Fields(maps, pafs)

    def draw(self, bodies, size):
        """Fields of bodies in input pixels."""
        height, width = size[0] * 8, size[1] * 8
        seen = []
        for body in bodies:
            tall = np.linalg.norm(body[3] - body[0])
            inside = ((body > -0.5) & (body < (width - 0.5, height - 0.5))).all(axis=1)
            stands = not self.upright or body[3, 1] - body[0, 1] > 0.7 * tall
            if self.least <= tall <= self.most and stands and inside.any():
                seen.append(body)
        people = np.stack(seen) if seen else np.zeros((0, 4, 2), np.float32)
        maps, pafs = encode(people, size, STAR, OPTIONS)
        return Fields(maps[None].astype(np.float32), pafs[None].astype(np.float32))

    @staticmethod
    def find_turns(picture):
        """How often a picture was turned, from the lit pixel in the upper left corner of the unturned one."""
        corners = [picture[0, 0], picture[-1, 0], picture[-1, -1], picture[0, -1]]
        return next((turns for turns, corner in enumerate(corners) if corner.any()), 0)

    def turn(self, picture, turns):
        """The bodies where they are in a picture that was turned."""
        size = picture.shape[:2] if turns % 2 == 0 else picture.shape[1::-1]
        return np.asarray(turn_points(self.bodies, size, turns), np.float32)
