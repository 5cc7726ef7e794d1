"""Every tool's own form of the same scene is read as the same labels, but for what the tool cannot say."""

import dataclasses

import numpy as np
import pytest
from mouse_scene import (
    FRAMES,
    KEYPOINTS,
    VIDEOS,
    expected,
    file_name,
    seen_in,
    write_coco,
    write_cvat,
    write_dlc,
    write_label_studio,
    write_labelme,
    write_yolo,
)

from nimblepose.core.errors import DataError, OptionError
from nimblepose.labels.readers import READERS, find_reader, read_labels
from nimblepose.labels.writing import leave_out_found

WRITERS = {
    "dlc": write_dlc,
    "coco": write_coco,
    "cvat": write_cvat,
    "label-studio": write_label_studio,
    "labelme": write_labelme,
    "yolo": write_yolo,
}
HOLDS = {  # of what the scene has: hidden keypoints, names of animals
    "dlc": {"hidden": 2, "names": True},
    "coco": {"hidden": 1, "names": True},
    "cvat": {"hidden": 1, "names": False},
    "label-studio": {"hidden": 2, "names": False},
    "labelme": {"hidden": 1, "names": False},
    "yolo": {"hidden": 1, "names": False},
}


@pytest.fixture(params=WRITERS)
def scene(request, tmp_path):
    """Name of the tool, and a folder of it."""
    return request.param, WRITERS[request.param](tmp_path)


def by_place(labels, tool):
    """Whose pictures lie in one folder, or in folders of splits, are told by their names."""
    if tool not in ("label-studio", "yolo"):
        return labels
    names = {"train": "left", "val": "right"}
    pictures = [
        dataclasses.replace(p, video=next((v for k, v in names.items() if k in p.name or v in p.name), ""))
        for p in labels.pictures
    ]
    return dataclasses.replace(labels, pictures=tuple(pictures))


def test_the_tool_is_seen_and_everything_is_where_it_was(scene):
    tool, folder = scene
    assert [reader.name for reader in READERS if reader.detect(folder)] == [tool]
    labels = by_place(read_labels(folder), tool)
    assert labels.tool == tool
    assert labels.skipped == ()
    holds = HOLDS[tool]
    assert seen_in(labels, names=holds["names"]) == expected(**holds)


def test_pictures_are_those_of_their_video(scene):
    tool, folder = scene
    labels = by_place(read_labels(folder), tool)
    assert len({picture.name for picture in labels.pictures}) == len(VIDEOS) * FRAMES
    import cv2

    for picture in labels.pictures:
        value = 10 + 20 * picture.frame + VIDEOS.index(picture.video)
        assert (cv2.imread(str(picture.file)) == value).all(), picture


def test_the_category_has_its_keypoints(scene):
    tool, folder = scene
    (category,) = read_labels(folder).categories
    never_seen = {"labelme", "label-studio"}  # which know the names of points alone
    assert category.keypoints == KEYPOINTS[: 2 if tool in never_seen else 3]
    assert category.name == ("animal" if tool == "labelme" else "mouse")


def test_a_missing_picture_costs_no_other_label(scene):
    tool, folder = scene
    gone = next(path for path in sorted(folder.rglob("*.png")) if file_name(1) in path.name)
    gone.unlink()
    labels = by_place(read_labels(folder), tool)
    holds = HOLDS[tool]
    wanted = expected(**holds)
    if tool == "yolo":  # fractions of a picture that is not there mean nothing, and a folder does not list it
        assert seen_in(labels, names=False).items() < wanted.items()
        return
    assert seen_in(labels, names=holds["names"]) == wanted


def test_from_names_the_tool_or_says_which_there_are(tmp_path):
    write_dlc(tmp_path)
    assert find_reader(tmp_path, "dlc").name == "dlc"
    with pytest.raises(OptionError, match="unknown tool 'dcl'; choose from dlc, slp"):
        find_reader(tmp_path, "dcl")


