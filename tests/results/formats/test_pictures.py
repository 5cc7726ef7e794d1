"""What is written is read back by the usual reader, and equals what was found."""

import io
import json

import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest

from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import COCO_17, HUMAN_18, Skeleton
from nimblepose.results.formats import FORMATS
from nimblepose.results.formats.coco import coco_results
from nimblepose.results.formats.csv_table import tidy_csv
from nimblepose.results.formats.openpose import openpose_json
from nimblepose.results.formats.own import own_json
from nimblepose.results.formats.parquet import stream_parquet, tidy_parquet
from nimblepose.results.output_format import Header, PictureResult
from nimblepose.results.tables import COLUMNS

HEADER = Header(model="some-model", skeletons=(HUMAN_18,))

SIZE = (480, 640)


@pytest.fixture
def result():
    rng = np.random.default_rng(3)
    keypoints = rng.uniform(0, 480, (3, 18, 2)).astype(np.float32)
    keypoints[0, 4] = keypoints[2, :9] = np.nan
    scores = np.where(np.isnan(keypoints[..., 0]), 0, rng.uniform(0.1, 1, (3, 18))).astype(np.float32)
    poses = Poses(HUMAN_18, keypoints, scores, scores.mean(1))
    return PictureResult("ä folder/000000000139.jpg", SIZE, poses, 139)


@pytest.fixture
def nobody():
    return PictureResult("empty.png", (10, 20), Poses.empty(HUMAN_18), 1)


def test_own_json_holds_everything(result, nobody):
    document = json.loads(own_json([result, nobody], HEADER))
    assert (document["format"], document["version"], document["model"]) == ("nimblepose", 2, "some-model")
    assert Skeleton.from_dict(document["skeletons"]["human18"]) == HUMAN_18
    first, second = document["pictures"]
    assert (first["file"], first["height"], first["width"]) == (result.file, *SIZE)
    assert second["people"] == []
    for person, keypoints in zip(first["people"], result.poses.keypoints, strict=True):
        points = {point["name"]: point for point in person["keypoints"]}
        assert len(points) == len(person["keypoints"])
        for name, expected in zip(HUMAN_18.keypoints, keypoints, strict=True):
            if np.isnan(expected[0]):
                assert name not in points
            else:
                np.testing.assert_allclose([points[name]["x"], points[name]["y"]], expected, atol=0.0051)


def test_coco_results_load_in_pycocotools(result, nobody, tmp_path):
    from pycocotools.coco import COCO

    truth = {
        "images": [{"id": 139, "height": 480, "width": 640}, {"id": 285, "height": 10, "width": 20}],
        "annotations": [],
        "categories": [{"id": 1, "name": "person", "keypoints": list(COCO_17.keypoints), "skeleton": []}],
    }
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    (tmp_path / "results.json").write_bytes(
        coco_results([result, PictureResult("285.png", (10, 20), nobody.poses, 285)], HEADER)
    )
    loaded = COCO(tmp_path / "truth.json").loadRes(str(tmp_path / "results.json"))
    rows = loaded.loadAnns(loaded.getAnnIds(imgIds=[139]))
    assert len(rows) == 3
    assert loaded.getAnnIds(imgIds=[285]) == []
    best = int(result.poses.scores.argmax())
    nose = np.array(max(rows, key=lambda row: row["score"])["keypoints"][:2])
    np.testing.assert_allclose(nose, result.poses.keypoints[best, HUMAN_18.keypoints.index("nose")] + 0.5, atol=0.001)


def test_coco_results_name_their_picture_and_hold_everybody(result):
    crowd = PictureResult("odd.jpg", SIZE, result.poses[np.arange(36) % 3], 5)
    rows = json.loads(coco_results([crowd, result], HEADER))
    assert [(row["image_id"], row["file_name"]) for row in rows] == [(5, crowd.file)] * 36 + [(139, result.file)] * 3


def test_openpose_json_has_the_canvas_and_triples(result):
    document = json.loads(openpose_json(result))
    assert (document["canvas_height"], document["canvas_width"]) == SIZE
    rows = np.array([person["pose_keypoints_2d"] for person in document["people"]]).reshape(-1, 18, 3)
    found = result.poses.found
    np.testing.assert_allclose(rows[found][:, :2], result.poses.keypoints[found], atol=1e-3)
    np.testing.assert_array_equal(rows[~found], 0)


def test_csv_loads_in_pandas(result, nobody):
    table = pd.read_csv(io.BytesIO(tidy_csv([result, nobody], HEADER)))
    assert tuple(table.columns) == COLUMNS
    assert len(table) == result.poses.found.sum()
    assert set(table.file) == {result.file}
    row = table[(table.person == 1) & (table.keypoint == "left_knee")].iloc[0]
    expected = result.poses.keypoints[1, HUMAN_18.keypoints.index("left_knee")]
    np.testing.assert_allclose([row.x, row.y], expected, atol=0.0051)


def test_parquet_of_pictures_has_the_rows_of_the_csv_with_places_in_full_precision(result, nobody, tmp_path):
    (tmp_path / "a.parquet").write_bytes(tidy_parquet([result, nobody], HEADER))
    table = pd.read_parquet(tmp_path / "a.parquet")
    plain = pd.read_csv(io.BytesIO(tidy_csv([result, nobody], HEADER)))
    assert tuple(table.columns) == COLUMNS
    for column in set(COLUMNS) - {"x", "y", "error"}:
        assert table[column].tolist() == plain[column].tolist(), column
    assert table["error"].isna().all()
    assert plain["error"].isna().all()
    np.testing.assert_array_equal(table[["x", "y"]], result.poses.keypoints[result.poses.found])


def test_parquet_of_pictures_lists_those_of_nobody_too(result, nobody, tmp_path):
    (tmp_path / "a.parquet").write_bytes(tidy_parquet([result, nobody], HEADER))
    header = json.loads(pyarrow.parquet.read_schema(tmp_path / "a.parquet").metadata[b"nimblepose"])
    assert header == HEADER.to_dict() | {
        "pictures": [{"file": r.file, "height": r.size[0], "width": r.size[1]} for r in (result, nobody)]
    }


def test_pieces_of_a_file_about_many_pictures_are_the_file(result, nobody, monkeypatch):
    monkeypatch.setattr("nimblepose.results.formats.parquet._TABLE_GROUP", 40)
    for given in ([], [nobody], [result, nobody, result]):
        for chosen in FORMATS:
            if chosen.folder and chosen.folder.stream:
                pieces = list(chosen.folder.stream(given, HEADER))
                assert b"".join(pieces) == chosen.folder.make(given, HEADER), chosen.name
    document = json.loads(own_json([result, nobody, result], HEADER))
    assert [len(picture["people"]) for picture in document["pictures"]] == [3, 0, 3]
    data = b"".join(stream_parquet([result, nobody, result], HEADER))
    assert pyarrow.parquet.ParquetFile(io.BytesIO(data)).metadata.num_row_groups > 1
    table = pyarrow.parquet.read_table(io.BytesIO(data))
    assert len(table) == 2 * int((~np.isnan(result.poses.keypoints[..., 0])).sum())
