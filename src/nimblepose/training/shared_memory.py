"""How many worker processes the shared memory of this machine bears: batches come through it."""

import shutil
from pathlib import Path

from nimblepose.data.dataset import SampleBatch

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - where Linux keeps it; Docker gives it 64 MB
AHEAD = 2  # batches that each worker makes before they are asked for, as torch does by itself
_USED = 0.8  # of what is free


def count_batch_bytes(sample: SampleBatch, size: int) -> int:
    """Bytes of a batch of `size` samples like this one, which is a batch of one."""
    return size * sum(column.numel() * column.element_size() for column in sample)


def limit_workers(workers: int, batch_bytes: int, *, processes: int, place: Path = SHARED_MEMORY) -> tuple[int, str]:
    """As many workers as were asked for, or as there is shared memory for, and what is to be said of it.

    Where it is full a worker drops its batch, and the trainer waits for it for ever.

    Args:
        workers: Of each process.
        batch_bytes: Of the largest batch that one of them makes.
        processes: Of this machine that train.
        place: Where shared memory is mounted; systems without have no such limit.
    """
    if not workers or not place.is_dir():
        return workers, ""
    free = shutil.disk_usage(place).free
    each = batch_bytes * (AHEAD + 1)  # and the one that is being learnt from
    bearable = min(workers, int(free * _USED) // (each * processes))
    if bearable == workers:
        return workers, ""
    needed = -(-int(workers * each * processes / _USED) >> 20)
    are = f"{bearable or 'none'} {'is' if bearable == 1 else 'are'} started"
    return bearable, (
        f"{place} has {free >> 20} MB free, and {workers} data workers need {needed} MB: {are}; give the container "
        f"more (docker run --shm-size={needed}m; Kubernetes: an emptyDir of medium Memory at {place}), or lower "
        f"data.workers or batch_size"
    )
