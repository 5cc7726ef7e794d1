import dataclasses
import json
import math
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from nimblepose import PoseEstimator
from nimblepose.codec.options import FOR_RANKING
from nimblepose.core.errors import DataError, TrainingError
from nimblepose.core.skeleton import Skeleton
from nimblepose.evaluation.pixels import ErrorFigures, PixelFigures
from nimblepose.media.pictures import read_picture
from nimblepose.model.checkpoint import load_checkpoint, save_checkpoint
from nimblepose.model.norms import find_identity_norms
from nimblepose.training.best_validation import read_best_validation
from nimblepose.training.device_backend import DeviceEstimator
from nimblepose.training.devices import build_fabric
from nimblepose.training.engine import RunInterruptedError, train
from nimblepose.training.feed import build_loader
from nimblepose.training.logs import read_csv
from nimblepose.training.loss import compute_stage_losses
from nimblepose.training.recipe import load_recipe
from nimblepose.training.teacher import Teacher
from nimblepose.training.validation import Validation, Validator

RUN = """
import sys
from pathlib import Path
from nimblepose.training.best_validation import read_best_validation
from nimblepose.training.devices import build_fabric
from nimblepose.training.engine import RunInterruptedError, train
from nimblepose.training.recipe import load_recipe
if __name__ == "__main__":
    recipe = load_recipe(Path(sys.argv[1]), sys.argv[3:])
    train(recipe, Path(sys.argv[2]), fabric=build_fabric(recipe), resume=True)
"""

ONE_THREAD = os.environ | {"OMP_NUM_THREADS": "1"}  # sums in another order are other sums


def losses(folder):
    return [(row["step"], row["loss"], row["norm"]) for row in read_csv(folder / "log.csv")]


def run(recipe, out, **options):
    return train(recipe, out, fabric=build_fabric(recipe), **options)


def test_a_run_killed_at_any_step_goes_on_as_if_nothing_had_happened(tiny, tmp_path):
    path = tiny(schedule__steps=30, data__workers=1)
    undisturbed = tmp_path / "undisturbed"
    run(load_recipe(path), undisturbed)
    killed = tmp_path / "killed"
    at = int(np.random.default_rng(time.time_ns()).integers(4, 22))  # any step must do
    command = [sys.executable, "-c", RUN, str(path), str(killed)]
    process = subprocess.Popen(command, start_new_session=True, env=ONE_THREAD)
    try:
        while len(losses(killed)) < at and process.poll() is None:
            time.sleep(0.01)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert at <= len(losses(killed)) < 30, "the run was to be killed in its middle"
    run(load_recipe(path), killed, resume=True)
    assert losses(killed) == losses(undisturbed)
    one, two = (load_checkpoint(folder / "model.safetensors")[0].state_dict() for folder in (undisturbed, killed))
    assert all((one[key] == two[key]).all() for key in one)  # the moving average too


def test_two_processes_learn_what_one_would(tiny, tmp_path):
    path = tiny(schedule__steps=20)
    alone, together = tmp_path / "alone", tmp_path / "together"
    run(load_recipe(path), alone)
    script = tmp_path / "run.py"
    script.write_text(RUN)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    subprocess.run([*launch, script, path, together, "devices=2"], check=True, env=ONE_THREAD)
    one, two = ([float(loss) for _, loss, _ in losses(folder)] for folder in (alone, together))
    assert len(one) == len(two) == 20
    np.testing.assert_allclose(two, one, rtol=1e-4)
    assert one[-1] < one[0]


def test_two_machines_learn_what_one_process_would(tiny, tmp_path):
    """Two launchers that meet as those of two machines do, by an address; each starts one process."""
    path = tiny(schedule__steps=10)
    alone, together = tmp_path / "alone", tmp_path / "together"
    run(load_recipe(path), alone)
    script = tmp_path / "run.py"
    script.write_text(RUN)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    launch = [sys.executable, "-m", "torch.distributed.run", "--nnodes", "2", "--nproc-per-node", "1"]
    launch += ["--rdzv-backend", "c10d", "--rdzv-endpoint", address, "--rdzv-id", "test", "--local-addr", "127.0.0.1"]
    machines = [
        subprocess.Popen([*launch, script, path, together, "devices=1", "machines=2"], env=ONE_THREAD) for _ in range(2)
    ]
    try:
        assert [machine.wait(timeout=600) for machine in machines] == [0, 0]
    finally:
        for machine in machines:
            machine.kill()
    one, two = ([float(loss) for _, loss, _ in losses(folder)] for folder in (alone, together))
    assert len(one) == len(two) == 10
    np.testing.assert_allclose(two, one, rtol=1e-4)


