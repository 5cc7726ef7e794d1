"""What frozen layers compute, kept on disk: samples pass through them once and train the residual stage many times."""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from nimblepose.codec.encode import encode
from nimblepose.core.errors import TrainingError
from nimblepose.core.metadata import InputSpec
from nimblepose.data.dataset import Batch, PoseDataset, SampleOrder, collate
from nimblepose.model.network import Fields, PoseNetwork
from nimblepose.training.feed import loader_options, next_batch, normalise
from nimblepose.training.options import to_plain
from nimblepose.training.recipe import Recipe
from nimblepose.training.teacher import Teacher, mixed

_AT_ONCE = 2  # samples: the memory of more passes by the processor's caches
_MARKED_EVERY = 100  # samples, after which an interrupted work need not begin again
_COUNT = "count.json"
_DECIDING = ("seed", "data", "augment", "centres", "encode", "network", "start", "distill", "frozen_samples")

Progress = Callable[[int, int], None]
"""Called with the samples that are kept, and how many there will be."""


class FrozenBatch(NamedTuple):
    """Samples behind the frozen layers."""

    seen: Tensor  # (B, 2C + K + 1 + 2L, h, w) float32: features, trunk, heatmaps, pafs
    targets: Tensor  # (B, K + 1 + 2L, h, w) float32: heatmaps, pafs; the teacher is mixed in
    counts: Tensor  # (B, h, w) float32: 1 where the loss counts, 0 where not
    unreadable: Tensor  # (B,) int64: 1 for a picture that could not be read; it counts nowhere


class FrozenSamples(Dataset[FrozenBatch]):
    """Samples that `keep` has kept, in float16; any index means one of them."""

    def __init__(self, folder: Path, length: int) -> None:
        self.folder, self.length = folder, length
        self._arrays: dict[str, NDArray[Any]] = {}

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> FrozenBatch:
        """One sample as a batch of one."""
        if not self._arrays:  # opened by each worker for itself
            self._arrays = {name: np.load(_file(self.folder, name), mmap_mode="r") for name in FrozenBatch._fields}
        row = {name: torch.from_numpy(np.array(array[index % self.length])) for name, array in self._arrays.items()}
        unreadable = row.pop("unreadable")
        return FrozenBatch(**{name: value[None].float() for name, value in row.items()}, unreadable=unreadable[None])


def collate_frozen(samples: Sequence[FrozenBatch]) -> FrozenBatch:
    """Batches of one -> a batch."""
    return FrozenBatch(*(torch.cat(column) for column in zip(*samples, strict=True)))


@torch.no_grad()
def keep(
    recipe: Recipe,
    dataset: PoseDataset,
    network: PoseNetwork,
    teacher: Teacher | None,
    spec: InputSpec,
    folder: Path,
    *,
    progress: Progress = lambda *_: None,
) -> FrozenSamples:
    """Draw `recipe.frozen_samples` samples, pass them through the frozen layers, and keep what comes out.

    Where an earlier attempt with the same recipe was cut off, it goes on.

    Args:
        recipe: One phase.
        dataset: Of the recipe.
        network: Evaluated as it is; all but its residual stage is frozen.
        teacher: Its fields are mixed into the targets.
        spec: Input of the network.
        folder: For the arrays; see `needed_bytes`.
        progress: Told after every few samples.

    Raises:
        TrainingError: too little space, or activations that float16 cannot hold.
    """
    total, device = recipe.frozen_samples, next(network.parameters()).device
    done, arrays = _open(recipe, network, folder)
    shuffled = SampleOrder(len(dataset), 1, seed=recipe.seed)  # the first ones of a file may be of one kind
    chosen = [shuffled.batch(i)[0] for i in range(done, total)]
    order = [chosen[i : i + _AT_ONCE] for i in range(0, len(chosen), _AT_ONCE)]
    loader = iter(DataLoader(dataset, batch_sampler=order, collate_fn=collate, **loader_options(recipe)))
    network.eval()
    # Where the network is its own teacher, the plain view has been computed already.
    own_teacher = recipe.distill.teacher == recipe.start and teacher and not teacher.network.options.residual_blocks
    for _ in order:
        batch = Batch(*(column.to(device) for column in next_batch(loader)))
        seen = network.see(normalise(batch.image, spec))
        drawn = Fields(batch.heatmaps, batch.pafs)
        if not dataset.options.draw_targets:
            cells = (batch.counts.shape[1], batch.counts.shape[2])
            drawn = Fields(*encode(batch.xy, cells, dataset.skeleton, recipe.encode))
        if teacher is not None:
            soft = teacher(batch.image, plain=seen.stages[-1] if own_teacher else None)
            drawn = mixed(drawn, soft, batch.partial, recipe.distill)
        rows = {
            "seen": torch.cat([seen.features, seen.trunk, *seen.stages[-1]], dim=1).half(),
            "targets": torch.cat(drawn, dim=1).half(),
            "counts": batch.counts,
            "unreadable": batch.unreadable,
        }
        if not torch.isfinite(rows["seen"]).all():
            raise TrainingError("frozen_samples: activations beyond float16 cannot be kept; set frozen_samples=0")
        count = len(batch.counts)
        for name, value in rows.items():
            arrays[name][done : done + count] = value.cpu().numpy()
        done += count
        if done % _MARKED_EVERY < count or done == total:
            _mark(folder, recipe, done, arrays)
        progress(done, total)
    return FrozenSamples(folder, total)


