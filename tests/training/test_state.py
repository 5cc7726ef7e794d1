import pickle

import pytest
import torch

from nimblepose.core.errors import TrainingError
from nimblepose.training.state import load_state, read_random_state, restore_random_state, save_state


def test_there_and_back(tmp_path):
    state = {"step": 3, "weights": {"a": torch.rand(4)}, "random": read_random_state()}
    save_state(state, tmp_path / "state.pt")
    drawn = torch.rand(5)
    loaded = load_state(tmp_path / "state.pt")
    restore_random_state(loaded["random"])
    assert (torch.rand(5) == drawn).all()
    assert (loaded["weights"]["a"] == state["weights"]["a"]).all()
    assert [path.name for path in tmp_path.iterdir()] == ["state.pt"]


class _Evil:
    def __reduce__(self):
        return (print, ("code of a stranger",))


@pytest.mark.parametrize("kind", ["code", "text", "cut off", "nothing"])
def test_what_is_no_state_is_refused(tmp_path, kind):
    path = tmp_path / "state.pt"
    if kind == "code":
        torch.save({"step": 1, "x": _Evil()}, path)
    elif kind == "text":
        path.write_text("state")
    elif kind == "cut off":
        torch.save({"step": 1, "x": torch.rand(1000)}, path)
        path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(TrainingError, match=r"state\.pt"):
        load_state(path)


def test_a_full_disk_leaves_the_former_state(tmp_path, monkeypatch):
    path = tmp_path / "state.pt"
    save_state({"step": 1}, path)

    def full(*_args, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(TrainingError, match=r"No space left.*--resume"):
        save_state({"step": 2}, path)
    monkeypatch.undo()
    assert load_state(path)["step"] == 1
    assert len(list(tmp_path.iterdir())) == 1


def test_pickle_is_never_loaded(tmp_path):
    (tmp_path / "state.pt").write_bytes(pickle.dumps({"step": 1}))
    with pytest.raises(TrainingError):
        load_state(tmp_path / "state.pt")