def test_accumulated_parts_are_one_batch(tiny, tmp_path):
    whole, parts = load_recipe(tiny()), load_recipe(tiny(accumulate=2))
    run(whole, tmp_path / "whole")
    run(parts, tmp_path / "parts")
    one, two = ([float(loss) for _, loss, _ in losses(tmp_path / name)] for name in ("whole", "parts"))
    np.testing.assert_allclose(two, one, rtol=1e-4)


def test_no_number_stops_the_run_and_keeps_the_batch(tiny, tmp_path):
    recipe = load_recipe(tiny(optimizer__learning_rate=1e30, optimizer__clip=0, schedule__warmup_steps=0))
    with pytest.raises(TrainingError, match=r"loss is (nan|inf).* at step \d+.*the batch is kept in .*broken_step"):
        run(recipe, tmp_path / "run")
    (kept,) = (tmp_path / "run").glob("broken_step*.pt")
    batch = torch.load(kept, weights_only=True)["batch"]
    assert batch["image"][0].shape == (4, 3, 64, 64)


def test_an_exploding_loss_stops_the_run(tiny, tmp_path):
    changes = {
        "optimizer__learning_rate": 0.3,
        "optimizer__clip": 0,
        "schedule__kind": "constant",
        "schedule__steps": 200,
    }
    recipe = load_recipe(tiny(**changes, max_loss_growth=1.5))
    with pytest.raises(TrainingError, match=r"loss is [\d.e+]+ at step .*\(usual: [\d.e+]+\)"):
        run(recipe, tmp_path / "run")


def test_unreadable_pictures_are_counted_and_too_many_stop_the_run(tiny, tmp_path, pictures):
    annotations = (pictures / "annotations.json").read_text()
    (tmp_path / "annotations.json").write_text(annotations)
    (tmp_path / "images").mkdir()
    for i, picture in enumerate(sorted((pictures / "images").iterdir())):
        (tmp_path / "images" / picture.name).write_bytes(picture.read_bytes()[: 100 if i % 3 == 0 else None])
    changes = {"data__annotations": [str(tmp_path / "annotations.json")], "data__images": [str(tmp_path / "images")]}
    run(load_recipe(tiny(**changes, data__max_unreadable=0.9)), tmp_path / "patient")
    counted = [int(row["unreadable"]) for row in read_csv(tmp_path / "patient" / "log.csv")]
    assert counted[-1] == 16  # a third of 12 steps x 4 samples
    with pytest.raises(DataError, match=r"of .* pictures could not be read.*`nimblepose data check`"):
        run(load_recipe(tiny(**changes, data__max_unreadable=0.01)), tmp_path / "strict")


def test_phases_follow_each_other_and_ship_without_the_extra_stages(tiny, tmp_path):
    phases = [{"schedule.steps": 6}, {"network.refinement_stages": 3, "schedule.steps": 6}]
    recipe = load_recipe(tiny(phases=phases, ship_refinement_stages=1, average=0.0))
    model = run(recipe, tmp_path / "run")
    rows = read_csv(tmp_path / "run" / "log.csv")
    assert [int(row["step"]) for row in rows] == list(range(12))
    assert [row["phase"] for row in rows] == ["0"] * 6 + ["1"] * 6
    assert [bool(row["stage3_pafs"]) for row in rows] == [False] * 6 + [True] * 6
    assert float(rows[6]["stage1_heatmaps"]) < float(rows[0]["stage1_heatmaps"])  # it started from phase 0's result
    stages = [
        load_checkpoint(path)[0].options.refinement_stages for path in (tmp_path / "run/phase1.safetensors", model)
    ]
    assert stages == [3, 1]


