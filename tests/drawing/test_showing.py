"""What `draw` gives can be looked at and saved, and is what `draw_poses` draws."""

import io

import numpy as np
import pytest
from PIL import Image

from nimblepose import DrawOptions, Poses, Skeleton, draw, draw_poses
from nimblepose.core.reduction import enlarge
from nimblepose.drawing import showing
from nimblepose.media.pictures import read_reduced

STICK = Skeleton("stick", ("head", "foot"), (("head", "foot"),))
POSES = Poses(STICK, np.float32([[[20, 30], [80, 90]]] * 2), np.ones((2, 2), np.float32), np.float32([1, 0.5]))
GRAY = np.full((120, 160, 3), 127, np.uint8)


@pytest.mark.parametrize("kind", ["array", "path", "bytes", "image"])
def test_any_picture_is_drawn_on_and_comes_back_to_be_looked_at(kind, tmp_path):
    Image.fromarray(GRAY).save(tmp_path / "a.png")
    source = {
        "array": GRAY, "path": tmp_path / "a.png", "bytes": (tmp_path / "a.png").read_bytes(),
        "image": Image.fromarray(GRAY),
    }[kind]  # fmt: skip
    options = DrawOptions(show_scores=True)
    drawn = draw(source, POSES, options)
    np.testing.assert_array_equal(np.asarray(drawn), draw_poses(GRAY, POSES, options))
    assert drawn._repr_png_().startswith(b"\x89PNG"), "what a notebook shows"
    drawn.save(io.BytesIO(), "PNG")


def test_one_person_is_drawn_alone():
    np.testing.assert_array_equal(np.asarray(draw(GRAY, POSES[1])), draw_poses(GRAY, POSES[[1]]))


def test_of_a_picture_that_is_read_reduced_people_lie_where_they_are(tmp_path, monkeypatch):
    Image.fromarray(GRAY).save(tmp_path / "a.jpg", quality=95)
    monkeypatch.setattr(showing, "read_reduced", lambda source: read_reduced(source, max_pixels=120 * 160 - 1))
    read = read_reduced(tmp_path / "a.jpg", max_pixels=120 * 160 - 1)
    assert read.reduction == 2
    small = Poses(STICK, np.float32([[[10, 10], [60, 40]]]), np.ones((1, 2), np.float32), np.ones(1, np.float32))
    drawn = draw(tmp_path / "a.jpg", enlarge(small, 2))
    np.testing.assert_array_equal(np.asarray(drawn), draw_poses(read.picture, small))
