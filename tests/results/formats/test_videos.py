"""The files of a video hold what was found, by their usual readers, complete after every frame and when finished."""

import dataclasses
import json
import re
from datetime import datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pyarrow.ipc
import pyarrow.parquet
import pytest

from nimblepose.core.errors import MediaError
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import HUMAN_18
from nimblepose.media.frames import Stamp
from nimblepose.results.formats import openpose as openpose_format
from nimblepose.results.formats.coco import CocoResults
from nimblepose.results.formats.controlnet import ControlNetFrames
from nimblepose.results.formats.csv_table import TidyCsv
from nimblepose.results.formats.openpose import OpenPoseFolder
from nimblepose.results.formats.own import JsonLines
from nimblepose.results.formats.parquet import ParquetTable
from nimblepose.results.output_format import Header
from nimblepose.results.tables import COLUMNS

HEADER = Header(model="some-model", skeletons=(HUMAN_18,), source="a clip.mp4", rate=30000 / 1001)

_POINTS = {"type": "array", "items": {"type": "number", "minimum": 0}}
OPENPOSE_SCHEMA = {  # as its documentation has it (doc/02_output.md), and the canvas fields of ControlNet tools
    "type": "object",
    "required": ["version", "people", "canvas_width", "canvas_height"],
    "properties": {
        "version": {"type": "number"},
        "canvas_width": {"type": "integer", "minimum": 1},
        "canvas_height": {"type": "integer", "minimum": 1},
        "people": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["person_id", "pose_keypoints_2d"],
                "properties": {
                    "person_id": {"type": "array", "items": {"type": "integer", "minimum": -1}, "maxItems": 1},
                    "pose_keypoints_2d": {**_POINTS, "minItems": 54, "maxItems": 54},
                    "face_keypoints_2d": _POINTS,
                    "hand_left_keypoints_2d": _POINTS,
                    "hand_right_keypoints_2d": _POINTS,
                    "pose_interpolated_2d": {"type": "array", "items": {"enum": [0, 1]}, "minItems": 18},
                },
            },
        },
    },
}


def people(ids, seed):
    """People with these identities; some keypoints not found, some interpolated."""
    rng = np.random.default_rng(seed)
    n = len(ids)
    keypoints = rng.uniform(0, 400, (n, 18, 2)).astype(np.float32)
    keypoints[rng.random((n, 18)) < 0.2] = np.nan
    found = ~np.isnan(keypoints[..., 0])
    scores = np.where(found, rng.uniform(0.1, 1, (n, 18)), 0).astype(np.float32)
    flags = found & (rng.random((n, 18)) < 0.2)
    errors = np.where(found & ~flags, rng.uniform(1, 9, (n, 18)), np.nan).astype(np.float32)
    who = np.array(ids, np.int64)
    return Poses(HUMAN_18, keypoints, scores, scores.mean(1), who, flags, keypoint_errors=errors)


FRAMES = [
    (Stamp(0, 0.0, (480, 640)), people([], 0)),
    (Stamp(2, 0.0417, (480, 640)), people([1, 2], 1)),
    (Stamp(4, 1.5, (240, 320)), people([7, 2, 1], 2)),
    (Stamp(6, 3600.25, (480, 640)), people([], 3)),
    (Stamp(8, 3600.5, (480, 640)), people([9], 4)),
]
ROWS = [
    (
        "a clip.mp4",
        stamp.index,
        stamp.time,
        person,
        round(person_score, 4),
        keypoint,
        x,
        y,
        round(score, 4),
        flag,
        None if np.isnan(error) else error,
    )
    for stamp, poses in FRAMES
    for person, person_score, keypoint, x, y, score, flag, error in poses.to_rows()
]


