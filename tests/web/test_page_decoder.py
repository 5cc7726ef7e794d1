"""The page's decoder, resizing and scorer give what those in Python give, on real fields and on hostile ones."""

import csv
import dataclasses
import io
import json
import platform

import numpy as np
import pytest
from drawn_crowds import make_crowd

from nimblepose.codec.options import DecodeOptions
from nimblepose.core.geometry import Placement
from nimblepose.core.metadata import InputSpec
from nimblepose.media.pictures import read_picture
from nimblepose.results.formats import csv_table, own
from nimblepose.results.output_format import Header, PictureResult
from nimblepose.runtime.estimator import PoseEstimator
from nimblepose.runtime.prepare import prepare, resize
from nimblepose.runtime.protocols import Fields

PEOPLE = "examples/people.jpg"


@pytest.fixture(scope="module")
def estimator():
    return PoseEstimator(input_height=368, threads=1)


@pytest.fixture(scope="module")
def people(request):
    return read_picture(request.config.rootpath / PEOPLE)


def as_poses(found):
    keypoints = [[np.nan if v is None else v for v in one["keypoints"]] for one in found["people"]]
    return np.array(keypoints, float), np.array([one["score"] for one in found["people"]])


def check_same(node, estimator, cases, *, options=None, metadata=None):
    """Fields and the placement they are of, (name, fields, placement), decoded in both languages."""
    metadata = metadata or estimator.metadata
    model, jobs, expected = node.add_model(metadata), [], []
    asked = dataclasses.replace(estimator.decode_options, **(options or {}))
    for number, (fields, placement) in enumerate(cases):
        node.add_array(f"{number}.heatmaps", fields.heatmaps.astype(np.float32))
        node.add_array(f"{number}.pafs", fields.pafs.astype(np.float32))
        jobs.append({"do": "decode", "model": model, "fields": str(number), "size": fields.heatmaps.shape[1:],
                     "image": placement.image_size, "input_height": 368, "options": options or {}})  # fmt: skip
        decoder = PoseEstimator(estimator.model, input_height=368, threads=1, decode=asked)
        decoder.metadata = metadata
        expected.append(decoder.decode(fields.heatmaps, fields.pafs, placement))
    count = 0
    for found, poses in zip(node.run(jobs), expected, strict=True):
        keypoints, scores = as_poses(found)
        assert len(scores) == len(poses)
        count += len(poses)
        if len(poses):
            np.testing.assert_allclose(keypoints.reshape(poses.keypoints.shape), poses.keypoints, atol=0.01)
            np.testing.assert_allclose(scores, poses.scores, atol=1e-4)
            heights = np.array([one["scores"] for one in found["people"]])
            np.testing.assert_allclose(heights, poses.keypoint_scores, atol=1e-5)
    return count


def compute(estimator, picture):
    placement = estimator.place(picture)
    fields = estimator.compute_fields([picture], placement)
    return Fields(fields.heatmaps[0], fields.pafs[0]), placement


def test_people_in_a_picture_whole_turned_cut_and_small(node, estimator, people):
    pictures = [people, people[:, ::-1], people[::-1], people[:250], people[:, 200:500], people[::3, ::3]]
    cases = [compute(estimator, np.ascontiguousarray(picture)) for picture in pictures]
    assert check_same(node, estimator, cases) >= 8


def test_with_every_weak_pose(node, estimator, people):
    options = {"min_pose_score": 0.0, "min_peak_score": 0.01, "min_limb_score": 0.001, "min_limb_share": 0.0}
    cases = [compute(estimator, np.ascontiguousarray(picture)) for picture in (people, people[::-1])]
    assert check_same(node, estimator, cases, options=options) >= 8


def test_without_a_prior_and_without_a_scorer(node, estimator, people):
    metadata = dataclasses.replace(estimator.metadata, prior=None, scorer=None)
    assert check_same(node, estimator, [compute(estimator, people)], metadata=metadata) == 3