def test_several_tools_or_none_are_asked_about(tmp_path):
    with pytest.raises(DataError, match="no labels of a tool we know; say whose with --from"):
        find_reader(tmp_path)
    with pytest.raises(DataError, match="is not there"):
        find_reader(tmp_path / "nowhere")
    write_dlc(tmp_path)
    write_yolo(tmp_path)
    with pytest.raises(DataError, match=r"several tools \(dlc, yolo\)"):
        find_reader(tmp_path)


@pytest.mark.parametrize("layout", ["images/{split}", "{split}/images"])
@pytest.mark.parametrize("width", [2, 3])
def test_yolo_in_both_layouts_and_both_widths(tmp_path, layout, width):
    """sleap-io 0.9.5 finds no instance in Ultralytics' own layout."""
    labels = by_place(read_labels(write_yolo(tmp_path, layout=layout, width=width)), "yolo")
    hidden = 1 if width == 3 else 2
    assert seen_in(labels, names=False) == expected(hidden=hidden, names=False)


def test_yolo_lines_that_cannot_be_are_listed(tmp_path):
    write_yolo(tmp_path)
    path = tmp_path / "labels" / "train" / "img001.txt"
    good = path.read_text().splitlines()[0]
    path.write_text(f"{good}\n7{good[1:]}\n{good} 1\n{good.replace('2.0', '0.05')}\n{good.replace('2.0', '2,0')}\n")
    skipped = [one.reason for one in read_labels(tmp_path).skipped]
    assert [reason.split(",")[0] for reason in skipped] == [
        "class 7 is not among the names",
        "15 numbers",
        "visibility must be 0",
        "expected a number with a decimal point",
    ]


def test_label_studio_takes_one_annotator_and_lists_the_other(tmp_path):
    write_label_studio(tmp_path)
    import json

    path = tmp_path / "project.json"
    tasks = json.loads(path.read_text())
    second = {**tasks[1]["annotations"][0], "id": 99, "ground_truth": True, "completed_by": {"email": "bo@x"}}
    tasks[1]["annotations"].append(second)
    tasks[2]["annotations"][0]["was_cancelled"] = True
    path.write_text(json.dumps(tasks))
    labels = read_labels(tmp_path)
    assert {label.scorer for label in labels.pictures[1].labels} == {"bo@x"}
    assert [len(picture.labels) for picture in labels.pictures[:3]] == [0, 2, 0]
    assert [picture.partial for picture in labels.pictures[:3]] == [False, False, True], "who skips a task says nothing"
    assert "a second one of the same picture" in labels.skipped[0].reason


def test_label_studio_knows_predictions_that_nobody_has_submitted_yet_from_labels(tmp_path):
    write_label_studio(tmp_path)
    import json

    path = tmp_path / "project.json"
    tasks = json.loads(path.read_text())
    results = tasks[1].pop("annotations")[0]["result"]
    tasks[1] |= {"annotations": [], "predictions": [{"result": results, "score": 0.75, "model_version": "mice-2"}]}
    tasks[4]["predictions"] = [{"result": results}]  # of which somebody has made labels
    path.write_text(json.dumps(tasks))
    labels = read_labels(tmp_path)
    found = [
        (i, one.score, one.scorer) for i, p in enumerate(labels.pictures) for one in p.labels if one.score is not None
    ]
    assert found == [(1, 0.75, "mice-2")] * len(labels.pictures[1].labels)
    assert found
    left = leave_out_found(labels)
    assert [p.name for p in left.pictures] == [p.name for i, p in enumerate(labels.pictures) if i != 1]
    assert "--predicted takes them" in left.skipped[-1].reason


def test_label_studio_points_of_one_name_without_an_animal_are_listed(tmp_path):
    write_label_studio(tmp_path)
    path = tmp_path / "project.json"
    path.write_text(path.read_text().replace('"parentID"', '"noParent"'))
    labels = read_labels(tmp_path)
    assert any("a second 'nose' of one animal" in one.reason for one in labels.skipped)


