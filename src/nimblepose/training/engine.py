"""The loop. Everything random in it is a function of (seed, step), so that a run can be cut anywhere and goes on."""

import dataclasses
import math
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from nimblepose.codec.encode import encode
from nimblepose.core.errors import DataError, TrainingError
from nimblepose.core.skeleton import Skeleton
from nimblepose.core.text import format_count
from nimblepose.data.dataset import SampleBatch
from nimblepose.model.network import FieldTensors
from nimblepose.training import state as states
from nimblepose.training.contents import read_contents
from nimblepose.training.feed import build_dataset, build_loader, build_order, next_batch, normalise, resize
from nimblepose.training.loss import compute_stage_losses
from nimblepose.training.optimizer import (
    MovingAverage,
    apply_average,
    build_optimizer,
    compute_rate_factor,
    freeze,
    fuse_frozen_norms,
    set_rate,
    set_train_mode,
)
from nimblepose.training.options import to_plain
from nimblepose.training.pace import Pace
from nimblepose.training.recipe import Recipe
from nimblepose.training.run_folder import RunFolder, RunLog
from nimblepose.training.start import keep_stages, settle_norms, start_network
from nimblepose.training.teacher import Teacher, blend, load_teacher, mix_targets
from nimblepose.training.validation import Validation, Validator

_RECENT = 100  # losses from which growth is judged
_FEW = 10  # losses from which on growth is judged at all
_PATIENCE = 10  # unreadable pictures that a run bears whatever its length


@dataclass(frozen=True)
class TrainingStep:
    """What the loop tells whoever watches, after every step."""

    phase: int
    phases: int
    step: int  # steps done in this phase
    steps: int
    loss: float
    rate: float  # base learning rate
    left: float  # seconds that the rest of the phase will take, validations included
    found: Validation | None = None  # where this step ended with a validation


Watcher = Callable[[TrainingStep], None]


class RunInterruptedError(TrainingError):
    """Somebody asked for an end before the end; the state is saved."""


def _never() -> bool:
    return False


def train(
    recipe: Recipe,
    out: Path,
    *,
    fabric: Fabric,
    resume: bool = False,
    watch: Watcher = lambda step: None,
    stop: Callable[[], bool] = _never,
) -> Path:
    """Run all phases of a recipe and return the checkpoint to ship.

    Args:
        recipe: What to do.
        out: Folder of the run, see `RunFolder`: checkpoints, logs, pictures, and the state to resume from.
        fabric: From `build_fabric`.
        resume: Go on where the state in `out` stopped; without a state, begin.
        watch: Called in the first process after every step.
        stop: Asked before every step, in every process; once it says so in one of them, the state is saved and the run
            ends there.

    Raises:
        RunInterruptedError: `stop` has said so.
        TrainingError: a contradiction, a foreign `out`, or a run that cannot go on (the message says what was kept).
        DataError: annotations or pictures that cannot be used.
    """
    phases, folder = recipe.resolve(), RunFolder(out)
    contents = read_contents(recipe)
    saved = folder.open(recipe, fabric, resume=resume, contents=contents)
    for number in range(saved["phase"] if saved else 0, len(phases)):
        if number > 0:
            phases[number] = dataclasses.replace(phases[number], start=str(folder.locate_phase(number - 1)))
        _Phase(recipe, phases, number, folder, contents, fabric, saved, watch, stop).run()
        saved = None
    return folder.result


