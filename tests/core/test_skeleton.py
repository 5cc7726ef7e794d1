"""A skeleton is a value: everything else follows from it, and one that contradicts itself is refused."""

import dataclasses
import json

import numpy as np
import pytest
import yaml

from nimblepose import COCO_17, HUMAN_18, Skeleton
from nimblepose.core.errors import PoseError, SkeletonError
from nimblepose.core.skeleton import BUILT_IN

EVERY = pytest.mark.parametrize("skeleton", BUILT_IN.values(), ids=BUILT_IN)
FOX = {
    "name": "fox",
    "keypoints": ["nose", "left_ear", "right_ear", "neck", "tail"],
    "limbs": [["neck", "nose"], ["nose", "left_ear"], ["nose", "right_ear"], ["neck", "tail"]],
    "oks_sigmas": [0.02, 0.03, 0.03, 0.08, 0.1],
    "mirror_pairs": [["left_ear", "right_ear"]],
    "derived": {"neck": ["left_ear", "right_ear"]},
    "annotated": ["tail", "nose", "left_ear", "right_ear"],
}
PERSON = {
    "id": 1,
    "name": "person",
    "keypoints": ["nose", "left_eye", "right_eye"],
    "skeleton": [[1, 2], [1, 3], [2, 3]],
}


def fox(**changes):
    return Skeleton.from_dict(FOX | changes)


def test_a_limb_has_its_place_in_tables_of_pairs_of_keypoints():
    table = np.arange(25).reshape(5, 5)
    a, b = fox().limb_indices.T
    assert table.take(fox().limb_places).tolist() == table[a, b].tolist() == [15, 1, 2, 19]


# Built in ------------------------------------------------------------------------------------------------------------


def test_the_human_model_has_the_channels_of_the_public_weights():
    limbs = "1-8 8-9 9-10 1-11 11-12 12-13 1-2 2-3 3-4 2-16 1-5 5-6 6-7 5-17 1-0 0-14 0-15 14-16 15-17"
    assert ["-".join(map(str, limb)) for limb in HUMAN_18.limb_indices.tolist()] == limbs.split()
    assert (HUMAN_18.heatmap_channels, HUMAN_18.paf_channels) == (19, 38)
    sides = {"r": "right", "l": "left"}
    names = (
        "nose neck r_shoulder r_elbow r_wrist l_shoulder l_elbow l_wrist r_hip r_knee r_ankle l_hip l_knee l_ankle "
        "r_eye l_eye r_ear l_ear"
    )
    spelt = [f"{sides[name[0]]}_{name[2:]}" if name[1] == "_" else name for name in names.split()]
    assert list(HUMAN_18.keypoints) == spelt


def test_the_sigmas_of_the_human_model_are_those_of_coco():
    sigmas = ".026 .079 .079 .072 .062 .079 .072 .062 .107 .087 .089 .107 .087 .089 .025 .025 .035 .035"
    assert HUMAN_18.oks_sigmas == tuple(float(s) for s in sigmas.split())
    assert not HUMAN_18.sigmas_are_guessed
    coco = dict(zip(COCO_17.keypoints, COCO_17.oks_sigmas, strict=True))
    human = dict(zip(HUMAN_18.keypoints, HUMAN_18.oks_sigmas, strict=True))
    assert {name: human[name] for name in coco} == coco


def test_coco_has_19_limbs_and_17_keypoints():
    assert (len(COCO_17.limbs), len(COCO_17.keypoints), COCO_17.heatmap_channels) == (19, 17, 18)
    assert COCO_17.annotated == COCO_17.keypoints == HUMAN_18.annotated


def test_the_two_limbs_between_shoulder_and_ear_close_loops():
    loops = {HUMAN_18.limbs[i] for i in HUMAN_18.loop_limbs}
    eyes_to_ears = {("right_eye", "right_ear"), ("left_eye", "left_ear")}  # listed after shoulder to ear
    assert loops == eyes_to_ears


@EVERY
def test_without_its_loop_limbs_a_skeleton_is_a_tree(skeleton):
    tree = [limb for i, limb in enumerate(skeleton.limbs) if i not in skeleton.loop_limbs]
    assert len(tree) == len(skeleton.keypoints) - 1
    Skeleton("tree", skeleton.keypoints, tuple(tree))  # refused if it were in pieces


def test_a_loop_is_closed_by_the_limb_listed_last():
    triangle = Skeleton("triangle", ("a", "b", "c"), (("c", "a"), ("a", "b"), ("b", "c")))
    assert triangle.loop_limbs == {2}


@EVERY
def test_a_mirror_swaps_left_and_right_and_twice_is_nothing(skeleton):
    flip = skeleton.flip_permutation
    assert flip[flip].tolist() == list(range(len(skeleton.keypoints)))
    swapped = [name.replace("left", "?").replace("right", "left").replace("?", "right") for name in skeleton.keypoints]
    assert [skeleton.keypoints[k] for k in flip] == swapped