@pytest.mark.parametrize("count", [3, 12, 40])
def test_drawn_crowds(node, estimator, count):
    cases = [make_crowd(estimator, count, seed) for seed in range(4)]
    assert check_same(node, estimator, cases, options={"min_pose_score": 0.0}) > count


def test_crowds_so_great_that_pairs_are_only_glanced_at(node, estimator):
    cases = [make_crowd(estimator, 150, 9, (92, 160))]
    options = {"min_pose_score": 0.0, "max_peaks": 120}
    assert check_same(node, estimator, cases, options=options) > 30


def test_fields_of_noise_and_of_nothing_and_of_few_cells(node, estimator):
    rng, cases = np.random.default_rng(5), []
    for size, scale in (((20, 30), 1), ((20, 30), 0), ((2, 5), 1), ((1, 1), 1), ((3, 3), 1)):
        fields = Fields(rng.normal(0, scale, (19, *size)).astype(np.float32),
                        rng.normal(0, scale, (38, *size)).astype(np.float32))  # fmt: skip
        cases.append((fields, Placement.fit((8 * size[0], 8 * size[1]), 368)))
    check_same(node, estimator, cases, options={"min_pose_score": 0.0})


def test_plateaus_and_borders(node, estimator):
    heatmaps, pafs = np.zeros((19, 12, 16), np.float32), np.zeros((38, 12, 16), np.float32)
    heatmaps[:18, 0, 0] = heatmaps[:18, 11, 15] = 0.8
    heatmaps[:18, 5:7, 5:8] = 0.9
    pafs[::2] = 1
    case = Fields(heatmaps, pafs), Placement.fit((96, 128), 368)
    assert check_same(node, estimator, [case], options={"min_pose_score": 0.0, "min_limb_share": 0.0}) >= 1


def test_sizes_are_rounded_as_in_python(node):
    values = [0.5, 1.5, 2.5, 2.4999, -0.5, 7, 1e6 + 0.5]
    sizes = [(480, 640), (427, 640), (1080, 1920), (100, 3000), (3000, 100), (17, 23), (333, 500)]
    jobs = [{"do": "round", "values": values}]
    jobs += [{"do": "fit", "image": size, "input_height": h, "stride": 8} for size in sizes for h in (256, 368, 100)]
    rounded, *fitted = node.run(jobs)
    assert rounded == [round(value) for value in values]
    expected = [list(Placement.fit(size, h).input_size) for size in sizes for h in (256, 368, 100)]
    assert fitted == expected


def test_resized_pictures_have_the_same_bytes(node, people):
    """Halved ones to the last byte; of cubic ones, for which OpenCV has other ways elsewhere, few differ by one."""
    rng, jobs, expected = np.random.default_rng(0), [], []
    for number, (size, to) in enumerate(
        [((480, 640), (368, 488)), ((300, 401), (368, 488)), ((720, 1280), (256, 456)), ((601, 803), (256, 344)),
         ((513, 777), (256, 384)), ((256, 384), (256, 384)), ((2000, 1500), (368, 280)), ((9, 7), (8, 8))]
    ):  # fmt: skip
        noise = rng.integers(0, 256, (*size, 3), np.uint8)
        picture = noise if number % 2 else resize(people, size)
        node.add_array(str(number), picture)
        jobs.append({"do": "resize", "picture": str(number), "width": size[1], "height": size[0], "to": to})
        expected.append((resize(picture, to), min(size[0] / to[0], size[1] / to[1]) >= 2))
    for text, (right, halved) in zip(node.run(jobs), expected, strict=True):
        off = np.abs(node.to_array(text, np.uint8, right.shape).astype(int) - right)
        assert off.max() <= (0 if halved else 1)
        assert (off > 0).mean() < (0.001 if platform.machine() in ("x86_64", "AMD64") else 0.08)


