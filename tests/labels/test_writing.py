"""What is written is what training and `val` read, with pictures, and what could not be taken is told."""

import csv
import dataclasses
import json

import cv2
import numpy as np
import pytest
from mouse_scene import FRAMES, KEYPOINTS, SIZE, VIDEOS, expected, seen_in, write_coco, write_dlc
from video_files import make_video, number_of, numbered

from nimblepose.core.errors import DataError, SkeletonError
from nimblepose.core.skeleton import COCO_17, Skeleton
from nimblepose.data.check import check
from nimblepose.data.sets import AnnotatedSet, locate_set
from nimblepose.labels.label_set import Category, Label, LabelledPicture, LabelSet, Skipped
from nimblepose.labels.matching import match_skeleton
from nimblepose.labels.readers import read_labels
from nimblepose.labels.skipping import write_skipped
from nimblepose.labels.writing import leave_out_found, write_set


def make_set(*pictures, keypoints=KEYPOINTS, skipped=()):
    return LabelSet("test", (Category("mouse", keypoints),), pictures, skipped)


def make_label(*places, score=None, **about):
    table = np.array(places, float)
    return Label("mouse", table[:, :2], table[:, 2].astype(int), score=score, **about)


LABEL = make_label((10.0, 20.0, 2), (10.25, 20.5, 1), (np.nan, np.nan, 0))


def test_training_and_val_read_what_is_written(tmp_path):
    labels = read_labels(write_dlc(tmp_path / "dlc"))
    written = write_set(labels, tmp_path / "out")
    annotations, images = locate_set(tmp_path / "out")
    assert annotations == written.annotations
    skeleton = Skeleton.load(written.skeletons[0])
    assert skeleton.keypoints == KEYPOINTS
    annotated = AnnotatedSet.read(annotations, images, skeleton)
    assert len(annotated.records) == written.pictures == len(VIDEOS) * FRAMES
    first = annotated.records[1]
    np.testing.assert_array_equal(first.xy[0], [[11, 20], [13, 21], [np.nan, np.nan]])
    wrong = {one.kind for one in check(annotations, images, skeleton) if one.severity == "error"}
    assert wrong == {"nobody to centre samples on"}  # the mice are small


def test_there_and_back_loses_nothing(tmp_path):
    labels = read_labels(write_coco(tmp_path))
    write_set(labels, tmp_path / "out")
    again = read_labels(tmp_path / "out")
    assert seen_in(again) == seen_in(labels) == expected()
    write_set(again, tmp_path / "twice")
    for file in ("annotations.json", "mouse.yaml"):
        one, other = ((tmp_path / folder / file).read_text() for folder in ("out", "twice"))
        assert one.replace("labels of coco", "") == other.replace("labels of coco", "")
    assert again.categories == labels.categories


def test_corner_ids_boxes_and_where_it_comes_from(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((*SIZE, 3), np.uint8))
    found = dataclasses.replace(
        LABEL, identity="m1", scorer="anna", score=0.75, keypoint_scores=np.array([0.5, 0.25, 0.0])
    )
    written = write_set(
        make_set(LabelledPicture("a.png", (found,), file=tmp_path / "a.png", video="v", frame=7)), tmp_path / "o"
    )
    coco = json.loads(written.annotations.read_text())
    (image,), (annotation,) = coco["images"], coco["annotations"]
    assert image == {"id": 1, "file_name": "a.png", "height": 48, "width": 64, "video": "v", "frame": 7}
    assert annotation["keypoints"] == [10.5, 20.5, 2, 10.75, 21, 1, 0, 0, 0]
    assert annotation["bbox"] == [10.5, 20.5, 0.25, 0.5]
    assert (annotation["id"], annotation["num_keypoints"], annotation["track_id"]) == (1, 2, 1)
    assert (annotation["identity"], annotation["scorer"], annotation["score"]) == ("m1", "anna", 0.75)
    assert annotation["keypoint_scores"] == [0.5, 0.25, 0.0]


def test_frames_are_taken_out_of_their_video(tmp_path):
    pytest.importorskip("av")
    video = make_video(tmp_path / "day.mp4", [numbered(n) for n in range(12)])
    pictures = [
        LabelledPicture(f"day/{n:06d}.png", (LABEL,), video_file=video, video="day", frame=n) for n in (7, 2, 40)
    ]
    written = write_set(make_set(*pictures), tmp_path / "out")
    assert [entry["frame"] for entry in json.loads(written.annotations.read_text())["images"]] == [7, 2]
    for n in (7, 2):
        assert number_of(cv2.imread(str(tmp_path / "out" / "images" / "day" / f"{n:06d}.png"))) == n
    assert written.skipped[0] == Skipped("day/000040.png", "the video ends before this frame; 1 label of it not taken")


