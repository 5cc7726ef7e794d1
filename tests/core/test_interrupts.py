"""Ctrl-C during what must not be cut in two, and during imports, whose extensions make other errors of it."""

import signal
import sys
import threading

import pytest

from nimblepose.core.interrupts import hold_interrupts
from nimblepose.core.optional import import_optional


@pytest.fixture(autouse=True)
def _as_in_a_terminal():
    """Shells start what runs in their background with Ctrl-C ignored; these tests run there, too."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupt_within(done, error=None):
    with hold_interrupts():
        signal.raise_signal(signal.SIGINT)
        done.append(True)
        if error:
            raise error


def test_an_interrupt_waits_for_the_end_of_the_block():
    done = []
    with pytest.raises(KeyboardInterrupt):
        interrupt_within(done)
    assert done
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_what_goes_wrong_meanwhile_is_second_to_it():
    with pytest.raises(KeyboardInterrupt):
        interrupt_within([], ImportError("import numpy failed"))


def test_without_one_nothing_happens():
    with hold_interrupts():
        pass
    with pytest.raises(ImportError), hold_interrupts():
        raise ImportError


def test_other_threads_are_left_alone():
    seen = []

    def work():
        with hold_interrupts():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]


def test_ctrl_c_during_an_import_is_no_missing_package(tmp_path, monkeypatch):
    """As ONNX Runtime does it: what interrupts NumPy's import is swallowed, and comes out as an ImportError."""
    (tmp_path / "swallowing.py").write_text(
        "import signal\n"
        "try:\n    signal.raise_signal(signal.SIGINT)\n"
        "except KeyboardInterrupt:\n    raise ImportError('import numpy failed') from None\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        import_optional("swallowing", "a test")
    sys.modules.pop("swallowing", None)
