"""What is converted is there as a whole or not at all, whatever stops it."""

import importlib.util

import numpy as np
import pytest
from mouse_scene import write_dlc

from nimblepose.core.errors import DataError
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import COCO_17
from nimblepose.labels import pictures as pictures_module
from nimblepose.labels.converting import stream_results, write_labels
from nimblepose.labels.readers import read_labels
from nimblepose.labels.sidecar import restore, write_sidecar
from nimblepose.labels.writers import WRITERS, find_format, find_writer
from nimblepose.media.frames import Stamp
from nimblepose.results.formats.own import JsonLines
from nimblepose.results.output_format import Header

FOLDERS = ("coco", "dlc", "cvat", "label-studio", "labelme", "yolo")
RESULTS = [writer.name for writer in WRITERS if find_format(writer.name)]


def need(form):
    made = find_format(form)
    if made is not None and made.requires and importlib.util.find_spec(made.requires) is None:
        pytest.skip(f"{made.requires} (for {form}) is not installed")


@pytest.fixture
def labels(tmp_path):
    return read_labels(write_dlc(tmp_path / "a"))


@pytest.mark.parametrize("form", FOLDERS)
def test_labels_that_are_stopped_leave_nothing(tmp_path, labels, form, monkeypatch):
    calls = []

    def stop(source, target):
        calls.append(target)
        if len(calls) == 5:
            raise KeyboardInterrupt
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_bytes())

    monkeypatch.setattr(pictures_module, "copy_picture", stop)
    monkeypatch.setattr("nimblepose.labels.writing.copy_picture", stop)
    with pytest.raises(KeyboardInterrupt):
        write_labels(labels, tmp_path / "b", find_writer(form))
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("form", RESULTS)
def test_results_that_are_stopped_leave_nothing(tmp_path, form, monkeypatch):
    need(form)
    path = tmp_path / "day.poses.jsonl"
    file = JsonLines(path, Header(model="m", skeletons=(COCO_17,), source="day.mp4", rate=25))
    one = Poses(COCO_17, np.ones((1, 17, 2), np.float32), np.ones((1, 17), np.float32), np.ones(1, np.float32))
    for number in range(250):
        file.add(Stamp(number, number / 25, (48, 64)), one)
    file.finish()
    chosen = find_format(form)

    def stop(count):
        if count == 200:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stream_results(path, tmp_path / "b", chosen, progress=stop)
    assert not list((tmp_path / "b").iterdir())
    assert stream_results(path, tmp_path / "b", chosen).exists()
    assert len(list((tmp_path / "b").iterdir())) == 1


def test_a_folder_of_others_is_left_alone(tmp_path, labels):
    (tmp_path / "b").mkdir()
    for name in ("b", "new/deep"):
        assert write_labels(labels, tmp_path / name, find_writer("cvat")) == [tmp_path / name / "annotations.xml"]
    with pytest.raises(DataError, match="not an empty folder; choose another"):
        write_labels(labels, tmp_path / "b", find_writer("yolo"))
    assert not (tmp_path / "b" / "data.yaml").exists()


def test_boxes_that_nobody_gave_are_not_kept(tmp_path, labels):
    """They would be told as lost the next time."""
    find_writer("cvat").write(labels, tmp_path / "b")
    back = restore(read_labels(tmp_path / "b"), write_sidecar(labels, tmp_path / "b"))
    assert back.label_count == labels.label_count
    assert all(label.box is None for picture in back.pictures for label in picture.labels)
