"""Results of our own as labels: what lies in no picture is listed, and costs nobody else."""

import json

import pytest

from nimblepose.core.errors import MediaError
from nimblepose.labels.readers import read_labels
from nimblepose.results.tables import COLUMNS

HEADER = {
    "format": "nimblepose", "version": 2, "model": "m", "source": "a.mp4", "rate": 25, "started": None,
    "skeletons": {"s": {"name": "s", "keypoints": ["nose", "ear"], "limbs": [["nose", "ear"]]}},
}  # fmt: skip


def person(x, number):
    return {
        "score": 0.5,
        "track_id": number,
        "box": None,
        "keypoints": [{"name": "nose", "x": x, "y": 2, "score": 0.5}],
    }


def test_a_place_in_no_picture_is_listed(tmp_path):
    path = tmp_path / "a.poses.jsonl"
    frame = {
        "frame": 3,
        "time": 0.12,
        "height": 9,
        "width": 9,
        "skeleton": "s",
        "people": [person(1e9, 1), person(4, 2)],
    }
    path.write_text(json.dumps({"header": HEADER, **frame}) + "\n")
    labels = read_labels(path)
    assert [label.identity for label in labels.pictures[0].labels] == ["person2"]
    (one,) = labels.skipped
    assert one.file == f"{path}, frame 3"
    assert one.reason == "a place is further than 100000 pixels away"


@pytest.mark.parametrize("x", ["inf", "-inf", "nan"])
def test_a_keypoint_at_infinity_is_refused(tmp_path, x):
    path = tmp_path / "a.poses.csv"
    path.write_text(",".join(COLUMNS) + f"\na.mp4,1,0.04,1,0.5,nose,{x},2,0.5,FALSE,\n")
    with pytest.raises(MediaError, match=f"not what --format csv writes .a keypoint at {x}, 2.0"):
        read_labels(path)


def test_a_table_before_keypoints_had_errors_is_known(tmp_path):
    path = tmp_path / "a.poses.csv"
    path.write_text(",".join(COLUMNS[:-1]) + "\na.mp4,1,0.04,1,0.5,nose,1,2,0.5,FALSE\n")
    (label,) = read_labels(path).pictures[0].labels
    assert label.keypoint_errors is None
    assert label.xy[0].tolist() == [1, 2]


def test_what_is_said_of_a_long_value_is_short(tmp_path):
    path = tmp_path / "a.poses.csv"
    path.write_text(",".join(COLUMNS) + f"\na.mp4,1,{'[' * 5000},1,0.5,nose,1,2,0.5,FALSE,\n")
    with pytest.raises(MediaError) as caught:
        read_labels(path)
    assert len(str(caught.value)) < 500
