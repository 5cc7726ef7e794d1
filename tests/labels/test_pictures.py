"""How large pictures are, wherever they lie, and what forms say that cannot be without."""

import cv2
import numpy as np
import pytest

from nimblepose.core.errors import DataError
from nimblepose.labels.label_set import Category, Label, LabelledPicture, LabelSet
from nimblepose.labels.pictures import find_size
from nimblepose.labels.readers import read_labels
from nimblepose.labels.writer import bound_label
from nimblepose.labels.writers import find_writer

LABEL = Label("mouse", np.array([[10.0, 20.0], [30.0, 22.0], [np.nan, np.nan]]), np.array([2, 1, 0]))
KINDS = (Category("mouse", ("nose", "ear", "tail")),)


def encode(height=48, width=64):
    return cv2.imencode(".png", np.zeros((height, width, 3), np.uint8))[1].tobytes()


def make(**about):
    return LabelSet("test", KINDS, (LabelledPicture("v/img000.png", (LABEL,), video="v", frame=0, **about),))


def test_a_picture_inside_a_file_has_a_size(tmp_path):
    assert find_size(LabelledPicture("a.png", (), content=encode)) == (48, 64)
    assert find_size(LabelledPicture("a.png", (), file=tmp_path / "not there", content=encode)) == (48, 64)
    assert find_size(LabelledPicture("a.png", (), content=encode, size=(1, 2))) == (1, 2)
    assert find_size(LabelledPicture("a.png", (), content=lambda: b"no picture")) is None
    assert find_size(LabelledPicture("a.png", ())) is None


@pytest.mark.parametrize("form", ["cvat", "label-studio", "labelme", "yolo"])
def test_what_lies_inside_a_file_is_put_where_the_tool_looks(tmp_path, form):
    find_writer(form).write(make(content=encode), tmp_path / "b")
    assert len([path for path in (tmp_path / "b").rglob("*.png") if cv2.imread(str(path)).shape == (48, 64, 3)]) == 1
    (picture,) = read_labels(tmp_path / "b").pictures
    assert picture.labels[0].labelled.tolist()[:2] == [True, True]
    np.testing.assert_allclose(picture.labels[0].xy[:2], LABEL.xy[:2], atol=1e-3)


@pytest.mark.parametrize("form", ["coco.json", "cvat", "label-studio", "labelme", "yolo"])
def test_a_form_that_needs_sizes_says_so(tmp_path, form):
    with pytest.raises(DataError, match=r"needs the size of each picture; v/img000.png is not there: put it where"):
        find_writer(form.split(".")[0]).write(make(), tmp_path / form)


def test_a_box_is_that_of_the_label_or_around_what_is_labelled():
    assert bound_label(LABEL).tolist() == [[10.5, 20.5], [30.5, 22.5]]
    given = Label("mouse", LABEL.xy, LABEL.visibility, box=np.array([1.0, 2, 30, 40]))
    assert bound_label(given).tolist() == [[1, 2], [31, 42]]
    empty = Label("mouse", LABEL.xy, LABEL.visibility, box=np.array([1.0, 2, 0, 40]))
    assert bound_label(empty).tolist() == bound_label(LABEL).tolist()
