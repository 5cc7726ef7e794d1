"""Whatever happens to who works, nothing is lost, nothing is tried for ever, and the rest is done."""

import pytest
from blob_scenes import draw_scene
from PIL import Image
from tests.batch.conftest import do, read_folder

from nimblepose.batch.driving import Ended
from nimblepose.batch.progress import find_status, list_missing
from nimblepose.batch.stores import open_store
from nimblepose.batch.work import iterate_tasks, work
from nimblepose.core.errors import MediaError, MissingPackageError, ModelError


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(12):
        Image.fromarray(draw_scene(number, people=number % 3)).save(folder / f"{number:02}.png")
    return folder


@pytest.fixture
def batch(pictures, tmp_path, cli):
    """Three groups of four pictures."""
    assert cli("batch", "plan", pictures, "--out", tmp_path / "batch", "--pictures", 4)[0] == 0
    return tmp_path / "batch"


def units(batch):
    return [unit.id for unit in list_missing(open_store(str(batch)))[1]]


class Killer:
    """Says of tasks that their processes died."""

    def __init__(self, dies):
        self.dies, self.tried = dies, []

    def __call__(self, task):
        self.tried.append(task["id"])
        return Ended(task["id"], None, "killed") if self.dies(task, self.tried.count(task["id"])) else None


def test_a_process_that_dies_once_costs_nothing(batch, pictures, tmp_path, cli, inline):
    first, second, _ = units(batch)
    killer = Killer(lambda task, times: times == 1 and task["id"] in (first, second))
    outcome = do(batch, killer)
    assert (outcome.done, outcome.failed, outcome.frames) == (3, {}, 12)
    assert killer.tried.count(first) == killer.tried.count(second) == 2
    cli("batch", "finish", batch)
    cli("predict", pictures, "--no-pictures", "--out", tmp_path / "whole")
    assert read_folder(batch / "results") == read_folder(tmp_path / "whole")


def test_a_unit_that_kills_its_process_twice_is_halved_once_and_then_listed(batch, cli, inline):
    """The sixth picture kills whoever opens it."""
    _, second, _ = units(batch)

    def opens_the_sixth(task, times):
        return any(name.endswith("05.png") for name, *_ in task["unit"]["pictures"])

    killer = Killer(opens_the_sixth)
    outcome = do(batch, killer)
    assert killer.tried.count(second) == 2
    assert killer.tried.count(f"{second}-1") == 2
    assert killer.tried.count(f"{second}-2") == 1
    (failure,) = outcome.failed.values()
    assert "2 pictures from" in failure
    assert "its process died 2 times (killed)" in failure
    assert outcome.frames == 10
    status = find_status(open_store(str(batch)))
    assert (status.done, len(status.missing), len(status.failed)) == (2, 0, 1)
    assert do(batch).total == 0, "it is not tried again by itself"
    code, out, said = cli("batch", "finish", batch)
    assert (code, "10 pictures" in out, "its process died" in said) == (1, True, True)
    assert cli("batch", "run", batch, "--again")[0] == 0
    assert cli("batch", "finish", batch)[1].startswith("0 videos with 0 frames, 12 pictures")


def test_one_more_life_is_one_more_try(batch):
    killer = Killer(lambda task, times: task["id"] == units_of[0] and times < 3)
    units_of = units(batch)
    assert do(batch, killer, retries=3).failed == {}
    assert killer.tried.count(units_of[0]) == 3


def test_a_disk_that_is_full_ends_the_run_and_loses_nothing(batch, monkeypatch):
    store = open_store(str(batch))
    write, written = type(store).write, []

    def full(self, name, data):
        if name.startswith("parts/") and written:
            raise MediaError(f"cannot write {name}: No space left on device")
        written.append(name)
        write(self, name, data)

    monkeypatch.setattr(type(store), "write", full)
    monkeypatch.setattr("nimblepose.batch.stores.time.sleep", lambda seconds: None)
    with pytest.raises(MediaError, match=r"No space left on device.*make room, and run again"):
        do(batch)
    assert len(written) == 1
    monkeypatch.setattr(type(store), "write", write)
    assert do(batch).done == 2


