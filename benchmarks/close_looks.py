"""Train a network on close looks and first passes, taught by its own start on closer looks still, all on one device.

    python benchmarks/close_looks.py START.safetensors --annotations train.json more.json --images train more \
        --out runs/close --labels 0.6 --seconds 520 [--resume]
    nimblepose model mean START.safetensors runs/close/last.safetensors --shares 0.3,0.7 --out MODEL.safetensors

Two kinds of samples make a step. A "look" (320 px) shows a person whose box has a diagonal of 130 to 330 px, and half
of the looks are cut at a border around the person: what the second pass over a picture sees. A "first" (192 px) shows
people of 36 to 140 px, as the first pass over a small picture does. The teacher is the start itself: it sees each
sample twice, once mirrored, in views of 0.8 to 1.3 times a look's size and 1.5, 2 or 3 times a first's, and the mean of
its fields, brought back to the pupil's cells (`look_targets.py`), is mixed with drawn labels by `--labels`. 15 % of
the samples are blends of two. The first two layers of the backbone stay as they are.

All pictures are held decoded on the device (`look_samples.py`): 4 GB for 2500 of COCO's. Rates fall by a cosine over
`--seconds` or `--steps`; averaged weights are written after each third, `third.safetensors`, `two_thirds.safetensors`
and `last.safetensors`. BatchNorm is folded while it trains; checkpoints have the norms of the start, so that their mean
with it, tensor by tensor, is the mean of the folded networks. `log.csv` has every 50th step: what each kind of field
adds to the loss. `--resume` goes on from the last `state.pt`, one every 500 steps.

The run that the model card reports had the same arithmetic, with kernels written by hand for depthwise convolutions and
for reading pictures, and taught several pupils on the same samples. Here are plain operators of torch, for the CPU and
for CUDA, where the networks compute in bfloat16.
"""

import argparse
import copy
import dataclasses
import math
import os
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from look_batches import Batch, build_teacher, compute_briefly, make_batch
from look_samples import HeldPictures, Regime, hold_pictures
from look_targets import mix
from torch import Tensor

from nimblepose.core.errors import TrainingError
from nimblepose.data.coco import load_records
from nimblepose.model.checkpoint import load_checkpoint, save_checkpoint
from nimblepose.model.folding import find_normalised_convolutions, fold_batch_norm
from nimblepose.model.network import PoseNetwork
from nimblepose.training.logs import CsvLog
from nimblepose.training.loss import LossOptions, compute_stage_losses
from nimblepose.training.optimizer import MovingAverage, OptimizerOptions, build_optimizer, freeze, set_rate
from nimblepose.training.state import load_state, save_state

REGIMES = {
    "look": Regime(
        size=320, diagonal=(130, 330), shift=0.12, rotation=12, views=(0.8, 1, 1, 1.3), cut=0.5, weight=1, count=64
    ),
    "first": Regime(
        size=192, diagonal=(36, 140), shift=0.25, rotation=8, views=(1.5, 2, 3), cut=0, weight=1.5, count=96
    ),
}
LOSS = LossOptions(heatmaps=4.0)
OPTIMIZER = OptimizerOptions(weight_decay=0, bias_factor=1, refinement_factor=1, relative=True, clip=500)
WARMUP, FINAL = 150, 0.005  # steps; of the rate, at the end
AVERAGE = 0.999
FROZEN = ("model.0", "model.1")
MARKS = {"third": 1 / 3, "two_thirds": 2 / 3}  # of the run
LOG_EVERY = 50  # steps


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """Of a run; `steps`, where it is not 0, says how long, else `seconds`."""

    labels: float = 0.6
    rate: float = 4e-4
    seconds: float = 520.0
    steps: int = 0
    seed: int = 0
    save_every: int = 500  # steps


def take_step(
    network: PoseNetwork,
    optimizer: torch.optim.Optimizer,
    batches: Mapping[str, tuple[Batch, float]],
    share: float,
) -> dict[str, Tensor]:
    """One step of the optimizer on batches and the weights of their losses.

    Returns:
        What every kind of field adds to its batch's loss, as `look_stage0_heatmaps`, and `norm` of the gradient.
    """
    terms: dict[str, Tensor] = {}
    optimizer.zero_grad(set_to_none=True)
    for name, (batch, weight) in batches.items():
        heatmaps, pafs = mix(batch.labels, batch.soft, batch.partial, batch.alone, share)
        with compute_briefly(batch.images.device):
            stages = network(batch.images)
        losses = compute_stage_losses(stages, heatmaps, pafs, batch.loss_mask, LOSS)
        (weight * torch.stack(list(losses.values())).sum()).backward()  # type: ignore[no-untyped-call]
        terms |= {f"{name}_{kind}": loss.detach() for kind, loss in losses.items()}
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    terms["norm"] = torch.nn.utils.clip_grad_norm_(trained, OPTIMIZER.clip)
    optimizer.step()
    return terms


def compute_factor(step: int, done: float) -> float:
    """What the rate is multiplied by, `step` steps and a share `done` of the run after its beginning.

    >>> [round(compute_factor(step, done), 4) for step, done in ((0, 0.0), (149, 0.0), (500, 0.5), (1000, 1.0))]
    [0.0067, 1.0, 0.5025, 0.005]
    """
    return min(1.0, (step + 1) / WARMUP) * (FINAL + (1 - FINAL) * (1 + math.cos(math.pi * done)) / 2)