def test_pictures_that_are_missing_broken_or_of_another_size_are_told(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((*SIZE, 3), np.uint8))
    (tmp_path / "b.png").write_bytes(b"no picture")
    pictures = [
        LabelledPicture("a.png", (LABEL,), file=tmp_path / "a.png", size=SIZE),
        LabelledPicture("b.png", (LABEL,), file=tmp_path / "b.png"),
        LabelledPicture("c.png", (LABEL, LABEL), file=tmp_path / "a.png", size=(10, 20)),
        LabelledPicture("d.png", (LABEL,), file=tmp_path / "d.png"),
        LabelledPicture("e.png", (), content=lambda: b"no picture"),
    ]
    written = write_set(make_set(*pictures), tmp_path / "out")
    assert (written.pictures, written.labels) == (1, 1)
    assert [one.file for one in written.skipped[:4]] == ["b.png", "c.png", "d.png", "e.png"]
    assert "the labels are for 20 x 10; 2 labels of it not taken" in written.skipped[1].reason
    assert [path.name for path in (tmp_path / "out" / "images").iterdir()] == ["a.png"]
    with pytest.raises(DataError, match=r"--strict: b.png"):
        write_set(make_set(*pictures), tmp_path / "strict", strict=True)
    assert not (tmp_path / "strict").exists()
    with pytest.raises(DataError, match="not an empty folder"):
        write_set(make_set(*pictures), tmp_path / "out")
    with pytest.raises(DataError, match="no picture of 1 could be taken"):
        write_set(make_set(pictures[1]), tmp_path / "none")
    listed = dataclasses.replace(make_set(pictures[3]), skipped=(Skipped("a.xml", "a box"),))
    with pytest.raises(DataError, match=r"of 1 could be taken; the first: d.png: its picture is missing"):
        write_set(listed, tmp_path / "none")
    with pytest.raises(DataError, match=r"the labels name no pictures; the first: a.xml: a box"):
        write_set(dataclasses.replace(listed, pictures=()), tmp_path / "none")


def test_keypoints_without_limbs_are_written_and_it_is_said_that_they_cannot_be_trained(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((*SIZE, 3), np.uint8))
    written = write_set(make_set(LabelledPicture("a.png", (LABEL,), file=tmp_path / "a.png")), tmp_path / "out")
    assert written.skeletons == ()
    assert "or let `nimblepose data recipe` do it" in written.skipped[0].reason


def test_what_a_model_found_is_left_out_where_people_have_labelled(tmp_path):
    found = dataclasses.replace(LABEL, score=0.5)
    mixed = make_set(LabelledPicture("a", (LABEL, found)), LabelledPicture("b", (found,)), LabelledPicture("c", ()))
    kept = leave_out_found(mixed)
    assert [(p.name, len(p.labels)) for p in kept.pictures] == [("a", 1), ("c", 0)]
    assert "2 poses that a model found, and 1 pictures with nothing else" in kept.skipped[0].reason
    only = make_set(LabelledPicture("b", (found,)))
    assert leave_out_found(only) is only


def test_keypoints_are_matched_by_name(tmp_path):
    names = ("Left Wing", "beak", "crest", "rightWing")
    bird = Skeleton("bird", ("beak", "left_wing", "right_wing"), (("beak", "left_wing"), ("beak", "right_wing")))
    label = make_label((1, 1, 2), (2, 2, 1), (3, 3, 2), (4, 4, 2), keypoint_scores=np.array([0.1, 0.2, 0.3, 0.4]))
    matched = match_skeleton(make_set(LabelledPicture("a", (label,)), keypoints=names), bird)
    (one,) = matched.pictures[0].labels
    assert matched.categories[0].keypoints == bird.keypoints
    np.testing.assert_array_equal(one.xy[:, 0], [2, 1, 4])
    assert one.visibility.tolist() == [1, 2, 2]
    assert one.keypoint_scores.tolist() == [0.2, 0.1, 0.4]
    assert "keypoints crest are not of skeleton 'bird'" in matched.skipped[0].reason
    with pytest.raises(SkeletonError, match="no category has a keypoint of skeleton 'coco17'"):
        match_skeleton(make_set(keypoints=("a",)), COCO_17)
    with pytest.raises(SkeletonError, match="two keypoints of it are one"):
        match_skeleton(make_set(keypoints=("Beak", "beak", "left_wing")), bird)
    assert match_skeleton(make_set(keypoints=("beak",)), bird, whole=True).categories[0].keypoints == ("beak",)


def test_the_list_is_a_table(tmp_path):
    write_skipped([Skipped("a,b.png", 'why "so"\x1b')], tmp_path / "n.csv")
    with (tmp_path / "n.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [["file", "reason"], ["a,b.png", 'why "so"\\x1b']]
