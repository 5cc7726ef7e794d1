"""Batches come until the trainer has ended, whatever is sent to all processes of a run."""

import multiprocessing
import os
import signal

import pytest

from nimblepose.core.skeleton import Skeleton
from nimblepose.training.feed import build_dataset, build_loader, build_order, next_batch
from nimblepose.training.recipe import load_recipe


@pytest.mark.skipif(not hasattr(signal, "alarm"), reason="signals are not sent to groups here")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_what_ends_the_trainer_does_not_end_its_workers_first(name, tiny):
    """As Ctrl-C in a terminal, `timeout` and Slurm do, which send it to the whole group."""
    recipe = load_recipe(tiny(data__workers=1, schedule__steps=8))
    dataset = build_dataset(recipe, Skeleton.load(recipe.data.skeleton), on_device=False)
    batches = build_loader(recipe, dataset, build_order(recipe, dataset, rank=0, world=1), first=0, pin=False)
    next_batch(batches)
    workers = multiprocessing.active_children()
    assert len(workers) == 1
    assert workers[0].pid is not None
    os.kill(workers[0].pid, getattr(signal, name))
    assert len(list(batches)) == 7