def test_a_crash_between_phases_goes_on_with_the_next(tiny, tmp_path):
    recipe = load_recipe(tiny(phases=[{"schedule.steps": 6}, {"schedule.steps": 6}]))
    run(recipe, tmp_path / "undisturbed")

    class CrashError(Exception):
        pass

    def crash(step):
        if step.phase == 0 and step.step == 6:
            raise CrashError

    with pytest.raises(CrashError):
        run(recipe, tmp_path / "run", watch=crash)
    run(recipe, tmp_path / "run", resume=True)
    assert losses(tmp_path / "run") == losses(tmp_path / "undisturbed")


def test_frozen_parts_stay_and_a_teacher_pulls(tiny, tmp_path):
    teacher = run(load_recipe(tiny()), tmp_path / "teacher")
    before = load_checkpoint(teacher)[0].state_dict()
    start = {"start": str(teacher), "freeze": ["model", "cpm"]}
    model = run(load_recipe(tiny(**start)), tmp_path / "frozen")
    after = load_checkpoint(model)[0].state_dict()
    moved = {key.split(".")[0] for key in after if not torch.allclose(after[key], before[key], atol=1e-6)}
    assert moved == {"initial_stage", "refinement_stages"}
    pupil = load_recipe(tiny(distill={"teacher": str(teacher), "weight": 1.0}, **start))
    run(pupil, tmp_path / "pupil")
    first = read_csv(tmp_path / "pupil" / "log.csv")[0]
    assert float(first["stage1_pafs"]) < 1e-6  # it begins as its teacher, which is all the target there is
    assert float(first["stage0_pafs"]) > 1e-3  # the teacher's last stage teaches every stage


def test_a_teacher_that_looks_closer_at_blended_samples_is_resumed_to_the_bit(tiny, tmp_path):
    teacher = run(load_recipe(tiny()), tmp_path / "teacher")
    distill = {
        "teacher": str(teacher),
        "weight": 0.5,
        "views": [{"scale": 1.5}, {"scale": 0.75}],
        "in_turn": True,
        "blend": 0.5,
    }
    recipe = load_recipe(tiny(start=str(teacher), distill=distill, data__detail=1.5, schedule__steps=6))
    run(recipe, tmp_path / "whole")

    def crash(step):
        if step.step == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(recipe, tmp_path / "broken", watch=crash)
    run(recipe, tmp_path / "broken", resume=True)
    assert losses(tmp_path / "broken") == losses(tmp_path / "whole")


def test_every_part_of_every_step_has_its_own_views_and_blends(tiny, tmp_path, monkeypatch):
    start = run(load_recipe(tiny()), tmp_path / "start")
    asked, images = [], []
    answer = Teacher.__call__

    def listen(self, pictures, size, *, step=0):
        asked.append(step)
        images.append(pictures)
        return answer(self, pictures, size, step=step)

    monkeypatch.setattr(Teacher, "__call__", listen)
    changes = {"start": str(start), "batch_size": 8, "accumulate": 2, "schedule__steps": 2, "schedule__warmup_steps": 1}
    for blend in (1.0, 0.0):
        distill = {"teacher": str(start), "weight": 0.5, "blend": blend, "in_turn": True}
        run(load_recipe(tiny(distill=distill, **changes)), tmp_path / f"blend{blend}")
    assert asked == [0, 1, 2, 3] * 2
    shares = []
    for both, own in zip(images[:4], images[4:], strict=True):
        off, other = (picture.flatten(1) for picture in (both.float() - own, own.roll(-1, 0).float() - own))
        shares += ((off * other).sum(1) / (other**2).sum(1)).tolist()
    assert len({round(share, 3) for share in shares}) == 16, "the dice are thrown for each"


def test_a_blend_counts_everywhere_unless_it_could_not_be_read(tiny, tmp_path, monkeypatch):
    start = run(load_recipe(tiny()), tmp_path / "start")
    counted = []

    def look(stages, heatmaps, pafs, loss_mask, options):
        counted.append(loss_mask.mean((1, 2)))
        return compute_stage_losses(stages, heatmaps, pafs, loss_mask, options)

    def batches(*args, **kwargs):
        batch = next(build_loader(*args, **kwargs))
        yield batch._replace(loss_mask=batch.loss_mask * 0, unreadable=torch.tensor([0, 0, 1, 0]))

    monkeypatch.setattr("nimblepose.training.engine.compute_stage_losses", look)
    monkeypatch.setattr("nimblepose.training.engine.build_loader", batches)
    distill = {"teacher": str(start), "weight": 0.5, "blend": 1.0}
    recipe = load_recipe(tiny(start=str(start), distill=distill, schedule__steps=1, schedule__warmup_steps=0))
    run(recipe, tmp_path / "run")
    assert counted[0].tolist() == [1, 1, 0, 1]