def put_norms_back(folded: Mapping[str, Tensor], start: PoseNetwork) -> PoseNetwork:
    """A network with the start's BatchNorm statistics and gains that computes what the folded weights do.

    Raises:
        TrainingError: a norm of the start lets nothing through a channel, so that no weight before it would.
    """
    network, state = copy.deepcopy(start), {key: tensor.detach().cpu() for key, tensor in folded.items()}
    names = {id(module): name for name, module in network.named_modules()}
    with torch.no_grad():
        for _, _, convolution, norm in find_normalised_convolutions(network):
            name = names[id(convolution)]
            gain = norm.weight * (torch.as_tensor(norm.running_var) + norm.eps).rsqrt()
            if not gain.all():
                raise TrainingError(f"{name}: the norm behind it has channels of gain 0; start from folded weights")
            middle = torch.as_tensor(norm.running_mean) - (0 if convolution.bias is None else convolution.bias)
            convolution.weight.copy_(state.pop(f"{name}.weight") / gain[:, None, None, None])
            norm.bias.copy_(state.pop(f"{name}.bias") + middle * gain)
    network.load_state_dict(network.state_dict() | state)
    return network


def train(
    start: Path,
    held: HeldPictures,
    out: Path,
    options: Options,
    *,
    device: torch.device,
    regimes: Mapping[str, Regime] = REGIMES,
    resume: bool = False,
) -> None:
    """Train, and write checkpoints, log and state into a folder.

    Raises:
        TrainingError: norms that cannot be put back, a loss that is no finite number, or nothing to resume.
    """
    network, metadata = load_checkpoint(start)
    folded = fold_batch_norm(network)
    put_norms_back(folded.state_dict(), network)  # raises here, not after a third of the run
    teacher = build_teacher(folded, device)
    pupil = folded.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    freeze(pupil, FROZEN)
    optimizer = build_optimizer(pupil, OPTIMIZER)
    average = MovingAverage(pupil, AVERAGE)
    step, before, reached = 0, 0.0, 0.0
    if resume:
        state = load_state(out / "state.pt")
        pupil.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        average.load_state_dict(state["average"])
        step, before, reached = state["step"], state["seconds"], state["done"]
    origin = f"trained by close looks from: {metadata.origin}"
    metadata = dataclasses.replace(metadata, origin=origin, scorer=None)  # it knew other weights
    kinds = [f"stage{i}_{kind}" for i in range(network.options.refinement_stages + 1) for kind in ("heatmaps", "pafs")]
    columns = ("step", "seconds", "rate_factor", *(f"{name}_{kind}" for name in regimes for kind in kinds), "norm")
    log = CsvLog(out / "log.csv", columns, resume_at=step + 1 if resume else None)
    begin = time.monotonic() - before
    while True:
        seconds = time.monotonic() - begin
        done = step / options.steps if options.steps else seconds / options.seconds
        for name, mark in MARKS.items():
            if reached < mark <= done:
                save_checkpoint(put_norms_back(average.weights, network), metadata, out / f"{name}.safetensors")
        reached = done
        if step and step % options.save_every == 0:
            parts = {"network": pupil, "optimizer": optimizer, "average": average}
            states = {name: part.state_dict() for name, part in parts.items()}
            save_state({"step": step, "seconds": seconds, "done": done, **states}, out / "state.pt")
        if done >= 1:
            break
        factor = compute_factor(step, done)
        set_rate(optimizer, options.rate * factor)
        rng = np.random.default_rng([options.seed, step])
        batches = {
            name: (make_batch(held, regime, teacher, metadata, rng), regime.weight) for name, regime in regimes.items()
        }
        terms = take_step(pupil, optimizer, batches, options.labels)
        average.update(pupil)
        step += 1
        if step % LOG_EVERY == 0 or step <= 3:
            values = {name: float(value) for name, value in terms.items()}
            if not all(map(math.isfinite, values.values())):
                raise TrainingError(f"step {step}: {values}; lower --rate")
            rounded = {name: round(value, 3) for name, value in values.items()}
            log.add({"step": step, "seconds": round(seconds, 1), "rate_factor": round(factor, 5)} | rounded)
            print(f"step {step}, {seconds:.0f} s: " + ", ".join(f"{k} {v:.1f}" for k, v in values.items()), flush=True)
    log.close()
    save_checkpoint(put_norms_back(average.weights, network), metadata, out / "last.safetensors")


def main() -> None:
    """Read, train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("start", type=Path, help="a checkpoint")
    parser.add_argument("--annotations", type=Path, nargs="+", required=True)
    parser.add_argument("--images", type=Path, nargs="+", required=True, help="a folder for each file of annotations")
    parser.add_argument("--out", type=Path, required=True)
    defaults = Options()
    parser.add_argument("--labels", type=float, default=defaults.labels, help="their share near labelled people")
    parser.add_argument("--rate", type=float, default=defaults.rate, help="of a tensor's size, per step")
    parser.add_argument("--seconds", type=float, default=defaults.seconds)
    parser.add_argument("--steps", type=int, default=0, help="in place of --seconds")
    parser.add_argument("--seed", type=int, default=0)
    for name, regime in REGIMES.items():
        parser.add_argument(f"--{name}", type=int, default=regime.count, help="such samples in a step")
    parser.add_argument("--device", type=torch.device, default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--resume", action="store_true")
    args = parser.parse_args()
    _, metadata = load_checkpoint(args.start)
    records = load_records(args.annotations, args.images, metadata.skeleton)
    held = hold_pictures(records, args.device, threads=os.cpu_count() or 1)
    print(f"{len(records)} pictures, {len(held.people)} people to look at")
    options = Options(labels=args.labels, rate=args.rate, seconds=args.seconds, steps=args.steps, seed=args.seed)
    regimes = {name: dataclasses.replace(regime, count=getattr(args, name)) for name, regime in REGIMES.items()}
    train(args.start, held, args.out, options, device=args.device, regimes=regimes, resume=args.resume)


if __name__ == "__main__":
    main()
