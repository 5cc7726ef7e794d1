"""What becomes of opened models in a forked process: the threads that they would wait for are not there."""

import ctypes
import os
import weakref
from functools import cache
from typing import Protocol

from nimblepose.core.errors import PoseError

REMEDY = "start processes with multiprocessing.get_context('spawn'), or open the model after the fork"


class Forgetting(Protocol):
    """What must not go on in a forked process as it did before."""

    def forget(self) -> None:
        """Called in the forked process, before anything else is."""


_forgetting: "weakref.WeakSet[Forgetting]" = weakref.WeakSet()


def tell_of_forks(one: Forgetting) -> None:
    """From now on, as long as it lives, `one.forget()` is called in every process that is forked from this one."""
    _register()
    _forgetting.add(one)


def leave_alone(native: object) -> None:
    """Never free an object in this process, not even at its end.

    Models of runtimes end by waiting for their threads. In a forked process these are not there, and the wait never
    ends (seen with ONNX Runtime 1.32, at the end of a process that had not even used the model).
    """
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(native))


def check_process(process: int, what: str) -> None:
    """Called before anything waits for threads of a process.

    Args:
        process: In which they were started.
        what: Was started there, the beginning of the message.

    Raises:
        PoseError: this is another process.
    """
    if process != os.getpid():
        raise PoseError(f"{what} before this process was forked, and its threads are not here; {REMEDY}")


@cache
def _register() -> None:
    if hasattr(os, "register_at_fork"):  # elsewhere nothing is forked
        os.register_at_fork(after_in_child=_forget)


def _forget() -> None:
    for one in list(_forgetting):
        one.forget()
