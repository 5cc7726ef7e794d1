"""The page follows people as the tracker and the smoother in Python do, frame by frame."""

import dataclasses

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from standing_person import BODY

from nimblepose.core.metadata import ModelMetadata
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import HUMAN_18
from nimblepose.tracking.appearance import add_colours
from nimblepose.tracking.smoothing import OneEuroSmoother
from nimblepose.tracking.tracker import OksTracker

METADATA = ModelMetadata(skeleton=HUMAN_18)


def list_people(poses):
    def plain(values):
        return [None if np.isnan(v) else float(v) for v in np.ravel(values)]

    return [
        {"score": float(poses.scores[i]), "scores": poses.keypoint_scores[i].tolist(),
         "keypoints": plain(poses.keypoints[i]),
         "colours": None if poses.limb_colours is None else plain(poses.limb_colours[i])}
        for i in range(len(poses))
    ]  # fmt: skip


def walk(seed, *, frames=120, people=5, coloured=True, shake=0.0):
    """People who cross each other's ways, come and go, are seen in part, weakly, twice or not at all."""
    rng = np.random.default_rng(seed)
    starts, speeds = rng.uniform((0, 300), (900, 1200), (people, 2)), rng.normal(0, (90, 18), (people, 2))
    heights, clothes = rng.uniform(80, 260, people), rng.uniform(0, 255, (people, len(HUMAN_18.limbs), 3))
    camera, time = np.zeros(2), 0.0
    for number in range(frames):
        time += float(rng.choice([0.04, 0.04, 0.04, 0.08, 0.3]))
        if shake and number % 9 == 4:
            camera = camera + rng.normal(0, shake, 2)
        found, scores, colours = [], [], []
        for i in range(people):
            if (number // 25 + i) % 6 == 0 or rng.random() < 0.08:  # out of sight
                continue
            for again in range(2 if rng.random() < 0.1 else 1):
                noise = rng.normal(0, 0.01 * heights[i], (18, 2)) + again * rng.normal(0, 0.05 * heights[i], 2)
                xy = BODY * heights[i] + starts[i] + speeds[i] * time + camera + noise
                xy[rng.random(18) < rng.choice([0.1, 0.5])] = np.nan
                if np.isnan(xy[:, 0]).sum() > 15:
                    continue
                found.append(xy)
                scores.append(rng.choice([0.4, 0.6, 0.8]) + rng.uniform(0, 0.05))
                limbs = (clothes[i] + rng.normal(0, 12, clothes[i].shape)).clip(0, 255)
                limbs[np.isnan(xy[HUMAN_18.limb_indices][..., 0]).any(axis=1)] = np.nan
                colours.append(limbs)
        if rng.random() < 0.2:  # a chair
            found.append(BODY * 70 + rng.uniform(0, 900, 2))
            scores.append(0.45)
            colours.append(rng.uniform(0, 255, clothes[0].shape))
        xy = np.array(found, np.float32).reshape(-1, 18, 2)
        heights_of = np.where(np.isnan(xy[..., 0]), 0, rng.uniform(0.2, 0.9, xy.shape[:2])).astype(np.float32)
        poses = Poses(HUMAN_18, xy, heights_of, np.array(scores, np.float32))
        if coloured:
            limbs = np.array(colours, np.float32).reshape(-1, len(HUMAN_18.limbs), 3)
            poses = dataclasses.replace(poses, limb_colours=limbs)
        yield time, poses
        if number % 31 == 30:  # a frame that is shown again
            time += 0.04
            yield time, poses


def follow(node, sequences, *, smooth=False):
    model = node.add_model(METADATA)
    jobs = [
        {"do": "follow", "model": model, "smooth": smooth,
         "frames": [{"time": time, "people": list_people(poses)} for time, poses in frames]}
        for frames in sequences
    ]  # fmt: skip
    return node.run(jobs)


@pytest.mark.parametrize("kind", ["coloured", "plain", "shaken"])
def test_identities_are_those_of_the_tracker(node, kind):
    how = {"coloured": kind != "plain", "shake": 60.0 if kind == "shaken" else 0.0}
    sequences = [list(walk(seed, people=3 + seed, **how)) for seed in range(6)]
    identities = 0
    for frames, said in zip(sequences, follow(node, sequences), strict=True):
        tracker = OksTracker()
        for number, ((time, poses), people) in enumerate(zip(frames, said["found"], strict=True)):
            expected = tracker.update(poses, time)
            ids = [] if expected.track_ids is None else expected.track_ids.tolist()
            assert [one["id"] for one in people] == ids, f"frame {number}"
            identities = max(identities, *ids, 0)
        check_what_is_remembered(said, tracker.expect(time + 0.2), poses)
    assert identities > 5


def check_what_is_remembered(said, tracks, poses):
    """Where everybody should be a little later, how sure that is, and how well it explains the people of a frame."""

    def read(name):
        return np.array([[np.nan if v is None else v for v in one[name]] for one in said["expected"]], float)

    assert [one["id"] for one in said["expected"]] == tracks.ids.tolist()
    count = len(tracks)
    np.testing.assert_allclose(read("xy").reshape(count, 18, 2), tracks.xy, atol=1e-3)
    np.testing.assert_allclose(read("velocity").reshape(count, 2), tracks.velocity, atol=1e-3)
    np.testing.assert_allclose(read("colours").reshape(tracks.colours.shape), tracks.colours, atol=1e-5)
    times = np.where(np.isfinite(tracks.keypoint_times), tracks.keypoint_times, np.nan)
    np.testing.assert_allclose(read("times").reshape(count, 18), times)
    for name, right in [
        ("size", tracks.sizes), ("sightings", tracks.sightings), ("unseen", tracks.unseen), ("begun", tracks.begun),
        ("place", tracks.covariance[:, 0, 0]), ("both", tracks.covariance[:, 0, 1]),
        ("speed", tracks.covariance[:, 1, 1]), ("certainty", tracks.compute_certainty()),
    ]:  # fmt: skip
        np.testing.assert_allclose([one[name] for one in said["expected"]], right, rtol=1e-5, err_msg=name)
    rows, columns = np.indices((count, len(poses))).reshape(2, -1)
    for name, right in [
        ("similarity", tracks.compare(poses)), ("shown", tracks.weigh(poses)),
        ("likeness", tracks.compare_colours(poses, rows, columns)),
    ]:  # fmt: skip
        np.testing.assert_allclose(np.ravel(said[name]), np.ravel(right), atol=1e-5, err_msg=name)


def test_keypoints_are_steadied_as_in_python(node):
    frames = list(walk(3))
    tracker, smoother = OksTracker(), OneEuroSmoother()
    moved = 0.0
    for (time, poses), people in zip(frames, follow(node, [frames], smooth=True)[0], strict=True):
        named = tracker.update(poses, time)
        expected = smoother.update(named, time)
        keypoints = np.array([[np.nan if v is None else v for v in one["keypoints"]] for one in people], float)
        np.testing.assert_allclose(keypoints.reshape(expected.keypoints.shape), expected.keypoints, atol=0.01)
        moved = max(moved, float(np.nanmax(np.abs(named.keypoints - expected.keypoints), initial=0)))
    assert moved > 1, "there was something to steady"


def test_a_film_without_anybody(node):
    nobody = Poses.empty(HUMAN_18)
    (said,) = follow(node, [[(0.0, nobody), (0.04, nobody)]])
    assert (said["found"], said["expected"]) == ([[], []], [])


def test_matching_has_the_largest_sum(node):
    rng, values = np.random.default_rng(1), []
    for rows, columns in [(1, 1), (3, 3), (2, 7), (7, 2), (9, 9), (12, 5)]:
        values += [rng.random((rows, columns)) * (rng.random((rows, columns)) < share) for share in (1, 0.5, 0.1, 0)]
    for pairs, value in zip(node.run([{"do": "match", "value": v.tolist()} for v in values]), values, strict=True):
        rows, columns = linear_sum_assignment(value, maximize=True)
        expected = {(int(r), int(c)) for r, c in zip(rows, columns, strict=True) if value[r, c] > 0}
        assert {tuple(pair) for pair in pairs} == expected


def test_colours_of_clothes_are_those_of_python(node):
    rng = np.random.default_rng(2)
    picture = rng.integers(0, 256, (90, 120, 3), np.uint8)
    xy = rng.uniform(-10, 130, (4, 18, 2)).astype(np.float32)
    xy[rng.random((4, 18)) < 0.2] = np.nan
    poses = add_colours(Poses(HUMAN_18, xy, np.ones((4, 18), np.float32), np.ones(4, np.float32)), picture)
    node.add_array("p", picture)
    people = [[None if np.isnan(v) else float(v) for v in one.ravel()] for one in xy]
    job = {"do": "colours", "model": node.add_model(METADATA), "picture": "p", "people": people}
    (found,) = node.run([{**job, "width": 120, "height": 90}])
    colours = np.array([[np.nan if v is None else v for v in one] for one in found], np.float32)
    np.testing.assert_array_equal(colours.reshape(poses.limb_colours.shape), poses.limb_colours)
