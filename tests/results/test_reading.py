"""What we wrote is read back, in this form and in the first; what is damaged is named."""

import dataclasses
import json
from datetime import UTC, datetime

import numpy as np
import pytest

from nimblepose.core.errors import MediaError
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import HUMAN_18, Skeleton
from nimblepose.media.frames import Stamp
from nimblepose.results.formats.own import JsonLines, own_json
from nimblepose.results.output_format import Header, PictureResult
from nimblepose.results.reading import ResultsFile

CAT = Skeleton("cat", ("nose", "tail"), (("nose", "tail"),))
VIDEO = Header(
    model="m", skeletons=(CAT,), source="a.mp4", rate=29.97003, started=datetime(2026, 11, 27, 1, 2, 3, 4000, UTC)
)


def cats(n, *, skeleton=CAT, track=True, interpolated=True, measured=False, seed=0):
    rng = np.random.default_rng(seed)
    k = len(skeleton.keypoints)
    keypoints = rng.uniform(0, 100, (n, k, 2)).astype(np.float32).round(2)
    keypoints[rng.random((n, k)) < 0.3] = np.nan
    scores = np.where(np.isnan(keypoints[..., 0]), 0, rng.random((n, k))).astype(np.float32).round(4)
    ids = np.arange(n) + 4 if track else None
    flags = ~np.isnan(keypoints[..., 0]) & (rng.random((n, k)) < 0.5) if interpolated else None
    errors = np.where(scores > 0.5, rng.uniform(0.1, 9, (n, k)), np.nan).astype(np.float32).round(2)
    worth = rng.random(n).astype(np.float32).round(4)
    return Poses(skeleton, keypoints, scores, worth, ids, flags, keypoint_errors=errors if measured else None)


def assert_same(found, expected):
    assert found.skeleton == expected.skeleton
    for field in ("keypoints", "keypoint_scores", "scores"):
        np.testing.assert_allclose(getattr(found, field), getattr(expected, field), atol=1e-6)
    for field in ("track_ids", "interpolated", "keypoint_errors"):
        mine, theirs = getattr(found, field), getattr(expected, field)
        assert (mine is None) == (theirs is None)
        if mine is not None:
            np.testing.assert_array_equal(mine, theirs)


def write_video(path, frames, header=VIDEO):
    file = JsonLines(path, header)
    for stamp, poses in frames:
        file.add(stamp, poses)
    file.finish()
    return path


@pytest.mark.parametrize("track", [True, False], ids=["identities", "strangers"])
@pytest.mark.parametrize("interpolated", [True, False], ids=["filled_in", "seen"])
@pytest.mark.parametrize("measured", [True, False], ids=["with_errors", "without"])
def test_a_video_comes_back(tmp_path, track, interpolated, measured):
    how = {"track": track, "interpolated": interpolated, "measured": measured}
    frames = [(Stamp(3 * n, n / 10, (480, 640)), cats(3, **how, seed=n)) for n in range(5)]
    results = ResultsFile(write_video(tmp_path / "a.jsonl", frames))
    assert results.header == VIDEO
    for _ in range(2):
        for result, (stamp, poses) in zip(results, frames, strict=True):
            place = (result.file, result.frame, result.time, result.size)
            assert place == ("a.mp4", stamp.index, stamp.time, stamp.size)
            assert_same(result.poses, poses)


def test_frames_of_nobody_come_back(tmp_path):
    path = write_video(tmp_path / "a.jsonl", [(Stamp(n, n / 10, (4, 6)), Poses.empty(CAT)) for n in range(3)])
    assert [(result.frame, len(result.poses)) for result in ResultsFile(path)] == [(0, 0), (1, 0), (2, 0)]


def test_pictures_come_back(tmp_path):
    given = [
        PictureResult("ä/a.jpg", (10, 20), cats(2, track=False, interpolated=False), 1),
        PictureResult("b.jpg", (30, 40), Poses.empty(HUMAN_18), 2),
    ]
    header = Header(model="m", skeletons=(CAT, HUMAN_18))
    (tmp_path / "a.json").write_bytes(own_json(given, header))
    results = ResultsFile(tmp_path / "a.json")
    assert results.header == header
    for result, expected in zip(results, given, strict=True):
        assert (result.file, result.size, result.frame, result.time) == (expected.file, expected.size, 0, 0)
        assert_same(result.poses, expected.poses)


def test_what_still_grows_is_read_up_to_its_last_whole_line(tmp_path):
    path = write_video(tmp_path / "a.jsonl", [(Stamp(n, n / 10, (4, 6)), cats(1)) for n in range(3)])
    path.write_bytes(path.read_bytes()[:-9])
    assert [result.frame for result in ResultsFile(path)] == [0, 1]
    path.write_bytes(b"")
    assert list(ResultsFile(path)) == []


# As version 1 wrote them ---------------------------------------------------------------------------------------------

OLD_PEOPLE = [
    {
        "score": 0.9,
        "track_id": 7,
        "box": [10.0, 20.0, 20.0, 40.0],
        "keypoints": {
            "tail": {"x": 30.0, "y": 60.0, "score": 0.75, "interpolated": True},
            "nose": {"x": 10.0, "y": 20.0, "score": 0.5},
        },
    },
    {"score": 0.4, "track_id": 3, "box": None, "keypoints": {}},
]
OLD = Poses(
    CAT,
    np.array([[[10, 20], [30, 60]], [[np.nan, np.nan]] * 2], np.float32),
    np.array([[0.5, 0.75], [0, 0]], np.float32),
    np.array([0.9, 0.4], np.float32),
    np.array([7, 3]),
    np.array([[False, True], [False, False]]),
)


