from pathlib import Path

import pytest

from nimblepose.core.errors import TrainingError
from nimblepose.training.recipe import load_recipe

RECIPES = Path(__file__).resolve().parents[2] / "examples" / "recipes"
CONTRADICTIONS = {
    "misspelt": ({"optimiser": {}}, "optimiser: no such option; did you mean optimizer"),
    "no data": ({"data__annotations": [], "data__images": []}, "names no file"),
    "folders": ({"data__images": ["a", "b"]}, "1 annotation files but 2 picture folders"),
    "size": ({"data__size": [100, 64]}, "multiples of encode.stride 8"),
    "batch": ({"accumulate": 3}, "batch_size 4 does not divide into 1 processes x 3 parts"),
    "half precision": ({"precision": "16-mixed"}, "needs a GPU"),
    "sync": ({"batch_norm": "sync"}, "sync needs several GPUs"),
    "teacher": ({"distill": {"teacher": "a.safetensors"}}, "both, a teacher and a weight"),
    "background": ({"distill": {"teacher": "a.safetensors", "background": 1.5}}, "in 0..1"),
    "views without teacher": ({"distill": {"views": [{"mirrored": True}]}}, "without distill.teacher"),
    "detail": ({"data__detail": 1.3}, "whole numbers of the sides"),
    "too much detail": ({"data__detail": 5}, "must be in 1..4"),
    "detail without teacher": ({"data__detail": 1.5}, "without distill.teacher"),
    "blend without teacher": ({"distill": {"blend": 0.5}}, "without distill.teacher"),
    "in turn without teacher": ({"distill": {"in_turn": True}}, "without distill.teacher"),
    "blend": ({"distill": {"teacher": "a.safetensors", "weight": 1, "blend": 2}}, "in 0..1, got 2"),
    "no views": ({"distill": {"teacher": "a.safetensors", "weight": 1, "views": []}}, "at least one"),
    "view too large": ({"distill": {"teacher": "a.st", "weight": 1, "views": [{"scale": 9}]}}, "scale in 0.25..4"),
    "validation": ({"validation": {"annotations": "a.json"}}, "without validation.images"),
    "warm-up": ({"schedule__warmup_steps": 12}, "warmup_steps fewer"),
    "milestones": ({"schedule__milestones": [0.5]}, "milestones belong to kind 'steps'"),
    "ship": ({"ship_refinement_stages": 2}, "not among the network's 1"),
    "average": ({"average": 1.0}, "average must be in 0..1"),
    "rate": ({"optimizer__learning_rate": 0}, "learning_rate must be positive"),
    "network": ({"network__width": 99}, "width must be in"),
    "phase": ({"phases": [{"schedule.stepz": 3}]}, "phase 0: schedule.stepz: no such option"),
}


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_contradictions_are_errors_before_anything_starts(tiny, case):
    changes, message = CONTRADICTIONS[case]
    with pytest.raises(TrainingError) as error:
        load_recipe(tiny(**changes))
    assert message in str(error.value)
    assert "recipe.yaml" in str(error.value)


def test_overrides_and_paths(tiny):
    path = tiny()
    recipe = load_recipe(path, ["optimizer.learning_rate=5e-4", "data.size=[96, 64]"])
    assert recipe.optimizer.learning_rate == 5e-4
    assert recipe.data.size == (96, 64)
    assert recipe.data.annotations == (str(path.parent / "annotations.json"),)
    assert recipe.data.skeleton == str(path.parent / "creature.yaml")


def test_phases_change_what_they_name_and_nothing_else(tiny):
    phases = [{"schedule.steps": 5}, {"network.refinement_stages": 3, "optimizer.learning_rate": "1e-5"}]
    one, two = load_recipe(tiny(phases=phases)).resolve()
    assert (one.schedule.steps, two.schedule.steps) == (5, 12)
    assert (one.network.refinement_stages, two.network.refinement_stages) == (1, 3)
    assert two.optimizer.learning_rate == 1e-5
    assert one.batch_size == two.batch_size == 4


def test_what_is_no_recipe(tmp_path):
    with pytest.raises(TrainingError, match=r"cannot read recipe \S+none\.yaml: No such file or directory$"):
        load_recipe(tmp_path / "none.yaml")
    (tmp_path / "list.yaml").write_text("- 1")
    with pytest.raises(TrainingError, match="expected a mapping"):
        load_recipe(tmp_path / "list.yaml")


@pytest.mark.parametrize("name", sorted(path.name for path in RECIPES.glob("*.yaml")))
def test_the_recipes_of_the_examples_are_understood(name):
    recipe = load_recipe(RECIPES / name)
    assert recipe.resolve()[-1].schedule.steps >= 500


def test_a_start_is_a_name_or_a_file_beside_the_recipe(tiny):
    path = tiny()
    assert load_recipe(path, ["start=human-pose-estimation-0001"]).start == "human-pose-estimation-0001"
    assert load_recipe(path, ["start=a.safetensors"]).start == str(path.parent / "a.safetensors")
