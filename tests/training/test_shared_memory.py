"""Workers are as many as shared memory bears."""

import logging
import shutil
from types import SimpleNamespace

import pytest
import torch

from nimblepose.core.errors import TrainingError
from nimblepose.core.skeleton import Skeleton
from nimblepose.data.dataset import SampleBatch
from nimblepose.training import feed
from nimblepose.training.feed import build_dataset, build_loader, build_order, next_batch
from nimblepose.training.recipe import load_recipe
from nimblepose.training.shared_memory import count_batch_bytes, limit_workers

MIB = 1 << 20


@pytest.fixture
def free(monkeypatch):
    def give(amount):
        monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=amount))

    return give


@pytest.mark.parametrize(
    ("mib", "workers", "processes", "bearable"),
    [(64, 4, 1, 1), (1024, 4, 1, 4), (64, 4, 2, 0), (150, 4, 1, 4), (149, 4, 1, 3), (10, 1, 1, 0), (64, 0, 1, 0)],
)
def test_each_worker_has_batches_of_ten_mib_ahead(free, tmp_path, mib, workers, processes, bearable):
    free(mib * MIB)
    found, remark = limit_workers(workers, 10 * MIB, processes=processes, place=tmp_path)
    assert found == bearable
    assert bool(remark) == (bearable < workers)
    if remark:
        needed = int(remark.split("--shm-size=")[1].split("m")[0])
        free(needed * MIB)
        assert limit_workers(workers, 10 * MIB, processes=processes, place=tmp_path) == (workers, "")


def test_where_there_is_no_such_place_there_is_no_such_limit(tmp_path):
    assert limit_workers(3, 10**12, processes=1, place=tmp_path / "none") == (3, "")


def test_a_batch_is_counted_by_its_samples():
    columns = [torch.zeros(1, 3, 8, 8, dtype=torch.uint8), torch.zeros(1, 2, 5, 2), torch.zeros(1, 4, 4)]
    rest = [torch.zeros(1, 0), torch.zeros(1, 0), torch.zeros(1, dtype=torch.int64), torch.zeros(1)]
    assert count_batch_bytes(SampleBatch(*columns, *rest), 10) == 10 * (192 + 80 + 64 + 8 + 4)


def test_too_little_is_said_and_trained_without_workers(tiny, free, caplog):
    recipe = load_recipe(tiny(data__workers=2))
    dataset = build_dataset(recipe, Skeleton.load(recipe.data.skeleton), on_device=False)
    free(1000)
    with caplog.at_level(logging.WARNING):
        batches = build_loader(recipe, dataset, build_order(recipe, dataset, rank=0, world=1), first=0, pin=False)
    assert "none are started; give the container more (docker run --shm-size=" in caplog.text
    assert len(next_batch(batches).image) == recipe.batch_size


def test_workers_that_say_nothing_end_the_run(tiny, monkeypatch):
    """As one whose shared memory is full does, which loses its batch and goes on."""
    recipe = load_recipe(tiny(data__workers=1))
    dataset = build_dataset(recipe, Skeleton.load(recipe.data.skeleton), on_device=False)
    monkeypatch.setattr(feed, "_PATIENCE", 0.01)
    batches = build_loader(recipe, dataset, build_order(recipe, dataset, rank=0, world=1), first=0, pin=False)
    with pytest.raises(TrainingError, match=r"a data worker was lost \(DataLoader timed out after .*--shm-size"):
        next_batch(batches)