class _Phase:
    """One phase: network, optimizer and the loop over its steps."""

    def __init__(
        self,
        whole: Recipe,
        phases: list[Recipe],
        number: int,
        folder: RunFolder,
        contents: Mapping[str, list[str]],
        fabric: Fabric,
        saved: dict[str, Any] | None,
        watch: Watcher,
        stop: Callable[[], bool],
    ) -> None:
        recipe = phases[number]
        self.whole, self.recipe, self.number, self.phases = whole, recipe, number, len(phases)
        self.folder, self.fabric, self.watch, self.stop = folder, fabric, watch, stop
        self.contents = dict(contents)
        states.seed_everything(recipe.seed + number)
        skeleton = Skeleton.load(recipe.data.skeleton)
        self.network, self.metadata = start_network(
            recipe.network,
            skeleton,
            recipe.start,
            paf_geometry=recipe.encode.paf_geometry,
            seed=recipe.seed + number,
            licence=recipe.licence,
            input_height=recipe.validation.height,
        )
        self.dataset = build_dataset(recipe, skeleton, on_device=fabric.device.type != "cpu")
        if recipe.batch_norm != "frozen":
            settle_norms(self.network, self.metadata, self.dataset, recipe.data.size)
        freeze(self.network, recipe.freeze)
        _lay_out(self.network)
        if recipe.batch_norm == "sync":
            nn.SyncBatchNorm.convert_sync_batchnorm(self.network)  # type: ignore[no-untyped-call]
        if recipe.batch_norm == "frozen":
            fuse_frozen_norms(self.network)
        self.teacher = load_teacher(recipe, skeleton)
        if self.teacher is not None:
            _lay_out(fabric.to_device(self.teacher.network))
        self.order = build_order(recipe, self.dataset, rank=fabric.global_rank, world=fabric.world_size)
        self.validator = Validator(recipe, skeleton, self.dataset) if fabric.is_global_zero else None
        self.module, self.optimizer = fabric.setup(self.network, build_optimizer(self.network, recipe.optimizer))
        self.average = MovingAverage(self.network, recipe.average) if recipe.average else None

        self.step = 0  # steps done in this phase
        self.before = sum(phase.schedule.steps for phase in phases[:number])  # and in those before
        self.best: tuple[float, float] | None = None  # rank of the best validation of this phase
        self.stale = 0  # validations since then
        self.unreadable, self.recent = 0, list[float]()
        if saved is not None:
            self._restore(saved)
        resume_at = self.before + self.step if saved is not None or number > 0 else None
        self.log = RunLog(folder, phases, resume_at=resume_at) if fabric.is_global_zero else None

    def run(self) -> None:
        """From where we are to the end of the phase."""
        recipe, steps = self.recipe, self.recipe.schedule.steps
        batches = build_loader(recipe, self.dataset, self.order, first=self.step, pin=self.fabric.device.type == "cuda")
        pace = Pace()
        while not self._is_over():
            self._stop_if_asked()
            began = time.perf_counter()
            rate = recipe.optimizer.learning_rate * compute_rate_factor(self.step, recipe.schedule)
            losses, norm = self._learn(batches, rate)
            values = {"loss": sum(losses.values()), **losses, "rate": rate, "norm": norm, "unreadable": self.unreadable}
            if self.log is not None:
                self.log.add_step(self.before + self.step, self.number, values)
            self.step += 1
            learned = time.perf_counter()
            pace.add_step(learned - began)
            due = self.step % recipe.validation.every == 0 or self.step == steps
            found = self._validate() if due else None
            last = self._is_over()
            if due or self.step % recipe.checkpoint_every == 0:
                self._save(done=last)
            if due:
                pace.add_validation(time.perf_counter() - learned)
            if self.log is not None:
                validations = -(-steps // recipe.validation.every) - self.step // recipe.validation.every
                left = 0.0 if last else pace.estimate(steps - self.step, validations)
                self.watch(TrainingStep(self.number, self.phases, self.step, steps, values["loss"], rate, left, found))
        if self.log is not None:
            self.log.close()

    def _is_over(self) -> bool:
        """Whether all steps are done, or validations do not get better any more."""
        patience = self.recipe.validation.patience
        return self.step >= self.recipe.schedule.steps or bool(patience and self.stale >= patience)

    def _stop_if_asked(self) -> None:
        """Save and end the run, in all processes at the same step, if somebody asked any of them to."""
        asked = torch.tensor(float(self.stop()), device=self.fabric.device)
        if self.fabric.world_size > 1:
            asked = torch.as_tensor(self.fabric.all_reduce(asked, reduce_op="sum"))
        if not asked:
            return
        self._save(done=False)
        if self.log is not None:
            self.log.close()
        raise RunInterruptedError(
            f"stopped after {format_count(self.before + self.step, 'step', 'steps')}; {self.folder.state} is saved: "
            f"the same command with --resume goes on"
        )

    def _learn(self, batches: Iterator[SampleBatch], rate: float) -> tuple[dict[str, float], float]:
        """One step on one global batch: the mean losses over parts and processes, and the norm of the gradient."""
        set_rate(self.optimizer, rate)
        set_train_mode(self.network, frozen_batch_norm=self.recipe.batch_norm == "frozen")
        parts = [next_batch(batches) for _ in range(self.recipe.accumulate)]
        self.optimizer.zero_grad(set_to_none=True)
        sums: dict[str, Tensor] = {}
        for i, part in enumerate(parts):
            with self.fabric.no_backward_sync(self.module, enabled=i + 1 < len(parts)):
                losses = self._forward(SampleBatch(*(self.fabric.to_device(column) for column in part)), i)
                self.fabric.backward(torch.stack(list(losses.values())).sum() / len(parts))
            for key, value in losses.items():
                sums[key] = sums.get(key, torch.zeros_like(value)) + value.detach() / len(parts)
        unreadable = torch.stack([part.unreadable.sum() for part in parts]).sum()
        means = torch.stack([*sums.values(), unreadable.to(self.fabric.device)])
        if self.fabric.world_size > 1:
            means = torch.as_tensor(self.fabric.all_reduce(means, reduce_op="mean"))
        self.unreadable += round(float(means[-1]) * self.fabric.world_size)
        means = means[:-1]
        self._check(float(means.sum()), parts)
        norm = math.nan
        if self.recipe.optimizer.clip:
            clip = self.fabric.clip_gradients(self.module, self.optimizer, max_norm=self.recipe.optimizer.clip)
            norm = math.nan if clip is None else float(clip)
        self.optimizer.step()
        if self.average is not None:
            self.average.update(self.network)
        return dict(zip(sums, means.tolist(), strict=True)), norm

    def _forward(self, batch: SampleBatch, part: int) -> dict[str, Tensor]:
        """Losses of a part of a batch; targets come from the loader or are drawn here, and the teacher mixes in."""
        images, loss_mask, targets = batch.image, batch.loss_mask, FieldTensors(batch.heatmaps, batch.pafs)
        if not self.dataset.options.draw_targets:
            cells = (loss_mask.shape[1], loss_mask.shape[2])
            targets = FieldTensors(*encode(batch.xy, cells, self.network.skeleton, self.recipe.encode))
        if self.teacher is not None:
            images, loss_mask, targets = self._teach(self.teacher, batch, targets, part)
        seen = resize(normalise(images, self.metadata.input), self.recipe.data.size)
        stages = [FieldTensors(*stage) for stage in self.module(seen)]
        return compute_stage_losses(stages, targets.heatmaps, targets.pafs, loss_mask, self.recipe.loss)

    def _teach(
        self, teacher: Teacher, batch: SampleBatch, labels: FieldTensors, part: int
    ) -> tuple[Tensor, Tensor, FieldTensors]:
        """Pictures, where they count, and targets, when a teacher has its say; it alone speaks of blended samples."""
        options = self.recipe.distill
        images, alone = batch.image, torch.zeros_like(batch.partial)
        if options.blend:
            where = [self.recipe.seed, self.number, self.step, part, self.fabric.global_rank]
            images, alone = blend(images, options.blend, np.random.default_rng(where))
            alone = alone * (batch.unreadable == 0)
        with self.fabric.autocast():
            soft = teacher(images, self.recipe.data.size, step=self.step * self.recipe.accumulate + part)
        loss_mask = batch.loss_mask.maximum(alone[:, None, None])
        return images, loss_mask, mix_targets(labels, soft, batch.partial, alone, options)

    def _check(self, loss: float, parts: list[SampleBatch]) -> None:
        """Stop where the loss is no number any more or has grown beyond measure, keeping the batch; count bad files."""
        usual = statistics.median(self.recent) if len(self.recent) >= _FEW else math.inf
        if not math.isfinite(loss) or loss > usual * self.recipe.max_loss_growth:
            step = self.before + self.step
            kept = self.folder.path / f"broken_step{step}_process{self.fabric.global_rank}.pt"
            columns = {name: [getattr(part, name).cpu() for part in parts] for name in SampleBatch._fields}
            states.save_state({"step": step, "loss": loss, "usual_loss": usual, "batch": columns}, kept)
            known = "" if math.isinf(usual) else f" (usual: {usual:g})"
            raise TrainingError(
                f"loss is {loss:g} at step {step}{known}; the batch is kept in {kept}; look at it, then "
                f"lower optimizer.learning_rate, or set optimizer.clip or schedule.warmup_steps, and begin again"
            )
        self.recent = [*self.recent[1 - _RECENT :], loss]
        seen = (self.step + 1) * self.recipe.batch_size
        if self.unreadable > _PATIENCE + self.recipe.data.max_unreadable * seen:
            raise DataError(
                f"{self.unreadable} of {seen} pictures could not be read (data.max_unreadable is "
                f"{self.recipe.data.max_unreadable}); `nimblepose data check` lists them"
            )

    def _validate(self) -> Validation | None:
        """Figures of the weights that would be shipped; the best are kept."""
        found: Validation | None = None
        if self.validator is not None and self.log is not None:
            with apply_average(self.network, self.average):
                steps_done = self.before + self.step
                network = keep_stages(self.network, self._count_shipped()).to(self.fabric.device)
                if self.recipe.validation.annotations:
                    found = self.validator.measure(network, self.metadata)
                    known = not math.isnan(found.ap)
                    better = known and (self.best is None or found.rank > self.best)
                    best = better or (known and found.rank == self.best)  # of equals the newest: it has learnt more
                    self.stale = 0 if better else self.stale + 1
                    if best:
                        self.best = found.rank
                        self.folder.save_weights(self.network, self.metadata, best=True)
                        self.folder.ship(network, self.metadata)
                    loss = statistics.mean(self.recent)
                    self.log.add_validation(steps_done, self.number, found, loss=loss, best=best)
                    if found.drawn is not None:
                        self.log.add_picture(steps_done, "labels, and what was found", found.drawn)
                elif self.recipe.validation.pictures:
                    drawn = self.validator.draw_samples(network, self.metadata)
                    self.log.add_picture(steps_done, "predictions beside targets", drawn)
        self.fabric.barrier()
        if self.fabric.world_size > 1:
            self.stale = self.fabric.broadcast(self.stale)  # all processes end at the same step
        return found

    def _count_shipped(self) -> int | None:
        """Refinement stages of the weights that are shipped; a phase may have fewer than the last one keeps."""
        ship = self.recipe.ship_refinement_stages
        return None if ship is None else min(ship, self.network.options.refinement_stages)

    def _save(self, *, done: bool) -> None:
        """Weights as they would be used, then the state; at the phase's end also its result."""
        if self.fabric.is_global_zero:
            with apply_average(self.network, self.average):
                self.folder.save_weights(self.network, self.metadata, best=False)
                if self.best is None:
                    self.folder.ship(keep_stages(self.network, self._count_shipped()), self.metadata)
            if done:
                self.folder.finish_phase(
                    self.number,
                    measured=self.best is not None,
                    last=self.number + 1 == self.phases,
                    ship_stages=self.recipe.ship_refinement_stages,
                )
            states.save_state(self._collect_state(done=done), self.folder.state)
        self.fabric.barrier()

    def _collect_state(self, *, done: bool) -> dict[str, Any]:
        plain = to_plain(self.whole)
        if done and self.number + 1 < self.phases:
            return {"recipe": plain, "contents": self.contents, "phase": self.number + 1, "step": 0}
        return {
            "recipe": plain,
            "contents": self.contents,
            "phase": self.number,
            "step": self.step,
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
            "precision": self.fabric.strategy.precision.state_dict(),
            "random": states.read_random_state(),
            "best": None if self.best is None else list(self.best),
            "stale": self.stale,
            "recent": self.recent,
            "unreadable": self.unreadable,
        }

    def _restore(self, saved: dict[str, Any]) -> None:
        if "network" not in saved:  # the phase before had just ended
            return
        self.network.load_state_dict(saved["network"])
        self.optimizer.load_state_dict(saved["optimizer"])
        if self.average is not None:
            self.average.load_state_dict(saved["average"])
        self.fabric.strategy.precision.load_state_dict(saved["precision"])
        states.restore_random_state(saved["random"])
        self.step, self.best = saved["step"], _read_rank(saved["best"])
        self.stale = saved.get("stale", 0)
        self.recent, self.unreadable = list(saved["recent"]), saved["unreadable"]


def _read_rank(saved: list[float] | float | None) -> tuple[float, float] | None:
    """As it was saved; before there were pixel errors it was the AP alone, -inf of a phase without validation."""
    if isinstance(saved, float):
        return None if math.isinf(saved) else (round(saved, 3), -1.0)
    return None if saved is None else (saved[0], saved[1])


def _lay_out(network: nn.Module) -> None:
    """Weights channels last, which convolutions in half precision read faster."""
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