def test_label_studio_relations_and_the_file_before_the_upload(tmp_path):
    """As in a project that came from DeepLabCut: points are joined to rectangles by relations."""
    import json

    write_label_studio(tmp_path)
    path = tmp_path / "project.json"
    tasks = json.loads(path.read_text())
    for task in tasks:
        results = task["annotations"][0]["result"]
        points = [one for one in results if "parentID" in one]
        results += [{"type": "relation", "from_id": one["id"], "to_id": one.pop("parentID")} for one in points]
        name = task["data"]["img"].rsplit("-", 1)[1]
        task["meta"] = {"original_file": f"labeled-data/{name.replace('_', '/')}"}
    path.write_text(json.dumps(tasks))
    labels = read_labels(tmp_path)
    assert labels.skipped == ()
    assert seen_in(labels, names=False) == expected(hidden=2, names=False)
    assert all(picture.file.is_file() for picture in labels.pictures)


def test_cvat_polygons_and_loose_points_are_listed(tmp_path):
    write_cvat(tmp_path)
    path = tmp_path / "annotations.xml"
    shapes = '<polygon label="cage" points="1,2;3,4;5,6"/><points label="nose" points="1,2"/></image>'
    path.write_text(path.read_text().replace("</image>", shapes, 1))
    reasons = [one.reason for one in read_labels(tmp_path).skipped]
    assert reasons == ["a polygon 'cage' is no skeleton", "a points 'nose' is no skeleton"]


def test_a_size_of_cvat_that_cannot_be_is_told_and_the_video_has_its_own(tmp_path):
    size = "<original_size><width>true</width><height>48</height></original_size>"
    skeleton = '<skeleton frame="0"><points label="nose" outside="0" points="1.5,2.5"/></skeleton>'
    track = f'<track id="1" label="mouse">{skeleton}</track>'
    (tmp_path / "a.xml").write_text(f"<annotations><meta><task>{size}</task></meta>{track}</annotations>")
    labels = read_labels(tmp_path / "a.xml")
    assert labels.pictures[0].size is None
    assert labels.label_count == 1
    assert "original_size: width: expected a whole number" in labels.skipped[0].reason


def test_cvat_outside_is_not_labelled_and_occluded_is_hidden(tmp_path):
    """interop: datumaro makes loose points of v = 2 of it."""
    write_cvat(tmp_path)
    labels = read_labels(tmp_path)
    first = labels.pictures[1].labels[0]
    assert first.visibility.tolist() == [2, 1, 0]
    assert np.isnan(first.xy[2]).all()
    assert labels.categories[0].limbs == (("nose", "ear"),)


def test_cvat_tracks_of_a_video(tmp_path):
    points = "".join(
        f'<points label="{k}" outside="0" occluded="0" keyframe="1" points="{i}.50,20.50"/>'
        for i, k in enumerate(("nose", "ear"), 10)
    )
    gone = points.replace('outside="0"', 'outside="1"')
    (tmp_path / "annotations.xml").write_text(
        "<annotations><meta><task><original_size><width>64</width><height>48</height></original_size></task>"
        "<source>day1.mp4</source></meta>"
        f'<track id="5" label="mouse"><skeleton frame="3" keyframe="1">{points}</skeleton>'
        f'<skeleton frame="4" keyframe="1">{gone}</skeleton></track></annotations>'
    )
    (picture,) = read_labels(tmp_path).pictures
    assert (picture.video, picture.frame, picture.size) == ("day1", 3, (48, 64))
    assert picture.labels[0].identity == "5"
    np.testing.assert_array_equal(picture.labels[0].xy, [[10, 20], [11, 20]])