@EVERY
def test_a_limb_in_a_mirror_joins_the_mirrored_keypoints(skeleton):
    limbs, direction = skeleton.limb_flip
    assert limbs[limbs].tolist() == list(range(len(skeleton.limbs)))
    for i, mirrored in enumerate(skeleton.flip_permutation[skeleton.limb_indices]):
        ends = skeleton.limb_indices[limbs[i]]
        assert mirrored.tolist() == (ends if direction[i] > 0 else ends[::-1]).tolist()


def test_a_limb_across_the_body_points_the_other_way_in_a_mirror():
    _, direction = COCO_17.limb_flip
    assert set(direction.tolist()) == {1, -1}
    turned = {COCO_17.limbs[i] for i in np.flatnonzero(direction < 0)}
    assert turned == {("left_hip", "right_hip"), ("left_shoulder", "right_shoulder"), ("left_eye", "right_eye")}


def test_a_limb_without_a_mirror_image_is_named():
    lame = fox(limbs=[*FOX["limbs"][:2], ["neck", "right_ear"], ["neck", "tail"]])
    with pytest.raises(SkeletonError, match=r"limb \('nose', 'left_ear'\) has no mirror image: add the limb"):
        _ = lame.limb_flip


def test_the_neck_lies_between_the_shoulders_and_is_missing_with_either():
    xy = np.random.default_rng(0).uniform(0, 99, (3, 17, 2))
    xy[1, COCO_17.keypoints.index("left_shoulder")] = np.nan
    full = HUMAN_18.from_annotated(xy)
    assert full.shape == (3, 18, 2)
    shoulders = [COCO_17.keypoints.index(f"{side}_shoulder") for side in ("left", "right")]
    neck = full[:, HUMAN_18.keypoints.index("neck")]
    np.testing.assert_allclose(neck[[0, 2]], xy[[0, 2]][:, shoulders].mean(axis=1), rtol=1e-6)
    assert np.isnan(neck[1]).all()
    np.testing.assert_allclose(full[:, HUMAN_18.annotated_indices], xy, rtol=1e-6)


def test_without_sigmas_each_is_like_those_of_people_and_it_is_said():
    guessed = fox(oks_sigmas=[])
    assert guessed.sigmas_are_guessed
    assert guessed.oks_sigmas == (0.06,) * 5
    assert not fox().sigmas_are_guessed
    assert guessed == fox(oks_sigmas=[0.06] * 5), "how they came about makes no other skeleton"


# Refused -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"keypoints": []}, "no keypoints|no keypoint named"),
        ({"keypoints": [], "limbs": []}, "has no keypoints"),
        ({"keypoints": "nose"}, "keypoints must be a list of names"),
        ({"keypoints": ["nose", 3]}, "keypoints must be a list of names"),
        ({"keypoints": ["nose", ""]}, "keypoints must be a list of names"),
        ({"keypoints": 5}, "keypoints must be a list of names"),
        ({"keypoints": [*FOX["keypoints"], "nose"]}, r"\['nose'\] stand there more than once"),
        ({"keypoints": [*FOX["keypoints"], "wing"]}, r"no chain of limbs leads from 'nose' to \['wing'\]"),
        ({"limbs": []}, "has no limbs"),
        ({"limbs": FOX["limbs"][1:]}, r"no chain of limbs leads from 'nose' to \['neck', 'tail'\]"),
        ({"limbs": [["neck", "wing"]]}, r"limb \('neck', 'wing'\): no keypoint named 'wing'"),
        ({"limbs": [["neck", "neck"]]}, "joins a keypoint to itself"),
        ({"limbs": [["neck", "nose", "tail"]]}, "a limb must be two keypoint names"),
        ({"limbs": ["ab"]}, "a limb must be two keypoint names"),
        ({"limbs": [[1, 2]]}, "a limb must be two keypoint names"),
        ({"limbs": [*FOX["limbs"], ["nose", "neck"]]}, r"limb \('neck', 'nose'\) is listed twice"),
        ({"limbs": [*FOX["limbs"], ["left_ear", "nose"]]}, r"limb \('nose', 'left_ear'\) is listed twice"),
        ({"limbs": [["neck", 3]]}, "a limb must be two keypoint names"),
        ({"limbs": 7}, "not iterable"),
        ({"oks_sigmas": [0.1]}, "expected 5 positive numbers"),
        ({"oks_sigmas": [0.1, 0.1, 0.1, 0.1, 0]}, "expected 5 positive numbers"),
        ({"oks_sigmas": [0.1, 0.1, 0.1, 0.1, 10]}, "expected 5 positive numbers"),
        ({"oks_sigmas": [0.1, 0.1, 0.1, 0.1, float("nan")]}, "expected 5 positive numbers"),
        ({"oks_sigmas": ["much"]}, "oks_sigmas must be numbers"),
        ({"oks_sigmas": {"nose": 0.1}}, r"oks_sigmas differ from the keypoints in \['left_ear'"),
        ({"mirror_pairs": [["left_ear", "wing"]]}, "mirror pair .* no keypoint named 'wing'"),
        ({"mirror_pairs": [["left_ear", "left_ear"]]}, "joins a keypoint to itself"),
        ({"mirror_pairs": [["left_ear", "right_ear"], ["right_ear", "tail"]]}, "more than one mirror pair"),
        ({"derived": {"wing": ["nose"]}}, "derived keypoint 'wing' is not among the keypoints"),
        ({"derived": {"neck": ["wing"]}}, "'wing' is not an annotated keypoint"),
        ({"derived": {"neck": ["neck"]}}, "'neck' is not an annotated keypoint"),
        ({"derived": {"neck": []}}, "names no keypoints to derive it from"),
        ({"derived": {"neck": "nose"}}, "must be a list of names"),
        ({"derived": ["neck"]}, "derived must be a mapping"),
        ({"annotated": ["nose", "tail"]}, r"differs in \['left_ear', 'right_ear'\]"),
        ({"annotated": FOX["keypoints"]}, r"differs in \['neck'\]"),
        ({"sigmas": [1]}, r"unknown keys \['sigmas'\]"),
        ({1: "x", "sigmas": [1]}, r"unknown keys \['1', 'sigmas'\]"),
    ],
    ids=lambda value: json.dumps(value, default=str)[:40] if isinstance(value, dict) else "",
)
def test_contradictions_are_refused_by_name(changes, message):
    with pytest.raises(SkeletonError, match=message):
        fox(**changes) if all(isinstance(key, str) for key in changes) else Skeleton.from_dict(FOX | changes)


