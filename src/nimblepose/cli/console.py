"""What is printed reaches any console, in any encoding; where nobody reads any more, no result is lost by that."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import Any, TextIO, cast


class _Tolerant:
    """A text stream that goes on in silence when it can no longer be written to."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.error: OSError | None = None
        with suppress(AttributeError, ValueError):  # a stream of somebody's own, or one that is closed
            cast(Any, stream).reconfigure(errors="backslashreplace")  # an odd file name must not end a run

    def write(self, text: str) -> int:
        if self.error is None:
            try:
                return self._stream.write(text)
            except OSError as error:
                self._give_up(error)
        return len(text)

    def flush(self) -> None:
        if self.error is None:
            try:
                self._stream.flush()
            except OSError as error:
                self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        self.error = error
        with suppress(OSError, ValueError):  # what is left in the buffer goes nowhere, or Python complains when it ends
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def tolerate_streams() -> Iterator[None]:
    """Nothing that is printed in the block raises; if standard output was lost, say so and exit with 1 instead of 0.

    A full disk behind `> FILE` and a reader that has gone (`| head`) are noticed when what was printed is written,
    which may be in the middle of the work or after its end.
    """
    output = None if sys.stdout is None else _Tolerant(sys.stdout)
    errors = None if sys.stderr is None else _Tolerant(sys.stderr)
    with ExitStack() as stack:
        if output:
            stack.enter_context(redirect_stdout(cast(TextIO, output)))
        if errors:
            stack.enter_context(redirect_stderr(cast(TextIO, errors)))
        code: Any = None
        try:
            yield
        except SystemExit as end:
            code = end.code
        if output:
            output.flush()
            if output.error:
                print(
                    f"nimblepose: standard output: {output.error.strerror}; the rest was not printed", file=sys.stderr
                )
                code = code or 1
        if code is not None:
            sys.exit(code)
