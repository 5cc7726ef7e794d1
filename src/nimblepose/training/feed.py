"""Batches for the loop: the right samples in the right order, read and augmented by worker processes."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import cv2
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from nimblepose.core.errors import DataError, TrainingError
from nimblepose.core.metadata import InputSpec
from nimblepose.core.skeleton import Skeleton
from nimblepose.data.coco import load_records
from nimblepose.data.dataset import PoseDataset, SampleOrder
from nimblepose.training.recipe import Recipe

T = TypeVar("T")


def build_dataset(recipe: Recipe, skeleton: Skeleton, *, on_device: bool) -> PoseDataset:
    """The training samples; on an accelerator targets are left to it.

    Raises:
        DataError: annotations that cannot be used, or fewer samples than a batch takes.
    """
    annotations, images = recipe.data.annotations, recipe.data.images
    records = load_records([Path(p) for p in annotations], [Path(p) for p in images], skeleton)
    options = dataclasses.replace(recipe.sample_options(), draw_targets=not on_device)
    dataset = PoseDataset(records, skeleton, options, seed=recipe.seed)
    if len(dataset) < recipe.batch_size:
        raise DataError(
            f"{len(dataset)} samples make no batch of {recipe.batch_size}; lower batch_size, or centres.min_keypoints "
            f"and centres.min_area, which leave out small and sparsely labelled people"
        )
    return dataset


def build_order(recipe: Recipe, samples: int, *, rank: int, world: int) -> SampleOrder:
    """This process's share of every global batch."""
    return SampleOrder(samples, recipe.batch_size, seed=recipe.seed, rank=rank, world=world)


def build_loader(
    recipe: Recipe,
    dataset: Dataset[T],
    order: SampleOrder,
    *,
    first: int,
    pin: bool,
    collate: Callable[[Sequence[T]], T],
) -> Iterator[T]:
    """Batches from step `first` of the phase to its end, `recipe.accumulate` of them per step."""
    parts = _Parts(order, first, recipe.schedule.steps, recipe.accumulate)
    return iter(DataLoader(dataset, batch_sampler=parts, collate_fn=collate, pin_memory=pin, **loader_options(recipe)))


def loader_options(recipe: Recipe) -> dict[str, Any]:
    """How batches are read, whatever they are of."""
    workers = recipe.data.workers
    return {
        "num_workers": workers,
        # A forked copy of a process whose OpenCV or torch has already started threads can wait for them for ever.
        "multiprocessing_context": "spawn" if workers else None,
        "worker_init_fn": _one_thread,
    }


class _Parts:
    """The shares of a process, cut into parts that are accumulated."""

    def __init__(self, order: SampleOrder, first: int, stop: int, parts: int) -> None:
        self.order, self.first, self.stop, self.parts = order, first, stop, parts

    def __iter__(self) -> Iterator[list[int]]:
        for step in range(self.first, self.stop):
            share = self.order.batch(step)
            size = len(share) // self.parts
            for i in range(self.parts):
                yield share[i * size : (i + 1) * size]

    def __len__(self) -> int:
        return (self.stop - self.first) * self.parts


def next_batch(batches: Iterator[T]) -> T:
    """The next batch.

    Raises:
        TrainingError: a worker process died.
    """
    try:
        return next(batches)
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        raise TrainingError(
            f"a data worker was lost ({error}); if memory ran out, lower data.workers or batch_size, then --resume"
        ) from error


def normalise(image: Tensor, spec: InputSpec) -> Tensor:
    """(B, 3, H, W) uint8 RGB -> float as the network expects it."""
    ordered = image.flip(1) if spec.channels == "bgr" else image
    return (ordered.float() - spec.mean) * spec.scale


def _one_thread(_: int) -> None:
    cv2.setNumThreads(1)  # there are as many workers as cores already
