"""Analysts' readers, with their defaults, find in our files what was found: each test is a way in which one did not."""

import json
import re

import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest

from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import Skeleton
from nimblepose.media.frames import Stamp
from nimblepose.results.formats.coco import coco_results
from nimblepose.results.formats.csv_table import TidyCsv
from nimblepose.results.formats.own import JsonLines
from nimblepose.results.formats.parquet import ParquetTable
from nimblepose.results.output_format import Header
from nimblepose.results.picture_sink import PictureSink, SinkOptions

CAT = Skeleton(
    "cat", ("nose", "left_ear", "right_ear", "tail_base", "tail"),
    (("nose", "left_ear"), ("nose", "right_ear"), ("nose", "tail_base"), ("tail_base", "tail")),
)  # fmt: skip
HEADER = Header(model="m", skeletons=(CAT,), source="cats, two.mp4", rate=30000 / 1001)
SCORE = 0.5


def cats(number):
    """0 to 2 in a frame, of which keypoints are missing: the nose always up to frame 100, the tail often."""
    rng = np.random.default_rng(number)
    n = number % 3
    keypoints = rng.uniform(0, 500, (n, 5, 2)).astype(np.float32)
    keypoints[:, [0, 4]] = np.where(rng.random((n, 2, 1)) < (0.5 if number > 100 else 2), np.nan, keypoints[:, [0, 4]])
    scores = np.where(np.isnan(keypoints[..., 0]), 0, rng.uniform(0.1, 1, (n, 5))).astype(np.float32)
    flags = ~np.isnan(keypoints[..., 0]) & (rng.random((n, 5)) < 0.1)
    return Poses(CAT, keypoints, scores, rng.uniform(0.3, 1, n).astype(np.float32), np.arange(n) + 1, flags)


FRAMES = [(Stamp(n, n * 1001 / 30000, (480, 640)), cats(n)) for n in range(300)]
MAKERS = {"jsonl": JsonLines, "csv": TidyCsv, "parquet": ParquetTable}


def write(folder, frames=FRAMES):
    for ending, make in MAKERS.items():
        file = make(folder / f"a.{ending}", HEADER)
        for stamp, poses in frames:
            file.add(stamp, poses)
        file.finish()
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write(tmp_path_factory.mktemp("read"))


@pytest.fixture
def ask():
    """The rows that DuckDB answers with, of files in the working folder."""
    connection = pytest.importorskip("duckdb").connect()
    return lambda query: connection.sql(query).fetchall()


@pytest.fixture
def polars():
    return pytest.importorskip("polars")


def noses(frames=FRAMES):
    return sum(int(poses.found[:, 0].sum()) for _, poses in frames)


def good(frames=FRAMES):
    return sum(int((poses.scores.round(4) > SCORE).sum()) for _, poses in frames)


def test_what_is_rare_is_there():
    assert noses(FRAMES[:100]) == 0, "polars learns the fields of JSON Lines from the first 100"
    assert noses() > 20


# JSON Lines ----------------------------------------------------------------------------------------------------------


def test_polars_finds_every_nose_and_score_in_json_lines(folder, polars):
    frames = polars.read_ndjson(folder / "a.jsonl")
    assert (frames.height, frames["frame"].dtype) == (300, polars.Int64), "a line per frame and no other"
    people = frames.select("people").explode("people").drop_nulls().unnest("people")
    points = people.select("keypoints").explode("keypoints").unnest("keypoints")
    assert (points["name"] == "nose").sum() == noses()
    assert (people["score"] > SCORE).sum() == good()
    assert points["interpolated"].sum() == sum(poses.interpolated.sum() for _, poses in FRAMES)


def test_duckdb_finds_every_nose_and_score_in_json_lines(folder, ask, monkeypatch):
    monkeypatch.chdir(folder)
    people = ask("SELECT count(*) FROM (SELECT unnest(people) AS person FROM 'a.jsonl') WHERE person.score > 0.5")
    points = ask(
        "SELECT point.name FROM (SELECT unnest(person.keypoints) AS point FROM"
        " (SELECT unnest(people) AS person FROM 'a.jsonl')) WHERE point.name = 'nose'"
    )
    assert (people, len(points)) == ([(good(),)], noses())