def test_a_document_of_version_1(tmp_path):
    picture = {"file": "a.jpg", "height": 4, "width": 6, "skeleton": "cat", "people": OLD_PEOPLE}
    document = {"format": "nimblepose", "version": 1, "model": "m", "skeletons": {"cat": CAT.to_dict()}}
    (tmp_path / "a.json").write_text(json.dumps({**document, "pictures": [picture]}))
    results = ResultsFile(tmp_path / "a.json")
    (result,) = results
    assert (result.file, result.size, results.header) == ("a.jpg", (4, 6), Header(model="m", skeletons=(CAT,)))
    assert_same(result.poses, OLD)


def old_line(skeleton):
    return json.dumps(
        {"frame": 4, "time": 0.1668333, "height": 4, "width": 6, "skeleton": skeleton, "people": OLD_PEOPLE}
    )


def test_lines_of_version_1_need_their_skeleton(tmp_path):
    (tmp_path / "a.jsonl").write_text(old_line("cat") + "\n")
    (result,) = ResultsFile(tmp_path / "a.jsonl", CAT)
    assert (result.file, result.frame, result.time, result.size) == ("", 4, 0.1668333, (4, 6))
    assert_same(result.poses, OLD)
    with pytest.raises(MediaError, match="names the skeleton 'cat' and does not hold it"):
        list(ResultsFile(tmp_path / "a.jsonl"))


def test_lines_of_version_1_know_the_built_in_skeletons(tmp_path):
    line = json.loads(old_line("human18"))
    line["people"][0]["keypoints"] = {"neck": {"x": 1.0, "y": 2.0, "score": 0.5}}
    (tmp_path / "a.jsonl").write_text(json.dumps(line) + "\n")
    (result,) = ResultsFile(tmp_path / "a.jsonl")
    assert result.poses.keypoints[0, HUMAN_18.keypoints.index("neck")].tolist() == [1, 2]


# What cannot be ------------------------------------------------------------------------------------------------------


def damaged(line, **changes):
    return json.dumps({**json.loads(line), **changes})


GOOD = '{"frame": 0, "time": 0.0, "height": 4, "width": 6, "skeleton": "cat", "people": []}'
PERSON = {"score": 0.5, "box": None, "keypoints": [{"name": "nose", "x": 1.0, "y": 2.0, "score": 0.5}]}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[1]", "line 2: .*expected an object"),
        ("{", "line 2"),
        (GOOD.replace("0.0", "NaN"), "line 2: .*NaN is no JSON"),
        (damaged(GOOD, people=7), "line 2"),
        (damaged(GOOD, time="soon"), "line 2"),
        (damaged(GOOD, frame=None), "line 2"),
        (GOOD.replace('"height": 4, ', ""), "line 2: .*it lacks 'height'"),
        (damaged(GOOD, people=[{**PERSON, "score": None}]), "line 2"),
        (damaged(GOOD, people=[{**PERSON, "keypoints": [{"name": "beak", "x": 1, "y": 1, "score": 1}]}]), "'beak'"),
        (damaged(GOOD, people=[{**PERSON, "keypoints": [{"name": "nose", "x": 1, "y": 1}]}]), "it lacks 'score'"),
        (damaged(GOOD, people=[{**PERSON, "keypoints": ["nose"]}]), "line 2"),
        ("[" * 100_000, "line 2"),
    ],
    ids=["list", "cut", "nan", "people", "time", "frame", "size", "score", "keypoint", "lacking", "names", "deep"],
)
def test_a_damaged_line_is_named(tmp_path, line, message):
    (tmp_path / "a.jsonl").write_text(f"{GOOD}\n{line}\n")
    results = iter(ResultsFile(tmp_path / "a.jsonl", CAT))
    assert next(results).frame == 0
    with pytest.raises(MediaError, match=message):
        next(results)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.json", '{"format": "other", "pictures": []}', "no results of pictures"),
        ("a.json", "[]", "expected an object"),
        ("a.json", "\x00", "a.json"),
        (
            "a.json",
            '{"format": "nimblepose", "version": 3, "pictures": []}',
            "version 3; this nimblepose reads up to 2",
        ),
        ("a.jsonl", '{"header": {"version": 3}}\n', "version 3; this nimblepose reads up to 2"),
        ("a.jsonl", '{"header": {"version": 2, "skeletons": {"a": {}}}}\n', "missing keys"),
        ("a.jsonl", '{"header": {"version": 2, "started": "noon"}}\n', "noon"),
        ("a.jsonl", '{"header": {"version": 2, "rate": "fast"}}\n', "fast"),
    ],
)
def test_what_is_none_of_ours_is_said_at_once(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(MediaError, match=message):
        ResultsFile(tmp_path / name)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(MediaError, match=r"cannot read .*missing\.jsonl"):
        ResultsFile(tmp_path / "missing.jsonl")


def test_lines_and_documents_of_strangers_have_an_end(tmp_path, monkeypatch):
    monkeypatch.setattr("nimblepose.results.reading._MAX_LINE", 300)
    monkeypatch.setattr("nimblepose.results.reading._MAX_DOCUMENT", 300)
    (tmp_path / "a.jsonl").write_text(f"{GOOD}\n" + "[" * 400)
    with pytest.raises(MediaError, match="longer than 300 bytes"):
        list(ResultsFile(tmp_path / "a.jsonl", CAT))
    (tmp_path / "a.json").write_text("[" * 301)
    with pytest.raises(MediaError, match="larger than 300 bytes"):
        ResultsFile(tmp_path / "a.json")


def test_half_a_frame_per_second_is_a_rate(tmp_path):
    header = dataclasses.replace(VIDEO, rate=0.5, started=None)
    path = write_video(tmp_path / "a.jsonl", [(Stamp(0, 0.0, (4, 6)), cats(1))], header)
    assert ResultsFile(path).header == header