def test_what_another_run_does_is_waited_for(batch, monkeypatch):
    store, (first, *_) = open_store(str(batch)), units(batch)
    claim = store.claim(first)
    assert claim.__enter__()
    slept = []

    def finish_elsewhere(seconds):
        slept.append(seconds)
        claim.__exit__(None, None, None)

    monkeypatch.setattr("nimblepose.batch.driving.time.sleep", finish_elsewhere)
    outcome = do(batch)
    assert (outcome.done, outcome.frames, len(slept)) == (3, 12, 1)


def test_what_was_done_meanwhile_is_not_done_again(batch):
    (task, *_) = list(iterate_tasks(str(batch)))
    assert work(task)["rows"] == 4
    part = batch / f"parts/{task['id']}.parquet"
    before = part.stat().st_mtime_ns
    assert work(task) == {"unit": task["id"], "state": "done", "rows": 0, "people": 0}
    assert part.stat().st_mtime_ns == before


def test_another_model_is_refused(batch, model_file, tmp_path, monkeypatch, cli):
    other = tmp_path / "other.onnx"
    other.write_bytes(model_file.read_bytes() + b"\0")
    manifest = batch / "manifest.jsonl"
    manifest.write_text(manifest.read_text().replace(str(model_file), str(tmp_path / "gone.onnx")))
    monkeypatch.setenv("NIMBLEPOSE_MODEL", str(other))
    with pytest.raises(ModelError, match=r"gone\.onnx is not on this machine"):
        do(batch)
    monkeypatch.setenv("NIMBLEPOSE_MODEL", str(model_file))
    assert do(batch).done == 3, "the default model here is that of the plan"
    code, _, said = cli("batch", "plan", tmp_path / "pictures", "--out", batch, "--pictures", 4, "--model", other)
    assert (code, "another model" in said) == (2, True)


def test_a_picture_that_changes_after_the_plan_is_not_mixed_in(batch, pictures, cli, inline):
    Image.fromarray(draw_scene(50)).save(pictures / "03.png")
    assert do(batch).damaged == 1
    code, _, said = cli("batch", "finish", batch)
    assert (code, "03.png has changed since it was planned" in said) == (1, True)
    assert "12 pictures: 3 units" in cli("batch", "plan", pictures, "--out", batch, "--pictures", 4)[1]
    assert do(batch).total == 1, "only its group is done anew"
    assert cli("batch", "finish", batch)[0] == 0


def test_a_machine_that_lacks_a_package_is_no_fault_of_the_units(batch, monkeypatch):
    def lack(*_, **__):
        raise MissingPackageError("HEIC: pi_heif is not installed")

    with monkeypatch.context() as patch:
        patch.setattr("nimblepose.batch.finding.read_reduced", lack)
        with pytest.raises(ModelError, match="pi_heif is not installed"):
            do(batch)
    assert do(batch).done == 3


def test_a_bug_of_ours_costs_one_unit(batch, monkeypatch):
    _, second, _ = units(batch)
    from nimblepose.batch import work as module

    find = module.find_in_unit

    def stumble(finder, unit, settings):
        if unit.id == second:
            raise ZeroDivisionError("oh")
        return find(finder, unit, settings)

    monkeypatch.setattr(module, "find_in_unit", stumble)
    (failure,) = do(batch).failed.values()
    assert "unexpected ZeroDivisionError, please report it: oh" in failure


def test_missing_parts_are_named(batch, cli):
    next(iter(map(work, iterate_tasks(str(batch)))))
    code, _, said = cli("batch", "finish", batch)
    assert (code, "2 units are missing (4 pictures from" in said) == (2, True)
    assert f"nimblepose batch run {batch} does them" in said
    next(iter(map(work, iterate_tasks(str(batch)))))
    _, _, said = cli("batch", "finish", batch)
    assert "1 unit is missing (" in said
    assert f"nimblepose batch run {batch} does it" in said
