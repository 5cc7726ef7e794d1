"""Pictures that were picked, each with its own labels."""

import json

import numpy as np
import pytest

from nimblepose.core.skeleton import BUILT_IN
from nimblepose.labels.readers import coco
from nimblepose.media.encoding import encode_picture
from nimblepose.media.pictures import read_picture
from nimblepose.training.picked_set import write_picked


@pytest.fixture
def predicted(tmp_path):
    """Pictures of several folders, each of a grey and with somebody at an x of its own; files as they are named."""

    def write(*files):
        entries = []
        for number, (file, place) in enumerate(files):
            path = tmp_path / "photos" / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encode_picture(np.full((20, 60, 3), 10 * number, np.uint8), path.suffix))
            points = [
                {"name": name, "x": number + 1.0, "y": 5.0 + i % 3, "score": 0.9}
                for i, name in enumerate(BUILT_IN["human18"].keypoints)
            ]
            people = [{"keypoints": points, "score": 0.9}]
            entries.append({"file": file, "skeleton": "human18", "width": 60, "height": 20, "people": people})
        results = tmp_path / "poses.json"
        results.write_text(json.dumps({"format": "nimblepose", "version": 1, "pictures": entries}))
        return str(tmp_path / "photos"), results

    return write


def test_pictures_of_one_name_do_not_take_each_others_place(predicted, tmp_path):
    files = ["left/1.png", "right/1.png", "1.jpg", "a:b.png"]
    source, results = predicted(*zip(files, files, strict=True))
    assert len(write_picked(source, results, tmp_path / "next", count=9)) == 4
    pictures = coco.read(tmp_path / "next").pictures
    assert [(read_picture(one.file)[0, 0, 0], one.labels[0].xy[0, 0]) for one in pictures] == [
        (10 * number, number + 1) for number in range(4)
    ]


def test_results_of_another_system_find_their_pictures(predicted, tmp_path):
    source, results = predicted(("C:\\photos\\day\\1.png", "1.png"))
    write_picked(source, results, tmp_path / "next", count=1)
    assert [path.name for path in (tmp_path / "next" / "images").iterdir()] == ["1.png"]