@pytest.mark.parametrize("mode", ["train", "frozen"])
def test_batch_norm_keeps_or_moves_its_statistics_and_learns_both_ways(tiny, tmp_path, mode, monkeypatch):
    start = run(load_recipe(tiny()), tmp_path / "start")
    fused = []
    monkeypatch.setattr("nimblepose.training.engine.fuse_frozen_norms", fused.append)
    result = run(load_recipe(tiny(start=str(start), batch_norm=mode, average=0.0)), tmp_path / "run")
    assert len(fused) == (mode == "frozen")
    before, after = (load_checkpoint(path)[0].state_dict() for path in (start, result))
    moved = {key.rpartition(".")[2] for key in after if not torch.equal(after[key], before[key])}
    assert moved >= {"weight", "bias"}
    assert ("running_mean" in moved) == (mode == "train")


def test_norms_that_a_file_had_folded_away_are_measured_before_they_are_trained(tiny, tmp_path):
    start = run(load_recipe(tiny()), tmp_path / "start")
    network, metadata = load_checkpoint(start)
    for norm in (module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)):
        norm.running_mean.zero_()
        norm.running_var.fill_(1 - norm.eps)
    save_checkpoint(network, metadata, start)
    first = {"start": str(start), "average": 0.0, "schedule__steps": 1, "schedule__warmup_steps": 0}
    for mode, identities in (("train", 0), ("frozen", len([*find_identity_norms(network)]))):
        result = run(load_recipe(tiny(batch_norm=mode, **first)), tmp_path / mode)
        assert len([*find_identity_norms(load_checkpoint(result)[0])]) == identities


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_size": 99}, "make no batch of 99"),
        ({"freeze": ["bakbone"]}, "no parameter's name begins with 'bakbone'"),
        ({"freeze": ["model", "cpm", "initial_stage", "refinement_stages"]}, "nothing to train"),
        ({"start": "/no/such/file.safetensors"}, "no file .*creature-025"),
        ({"accelerator": "cuda"}, "torch sees no GPU"),
    ],
    ids=["batch", "freeze", "all frozen", "start", "gpu"],
)
def test_what_cannot_work_is_said_before_the_first_step(tiny, tmp_path, change, message):
    if change.get("accelerator") == "cuda" and torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    from nimblepose.core.errors import PoseError

    with pytest.raises(PoseError, match=message):
        run(load_recipe(tiny(**change)), tmp_path / "run")


