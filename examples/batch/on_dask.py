"""A planned batch on a Dask cluster: python on_dask.py BATCH [--scheduler ADDRESS].

A task keeps one core busy, so each worker of the cluster has one thread and takes one task at a time (`nthreads=1`).
What fails is in the parts; afterwards `nimblepose batch status` and `finish`, as after any other engine.
"""

import argparse
from collections import Counter

from distributed import Client, as_completed

from nimblepose.batch.work import iterate_tasks, work


def main() -> None:
    """Do what is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("batch")
    parser.add_argument("--scheduler", help="address; without it, a cluster of this machine")
    chosen = parser.parse_args()
    with Client(chosen.scheduler) if chosen.scheduler else Client(threads_per_worker=1) as client:
        tasks = list(iterate_tasks(chosen.batch))
        futures = client.map(work, tasks, key=[task["id"] for task in tasks], retries=1)
        states: Counter[str] = Counter()
        for future in as_completed(futures):
            if future.status == "finished":
                states[future.result()["state"]] += 1
            else:  # its worker died too often: the unit stays missing
                states["died"] += 1
        print(dict(states))


if __name__ == "__main__":
    main()
