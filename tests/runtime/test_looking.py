"""See it whole, look again where it pays, put together who was seen: with a network that sees only who is near."""

import dataclasses

import numpy as np
import pytest
from sharp_eyes import METADATA, SharpEyes, make_bodies

from nimblepose.codec.options import DecodeOptions
from nimblepose.core.geometry import Placement
from nimblepose.core.keypoint_errors import KeypointErrors
from nimblepose.looks.canvas import Canvas
from nimblepose.looks.options import LookOptions
from nimblepose.runtime.looking import Observer

SIZE = 480, 640
LOOKS = LookOptions(sizes=(150.0,), margin=0.3, min_gain=0.005, min_trace=0.1, trace_size=64.0)


def observe(
    eyes, *, looks=LOOKS, size=SIZE, pixels=80_000, bound=600_000, turns=(0,), aspect=1.0, metadata=METADATA, **options
):
    picture = np.zeros((*size, 3), np.uint8)
    picture[0, 0] = 255  # so that the network made by hand knows how it was turned
    passes = []
    for turn in turns:
        turned = size[::-1] if turn % 2 else size
        passes.append((turn, Placement.cover(turned, pixels, pixel_aspect=1 / aspect if turn % 2 else aspect)))
    observer = Observer(metadata=metadata, options=DecodeOptions(**options), looks=looks, bound=bound, find_fields=eyes)
    return observer.observe(picture, passes)


def expect(poses, bodies, atol=2.0):
    """The same people, in any order."""
    assert len(poses) == len(bodies)
    for body in bodies:
        off = np.abs(poses.keypoints - body).max(axis=(1, 2))
        assert np.nanmin(off) < atol, f"{body} is not among {poses.keypoints}"


def test_who_is_large_enough_is_seen_at_once():
    bodies = make_bodies((300, 240, 320))
    eyes = SharpEyes(bodies)
    expect(observe(eyes), bodies, atol=4)
    assert len(eyes.asked) == 1, "at 150 input pixels nobody needs to be looked at again"


def test_who_is_small_is_seen_again_as_large_as_wanted():
    bodies = make_bodies((100, 100, 150), (400, 300, 110))
    eyes = SharpEyes(bodies, least=50)
    poses = observe(eyes)
    expect(poses, bodies, atol=1.0)
    assert len(eyes.asked) == 2
    assert isinstance(eyes.asked[1], Canvas)
    zooms = 8 * eyes.asked[1].sizes[:, 0] / (eyes.asked[1].boxes[:, 3] - eyes.asked[1].boxes[:, 1])
    sizes = np.hypot(*np.ptp(bodies, axis=1).T)
    np.testing.assert_allclose(sorted(zooms), sorted(150 / sizes), rtol=0.06)


def test_what_was_looked_at_and_shown_is_said():
    eyes = SharpEyes(make_bodies((100, 100, 120), (500, 400, 120)), least=50)
    poses = observe(eyes)
    assert poses.looks.shape == (2, 4)
    for x, y in ((100, 100), (500, 400)):
        inside = (poses.looks[:, :2] < (x, y)).all(1) & (poses.looks[:, :2] + poses.looks[:, 2:] > (x, y)).all(1)
        assert inside.sum() == 1
    placement, canvas = eyes.asked
    assert poses.input_pixels == sum(height * width for height, width in (placement.input_size, canvas.input_size))


def test_without_anybody_there_is_one_run_and_nobody():
    eyes = SharpEyes(np.zeros((0, 4, 2), np.float32))
    poses = observe(eyes)
    assert (len(poses), len(poses.looks), len(eyes.asked)) == (0, 0, 1)


class FaintAtFirst(SharpEyes):
    """The pass over the whole picture shows a head and nothing else of whoever is small."""

    def __call__(self, picture, where):
        if isinstance(where, Canvas):
            return super().__call__(picture, where)
        fields = self.least, self.least == 0 or None
        self.least = 0.0
        drawn = super().__call__(picture, where)
        self.least = fields[0]
        drawn.heatmaps[:, 1:-1] = 0
        drawn.pafs[:] = 0
        return drawn


def test_traces_without_a_pose_are_looked_at():
    bodies = make_bodies((300, 240, 60))
    expect(observe(FaintAtFirst(bodies)), bodies)
    assert len(observe(FaintAtFirst(bodies), looks=dataclasses.replace(LOOKS, min_trace=1.0))) == 0


def test_who_is_too_large_is_looked_at_from_further_away():
    bodies = make_bodies((320, 240, 440))
    eyes = SharpEyes(bodies, most=1000)
    observe(eyes, pixels=250_000)
    assert eyes.asked[1].size[0] * 8 < eyes.asked[0].input_size[0]


