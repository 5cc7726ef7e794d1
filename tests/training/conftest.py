import json
import sys
from pathlib import Path

import drawn_bodies
import pytest
import yaml

from nimblepose.data.coco import load_records
from nimblepose.runtime.estimator import PoseEstimator

CREATURES = Path(__file__).resolve().parents[2] / "examples" / "creatures"


def pytest_collect_file():
    """Skip the whole folder, before any of its modules is imported."""
    pytest.importorskip("torch")
    pytest.importorskip("lightning_fabric")


@pytest.fixture(scope="session")
def creatures():
    """The generator of the example, as a module."""
    sys.path.insert(0, str(CREATURES))
    try:
        import generate
    finally:
        sys.path.remove(str(CREATURES))
    return generate


@pytest.fixture(scope="session")
def pictures(creatures, tmp_path_factory):
    """A folder with 12 drawn pictures, their annotations and the skeleton."""
    folder = tmp_path_factory.mktemp("creatures")
    creatures.generate(folder, 12, size=(96, 96), seed=5)
    (folder / "creature.yaml").write_text((CREATURES / "creature.yaml").read_text())
    return folder


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A model file that finds every one of 60 drawn bodies, and a function from changed annotations to records."""
    onnx = pytest.importorskip("onnx")
    folder = drawn_bodies.write_set(tmp_path_factory.mktemp("bodies") / "set", 60, seed=4)
    onnx.save(drawn_bodies.network(onnx), folder / "model.onnx")
    skeleton = PoseEstimator(folder / "model.onnx", input_height=drawn_bodies.HEIGHT).skeleton
    whole = json.loads((folder / "bodies.json").read_text())

    def records(change=lambda coco: None):
        coco = json.loads(json.dumps(whole))
        change(coco)
        path = folder / "changed.json"
        path.write_text(json.dumps(coco))
        return load_records([path], [folder / "images"], skeleton)

    return folder / "model.onnx", records


TINY = {
    "name": "tiny",
    "data": {
        "annotations": ["annotations.json"],
        "images": ["images"],
        "skeleton": "creature.yaml",
        "size": [64, 64],
        "workers": 0,
    },
    "augment": {"centre": "picture", "fill": 1.0, "scale": [0.8, 1.25], "rotation": 20, "shift": 8},
    "network": {"width": 0.1, "channels": 8, "initial_head_channels": 16},
    "batch_size": 4,
    "optimizer": {"learning_rate": 1e-3, "clip": 100},
    "schedule": {"steps": 12, "warmup_steps": 2, "kind": "cosine"},
    "batch_norm": "frozen",
    "average": 0.9,
    "checkpoint_every": 3,
    "tensorboard": False,
    "accelerator": "cpu",
}


@pytest.fixture
def tiny(pictures):
    """Write the recipe of a network that trains in a second; dotted keys change it."""

    def write(**changes):
        plain = yaml.safe_load(yaml.safe_dump(TINY))
        for key, value in changes.items():
            *path, last = key.split("__")
            place = plain
            for name in path:
                place = place.setdefault(name, {})
            place[last] = value
        path = pictures / "recipe.yaml"
        path.write_text(yaml.safe_dump(plain))
        return path

    return write


@pytest.fixture(autouse=True)
def _one_thread():
    """Networks this small are not faster on several threads, and much slower where something else runs beside them."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
