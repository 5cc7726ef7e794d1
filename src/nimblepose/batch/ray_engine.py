"""Tasks on a Ray cluster: each by itself, so that a node that dies costs what it was at, and nothing else."""

import logging
import os
from typing import Any

from nimblepose.batch.driving import Ended
from nimblepose.batch.processes import ONE_THREAD
from nimblepose.core.errors import MediaError
from nimblepose.core.optional import import_optional
from nimblepose.core.share import count_usable_cores

_AHEAD = 2  # tasks that wait in the cluster beside those at work, so that no core waits for us
_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}


class RayEngine:
    """An engine: stateless tasks of one core each.

    Actors would keep the model, but a pool of them hangs for good when a node dies; worker processes keep it as well,
    for as long as Ray keeps them.
    """

    def __init__(self, workers: int = 0, *, address: str | None = None) -> None:
        """Start Ray on this machine, or join a cluster.

        Args:
            workers: Tasks at a time; 0: as many as there are cores.
            address: Of the cluster's head; None: Ray is started here, and ended with `close`.

        Raises:
            MissingPackageError: Ray is not installed.
            MediaError: it cannot be started or joined.
        """
        os.environ.update({name: os.environ.get(name, value) for name, value in _QUIET.items()})
        self._ray = ray = import_optional("ray", "--engine ray")
        quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
        try:
            if address is None:
                cores = workers or count_usable_cores()
                ray.init("local", num_cpus=cores, include_dashboard=False, _node_ip_address="127.0.0.1", **quiet)
            else:
                ray.init(address=address, **quiet)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise MediaError(
                f"cannot {'start Ray' if address is None else f'join the Ray cluster at {address}'}: {error}; is it "
                "there, of the same version of Ray and of Python? A cluster that was started with tokens (Ray does it "
                "by itself) also needs RAY_AUTH_MODE=token here, and the same ~/.ray/auth_token"
            ) from error
        self._workers = workers
        self._task = ray.remote(num_cpus=1, max_retries=0, runtime_env={"env_vars": ONE_THREAD})(_work)
        self._under_way: dict[Any, str] = {}  # references -> ids of tasks

    @property
    def slots(self) -> int:
        """Of all nodes that are there now; those that join later are used, too."""
        cores = int(self._ray.cluster_resources().get("CPU", 0))
        return (min(self._workers, cores) if self._workers and cores else self._workers or max(cores, 1)) + _AHEAD

    def submit(self, task: dict[str, Any]) -> None:
        """Begin a task."""
        self._under_way[self._task.remote(task)] = str(task["id"])

    def wait(self) -> Ended:
        """The next task that comes to an end.

        Raises:
            MediaError: A node cannot run tasks at all: nimblepose is not installed there.
        """
        (reference,), _ = self._ray.wait(list(self._under_way), num_returns=1)
        unit = self._under_way.pop(reference)
        try:
            return Ended(unit, self._ray.get(reference))
        except self._ray.exceptions.RayTaskError as error:
            raise MediaError(f"a Ray node cannot do the work, is nimblepose[ray] installed there? {error}") from error
        except self._ray.exceptions.RayError as error:
            return Ended(unit, None, _first_line(error))

    def close(self, *, at_once: bool = False) -> None:
        """Leave the cluster, or end it where it was started here."""
        if at_once:
            for reference in self._under_way:
                self._ray.cancel(reference, force=True)
        self._ray.shutdown()


def _work(task: dict[str, Any]) -> dict[str, Any]:
    from nimblepose.batch.work import work

    return work(task)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
