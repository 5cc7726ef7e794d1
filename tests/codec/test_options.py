"""Options out of their range are refused by name."""

import dataclasses

import pytest

from nimblepose.codec.options import FOR_RANKING, DecodeOptions
from nimblepose.core.errors import PoseError


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (name, value)
        for name in ("min_peak_score", "min_limb_score", "min_limb_share", "min_pose_score", "max_saddle")
        for value in (-0.01, 1.01, float("nan"))
    ]
    + [
        ("limb_samples", 1),
        ("min_keypoints", 0),
        ("max_poses", -1),
        ("max_peaks", 0),
        ("long_limb", 0),
        ("long_limb", float("nan")),
    ],
    ids=str,
)
def test_values_out_of_range_are_refused_by_name(name, value):
    with pytest.raises(PoseError, match=name):
        DecodeOptions(**{name: value})


@pytest.mark.parametrize("name", ["min_peak_score", "min_limb_score", "min_limb_share", "min_pose_score", "max_saddle"])
@pytest.mark.parametrize("value", [0, 1])
def test_the_ends_of_the_range_are_in_it(name, value):
    assert getattr(DecodeOptions(**{name: value}), name) == value


def test_for_ranking_keeps_at_least_what_the_defaults_keep():
    for name in ("min_peak_score", "min_limb_score", "min_limb_share", "least_score"):
        assert getattr(FOR_RANKING, name) <= getattr(DecodeOptions(), name)
    assert FOR_RANKING.count_needed(18) <= DecodeOptions().count_needed(18)


def test_how_many_keypoints_make_a_pose_follows_the_skeleton_unless_it_is_said():
    assert [DecodeOptions().count_needed(k) for k in (2, 3, 5, 18)] == [2, 2, 3, 3]
    assert DecodeOptions(min_keypoints=1).count_needed(18) == 1


def test_the_published_figures_were_measured_with_these_options():
    """Whoever changes one measures again: README, docs/poses.md, docs/model-card.md and benchmarks/README.md."""
    used = DecodeOptions()
    assert (used.min_peak_score, used.min_limb_score, used.min_limb_share, used.least_score) == (
        0.05,
        0.005,
        0.8,
        0.35,
    )
    assert (used.count_needed(18), used.max_poses, used.max_peaks, used.limb_samples) == (3, 0, 500, 10)
    assert (used.long_limb, used.max_saddle, used.prune_crowds, used.complete) == (0.5, 0.7, True, False)
    ranked = dataclasses.replace(
        used, min_peak_score=0.03, min_limb_score=0.002, min_limb_share=0, min_pose_score=0, complete=True
    )
    assert ranked == FOR_RANKING


def test_options_are_values():
    assert DecodeOptions() == DecodeOptions()
    with pytest.raises(dataclasses.FrozenInstanceError):
        DecodeOptions().max_poses = 3
