"""Poses are people as arrays, and the same people in other people's formats."""

import dataclasses
import json
import sys

import numpy as np
import pytest

from nimblepose import COCO_17, HUMAN_18, Person, Poses, Skeleton
from nimblepose.core.errors import MissingPackageError, ShapeError, SkeletonError
from nimblepose.core.poses import ROW_COLUMNS, from_coco_people

STICK = Skeleton("stick", ("head", "tail"), (("head", "tail"),))
NECK = HUMAN_18.keypoints.index("neck")


def people(n, skeleton=HUMAN_18, *, missing=0.3, seed=0, track_ids=None):
    rng = np.random.default_rng(seed)
    k = len(skeleton.keypoints)
    keypoints = rng.uniform(0, 500, (n, k, 2)).astype(np.float32)
    scores = rng.uniform(0.1, 1, (n, k)).astype(np.float32)
    lost = rng.random((n, k)) < missing
    keypoints[lost], scores[lost] = np.nan, 0
    return Poses(skeleton, keypoints, scores, rng.uniform(0, 1, n).astype(np.float32), track_ids)


@pytest.fixture
def stick():
    """Two sticks: one whole, with an identity, one without its tail."""
    keypoints = np.array([[[10, 20], [30, 60]], [[5.25, 6], [np.nan, np.nan]]], np.float32)
    scores = np.array([[0.5, 0.75], [0.25, 0]], np.float32)
    return Poses(STICK, keypoints, scores, np.array([0.9, 0.4], np.float32), np.array([7, 3]))


# Arrays --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("keypoints", (2, 17, 2)),
        ("keypoints", (3, 18, 2)),
        ("keypoints", (2, 18, 3)),
        ("keypoint_scores", (2, 17)),
        ("keypoint_scores", (2, 18, 1)),
        ("scores", (2, 1)),
        ("track_ids", (3,)),
        ("interpolated", (2, 17)),
        ("keypoint_errors", (2, 17)),
        ("limb_colours", (2, 18, 3)),
        ("limb_colours", (2, 19, 4)),
    ],
    ids=lambda value: str(value),
)
def test_arrays_of_other_shapes_are_refused(name, shape):
    arrays = {
        "keypoints": np.zeros((2, 18, 2), np.float32),
        "keypoint_scores": np.zeros((2, 18), np.float32),
        "scores": np.zeros(2, np.float32),
    }
    Poses(HUMAN_18, **arrays)
    with pytest.raises(ShapeError, match=r"expected .*\(2,.* got"):
        Poses(HUMAN_18, **arrays | {name: np.zeros(shape)})


def test_nobody_is_a_value_too():
    nobody = Poses.empty(HUMAN_18)
    assert len(nobody) == 0
    assert nobody.keypoints.shape == (0, 18, 2)
    assert nobody.boxes.shape == (0, 4)
    assert nobody.found.shape == (0, 18)
    assert nobody.to_dict() == {"skeleton": "human18", "people": []}
    assert nobody.to_coco(1) == nobody.to_rows() == list(nobody) == []
    assert nobody.to_openpose((4, 6))["people"] == []
    assert len(nobody.to_skeleton(COCO_17)) == 0
    assert len(nobody[np.zeros(0, bool)]) == 0


@pytest.mark.parametrize(
    ("index", "chosen"),
    [
        ([0], [0]),
        ([-1], [4]),
        (slice(1, 3), [1, 2]),
        ([3, 1, 1], [3, 1, 1]),
        (np.array([True, False, False, True, False]), [0, 3]),
        (slice(None, None, -1), [4, 3, 2, 1, 0]),
        ([], []),
    ],
    ids=str,
)
def test_indexed_like_an_array(index, chosen):
    poses = people(5, track_ids=np.arange(10, 15))
    some = poses[index]
    assert some.skeleton is poses.skeleton
    for name in ("keypoints", "keypoint_scores", "scores", "track_ids"):
        np.testing.assert_array_equal(getattr(some, name), getattr(poses, name)[chosen])