def test_as_many_processes_as_the_recipe_says(tiny, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(TrainingError, match=r"3 processes were started, but the recipe has devices=1 x machines=1"):
        build_fabric(load_recipe(tiny()))


def test_a_run_is_neither_overwritten_nor_resumed_with_another_recipe(tiny, tmp_path):
    recipe = load_recipe(tiny(schedule__steps=3, schedule__warmup_steps=0))
    run(recipe, tmp_path / "run")
    with pytest.raises(TrainingError, match="holds a run already"):
        run(recipe, tmp_path / "run")
    other = dataclasses.replace(recipe, seed=1)
    with pytest.raises(TrainingError, match="seed was 0, is 1"):
        run(other, tmp_path / "run", resume=True)
    run(dataclasses.replace(recipe, checkpoint_every=7), tmp_path / "run", resume=True)  # that changes nothing learnt


def test_a_run_that_was_asked_to_stop_is_saved_and_goes_on_as_if_nothing_had_happened(tiny, tmp_path):
    recipe = load_recipe(tiny(checkpoint_every=100))  # nothing would be saved before the end
    run(recipe, tmp_path / "undisturbed")
    asked = iter([False] * 5 + [True])
    with pytest.raises(RunInterruptedError, match=r"after 5 steps; .*state.pt is saved: .*--resume"):
        run(recipe, tmp_path / "stopped", stop=lambda: next(asked))
    assert len(losses(tmp_path / "stopped")) == 5
    run(recipe, tmp_path / "stopped", resume=True)
    assert losses(tmp_path / "stopped") == losses(tmp_path / "undisturbed")


def test_a_state_of_before_an_option_existed_is_gone_on_with(tiny, tmp_path):
    recipe = load_recipe(tiny())
    asked = iter([False] * 3 + [True])
    with pytest.raises(RunInterruptedError):
        run(recipe, tmp_path / "run", stop=lambda: next(asked))
    state = torch.load(tmp_path / "run" / "state.pt", weights_only=True)
    del state["recipe"]["data"]["negatives"]
    torch.save(state, tmp_path / "run" / "state.pt")
    assert run(recipe, tmp_path / "run", resume=True).exists()


def test_a_run_goes_on_from_elsewhere_and_after_its_data_have_moved(tiny, tmp_path, monkeypatch):
    recipe_file = tiny(checkpoint_every=100)
    for name in ("here", "elsewhere"):
        shutil.copytree(recipe_file.parent, tmp_path / name / "data")
    run(load_recipe(recipe_file), tmp_path / "undisturbed")
    monkeypatch.chdir(tmp_path / "here")
    asked = iter([False] * 5 + [True])
    with pytest.raises(RunInterruptedError):
        run(load_recipe(Path("data/recipe.yaml")), tmp_path / "run", stop=lambda: next(asked))
    monkeypatch.chdir(tmp_path)
    asked = iter([False] * 2 + [True])
    with pytest.raises(RunInterruptedError):
        run(load_recipe(Path("here/data/recipe.yaml")), tmp_path / "run", resume=True, stop=lambda: next(asked))
    shutil.rmtree(tmp_path / "here")
    run(load_recipe(tmp_path / "elsewhere/data/recipe.yaml"), tmp_path / "run", resume=True)
    assert losses(tmp_path / "run") == losses(tmp_path / "undisturbed")


def test_other_data_are_another_recipe_wherever_they_lie(tiny, tmp_path, caplog):
    recipe = load_recipe(tiny(checkpoint_every=100))
    asked = iter([False, True])
    with pytest.raises(RunInterruptedError):
        run(recipe, tmp_path / "run", stop=lambda: next(asked))
    shutil.copytree(tiny().parent, tmp_path / "data")
    annotations = tmp_path / "data/annotations.json"
    annotations.write_text(annotations.read_text() + " ")
    with pytest.raises(TrainingError, match=r"another recipe: data\.annotations was"):
        run(load_recipe(tmp_path / "data/recipe.yaml"), tmp_path / "run", resume=True)
    assert "data.annotations does not hold what it held" in caplog.text


def test_a_network_is_made_for_the_height_that_the_recipe_says(tiny, tmp_path):
    validation = {"annotations": "annotations.json", "images": "images", "height": 96, "max_pictures": 2}
    result = run(load_recipe(tiny(validation=validation, schedule={"steps": 2})), tmp_path / "said")
    assert load_checkpoint(result)[1].input_height == 96
    assert (tmp_path / "said" / "pictures" / "step0000002.png").exists()
    best = read_best_validation(tmp_path / "said")
    assert (best.step, next(iter(best.keypoints))) == (2, "head")
    assert best.overall.labelled == sum(figures.labelled for figures in best.keypoints.values()) > 0
    assert best.overall.missed == pytest.approx(1), "nothing is learnt in two steps"
    assert PoseEstimator(result).input_height == 96
    recipe = load_recipe(tiny(validation=validation | {"height": None}, schedule={"steps": 2}))
    assert recipe.height == 64, "fill 1 of samples of 64"
    assert load_checkpoint(run(recipe, tmp_path / "not said"))[1].input_height is None


VALIDATION = {"annotations": "annotations.json", "images": "images", "height": 64, "max_pictures": 1, "pictures": 0}


def test_a_run_ends_early_where_nothing_gets_better_and_goes_on_if_more_patience_is_asked(tiny, tmp_path):
    every = {"schedule": {"steps": 8}, "optimizer": {"learning_rate": 1e-9}}  # nobody is ever found
    patient = load_recipe(tiny(validation=VALIDATION | {"every": 1, "patience": 2}, **every))
    seen = []
    run(patient, tmp_path / "run", watch=seen.append)
    assert len(losses(tmp_path / "run")) == 3, "the best is the first; two more are none"
    assert seen[-1].left == 0
    assert run(patient, tmp_path / "run", resume=True).exists()
    assert len(losses(tmp_path / "run")) == 3, "it is over"
    run(load_recipe(tiny(validation=VALIDATION | {"every": 1, "patience": 4}, **every)), tmp_path / "run", resume=True)
    assert len(losses(tmp_path / "run")) == 5


def test_patience_needs_something_to_judge_by(tiny):
    with pytest.raises(TrainingError, match="patience"):
        load_recipe(tiny(validation={"patience": 2}))


def test_a_finished_run_takes_more_steps_but_not_fewer(tiny, tmp_path):
    run(load_recipe(tiny(schedule={"steps": 4})), tmp_path / "run")
    run(load_recipe(tiny(schedule={"steps": 7})), tmp_path / "run", resume=True)
    assert [int(row["step"]) for row in read_csv(tmp_path / "run" / "log.csv")] == list(range(7))
    with pytest.raises(TrainingError, match=r"has done 7 steps; schedule\.steps=5 would be fewer"):
        run(load_recipe(tiny(schedule={"steps": 5})), tmp_path / "run", resume=True)
    with pytest.raises(TrainingError, match=r"another recipe: schedule\.kind was"):
        run(load_recipe(tiny(schedule={"steps": 9, "kind": "constant"})), tmp_path / "run", resume=True)


def test_a_model_is_there_whenever_a_run_is_stopped_the_best_one_if_it_was_measured(tiny, tmp_path):
    asked = iter([False] * 3 + [True])
    with pytest.raises(RunInterruptedError):
        run(load_recipe(tiny(average=0.0)), tmp_path / "unmeasured", stop=lambda: next(asked))
    newest, given = (load_checkpoint(tmp_path / "unmeasured" / f"{n}.safetensors")[0] for n in ("last", "model"))
    assert all((newest.state_dict()[key] == tensor).all() for key, tensor in given.state_dict().items())
    asked = iter([False] * 5 + [True])
    recipe = load_recipe(tiny(validation=VALIDATION | {"every": 2}, average=0.0, optimizer={"learning_rate": 1e-9}))
    with pytest.raises(RunInterruptedError):
        run(recipe, tmp_path / "measured", stop=lambda: next(asked))
    best, given = (load_checkpoint(tmp_path / "measured" / f"{n}.safetensors")[0] for n in ("best", "model"))
    assert all((best.state_dict()[key] == tensor).all() for key, tensor in given.state_dict().items())
    assert read_best_validation(tmp_path / "measured").step == 4


def test_the_best_is_by_ap_then_by_error_and_of_equals_the_newest(tiny, tmp_path, monkeypatch):
    """AP is 0 as long as nobody is found, and 1 long before the error has come down."""
    found = iter([(0.0, math.nan), (0.0, math.nan), (0.5, 0.3), (0.5, 0.2), (0.5001, 0.2), (0.4, 0.1), (0.5, 0.21)])

    def measure(*_):
        ap, error = next(found)
        figures = ErrorFigures(
            labelled=1, mean=error, median=error, rmse=error, pck=0, missed=0, exchanged=0, relative=error
        )
        pixels = PixelFigures(overall=figures, keypoints={}, subjects=1, subjects_missed=0)
        return Validation(ap=ap, ap50=ap, pixels=pixels, field_errors={}, drawn=None)

    monkeypatch.setattr(Validator, "measure", measure)
    every = {"schedule": {"steps": 7}, "checkpoint_every": 1, "average": 0.0}
    kept = []

    def watch(step):
        given, last = (load_checkpoint(tmp_path / f"{name}.safetensors")[0] for name in ("model", "last"))
        kept.append(all((last.state_dict()[k] == v).all() for k, v in given.state_dict().items()))

    run(load_recipe(tiny(validation=VALIDATION | {"every": 1}, **every)), tmp_path, watch=watch)
    assert kept == [True, True, True, True, True, False, False], "the newest weights are those that are shipped"
    assert [row["best"] for row in read_csv(tmp_path / "validation.csv")] == list("1111100")
    assert read_best_validation(tmp_path).step == 5


def test_figures_of_each_keypoint_and_validation_pictures_are_in_the_folder_and_on_the_board(
    tiny, tmp_path, monkeypatch
):
    """Whoever looks into TensorBoard sees skeletons on pictures that nothing was learnt from."""
    real = Validator.measure

    def measure(*arguments):  # an untrained network finds nobody
        found = real(*arguments)
        known = {name: dataclasses.replace(one, mean=2.0) for name, one in found.pixels.keypoints.items()}
        return dataclasses.replace(found, pixels=dataclasses.replace(found.pixels, keypoints=known))

    monkeypatch.setattr(Validator, "measure", measure)
    accumulation = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    recipe = load_recipe(
        tiny(
            validation=VALIDATION | {"every": 1, "pictures": 2, "max_pictures": 3},
            schedule={"steps": 2},
            tensorboard=True,
        )
    )
    watched = []
    run(recipe, tmp_path, watch=lambda step: watched.append(step.found))
    rows = read_csv(tmp_path / "keypoints.csv")
    names = Skeleton.load(recipe.data.skeleton).annotated
    assert [(row["step"], row["keypoint"]) for row in rows] == [(step, name) for step in "12" for name in names]
    for found, path in zip(watched, sorted((tmp_path / "pictures").iterdir()), strict=True):
        assert found.drawn.shape == (2 * 320, 2 * 320, 3), "two of the three, labels and what was found"
        np.testing.assert_array_equal(read_picture(path), found.drawn)
    board = accumulation.EventAccumulator(str(tmp_path), size_guidance={"images": 0})
    board.Reload()
    pictures = board.Images("labels, and what was found")
    assert [picture.step for picture in pictures] == [1, 2]
    np.testing.assert_array_equal(read_picture(pictures[0].encoded_image_string), watched[0].drawn)
    off = [board.Scalars(f"pixel_error/{name}") for name in names]
    assert [[one.value for one in curve] for curve in off] == [[2.0, 2.0]] * len(names)
    assert {f"validation/{name}" for name in ("ap", "missed", "pck", "heatmap_error")} <= {*board.Tags()["scalars"]}


def test_the_recipe_of_a_run_runs_again_from_anywhere(tiny, tmp_path, monkeypatch):
    path = tiny(schedule={"steps": 2})
    monkeypatch.chdir(path.parent)
    run(load_recipe(Path(path.name)), tmp_path / "run")
    monkeypatch.chdir("/")
    again = load_recipe(tmp_path / "run" / "recipe.yaml")
    assert Path(again.data.annotations[0]).is_absolute()
    run(again, tmp_path / "again")
    assert losses(tmp_path / "again") == losses(tmp_path / "run")


def test_a_run_says_with_what_and_on_which_data_it_ran_every_time(tiny, tmp_path):
    run(load_recipe(tiny(schedule={"steps": 2})), tmp_path / "run")
    run(load_recipe(tiny(schedule={"steps": 3})), tmp_path / "run", resume=True)
    told = json.loads((tmp_path / "run" / "run.json").read_text())
    assert [entry["phase_step"] for entry in told["started"]] == [0, 2]
    assert told["started"][0]["machine"]["packages"]["torch"] == torch.__version__
    assert len(told["started"][0]["data"]["data.annotations"][0]) == 64


def test_what_is_validated_on_an_accelerator_is_found_as_the_file_is(tiny, tmp_path, pictures):
    """Here the device is the CPU; that the network lies elsewhere is all that differs."""
    result = run(load_recipe(tiny(schedule={"steps": 2})), tmp_path / "run")
    network, metadata = load_checkpoint(result)
    options = {"input_height": 96, "decode": FOR_RANKING}
    there, file = DeviceEstimator(result, network, metadata, **options), PoseEstimator(result, **options)
    picture = read_picture(pictures / "images" / "00001.jpg")
    placement = there.place(picture)
    for mine, theirs in zip(*(e.compute_fields([picture], placement) for e in (there, file)), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-5)
    assert len(list(there.stream([picture, picture]))) == 2
