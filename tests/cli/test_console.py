"""What is printed, where nobody reads it or the console lacks letters: nothing ends by that."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

VERB = [sys.executable, "-m", "nimblepose", "model", "list"]
FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
def test_a_full_disk_behind_the_output_is_said_in_one_line():
    with FULL.open("wb") as full:
        ran = subprocess.run(VERB, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert ran.returncode == 1
    assert ran.stderr == "nimblepose: standard output: No space left on device; the rest was not printed\n"


@pytest.mark.parametrize("both", [False, True], ids=["output", "output and errors"])
def test_a_reader_that_has_gone_ends_nothing(both):
    reading, writing = os.pipe()
    os.close(reading)
    ran = subprocess.run(VERB, stdout=writing, stderr=writing if both else subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert ran.returncode == 1
    if not both:
        assert ran.stderr == "nimblepose: standard output: Broken pipe; the rest was not printed\n"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_letters_that_the_console_lacks_are_printed_by_number(encoding):
    code = (
        "from nimblepose.cli.console import tolerate_streams\n"
        "with tolerate_streams(): print('caf\\udce9 \\u65e5'); raise SystemExit(3)"
    )
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment, check=False)
    assert ran.returncode == 3
    day = "\u65e5" if encoding == "utf-8" else r"\u65e5"
    assert ran.stdout.decode(encoding).rstrip() == rf"caf\udce9 {day}"
    assert ran.stderr == b""


def test_streams_are_as_before_afterwards(cli):
    before = sys.stdout, sys.stderr
    assert "human" in cli("model", "list").out
    assert (sys.stdout, sys.stderr) == before