def test_an_index_too_far_is_an_index_error():
    with pytest.raises(IndexError):
        people(2)[2]


def test_walking_over_poses_gives_one_person_at_a_time():
    poses = people(3)
    assert [person.poses.skeleton for person in poses] == [HUMAN_18] * 3
    np.testing.assert_array_equal(np.stack([person.keypoints for person in poses]), poses.keypoints)


@pytest.mark.parametrize("index", [0, -1, np.int64(1)], ids=repr)
def test_a_number_chooses_a_person(index):
    poses = people(3, track_ids=np.arange(10, 13))
    person = poses[index]
    assert isinstance(person, Person)
    assert (person.score, person.track_id) == (poses.scores[index], poses.track_ids[index])


def test_poses_say_in_a_line_what_they_are(stick):
    assert repr(stick) == str(stick) == "<Poses: 2 people of 'stick', best score 0.90, ids 7 3>"
    assert repr(Poses.empty(STICK)) == "<Poses: 0 people of 'stick'>"
    many = repr(people(30, track_ids=np.arange(30)))
    assert many.startswith("<Poses: 30 people of 'human18', best score ")
    assert many.endswith(", ids 0 1 2 3 4 5 6 7 ...>")


def test_boxes_are_the_smallest_around_what_was_found():
    keypoints = np.full((3, 2, 2), np.nan, np.float32)
    keypoints[0] = [[10, 60], [30, 20]]
    keypoints[2, 1] = [5, 6]
    poses = Poses(STICK, keypoints, np.zeros((3, 2), np.float32), np.zeros(3, np.float32))
    np.testing.assert_array_equal(poses.boxes, [[10, 20, 20, 40], [np.nan] * 4, [5, 6, 0, 0]])
    np.testing.assert_array_equal(poses.found, [[True, True], [False, False], [False, True]])


def test_what_was_put_in_place_by_the_rest_of_a_pose_was_not_seen(stick):
    completed = dataclasses.replace(stick, keypoints=np.nan_to_num(stick.keypoints, nan=7))
    assert completed.found.all()
    assert completed.seen.tolist() == stick.seen.tolist() == [[True, True], [True, False]]


# Skeletons -----------------------------------------------------------------------------------------------------------


def test_another_skeleton_takes_over_what_it_knows_by_name():
    poses = people(4)
    coco = poses.to_skeleton(COCO_17)
    for name in COCO_17.keypoints:
        here, there = COCO_17.keypoints.index(name), HUMAN_18.keypoints.index(name)
        np.testing.assert_array_equal(coco.keypoints[:, here], poses.keypoints[:, there])
        np.testing.assert_array_equal(coco.keypoint_scores[:, here], poses.keypoint_scores[:, there])
    back = coco.to_skeleton(HUMAN_18)
    assert np.isnan(back.keypoints[:, NECK]).all()
    assert not back.keypoint_scores[:, NECK].any()
    np.testing.assert_array_equal(np.delete(back.keypoints, NECK, 1), np.delete(poses.keypoints, NECK, 1))


def test_colours_of_limbs_follow_choices_and_are_lost_with_the_limbs(stick):
    colours = np.arange(6, dtype=np.float32).reshape(2, 1, 3)
    seen = dataclasses.replace(stick, limb_colours=colours)
    np.testing.assert_array_equal(seen[[1, 0]].limb_colours, colours[::-1])
    turned = Skeleton("turned", ("tail", "head", "middle"), (("head", "middle"), ("middle", "tail")))
    assert seen.to_skeleton(turned).limb_colours is None


def test_skeletons_without_a_common_name_are_refused():
    with pytest.raises(SkeletonError, match="'human18' and 'stick' share no keypoint name"):
        people(1).to_skeleton(STICK)


# COCO ----------------------------------------------------------------------------------------------------------------


