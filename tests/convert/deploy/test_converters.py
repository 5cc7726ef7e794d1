"""Converters of others reach no network, install nothing, and are not believed when they fail."""

import sys

import pytest

from nimblepose.convert.deploy.converters import isolate, run_converter
from nimblepose.core.errors import ModelError


def test_it_runs_in_the_folder_that_it_is_given(tmp_path):
    run_converter([sys.executable, "-c", "open('made', 'w').write('it')"], tmp_path)
    assert (tmp_path / "made").read_text() == "it"


def test_its_last_words_are_told(tmp_path):
    with pytest.raises(ModelError, match=r"failed \(code 3\); it says: no such operator"):
        run_converter([sys.executable, "-c", "print('no such operator'); raise SystemExit(3)"], tmp_path)


def test_one_that_never_ends_is_stopped(tmp_path):
    with pytest.raises(ModelError, match="did not come to an end"):
        run_converter([sys.executable, "-c", "import time; time.sleep(60)"], tmp_path, seconds=0.5)


def test_it_reaches_nobody_by_the_usual_ways(tmp_path):
    code = "import urllib.request; urllib.request.urlopen('http://example.org')"
    with pytest.raises(ModelError, match="refused"):
        run_converter([sys.executable, "-c", code], tmp_path)


def test_pip_installs_nothing_there(tmp_path):
    pytest.importorskip("pip")
    with pytest.raises(ModelError, match="No matching distribution"):
        run_converter([sys.executable, "-m", "pip", "download", "--no-deps", "onnxsim"], tmp_path)


def test_other_variables_stay():
    assert isolate({"PATH": "/bin", "HTTP_PROXY": "http://proxy"})["PATH"] == "/bin"
    assert "proxy:" not in isolate({"HTTP_PROXY": "http://proxy:1"})["HTTP_PROXY"]
