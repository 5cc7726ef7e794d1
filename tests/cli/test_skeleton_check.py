"""`nimblepose skeleton check` says what follows from a skeleton, or what is wrong with it."""

import json

from nimblepose.core.skeleton import HUMAN_18


def test_a_built_in_skeleton(cli):
    ran = cli("skeleton", "check", "human18")
    assert ran.code == 0
    for text in (*HUMAN_18.keypoints, "19 heatmaps, 38 PAFs", "closes a loop", "8 pairs change sides", "good"):
        assert text in ran.out


def test_a_file_with_guessed_sigmas_and_without_mirror(cli, tmp_path):
    value = {
        "keypoints": ["a", "l_b", "r_b"],
        "limbs": [["a", "l_b"], ["l_b", "r_b"]],
        "mirror_pairs": [["l_b", "r_b"]],
    }
    (tmp_path / "own.json").write_text(json.dumps(value))
    ran = cli("skeleton", "check", tmp_path / "own.json")
    assert ran.code == 0
    assert "0.06 is a guess" in ran.out
    assert "mirroring: not possible" in ran.out


def test_a_contradiction_ends_in_2_and_names_the_file(cli, tmp_path):
    (tmp_path / "own.json").write_text('{"keypoints": ["a", "b"], "limbs": [["a", "c"]]}')
    ran = cli("skeleton", "check", tmp_path / "own.json")
    assert ran.code == 2
    assert "own.json" in ran.err
    assert "'c'" in ran.err


def test_names_that_tables_misread_are_told(cli, tmp_path):
    value = {"keypoints": ["NA", "1st", "[b]"], "limbs": [["NA", "1st"], ["1st", "[b]"]]}
    (tmp_path / "own.json").write_text(json.dumps(value))
    ran = cli("skeleton", "check", tmp_path / "own.json")
    assert ran.code == 0
    told = " ".join(ran.out.split())
    assert "name: 'NA' is read as a missing value" in told
    assert "name: '1st' does not begin with a letter" in told
    assert "name: '[b]' does not begin with a letter" in told