def test_coco_results_are_in_cocos_order_half_a_pixel_on_without_neck():
    poses = people(1, missing=0)
    (person,) = poses.to_coco(42)
    rows = np.array(person["keypoints"]).reshape(17, 3)
    for row, name in zip(rows, COCO_17.keypoints, strict=True):
        k = HUMAN_18.keypoints.index(name)
        np.testing.assert_allclose(row[:2], poses.keypoints[0, k] + 0.5, atol=6e-4)
        np.testing.assert_allclose(row[2], poses.keypoint_scores[0, k], atol=6e-4)
    assert (person["image_id"], person["category_id"]) == (42, 1)
    assert person["score"] == pytest.approx(poses.scores[0])


def test_of_equal_people_the_first_stay_first():
    poses = dataclasses.replace(people(60, track_ids=np.arange(60)), scores=np.float32([0.5, 0.75] * 30))
    assert [p["track_id"] for p in poses.to_coco(1)] == [*range(1, 60, 2), *range(0, 60, 2)]


def test_coco_results_hold_everybody_best_first_and_the_best_twenty_for_average_precision():
    poses = people(33)
    best = sorted(poses.scores.tolist(), reverse=True)
    assert [person["score"] for person in poses.to_coco(1)] == best
    assert [person["score"] for person in poses.to_coco(1, max_people=20)] == best[:20]


def test_the_box_of_a_coco_result_is_around_what_was_found():
    """Without it pycocotools takes in the zeros, too: 454.5 x 288.5 instead of 33 x 123."""
    keypoints = np.full((2, 17, 2), np.nan, np.float32)
    keypoints[0, [0, 5, 9]] = [[421, 165], [454, 200], [430, 288]]
    poses = Poses(COCO_17, keypoints, np.zeros((2, 17), np.float32), np.array([0.9, 0.1], np.float32))
    assert [person["bbox"] for person in poses.to_coco(1)] == [[421.5, 165.5, 33, 123], [0, 0, 0, 0]]


def test_coco_results_name_the_picture_if_it_has_a_name(stick):
    assert [person["file_name"] for person in stick.to_coco(1, file_name="a.jpg")] == ["a.jpg", "a.jpg"]
    assert "file_name" not in stick.to_coco(1)[0]


def test_a_keypoint_that_was_not_found_is_three_zeros_in_coco(stick):
    assert [person["keypoints"] for person in stick.to_coco(1)] == [
        [10.5, 20.5, 0.5, 30.5, 60.5, 0.75],
        [5.75, 6.5, 0.25, 0, 0, 0],
    ]


def test_a_completed_pose_comes_back_from_results_and_what_is_not_labelled_does_not():
    row = np.array([[10.0, 20, 0.9], [30, 40, 0]] + [[0, 0, 0]] * 15)
    person = {"keypoints": row.ravel().tolist()}
    assert from_coco_people([person | {"score": 0.5}]).found[0].tolist() == [True, True] + [False] * 15
    row[1, 0] = 0  # on the left border
    person = {"keypoints": row.ravel().tolist()}
    assert from_coco_people([person | {"score": 0.5}]).found[0].tolist() == [True, True] + [False] * 15
    assert from_coco_people([person]).found[0].tolist() == [True] + [False] * 16
    assert len(from_coco_people([])) == 0


def test_from_coco_people_undoes_to_coco():
    poses = people(5)
    poses = poses[np.argsort(-poses.scores)]
    back = from_coco_people(poses.to_coco(1), HUMAN_18)
    known = HUMAN_18.annotated_indices
    np.testing.assert_allclose(back.keypoints[:, known], poses.keypoints[:, known], atol=1e-3)
    np.testing.assert_allclose(back.scores, poses.scores)


