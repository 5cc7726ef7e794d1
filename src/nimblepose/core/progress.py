"""What long work calls on the way, so that whoever waits may be shown how far it is."""

from collections.abc import Callable

Progress = Callable[[int], None]
"""Called with the number of those that are done: pictures, layers, steps."""

StageProgress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is: pictures, bytes of a file."""

Say = Callable[[str], None]
"""Called with what happens, in a line."""


def say_nothing(*_: object) -> None:
    """For work that nobody watches."""