def needed_bytes(recipe: Recipe, network: PoseNetwork) -> int:
    """What the kept samples take on disk."""
    return sum(int(np.prod(shape)) * np.dtype(kind).itemsize for shape, kind in _shapes(recipe, network).values())


def forget(folder: Path) -> None:
    """Remove what was kept."""
    shutil.rmtree(folder, ignore_errors=True)


def _shapes(recipe: Recipe, network: PoseNetwork) -> dict[str, tuple[tuple[int, ...], type]]:
    cells = tuple(side // recipe.encode.stride for side in recipe.data.size)
    fields = network.skeleton.heatmap_channels + network.skeleton.paf_channels
    total = recipe.frozen_samples
    return {
        "seen": ((total, 2 * network.options.channels + fields, *cells), np.float16),
        "targets": ((total, fields, *cells), np.float16),
        "counts": ((total, *cells), np.uint8),
        "unreadable": ((total,), np.int64),
    }


def _open(recipe: Recipe, network: PoseNetwork, folder: Path) -> tuple[int, dict[str, Any]]:
    """How many samples are there already, and the arrays."""
    if (done := _done(folder, recipe)) is None:
        forget(folder)
        folder.mkdir(parents=True)
        needed, free = needed_bytes(recipe, network), shutil.disk_usage(folder).free
        if needed > free:
            raise TrainingError(
                f"{recipe.frozen_samples} frozen samples take {needed / 1e9:.1f} GB, {folder} has {free / 1e9:.1f} GB "
                f"left; lower frozen_samples or data.size, or give another --out"
            )
    mode = "w+" if done is None else "r+"
    arrays = {
        name: np.lib.format.open_memmap(_file(folder, name), mode, kind, shape)
        for name, (shape, kind) in _shapes(recipe, network).items()
    }
    return done or 0, arrays


def _file(folder: Path, name: str) -> Path:
    return folder / f"{name}.npy"


def _deciding(recipe: Recipe) -> dict[str, Any]:
    """The part of a recipe that decides what is kept."""
    plain = to_plain(recipe)
    plain["data"] = {key: value for key, value in plain["data"].items() if key != "workers"}
    return {key: plain[key] for key in _DECIDING}


def _done(folder: Path, recipe: Recipe) -> int | None:
    """How many samples of this recipe are there; None: none, or another's."""
    try:
        found = json.loads((folder / _COUNT).read_text())
        return int(found["done"]) if found["recipe"] == json.loads(json.dumps(_deciding(recipe))) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _mark(folder: Path, recipe: Recipe, done: int, arrays: dict[str, Any]) -> None:
    for array in arrays.values():
        array.flush()
    partial = folder / f".{_COUNT}"
    partial.write_text(json.dumps({"done": done, "recipe": _deciding(recipe)}))
    partial.replace(folder / _COUNT)