def test_pandas_reads_a_line_per_frame_with_whole_numbers(folder):
    frames = pd.read_json(folder / "a.jsonl", lines=True)
    assert (len(frames), frames["frame"].dtype) == (300, np.int64)
    assert frames["people"].map(len).tolist() == [len(poses) for _, poses in FRAMES]


@pytest.fixture(scope="module")
def late(tmp_path_factory):
    """Somebody comes after 21,000 frames: DuckDB looks at 20,480 lines, polars at 100, to learn what people are."""
    empty = [(Stamp(n, n / 30, (480, 640)), Poses.empty(CAT)) for n in range(21_000)]
    frames = [(Stamp(21_000 + n, 700 + n / 30, (480, 640)), cats(n)) for n in range(300)]
    return write(tmp_path_factory.mktemp("late"), empty + frames)


def test_nobody_for_long_and_then_somebody_in_json_lines_needs_what_the_docs_say(late, ask, polars, monkeypatch):
    monkeypatch.chdir(late)
    people = "SELECT unnest(people) AS person FROM read_json('a.jsonl', sample_size = -1)"
    assert len([1 for (person,) in ask(people) if person["score"] > SCORE]) == good()
    frames = polars.read_ndjson("a.jsonl", infer_schema_length=None)
    assert (frames.select("people").explode("people").drop_nulls().unnest("people")["score"] > SCORE).sum() == good()
    with pytest.raises(polars.exceptions.ComputeError):
        polars.read_ndjson("a.jsonl")  # an error is better than fewer people


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_nobody_for_long_and_then_somebody_changes_no_table(late, ask, polars, monkeypatch, ending):
    monkeypatch.chdir(late)
    expected = sum(int(poses.found[poses.scores.round(4) > SCORE].sum()) for _, poses in FRAMES)
    rows = {
        "csv": "SELECT count(*) FROM 'a.csv' WHERE person_score > 0.5",
        "parquet": "SELECT count(*) FROM 'a.parquet' WHERE person_score > 0.5",
    }
    assert ask(rows[ending]) == [(expected,)]
    table = polars.read_csv("a.csv") if ending == "csv" else polars.read_parquet("a.parquet")
    assert (table["person_score"] > SCORE).sum() == expected


# The same numbers in every form --------------------------------------------------------------------------------------


def test_time_is_one_number_in_every_form_and_reader(folder, ask, polars, monkeypatch):
    monkeypatch.chdir(folder)
    expected = [round(stamp.time, 6) for stamp, _ in FRAMES]
    assert expected == [json.loads(line)["time"] for line in (folder / "a.jsonl").read_text().splitlines()]
    assert expected == polars.read_ndjson("a.jsonl")["time"].to_list()
    assert expected == [time for (time,) in ask("SELECT time FROM 'a.jsonl' ORDER BY frame")]
    assert expected == pd.read_json("a.jsonl", lines=True, precise_float=True)["time"].tolist(), "as the docs say"
    tables = [pd.read_csv("a.csv"), pd.read_parquet("a.parquet")]
    tables += [polars.read_csv("a.csv"), polars.read_parquet("a.parquet")]
    tables += [
        pd.DataFrame(ask(query), columns=["frame", "time"])
        for query in ("SELECT frame, time FROM 'a.csv'", "SELECT frame, time FROM 'a.parquet'")
    ]
    for table in tables:
        assert len(table) > 1000
        assert [expected[frame] for frame in table["frame"]] == list(table["time"])


def test_tables_have_the_same_columns_and_the_scores_of_the_json(folder):
    lines = [json.loads(line) for line in (folder / "a.jsonl").read_text().splitlines()]
    flat = [
        (line["frame"], line["time"], person["track_id"], person["score"], point["name"], point["score"])
        for line in lines
        for person in line["people"]
        for point in person["keypoints"]
    ]
    plain, typed = pd.read_csv(folder / "a.csv"), pd.read_parquet(folder / "a.parquet")
    assert list(plain.columns) == list(typed.columns)
    for table in (plain, typed):
        columns = table[["frame", "time", "person", "person_score", "keypoint", "score"]]
        assert list(columns.itertuples(index=False, name=None)) == flat
        assert set(table["file"]) == {"cats, two.mp4"}