def test_annotations_have_score_one_and_a_neck_between_the_shoulders():
    xyv = np.array([[100 + 3 * k, 50 + k, 2] for k in range(17)])
    poses = from_coco_people([{"keypoints": xyv.ravel().tolist()}], HUMAN_18)
    assert poses.scores.tolist() == [1]
    assert (poses.keypoint_scores == 1).all()
    xyv[0, 2] = 0
    partly = from_coco_people([{"keypoints": xyv.ravel().tolist()}], HUMAN_18)
    assert partly.keypoint_scores[0].tolist() == [0] + [1] * 17
    shoulders = xyv[[5, 6], :2] - 0.5
    np.testing.assert_allclose(poses.keypoints[0, NECK], shoulders.mean(axis=0))


@pytest.mark.parametrize("skeleton", [COCO_17, HUMAN_18, STICK], ids=lambda s: s.name)
def test_no_annotations_are_nobody(skeleton):
    assert from_coco_people([], skeleton).keypoints.shape == (0, len(skeleton.keypoints), 2)


# OpenPose ------------------------------------------------------------------------------------------------------------


def test_openpose_has_canvas_and_keypoints_in_its_own_order(stick):
    frame = stick.to_openpose((480, 640))
    assert (frame["version"], frame["canvas_height"], frame["canvas_width"]) == (1.3, 480, 640)
    assert [person["pose_keypoints_2d"] for person in frame["people"]] == [
        [10, 20, 0.5, 30, 60, 0.75],
        [5.25, 6, 0.25, 0, 0, 0],
    ]
    assert [person["person_id"] for person in frame["people"]] == [[7], [3]]
    others = {"face_keypoints_2d", "hand_left_keypoints_2d", "hand_right_keypoints_2d"}
    assert all(person[name] == [] for person in frame["people"] for name in others)
    json.dumps(frame, allow_nan=False)


def test_openpose_knows_nobody_by_minus_one():
    assert people(2).to_openpose((1, 1))["people"][0]["person_id"] == [-1]


# Interpolated keypoints ----------------------------------------------------------------------------------------------


def test_every_format_tells_which_keypoints_were_not_seen(stick):
    flagged = dataclasses.replace(stick, interpolated=np.array([[False, True], [False, False]]))
    people = flagged.to_dict()["people"]
    assert [[point["interpolated"] for point in p["keypoints"]] for p in people] == [[False, True], [False]]
    assert [row[-2] for row in flagged.to_rows()] == [False, True, False]
    assert [p["interpolated"] for p in flagged.to_coco(1)] == [[0, 1], [0, 0]]
    assert [p["pose_interpolated_2d"] for p in flagged.to_openpose((9, 9))["people"]] == [[0, 1], [0, 0]]
    assert "interpolated" not in stick.to_coco(1)[0]
    assert "pose_interpolated_2d" not in stick.to_openpose((9, 9))["people"][0]
    json.dumps([flagged.to_dict(), flagged.to_coco(1), flagged.to_openpose((9, 9))])


def test_interpolation_flags_follow_choices_and_skeletons(stick):
    flagged = dataclasses.replace(stick, interpolated=np.array([[False, True], [False, False]]))
    assert flagged[[1, 0]].interpolated.tolist() == [[False, False], [False, True]]
    turned = Skeleton("turned", ("tail", "head"), (("head", "tail"),))
    assert flagged.to_skeleton(turned).interpolated.tolist() == [[True, False], [False, False]]
    assert stick.to_skeleton(turned).interpolated is None
    assert not stick.interpolation_flags.any()


def test_coco_results_carry_identities(stick):
    assert [person["track_id"] for person in stick.to_coco(1)] == [7, 3]
    assert "track_id" not in people(1).to_coco(1)[0]


# Our own -------------------------------------------------------------------------------------------------------------


