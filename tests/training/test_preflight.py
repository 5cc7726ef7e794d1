import pytest

from nimblepose.core.errors import ModelError, PoseError
from nimblepose.training import preflight as module
from nimblepose.training.devices import build_fabric
from nimblepose.training.preflight import preflight, shorten
from nimblepose.training.recipe import load_recipe

VALIDATION = {"annotations": "annotations.json", "images": "images", "height": 64, "pictures": 1}


def test_one_step_of_every_phase_and_no_trace(tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    exported = []
    monkeypatch.setattr(module, "export_onnx", lambda network, _metadata, path: exported.append((network, path)))
    recipe = load_recipe(tiny(validation=VALIDATION, phases=[{"schedule.steps": 9}, {"network.refinement_stages": 2}]))
    preflight(recipe, fabric=build_fabric(recipe))
    ((network, _),) = exported
    assert network.options.refinement_stages == 2
    assert list(tmp_path.glob("nimblepose_preflight_*")) == []


def test_it_shortens_everything_that_is_long(tiny):
    phases = [{"schedule.steps": 9, "freeze": ["model"]}, {"validation.every": 3}]
    for phase in shorten(load_recipe(tiny(validation=VALIDATION, phases=phases))).resolve():
        assert (phase.schedule.steps, phase.validation.every, phase.validation.max_pictures) == (1, 1, 2)
    assert shorten(load_recipe(tiny(phases=phases))).resolve()[0].freeze == ("model",)


@pytest.mark.parametrize("what", ["validation pictures", "export"])
def test_what_would_fail_hours_later_fails_now(tiny, monkeypatch, what):
    validation = VALIDATION
    if what == "export":

        def broken(*_):
            raise ModelError("exported network differs")

        monkeypatch.setattr(module, "export_onnx", broken)
    else:
        validation = VALIDATION | {"images": "nowhere"}
    recipe = load_recipe(tiny(validation=validation))
    with pytest.raises(PoseError, match="differs" if what == "export" else "nowhere"):
        preflight(recipe, fabric=build_fabric(recipe))
