"""One model file, opened for as many calls as come at a time, by each process for itself."""

import threading
from pathlib import Path
from typing import Any

from nimblepose.core.share import count_limited_cores, count_usable_cores
from nimblepose.runtime.backends import BackendName, choose_backend, open_backend
from nimblepose.runtime.forks import tell_of_forks
from nimblepose.runtime.models import find_model
from nimblepose.runtime.protocols import Backend


class OpenedModel:
    """A model that is opened when it is needed, and then stays open.

    Copies in one process share what is open. A process that was forked, or that has got it by pickle, opens the file
    anew when it asks for the first time.
    """

    def __init__(self, asked: str, path: Path, backend: BackendName, *, threads: int) -> None:
        """Choose who runs it.

        Args:
            asked: Name or path, as somebody asked for it; where it is unpickled a name may lie elsewhere.
            path: The file.
            backend: As in `open_backend`.
            threads: 0 takes all cores that may be used.

        Raises:
            ModelError: no such file, not a model, or not one for this backend.
        """
        self._asked, self._path, self._threads = asked, path, threads
        self.runtime = choose_backend(path, backend)  # what "auto" has become
        # A runtime is told its threads when it opens a model; torch works on one picture at a time anyway.
        self.calls = 1 if self.runtime == "torch" else threads or count_usable_cores()
        self._start()

    def _start(self) -> None:
        self.opened: dict[int, Backend] = {}  # by the number of calls that come at a time
        self._lock = threading.Lock()
        tell_of_forks(self)

    def open(self, calls: int) -> Backend:
        """The model, set up for so many calls of `run` at a time.

        Raises:
            ModelError: it cannot be opened.
            MissingPackageError: the runtime is not installed.
            PoseError: this process was forked from one that had OpenVINO open.
        """
        calls = 1 if self.runtime == "torch" else calls
        with self._lock:
            if calls not in self.opened:
                threads = self._threads or count_limited_cores()
                if calls > 1:
                    threads = max(calls, self._threads or count_usable_cores())
                path = self._path if self._path.is_file() else find_model(self._asked)
                self.opened[calls] = open_backend(path, self.runtime, threads=threads, parallel=calls)
            return self.opened[calls]

    def forget(self) -> None:
        """In a forked process: nothing is open, and nobody holds the lock."""
        self.opened, self._lock = {}, threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        """For another process."""
        state = {key: value for key, value in self.__dict__.items() if key not in ("opened", "_lock")}
        return state | {"_path": self._path.absolute()}  # it may work in another folder

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._start()

    def __copy__(self) -> "OpenedModel":
        return self

    def __deepcopy__(self, _: Any) -> "OpenedModel":
        return self