def test_truth_is_written_so_that_r_takes_it_for_truth(folder, ask, polars, monkeypatch):
    flags = [flag for _, poses in FRAMES for flag in poses.interpolated[poses.found].tolist()]
    text = [line.split(",")[-2] for line in (folder / "a.csv").read_text().splitlines()[1:]]
    assert set(text) == {"TRUE", "FALSE"}
    assert [value == "TRUE" for value in text] == flags
    assert pd.read_csv(folder / "a.csv")["interpolated"].dtype == bool
    assert polars.read_csv(folder / "a.csv")["interpolated"].dtype == polars.Boolean
    monkeypatch.chdir(folder)
    assert ask("SELECT DISTINCT typeof(interpolated) FROM 'a.csv'") == [("BOOLEAN",)]


def test_no_number_has_exactly_three_decimals(folder):
    """A German LibreOffice reads 430.451 as 430451."""
    assert not re.search(r"\d[.]\d{3}(?!\d)", (folder / "a.csv").read_text())


# What has no row -----------------------------------------------------------------------------------------------------


def test_the_frames_of_nobody_are_counted_in_parquet(folder, ask, monkeypatch):
    monkeypatch.chdir(folder)
    lines = (folder / "a.jsonl").read_text().splitlines()
    header = json.loads(pyarrow.parquet.read_schema("a.parquet").metadata[b"nimblepose"])
    assert header == {**json.loads(lines[0])["header"], "frames": len(lines)}
    asked = ask("SELECT decode(value) FROM parquet_kv_metadata('a.parquet') WHERE decode(key) = 'nimblepose'")
    assert [json.loads(value) for (value,) in asked] == [header]


# COCO ----------------------------------------------------------------------------------------------------------------


def coco_of(folder, sources, failing=()):
    from nimblepose.results.formats import parse_formats

    sink = PictureSink(sources, SinkOptions(out=folder, formats=parse_formats("coco"), pictures=False), model="m")
    for source in sources:
        if source not in failing:
            sink.add(source, np.zeros((480, 640, 3), np.uint8), cats(1))
    sink.finish()
    return folder / "poses.coco.json"


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        (["x/000000000139.jpg", "odd.jpg", "x/285.png"], [139, 1, 285]),
        (["2.jpg", "odd.jpg", "1.jpg"], [2, 3, 1]),
        (["7.jpg", "x/7.png"], [1, 2]),
        (["12345678901234567890.jpg"], [1]),
        (["a.jpg", "b.jpg"], [1, 2]),
    ],
    ids=["one_odd_name", "free_numbers", "the_same_number", "too_long", "no_numbers"],
)
def test_numbers_of_pictures_follow_from_their_names(tmp_path, sources, expected):
    rows = json.loads(coco_of(tmp_path, sources).read_text())
    assert [(row["image_id"], row["file_name"]) for row in rows] == list(zip(expected, sources, strict=True))


def test_a_picture_that_fails_shifts_no_number(tmp_path):
    rows = json.loads(coco_of(tmp_path, ["a.jpg", "b.jpg", "c.jpg"], failing=["b.jpg"]).read_text())
    assert [(row["image_id"], row["file_name"]) for row in rows] == [(1, "a.jpg"), (3, "c.jpg")]


def test_pycocotools_keeps_names_and_takes_the_area_of_what_was_found(tmp_path):
    from pycocotools.coco import COCO

    from nimblepose.results.output_format import PictureResult

    keypoints = np.full((1, 5, 2), np.nan, np.float32)
    keypoints[0, :3] = [[421, 165], [454, 200], [430, 288]]
    poses = Poses(CAT, keypoints, np.full((1, 5), 0.5, np.float32), np.ones(1, np.float32))
    (tmp_path / "a.json").write_bytes(coco_results([PictureResult("a b.jpg", (480, 640), poses, 139)], HEADER))
    truth = COCO()
    truth.dataset = {"images": [{"id": 139}], "categories": [{"id": 1}], "annotations": [], "info": {}}
    truth.createIndex()
    (row,) = truth.loadRes(str(tmp_path / "a.json")).dataset["annotations"]
    assert (row["file_name"], row["area"]) == ("a b.jpg", 33 * 123)