@pytest.mark.parametrize(
    "spec",
    [InputSpec(), InputSpec(channels="rgb", mean=120, scale=1 / 128), InputSpec(mean=0, scale=1, dtype="uint8")],
)
def test_the_input_is_what_the_network_gets(node, people, spec):
    picture = resize(people, (256, 384))
    node.add_array("p", picture)
    (made,) = node.run([{"do": "prepare", "picture": "p", "width": 384, "height": 256, "to": [256, 384],
                         "input": dataclasses.asdict(spec)}])  # fmt: skip
    right = prepare([picture], Placement((256, 384), (256, 384)), spec)
    assert made["dims"] == list(right.shape)
    np.testing.assert_array_equal(node.to_array(made["data"], right.dtype, right.shape), right)


def test_files_are_in_the_forms_of_the_product(node, estimator, people):
    poses = dataclasses.replace(estimator(people), keypoint_errors=None)  # the page does not tell them
    listed = [
        {"score": p.score, "scores": p.keypoint_scores.tolist(),
         "keypoints": [None if np.isnan(v) else float(v) for v in p.keypoints.ravel()]}
        for p in poses
    ]  # fmt: skip
    height, width = people.shape[:2]
    name = 'a "quoted", name.jpg'
    picture = {"file": name, "height": height, "width": width, "people": listed}
    model = node.add_model(estimator.metadata)
    base = {"do": "results", "model": model, "pictures": [picture]}
    document, table, lines = node.run(
        [{**base, "form": "toJson"}, {**base, "form": "toCsv"},
         {**base, "form": "toJsonLines", "source": "clip.mp4", "pictures": [{**picture, "frame": 3, "time": 0.1}] * 2}]
    )  # fmt: skip
    header = Header(model="test", skeletons=(estimator.skeleton,))
    results = [PictureResult(name, (height, width), poses, 1)]

    def close(one, other):
        if isinstance(other, dict):
            return one.keys() == other.keys() and all(close(one[key], other[key]) for key in other)
        if isinstance(other, list):
            return len(one) == len(other) and all(map(close, one, other))
        return one == pytest.approx(other, abs=0.0101) if isinstance(other, float) else one == other

    assert close(json.loads(document), json.loads(own.own_json(results, header)))
    ours, right = (list(csv.reader(io.StringIO(t))) for t in (table, csv_table.tidy_csv(results, header).decode()))
    assert [row[:1] + row[1:4] + row[5:6] + row[9:] for row in ours] == [
        row[:1] + row[1:4] + row[5:6] + row[9:] for row in right
    ]
    np.testing.assert_allclose([[float(row[n]) for n in (4, 6, 7, 8)] for row in ours[1:]],
                               [[float(row[n]) for n in (4, 6, 7, 8)] for row in right[1:]], atol=0.0101)  # fmt: skip
    first, second = map(json.loads, lines.splitlines())
    assert first["header"]["source"] == "clip.mp4"
    assert "header" not in second
    assert (second["frame"], second["time"]) == (3, 0.1)


def test_identities_stand_in_files_as_in_those_of_python(node, estimator, people):
    poses = dataclasses.replace(estimator(people), track_ids=np.array([7, 2, 9], np.int64))
    listed = [
        {"id": p.track_id, "score": p.score, "scores": p.keypoint_scores.tolist(),
         "keypoints": [None if np.isnan(v) else float(v) for v in p.keypoints.ravel()]}
        for p in poses
    ]  # fmt: skip
    frame = {"file": "clip.mp4", "height": 600, "width": 960, "frame": 0, "time": 0.0, "people": listed}
    base = {"do": "results", "model": node.add_model(estimator.metadata), "pictures": [frame], "source": "clip.mp4"}
    lines, table = node.run([{**base, "form": "toJsonLines"}, {**base, "form": "toCsv"}])
    expected = poses.to_dict()["people"]
    for ours, right in zip(json.loads(lines)["people"], expected, strict=True):
        assert list(ours) == list(right), "the same members in the same order"
        assert ours["track_id"] == right["track_id"]
    assert {row["person"] for row in csv.DictReader(io.StringIO(table))} == {"7", "2", "9"}


def test_thresholds_are_those_of_python(node, estimator):
    facts = json.loads((node.folder / node.add_model(estimator.metadata)).read_text())
    assert facts["options"]["min_pose_score"] == DecodeOptions().least_score
    assert facts["options"]["min_keypoints"] == 3
