"""A camera that moves is told from people who move, by the picture itself."""

import cv2
import numpy as np
import pytest

from nimblepose.tracking.motion import STILL, CameraMotion
from nimblepose.tracking.thinning import thin_picture

SIZE = (270, 480)
MARGIN = 80


def draw_scene(seed=0, size=SIZE, detail=6.0):
    """A picture larger than what the camera sees: spots of all sizes and shades."""
    rng = np.random.default_rng(seed)
    shape = (size[0] + 2 * MARGIN, size[1] + 2 * MARGIN)
    layers = [cv2.GaussianBlur(rng.normal(size=(*shape, 3)), (0, 0), detail * 2**n) * 2**n for n in range(3)]
    scene = sum(layers)
    return np.clip(128 + 45 * scene / scene.std(), 0, 255).astype(np.float32)


def look(scene, offset=(0, 0), rng=None, size=SIZE):
    """What a camera sees that points `offset` pixels to the right of the middle and below; with noise of its sensor."""
    x, y = MARGIN + np.asarray(offset, float)
    seen = cv2.warpAffine(scene, np.float32([[1, 0, -x], [0, 1, -y]]), size[::-1], flags=cv2.INTER_LINEAR)
    if rng is not None:
        seen = seen + rng.normal(0, 3, seen.shape)
    return np.clip(seen, 0, 255).astype(np.uint8)


def put(picture, person, place):
    """With a person, a patch of other texture, in front."""
    (x, y), (height, width) = place, person.shape[:2]
    seen = picture.copy()
    left, right = max(x, 0), min(x + width, picture.shape[1])
    if left < right:
        seen[y : y + height, left:right] = person[: picture.shape[0] - y, left - x : right - x]
    return seen


def measure(*pictures):
    camera = CameraMotion()
    return [camera.measure(picture) for picture in pictures]


@pytest.mark.parametrize("offset", [(15, 0), (0, -15), (-15, 11), (3, -2), (2.5, 1.5), (60, 30), (-90, 0)])
def test_everything_moves_against_the_camera(rng, offset):
    scene = draw_scene(size=(SIZE[0] + 60, SIZE[1] + 60))
    first, second = look(scene, (30, 30), rng), look(scene, np.add((30, 30), offset), rng)
    start, shift = measure(first, second)
    assert start == STILL
    np.testing.assert_allclose(shift, np.negative(offset), atol=1.0)


@pytest.mark.parametrize("size", [(144, 256), (720, 1280), (640, 360)])
def test_the_unit_is_the_picture_s_own_pixel(rng, size):
    scene = draw_scene(size=size, detail=size[0] / 45)
    _, shift = measure(look(scene, (0, 0), rng, size), look(scene, (12, -8), rng, size))
    np.testing.assert_allclose(shift, (-12, 8), atol=size[0] / 200)
    thin, step = thin_picture(look(scene, (0, 0), rng, size))
    _, shift = measure(thin, thin_picture(look(scene, (12, -8), rng, size))[0])
    np.testing.assert_allclose(np.array(shift) * step, (-12, 8), atol=size[0] / 100)


@pytest.mark.parametrize("share", [0.2, 0.4])
def test_people_who_walk_before_a_camera_at_rest_are_no_camera(rng, share):
    scene, person = draw_scene(), draw_scene(1).astype(np.uint8)[: SIZE[0] - 20, : int(share * SIZE[1])]
    seen = [put(look(scene, rng=rng), person, (-100 + 12 * f, 20)) for f in range(40)]
    assert measure(*seen) == [STILL] * 40


def test_people_who_walk_otherwise_do_not_hide_that_it_moves(rng):
    scene, person = draw_scene(), draw_scene(1).astype(np.uint8)[: SIZE[0] - 20, : int(0.35 * SIZE[1])]
    offsets = rng.integers(-15, 16, (30, 2))
    places = [(20 + 8 * f - x, 20 - y) for f, (x, y) in enumerate(offsets.tolist())]
    seen = [put(look(scene, offset, rng), person, place) for offset, place in zip(offsets, places, strict=True)]
    off = np.linalg.norm(measure(*seen)[1:] + np.diff(offsets, axis=0), axis=1)
    assert np.median(off) < 1
    assert np.mean(off < 4) > 0.7, "where both move nearly alike, they may be taken for it"


def test_light_that_changes_is_no_motion(rng):
    scene = draw_scene()
    assert measure(*(np.clip(look(scene, rng=rng) * (1 + 0.1 * f), 0, 255).astype(np.uint8) for f in range(5))) == (
        [STILL] * 5
    )


def test_what_says_nothing_is_at_rest(rng):
    black, wall = np.zeros((*SIZE, 3), np.uint8), np.full((*SIZE, 3), 130, np.uint8)
    assert measure(black, black, wall, black, wall) == [STILL] * 5
    noise = [np.clip(rng.normal(130, 3, wall.shape), 0, 255).astype(np.uint8) for _ in range(5)]
    assert measure(*noise) == [STILL] * 5
    scene = draw_scene()
    assert measure(*[look(scene)] * 3) == [STILL] * 3, "the same picture again"


@pytest.mark.parametrize("seed", range(10))
def test_behind_a_cut_nothing_is_told(seed):
    rng = np.random.default_rng(seed)
    assert measure(look(draw_scene(seed), rng=rng), look(draw_scene(seed + 100), rng=rng)) == [STILL] * 2


def test_what_is_known_stays_and_the_next_is_measured_from_there(rng):
    scene, camera = draw_scene(), CameraMotion()
    assert camera.measure(look(scene), known=(1.5, 2.5)) == (1.5, 2.5)
    assert camera.measure(look(scene, (9, 4)), known=STILL) == STILL
    seen = look(scene, (20, 4), rng)
    shift = camera.measure(seen)
    np.testing.assert_allclose(shift, (-11, 0), atol=1.0)
    assert shift == measure(look(scene, (9, 4)), seen)[1], "to the last bit: what a resumed run goes on with"


def test_small_pictures_and_other_sizes_in_between_are_taken(rng):
    scene = draw_scene()
    assert measure(look(scene), np.zeros((8, 8, 3), np.uint8), np.zeros((1, 1, 3), np.uint8)) == [STILL] * 3