@pytest.mark.parametrize("missing", ["keypoints", "limbs"])
def test_a_missing_key_is_named(missing):
    with pytest.raises(SkeletonError, match=rf"missing keys \['{missing}'\]"):
        Skeleton.from_dict({key: value for key, value in FOX.items() if key != missing})


@pytest.mark.parametrize("value", [[], "fox", None, 3], ids=repr)
def test_what_is_no_mapping_is_refused(value):
    with pytest.raises(SkeletonError, match="expected a mapping"):
        Skeleton.from_dict(value)


def test_every_refusal_is_a_pose_error_and_a_value_error():
    assert issubclass(SkeletonError, PoseError)
    assert issubclass(SkeletonError, ValueError)


def test_a_skeleton_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        HUMAN_18.name = "other"


def test_two_keypoints_need_a_limb_and_two_groups_one_between_them():
    with pytest.raises(SkeletonError, match="has no limbs"):
        Skeleton("pair", ("a", "b"), ())
    with pytest.raises(SkeletonError, match=r"no chain of limbs leads from 'a' to \['c', 'd'\]"):
        Skeleton("pairs", ("a", "b", "c", "d"), (("a", "b"), ("c", "d")))


def test_a_single_keypoint_is_refused_with_a_remedy():
    """People are limbs to the network and the decoder: without one there is nothing to learn and nothing to find."""
    with pytest.raises(SkeletonError, match=r"no limbs.*add a second one"):
        Skeleton("ball", ("ball",), ())


SIDES = {"keypoints": ["left_wing", "tail", "right_wing"], "limbs": [["left_wing", "tail"], ["tail", "right_wing"]]}


def test_sides_are_read_off_the_names_where_a_file_says_nothing_of_them():
    assert Skeleton.from_dict(SIDES).mirror_pairs == (("left_wing", "right_wing"),)
    assert Skeleton.from_dict(SIDES | {"mirror_pairs": None}).mirror_pairs == (("left_wing", "right_wing"),)
    none = Skeleton.from_dict(SIDES | {"mirror_pairs": []})
    assert none.mirror_pairs == ()
    assert Skeleton.from_dict(none.to_dict()) == none


# In and out ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "skeleton", [HUMAN_18, COCO_17, fox(), fox(oks_sigmas=[])], ids=["human18", "coco17", "fox", "guessed sigmas"]
)
def test_to_plain_data_and_back(skeleton):
    back = Skeleton.from_dict(json.loads(json.dumps(skeleton.to_dict())))
    assert back == skeleton
    assert back.sigmas_are_guessed == skeleton.sigmas_are_guessed


def test_sigmas_by_name_are_put_in_order():
    by_name = dict(reversed(list(zip(FOX["keypoints"], FOX["oks_sigmas"], strict=True))))
    assert fox(oks_sigmas=by_name) == fox()


