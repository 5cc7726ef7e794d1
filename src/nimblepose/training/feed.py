"""Batches for the loop: the right samples in the right order, read and augmented by worker processes."""

import dataclasses
import logging
import signal
from collections.abc import Iterator
from pathlib import Path

import cv2
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader

from nimblepose.core.errors import DataError, TrainingError
from nimblepose.core.geometry import Size
from nimblepose.core.metadata import InputSpec
from nimblepose.core.skeleton import Skeleton
from nimblepose.data.augment import find_unpaired_sides
from nimblepose.data.coco import load_records
from nimblepose.data.dataset import PoseDataset, SampleBatch, SampleOrder, collate
from nimblepose.training.recipe import Recipe
from nimblepose.training.shared_memory import AHEAD, count_batch_bytes, limit_workers

_PATIENCE = 300  # seconds without a batch; a worker that could not hand over its own says nothing
_LAST_SECONDS = 60  # that a worker lives after SIGTERM: the trainer ends its step, and saves

_log = logging.getLogger(__name__)


def build_dataset(recipe: Recipe, skeleton: Skeleton, *, on_device: bool) -> PoseDataset:
    """The training samples; on an accelerator targets are left to it.

    Raises:
        DataError: annotations that cannot be used, or fewer samples than a batch takes.
    """
    annotations, images = recipe.data.annotations, recipe.data.images
    records = load_records([Path(p) for p in annotations], [Path(p) for p in images], skeleton)
    options = dataclasses.replace(recipe.sample_options, draw_targets=not on_device)
    if recipe.augment.flip and (unpaired := find_unpaired_sides(skeleton)):
        pairs = ", ".join(f"{a} / {b}" for a, b in unpaired)
        _log.warning(
            "skeleton %r: mirrored samples do not exchange %s; add mirror_pairs, or set augment.flip=0",
            skeleton.name,
            pairs,
        )
    dataset = PoseDataset(records, skeleton, options, seed=recipe.seed)
    if len(dataset) < recipe.batch_size:
        raise DataError(
            f"{len(dataset)} samples make no batch of {recipe.batch_size}; lower batch_size, or centres.min_keypoints "
            f"and centres.min_area, which leave out small and sparsely labelled people"
        )
    return dataset


def build_order(recipe: Recipe, dataset: PoseDataset, *, rank: int, world: int) -> SampleOrder:
    """This process's share of every global batch."""
    return SampleOrder(len(dataset), recipe.batch_size, seed=recipe.seed, rank=rank, world=world)


def build_loader(
    recipe: Recipe, dataset: PoseDataset, order: SampleOrder, *, first: int, pin: bool
) -> Iterator[SampleBatch]:
    """Batches from step `first` of the phase to its end, `recipe.accumulate` of them per step."""
    part = recipe.batch_size // (order.world * recipe.accumulate)
    batch_bytes = count_batch_bytes(dataset[order.list_indices(first)[0]], part) if recipe.data.workers else 0
    workers, remark = limit_workers(recipe.data.workers, batch_bytes, processes=recipe.devices)
    if remark:
        _log.warning("%s", remark)
    loader: DataLoader[SampleBatch] = DataLoader(
        dataset,
        batch_sampler=_Parts(order, first, recipe.schedule.steps, recipe.accumulate),
        num_workers=workers,
        # A forked copy of a process whose OpenCV or torch has already started threads can wait for them for ever.
        multiprocessing_context="spawn" if workers else None,
        collate_fn=collate,
        worker_init_fn=_prepare_worker,
        pin_memory=pin,
        prefetch_factor=AHEAD if workers else None,
        timeout=_PATIENCE if workers else 0,
    )
    return iter(loader)


class _Parts:
    """The shares of a process, cut into parts that are accumulated."""

    def __init__(self, order: SampleOrder, first: int, stop: int, parts: int) -> None:
        self.order, self.first, self.stop, self.parts = order, first, stop, parts

    def __iter__(self) -> Iterator[list[int]]:
        for step in range(self.first, self.stop):
            share = self.order.list_indices(step)
            size = len(share) // self.parts
            for i in range(self.parts):
                yield share[i * size : (i + 1) * size]

    def __len__(self) -> int:
        return (self.stop - self.first) * self.parts


def next_batch(batches: Iterator[SampleBatch]) -> SampleBatch:
    """The next batch.

    Raises:
        TrainingError: a worker process died, or is silent.
    """
    try:
        return next(batches)
    except RuntimeError as error:
        if "DataLoader" not in str(error):
            raise
        raise TrainingError(
            f"a data worker was lost ({error}); if memory ran out, or shared memory (docker run --shm-size), lower "
            f"data.workers or batch_size, then --resume"
        ) from error


def normalise(image: Tensor, spec: InputSpec) -> Tensor:
    """(B, 3, H, W) uint8 RGB -> float as the network expects it."""
    ordered = image.flip(1) if spec.channels == "bgr" else image
    return (ordered.float() - spec.mean) * spec.scale


def resize(pictures: Tensor, size: Size, *, antialias: bool = False) -> Tensor:
    """(B, 3, H, W) float at another (height, width)."""
    if pictures.shape[2:] == size:
        return pictures
    return functional.interpolate(pictures, list(size), mode="bilinear", antialias=antialias)


def _prepare_worker(_: int) -> None:
    cv2.setNumThreads(1)  # there are as many workers as cores already
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches them too; the trainer says when they end
    if hasattr(signal, "alarm"):  # so does SIGTERM, of Slurm and of `timeout`; torch sends it to those that hang
        signal.signal(signal.SIGTERM, lambda *_: signal.alarm(_LAST_SECONDS))