def json_lines(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def csv_rows(path):
    return [tuple(row) for row in pd.read_csv(path).fillna({"error": -1}).itertuples(index=False)]


def arrow_rows(path):
    with pyarrow.ipc.open_stream(path) as batches:
        return [tuple(row.values()) for batch in batches for row in batch.to_pylist()]


def coco(path):
    return json.loads(path.read_text("utf-8"))


def openpose(path):
    return {file.name: json.loads(file.read_text("utf-8")) for file in sorted(path.iterdir())}


KINDS = {  # what makes it, how it is read, and the file while it grows
    "jsonl": (JsonLines, json_lines, "a.partial.out"),
    "coco": (CocoResults, coco, "a.partial.out"),
    "openpose": (OpenPoseFolder, openpose, "a.partial.out"),
    "csv": (TidyCsv, csv_rows, "a.partial.out"),
    "parquet": (ParquetTable, arrow_rows, "a.partial.arrows"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_after_every_frame_the_growing_file_reads_as_if_it_were_complete(tmp_path, kind):
    make, read, growing = KINDS[kind]
    file = make(tmp_path / "a.out", HEADER)
    for count, (stamp, poses) in enumerate(FRAMES, 1):
        file.add(stamp, poses)
        (tmp_path / str(count)).mkdir()
        whole = make(tmp_path / str(count) / "a.out", HEADER)
        for one in FRAMES[:count]:
            whole.add(*one)
        whole.close()
        assert read(tmp_path / growing) == read(tmp_path / str(count) / growing)
    file.close()
    assert not (tmp_path / "a.out").exists(), "it gets its name when it is complete, not before"


@pytest.mark.parametrize("kind", KINDS)
def test_a_complete_file_replaces_an_older_one_and_leaves_nothing_else(tmp_path, kind):
    make, _, _ = KINDS[kind]
    for _ in range(2):
        file = make(tmp_path / "a.out", HEADER)
        file.add(*FRAMES[1])
        assert file.finish() == tmp_path / "a.out"
        assert [path.name for path in tmp_path.iterdir()] == ["a.out"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_folder_is_named(tmp_path, kind):
    with pytest.raises(MediaError, match="nowhere"):
        KINDS[kind][0](tmp_path / "nowhere" / "a.out", HEADER)


def written(file):
    for stamp, poses in FRAMES:
        file.add(stamp, poses)
    return file.finish()


def test_json_lines_hold_everything(tmp_path):
    lines = json_lines(written(JsonLines(tmp_path / "a.jsonl", HEADER)))
    assert lines[0].pop("header") == HEADER.to_dict()
    for line, (stamp, poses) in zip(lines, FRAMES, strict=True):
        place = {"frame": stamp.index, "time": stamp.time, "height": stamp.size[0], "width": stamp.size[1]}
        assert line == {**place, **poses.to_dict()}
    assert [person["track_id"] for person in lines[2]["people"]] == [7, 2, 1]
    points = [point for line in lines for person in line["people"] for point in person["keypoints"]]
    assert sum(point["interpolated"] for point in points) == sum(row[-2] for row in ROWS) > 0
    assert [point["error"] is None for point in points] == [row[-1] is None for row in ROWS]


def test_the_header_says_what_the_numbers_come_from():
    assert HEADER.to_dict() == {
        "format": "nimblepose", "version": 2, "model": "some-model", "skeletons": {"human18": HUMAN_18.to_dict()},
        "source": "a clip.mp4", "rate": 29.97003, "started": None,
    }  # fmt: skip


def test_the_time_of_day_of_live_sources_is_utc():
    berlin = timezone(timedelta(hours=1))
    started = datetime(2026, 11, 27, 0, 30, 1, 250_400, berlin)
    assert dataclasses.replace(HEADER, started=started).to_dict()["started"] == "2026-11-26T23:30:01.250Z"


def test_coco_results_load_in_pycocotools(tmp_path):
    from pycocotools.coco import COCO

    path = written(CocoResults(tmp_path / "a.json", HEADER))
    truth = COCO()
    truth.dataset = {
        "images": [{"id": stamp.index} for stamp, _ in FRAMES],
        "categories": [{"id": 1, "name": "person"}],
        "annotations": [],
        "info": {},
    }
    truth.createIndex()
    loaded = truth.loadRes(str(path))
    for stamp, poses in FRAMES:
        rows = loaded.loadAnns(loaded.getAnnIds(imgIds=[stamp.index]))
        expected = poses.to_coco(stamp.index, file_name="a clip.mp4")
        assert [{key: row[key] for key in expected[0]} for row in rows] == expected if expected else rows == []
    assert all(len(row["interpolated"]) == 17 for row in json.loads(path.read_text()))


def test_coco_results_of_nobody_are_an_empty_list(tmp_path):
    file = CocoResults(tmp_path / "a.json", HEADER)
    file.add(*FRAMES[0])
    assert json.loads(file.finish().read_text()) == []


def test_openpose_files_fit_the_schema_and_hold_what_was_found(tmp_path):
    jsonschema = pytest.importorskip("jsonschema")
    documents = openpose(written(OpenPoseFolder(tmp_path / "clip.openpose_json", HEADER)))
    assert list(documents) == [f"clip_{stamp.index:012d}_keypoints.json" for stamp, _ in FRAMES]
    for document, (stamp, poses) in zip(documents.values(), FRAMES, strict=True):
        jsonschema.validate(document, OPENPOSE_SCHEMA)
        assert document == poses.to_openpose(stamp.size)
        assert [person["person_id"] for person in document["people"]] == [[i] for i in poses.track_ids.tolist()]


def test_pose2sim_finds_the_folder_and_the_numbers_of_the_frames(tmp_path):
    """0.10 looks into folders with `json` in their names only, and sorts files by the last number of each."""
    from nimblepose.results.formats import FORMATS

    maker = next(made.video for made in FORMATS if made.name == "openpose")
    folder = written(maker.begin(tmp_path / f"cam2{maker.ending}", HEADER))
    assert "json" in folder.name
    numbers = [int(re.findall(r"[0-9]+", path.stem)[-1]) for path in sorted(folder.glob("*.json"))]
    assert numbers == [stamp.index for stamp, _ in FRAMES]


def test_openpose_leaves_other_peoples_folders_alone(tmp_path):
    (tmp_path / "clip.openpose_json").mkdir()
    (tmp_path / "clip.openpose_json" / "thesis.txt").write_text("mine")
    with pytest.raises(MediaError, match=r"thesis\.txt"):
        OpenPoseFolder(tmp_path / "clip.openpose_json", HEADER)
    assert (tmp_path / "clip.openpose_json" / "thesis.txt").read_text() == "mine"


@pytest.mark.parametrize("where", ["clip.openpose_json", "clip.partial.openpose_json"])
def test_openpose_leaves_a_file_of_that_name_alone(tmp_path, where):
    (tmp_path / where).write_text("mine")
    with pytest.raises(MediaError, match="is no folder"):
        OpenPoseFolder(tmp_path / "clip.openpose_json", HEADER)
    assert (tmp_path / where).read_text() == "mine"


def test_csv_is_tidy(tmp_path):
    table = pd.read_csv(written(TidyCsv(tmp_path / "a.csv", HEADER)))
    assert tuple(table.columns) == COLUMNS
    for column, expected in zip(COLUMNS, zip(*ROWS, strict=True), strict=True):
        if column in ("x", "y", "error"):
            np.testing.assert_allclose(table[column], np.array(expected, float), atol=0.0051)
        else:
            assert table[column].tolist() == list(expected), column


@pytest.mark.parametrize("group", [10_000, 30], ids=["one_group", "several_groups"])
def test_parquet_is_exact(tmp_path, monkeypatch, group):
    monkeypatch.setattr("nimblepose.results.formats.parquet._ROW_GROUP", group)
    path = written(ParquetTable(tmp_path / "a.parquet", HEADER))
    table = pyarrow.parquet.read_table(path)
    assert tuple(table.column_names) == COLUMNS
    assert [tuple(row.values()) for row in table.to_pylist()] == ROWS, "x and y to the last bit"
    assert tuple(pd.read_parquet(path).columns) == COLUMNS
    assert (pyarrow.parquet.ParquetFile(path).num_row_groups > 1) == (group == 30)


def test_parquet_of_nobody_has_columns_and_says_how_many_frames_there_were(tmp_path):
    file = ParquetTable(tmp_path / "a.parquet", HEADER)
    for number in range(3):
        file.add(Stamp(number, number / 30, (480, 640)), people([], 0))
    table = pyarrow.parquet.read_table(file.finish())
    assert (table.num_rows, tuple(table.column_names)) == (0, COLUMNS)
    assert json.loads(table.schema.metadata[b"nimblepose"]) == {**HEADER.to_dict(), "frames": 3}


def test_the_schema_is_strict_enough_to_refuse_a_wrong_file():
    jsonschema = pytest.importorskip("jsonschema")
    document = FRAMES[1][1].to_openpose((480, 640))
    document["people"][0]["pose_keypoints_2d"].pop()
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, OPENPOSE_SCHEMA)


def test_frames_for_controlnet_are_a_list_whole_after_each_of_them(tmp_path):
    file = ControlNetFrames(tmp_path / "a.json", HEADER)
    poses = Poses.empty(HUMAN_18)
    for number in range(3):
        file.add(Stamp(number, number / 25, (480, 640)), poses)
        (growing,) = tmp_path.iterdir()
        assert json.loads(growing.read_text()) == [poses.to_controlnet((480, 640))] * (number + 1)
    assert json.loads(file.finish().read_text()) == [poses.to_controlnet((480, 640))] * 3


def test_the_folder_is_one_that_pose2sim_looks_into(tmp_path):
    folder = OpenPoseFolder(tmp_path / f"clip{openpose_format.FORMAT.video.ending}", HEADER)
    for number in (0, 12):
        folder.add(Stamp(number, number / 25, (480, 640)), Poses.empty(HUMAN_18))
    folder.finish()
    found = [path for path in tmp_path.iterdir() if path.is_dir() and "json" in path.name]
    assert [[int(re.findall(r"\d+", file.name)[-1]) for file in sorted(path.iterdir())] for path in found] == [[0, 12]]