def test_the_bound_holds():
    rng = np.random.default_rng(0)
    bodies = make_bodies(*((x, y, 70) for x, y in rng.uniform((40, 40), (600, 440), (40, 2))))
    for bound in (120_000, 200_000, 400_000):
        assert 80_000 < observe(SharpEyes(bodies, least=20), bound=bound).input_pixels <= bound


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_who_stands_in_a_turned_picture_is_found_where_they_are(turns):
    upright = make_bodies((0, 0, 150))
    angle = np.pi / 2 * turns
    turned = upright @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]], np.float32)
    bodies = np.concatenate([turned + np.array([300, 240]), make_bodies((100, 120, 130))]).astype(np.float32)
    assert len(observe(SharpEyes(bodies, least=40, upright=True))) == 1
    expect(observe(SharpEyes(bodies, least=40, upright=True), turns=(0, 1, 2, 3)), bodies)


def test_pixels_that_are_not_square():
    bodies = make_bodies((200, 240, 130), (500, 300, 110))
    bodies[..., 0] /= 1.4  # in pixels of the picture, which are wide
    eyes = SharpEyes(bodies, least=40)
    expect(observe(eyes, size=(480, 512), aspect=1.4), bodies)
    assert len(eyes.asked) == 2


@pytest.mark.parametrize("aspect", [1.0, 1.4])
def test_errors_are_in_pixels_of_the_picture_and_smaller_where_somebody_is_seen_more_closely(aspect):
    half = KeypointErrors(np.tile([np.log(0.5), 0, 0], (len(METADATA.skeleton.keypoints), 1)), np.zeros(4))
    knowing = dataclasses.replace(METADATA, errors=half)
    bodies = make_bodies((100, 100, 120), (450, 300, 300))
    bodies[..., 0] /= aspect
    size = 480, round(640 / aspect)
    poses = observe(SharpEyes(bodies, least=40), size=size, aspect=aspect, metadata=knowing)
    assert poses.keypoint_errors.dtype == np.float32
    small, large = np.argsort(poses.boxes[:, 3])
    zoom = np.sqrt(80_000 / (480 * 640)) / np.sqrt(1 / aspect)  # of the pass, in pixels of the picture
    assert np.nanmedian(poses.keypoint_errors[large]) == pytest.approx(4 / zoom, rel=0.05)
    assert np.nanmedian(poses.keypoint_errors[small]) < 0.8 * 4 / zoom
    np.testing.assert_array_equal(np.isnan(poses.keypoint_errors), ~poses.seen)
    assert observe(SharpEyes(bodies, least=40), size=size, aspect=aspect).keypoint_errors is None
    calibration = np.zeros(len(METADATA.skeleton.keypoints) + 2)
    calibration[:-2], calibration[-2] = np.log(3), 0.5
    knowing = dataclasses.replace(METADATA, errors=dataclasses.replace(half, calibration=calibration))
    calibrated = observe(SharpEyes(bodies, least=40), size=size, aspect=aspect, metadata=knowing)
    as_shown = calibrated.keypoints * [aspect, 1]
    extent = np.nanmax(as_shown, axis=1) - np.nanmin(as_shown, axis=1)
    factors = 3 * np.sqrt(np.hypot(extent[:, 0], extent[:, 1]) / np.exp(5))
    np.testing.assert_allclose(calibrated.keypoint_errors, poses.keypoint_errors * factors[:, None], rtol=1e-3)


def test_thresholds_are_for_the_people_in_the_end():
    bodies = make_bodies((100, 100, 120), (500, 300, 110))
    everybody = observe(SharpEyes(bodies, least=40))
    assert len(observe(SharpEyes(bodies, least=40), max_poses=1)) == 1
    between = float(everybody.scores.mean())
    assert len(observe(SharpEyes(bodies, least=40), min_pose_score=between)) == 1


def test_heads_of_every_run_are_kept():
    bodies = make_bodies((100, 100, 120), (500, 300, 110))
    assert observe(SharpEyes(bodies, least=40)).heads is None
    heads = observe(SharpEyes(bodies, least=40), find_heads=True).heads
    first = observe(SharpEyes(bodies, least=40), find_heads=True, looks=None).heads
    assert len(heads) > len(first) > 0
    for body in bodies:
        near = np.linalg.norm(heads[:, :2] - body[0], axis=1) < 10
        assert near.sum() >= 2, "of the pass and of the look"
        assert (heads[near, 2] > 5).all()
