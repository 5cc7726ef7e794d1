"""The page's looks are those of Python: the same passes, the same canvas, the same people put together."""

import json

import numpy as np
import pytest

from nimblepose.core.geometry import Placement
from nimblepose.core.metadata import ModelMetadata
from nimblepose.core.skeleton import HUMAN_18, Skeleton
from nimblepose.media.pictures import read_picture
from nimblepose.runtime.estimator import PoseEstimator
from nimblepose.runtime.prepare import resize
from nimblepose.web.model_facts import describe_model


@pytest.fixture(scope="module")
def people(request):
    return read_picture(request.config.rootpath / "examples/people.jpg")


class Recording:
    """A backend that notes what it was given and what it said."""

    def __init__(self, backend):
        self.backend, self.metadata, self.callers, self.runs = backend, backend.metadata, backend.callers, []

    def run(self, batch):
        fields = self.backend.run(batch)
        self.runs.append((batch.copy(), fields))
        return fields


def make_pictures(people):
    """Large and small people, many, cut off, in strips and panoramas, and nobody."""
    tiny = np.full((720, 960, 3), 90, np.uint8)
    far = resize(people, (people.shape[0] // 8, people.shape[1] // 8))
    tiny[100 : 100 + far.shape[0], 200 : 200 + far.shape[1]] = far
    crowd = np.concatenate([np.concatenate([people[::3, ::3]] * 4, axis=1)] * 3)
    return {
        "whole": people, "mirrored": people[:, ::-1], "left": people[:, :330], "halved": people[::2, ::2],
        "in the distance": tiny, "crowd": crowd, "panorama": np.concatenate([people] * 3, axis=1),
        "tower": np.concatenate([people[:, 330:680]] * 4), "nobody": np.full((300, 400, 3), 128, np.uint8),
        "small": resize(people, (60, 96)), "close": people[:250, 100:400],
    }  # fmt: skip


def check_same_people(found, poses, name):
    """In about the same order: of copies in one picture, scores are equal but for the last digits."""
    np.testing.assert_allclose([one["score"] for one in found], poses.scores, atol=1e-4, err_msg=name)
    keypoints = np.array([[np.nan if v is None else v for v in one["keypoints"]] for one in found])
    keypoints = keypoints.reshape(poses.keypoints.shape)
    for right in poses:
        off = np.abs(np.nan_to_num(keypoints, nan=-1e4) - np.nan_to_num(right.keypoints, nan=-1e4)).max(axis=(1, 2))
        nearest = int(off.argmin())
        assert off[nearest] < 0.01, name
        np.testing.assert_allclose(found[nearest]["scores"], right.keypoint_scores, atol=1e-4, err_msg=name)


@pytest.mark.parametrize("quality", ["fast", "balanced", "best"])
def test_people_are_looked_at_again_as_in_python(node, people, quality):
    estimator = PoseEstimator(quality=quality, threads=1)
    model, jobs, expected = node.add_model(estimator.metadata), [], []
    for number, (name, picture) in enumerate(make_pictures(people).items()):
        if quality == "best" and number % 3:
            continue
        picture = np.ascontiguousarray(picture)
        recording = Recording(estimator.backend)
        poses = estimator.estimate(picture, recording)
        runs = []
        for run, (batch, fields) in enumerate(recording.runs):
            own = f"{number}.{run}"
            node.add_array(f"{own}.input", batch)
            node.add_array(f"{own}.heatmaps", fields.heatmaps)
            node.add_array(f"{own}.pafs", fields.pafs)
            runs.append({"name": own, "size": fields.heatmaps.shape[2:]})
        node.add_array(f"{number}.picture", picture)
        jobs.append({"do": "observe", "model": model, "picture": f"{number}.picture", "quality": quality, "runs": runs,
                     "width": picture.shape[1], "height": picture.shape[0]})  # fmt: skip
        expected.append((name, poses, recording.runs))
    looks = 0
    for found, (name, poses, runs) in zip(node.run(jobs), expected, strict=True):
        assert [one["dims"] for one in found["inputs"]] == [list(batch.shape) for batch, _ in runs], name
        assert all(one["off"] < 0.001 for one in found["inputs"]), name
        boxes = np.array(found["looks"], float).reshape(-1, 4)
        np.testing.assert_array_equal(np.c_[boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], poses.looks, name)
        looks += len(boxes)
        assert len(found["people"]) == len(poses), name
        check_same_people(found["people"], poses, name)
    assert looks >= 8


def test_passes_cover_pictures_as_in_python(node):
    sizes = [(480, 640), (427, 640), (1080, 1920), (100, 3000), (3000, 100), (17, 23), (333, 500), (1, 1)]
    cases = [(size, pixels) for size in sizes for pixels in (40_000, 87_000, 348_000)]
    found = node.run([{"do": "cover", "image": size, "pixels": pixels, "stride": 8} for size, pixels in cases])
    assert found == [list(Placement.cover(size, pixels).input_size) for size, pixels in cases]


def test_the_page_looks_as_python_does_if_nothing_is_asked():
    """A model says by its metadata what that is."""

    def describe(**changes):
        return describe_model(ModelMetadata(skeleton=HUMAN_18, **changes), name="x", file=None)

    plain = describe()
    assert plain["quality"] == "balanced"
    assert set(plain["qualities"]) == {"fast", "balanced", "best"}
    assert plain["frame_height"] == 256
    small = describe(best_size=80.0)
    assert small["quality"] == "balanced"
    assert small["qualities"]["balanced"]["looks"]["sizes"] == [80.0]
    assert small["qualities"]["balanced"]["passes"] == [21_750]
    made = describe(input_height=224)
    assert made["quality"] is None, "one pass at the height that it was made for"
    assert made["frame_height"] == 224


def test_without_a_mirror_image_there_is_no_quality_that_needs_one():
    lame = Skeleton(
        "lame", ("left", "right", "tail"), (("left", "tail"), ("right", "left")), mirror_pairs=(("left", "right"),)
    )
    facts = describe_model(ModelMetadata(skeleton=lame), name="x", file=None)
    assert facts["mirror"] is None
    assert set(facts["qualities"]) == {"fast", "balanced"}
    assert json.dumps(facts)