@pytest.mark.parametrize("suffix", [".json", ".yaml", ".yml"])
def test_files_in_json_and_yaml(tmp_path, suffix):
    path = tmp_path / f"fox{suffix}"
    path.write_text(json.dumps(FOX) if suffix == ".json" else yaml.safe_dump(FOX))
    assert Skeleton.load(path) == fox()


@EVERY
def test_built_in_skeletons_are_loaded_by_name(skeleton):
    assert Skeleton.load(skeleton.name) is skeleton


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", b"{", "not valid JSON"),
        ("a.yaml", b"a: [", "not valid YAML"),
        ("a.yaml", b"!!python/object/apply:os.system ['true']", "not valid YAML"),
        ("a.yaml", b"", "expected a mapping"),
        ("a.json", b"[1]", "expected a mapping"),
        ("a.yaml", b"\xff\xfe\x00", "cannot read skeleton .* or one of: human18, coco17"),
        ("a.yaml", b"#" * 1_000_001, "larger than 1000000 bytes"),
        ("a.yaml", b"#" * 1_000_000, "expected a mapping"),
        ("a.json", b'{"keypoints": ["a", "b"], "limbs": [["a", "c"]]}', r"a\.json: limb .*'c'"),
        ("a.json", b"[" * 200_000, "nested too deeply"),
        ("a.yaml", b"[" * 500, "nested too deeply"),
        ("a.json", b'{"keypoints": 5, "skeleton": []}', "keypoints"),
        ("a.json", b'{"keypoints": ["a", "b"], "skeleton": [[1, 1e999]]}', "pairs of 1..2"),
    ],
    ids=["json", "yaml", "code in yaml", "empty", "list", "not text", "large", "full", "contradiction", "deep json",
         "deep yaml", "no names", "infinite"],
)  # fmt: skip
def test_files_that_are_no_skeletons_are_refused(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SkeletonError, match=message):
        Skeleton.load(path)


def test_yaml_that_unfolds_without_end_is_refused_at_once(tmp_path):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x]"] + [
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 8)}]" for i in range(1, 9)
    ]
    path = tmp_path / "bomb.yaml"
    path.write_text("\n".join([*lines, "keypoints: *a8", "limbs: []"]).replace("a0:", "x0:"))
    with pytest.raises(SkeletonError, match="unknown keys"):
        Skeleton.load(path)
    path.write_text("keypoints: &k [[&n [x, x], *n, *n, *n], *n]\nlimbs: []")
    with pytest.raises(SkeletonError, match="keypoints must be a list of names") as caught:
        Skeleton.load(path)
    assert len(str(caught.value)) < 1000


def test_a_file_that_is_not_there_is_refused_with_the_names_that_exist(tmp_path):
    with pytest.raises(SkeletonError, match="human18, coco17"):
        Skeleton.load(tmp_path / "nowhere.yaml")


# COCO categories -----------------------------------------------------------------------------------------------------


def test_a_coco_category_counts_from_one_and_pairs_left_with_right():
    person = Skeleton.from_coco_category(PERSON)
    assert person.limbs == (("nose", "left_eye"), ("nose", "right_eye"), ("left_eye", "right_eye"))
    assert person.mirror_pairs == (("left_eye", "right_eye"),)
    assert person.sigmas_are_guessed
    assert Skeleton.from_dict(PERSON) == person


def test_cocos_own_category_gets_cocos_sigmas():
    index = {name: i + 1 for i, name in enumerate(COCO_17.keypoints)}
    edges = [[index[a], index[b]] for a, b in COCO_17.limbs]
    person = Skeleton.from_coco_category({"name": "coco17", "keypoints": list(COCO_17.keypoints), "skeleton": edges})
    assert person == COCO_17


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"keypoints": []}, "has no keypoints; is this a COCO keypoint file"),
        ({"keypoints": "nose"}, "has no keypoints"),
        ({"keypoints": 5}, "has no keypoints"),
        ({"skeleton": [[0, 1]]}, "counts keypoints from 1"),
        ({"skeleton": [[1, 4]]}, r"must be pairs of 1\.\.3"),
        ({"skeleton": [[1, 2, 3]]}, r"must be pairs of 1\.\.3"),
        ({"skeleton": [["a", "b"]]}, r"must be pairs of 1\.\.3"),
        ({"skeleton": 5}, r"must be pairs of 1\.\.3"),
        ({"skeleton": [[1, 2]]}, "no chain of limbs"),
        ({"skeleton": None}, "has no limbs"),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_categories_that_are_no_skeletons_are_refused(changes, message):
    with pytest.raises(SkeletonError, match=message):
        Skeleton.from_coco_category(PERSON | changes)