def test_an_xml_with_entities_is_refused(tmp_path):
    (tmp_path / "a.xml").write_text('<!DOCTYPE a [<!ENTITY b "c">]><annotations>&b;</annotations>')
    with pytest.raises(DataError, match="DOCTYPE"):
        read_labels(tmp_path, "cvat")


def test_labelme_rectangles_name_the_animal_and_what_is_no_point_is_listed(tmp_path):
    import json

    write_labelme(tmp_path)
    path = tmp_path / "left" / "img001.json"
    content = json.loads(path.read_text())
    content["shapes"] += [
        {"label": "mouse", "points": [[30, 40], [10, 20]], "group_id": 1, "shape_type": "rectangle"},
        {"label": "cage", "points": [[0, 0], [1, 0], [1, 1]], "group_id": None, "shape_type": "polygon"},
        {"label": "nose", "points": [[3, 3]], "group_id": 1, "shape_type": "point", "flags": {}},
    ]
    path.write_text(json.dumps(content))
    labels = read_labels(tmp_path)
    mouse = next(label for p in labels.pictures for label in p.labels if label.category == "mouse")
    assert mouse.box.tolist() == [10, 20, 20, 20]
    assert [one.reason for one in labels.skipped] == [
        "shape 6: a polygon 'cage' is no point",
        "shape 7: a second 'nose' of group_id 1; give each animal a group_id of its own",
    ]


def test_labelme_pictures_that_lie_in_the_file(tmp_path):
    import base64
    import json

    write_labelme(tmp_path)
    path = tmp_path / "left" / "img002.json"
    picture = path.with_suffix(".png")
    data = picture.read_bytes()
    path.write_text(json.dumps({**json.loads(path.read_text()), "imageData": base64.b64encode(data).decode()}))
    picture.unlink()
    read = next(p for p in read_labels(tmp_path).pictures if p.name == "left/img002.png")
    assert read.content() == data


def test_coco_keeps_categories_crowds_and_boxes_and_lists_the_rest(tmp_path):
    import json

    write_coco(tmp_path)
    path = tmp_path / "mice.json"
    coco = json.loads(path.read_text())
    coco["categories"] += [{"id": 9, "name": "cat", "keypoints": list(KEYPOINTS)}, {"id": 10, "name": "cage"}]
    place = [1, 2, 2, 3, 4, 1, 7, 8, 0]
    coco["annotations"] += [
        {"id": 90, "image_id": 0, "category_id": 9, "keypoints": place},
        {"id": 91, "image_id": 0, "category_id": 10, "bbox": [1, 2, 3, 4]},
        {"id": 92, "image_id": 0, "category_id": 4, "iscrowd": 1, "bbox": [1, 2, 3, 4], "segmentation": [[1, 2, 3]]},
        {"id": 93, "image_id": 77, "category_id": 4},
        {"id": 94, "image_id": 0, "category_id": 4, "keypoints": [1, 2, 3]},
    ]  # fmt: skip
    path.write_text(json.dumps(coco))
    labels = read_labels(tmp_path)
    assert [category.name for category in labels.categories] == ["mouse", "cat"]
    cat, crowd = labels.pictures[0].labels
    assert cat.visibility.tolist() == [2, 1, 0]
    np.testing.assert_array_equal(cat.xy, [[0.5, 1.5], [2.5, 3.5], [6.5, 7.5]])  # v = 0 keeps its place
    assert crowd.extra["iscrowd"] == 1
    assert [one.reason.split(":")[0] for one in labels.skipped] == [
        "annotation 93",
        "annotation 94",
        "1 annotations of category 10, which has no keypoints",
    ]


def test_coco_of_label_studio_is_warned_of(tmp_path):
    import json

    write_coco(tmp_path)
    path = tmp_path / "mice.json"
    path.write_text(path.read_text().replace('"name": "mouse"', '"name": "default"'))
    assert json.loads(path.read_text())["categories"][0]["name"] == "default"
    assert "two animals become one" in read_labels(tmp_path).skipped[0].reason