def test_plain_data_leaves_out_what_was_not_found(stick):
    assert stick.to_dict() == {
        "skeleton": "stick",
        "people": [
            {
                "score": 0.9,
                "track_id": 7,
                "box": [10, 20, 20, 40],
                "keypoints": [
                    {"name": "head", "x": 10, "y": 20, "score": 0.5},
                    {"name": "tail", "x": 30, "y": 60, "score": 0.75},
                ],
            },
            {
                "score": 0.4,
                "track_id": 3,
                "box": [5.25, 6, 0, 0],
                "keypoints": [{"name": "head", "x": 5.25, "y": 6, "score": 0.25}],
            },
        ],
    }


def test_plain_data_has_two_digits_of_places_and_four_of_scores():
    poses = Poses(
        STICK,
        np.float32([[[1.23456, 2.34567], [3.45678, 4.56789]]]),
        np.float32([[0.123456, 0.654321]]),
        np.float32([0.777777]),
    )
    (person,) = poses.to_dict()["people"]
    assert person == {
        "score": 0.7778,
        "box": [1.23, 2.35, 2.22, 2.22],
        "keypoints": [
            {"name": "head", "x": 1.23, "y": 2.35, "score": 0.1235},
            {"name": "tail", "x": 3.46, "y": 4.57, "score": 0.6543},
        ],
    }


def test_coco_has_three_digits_and_openpose_four():
    poses = Poses(STICK, np.float32([[[1.23456, 2.34567]] * 2]), np.float32([[0.123456] * 2]), np.float32([0.5]))
    assert poses.to_coco(1)[0]["keypoints"][:3] == [1.735, 2.846, 0.123]
    assert poses.to_openpose((9, 9))["people"][0]["pose_keypoints_2d"][:3] == [1.2346, 2.3457, 0.1235]


def test_plain_data_is_json_even_of_a_person_of_whom_nothing_was_found():
    poses = people(2, missing=1.1)
    plain = json.loads(json.dumps(poses.to_dict(), allow_nan=False))
    assert [person["box"] for person in plain["people"]] == [None, None]


def test_rows_are_the_found_keypoints_by_track_id_or_place(stick):
    high, low = stick.scores.tolist()
    assert [row[:-1] for row in stick.to_rows()] == [
        (7, high, "head", 10, 20, 0.5, False),
        (7, high, "tail", 30, 60, 0.75, False),
        (3, low, "head", 5.25, 6, 0.25, False),
    ]
    assert [row[0] for row in people(2, STICK, missing=0).to_rows()] == [0, 0, 1, 1]


def test_a_data_frame_holds_the_rows(stick):
    pytest.importorskip("pandas")
    frame = stick.to_dataframe()
    assert frame.columns.tolist() == list(ROW_COLUMNS)
    assert [row[:-1] for row in frame.itertuples(index=False, name=None)] == [row[:-1] for row in stick.to_rows()]
    assert frame["error"].isna().all()
    assert len(Poses.empty(STICK).to_dataframe()) == 0


@pytest.mark.parametrize(
    ("method", "package", "remedy"),
    [("to_dataframe", "pandas", r"nimblepose\[table\]"), ("to_supervision", "supervision", "pip install supervision")],
)
def test_a_missing_package_is_named_with_what_to_install(stick, monkeypatch, method, package, remedy):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingPackageError, match=remedy):
        getattr(stick, method)()


@pytest.mark.parametrize(
    "adapter",
    [
        lambda poses: poses.to_coco(1),
        lambda poses: poses.to_openpose((9, 9)),
        lambda poses: poses.to_controlnet((9, 9)),
        lambda poses: poses.to_dict(),
        lambda poses: poses.to_skeleton(COCO_17),
        lambda poses: poses.boxes,
    ],
    ids=["coco", "openpose", "controlnet", "dict", "skeleton", "boxes"],
)
def test_adapters_leave_the_poses_alone(adapter):
    poses, same = people(3), people(3)
    adapter(poses)
    np.testing.assert_array_equal(poses.keypoints, same.keypoints)
    np.testing.assert_array_equal(poses.keypoint_scores, same.keypoint_scores)
