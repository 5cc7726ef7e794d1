import os
import sys

import pytest

from nimblepose.core.errors import MissingPackageError
from nimblepose.core.optional import check_installed, import_optional, keep_private


def test_what_is_there_is_imported():
    assert import_optional("xml.dom", "a test").__name__ == "xml.dom"


def test_what_is_missing_is_named_with_what_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    monkeypatch.delitem(sys.modules, "scipy.optimize", raising=False)
    with pytest.raises(MissingPackageError, match=r"^tracking: scipy is not .*; pip install 'nimblepose\[video\]'$"):
        import_optional("scipy.optimize", "tracking")


def test_a_package_that_nothing_of_ours_asks_for_is_named_as_it_is(monkeypatch):
    monkeypatch.setitem(sys.modules, "unheard_of", None)
    with pytest.raises(MissingPackageError, match=r"pip install unheard_of$"):
        import_optional("unheard_of", "a test")


def test_reports_are_switched_off_before_the_import_and_no_wish_is_overruled(monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino_telemetry", sys)
    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", "0")
    assert not keep_private()
    assert sys.modules["openvino_telemetry"] is sys
    monkeypatch.delitem(sys.modules, "openvino_telemetry")
    monkeypatch.delenv("ORT_DISABLE_TELEMETRY")
    import_optional("xml.dom", "a test")
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"
    with pytest.raises(ImportError):
        import_optional("openvino_telemetry", "a test")


def test_all_that_is_missing_is_said_at_once(monkeypatch):
    for name in ("one", "two", "three"):
        monkeypatch.setitem(sys.modules, name, None)
    check_installed({"xml": "labels"}, "a test")
    with pytest.raises(MissingPackageError, match=r"^a test: one is not installed; pip install 'nimblepose\[val\]'$"):
        check_installed({"xml": "labels", "one": "val"}, "a test")
    with pytest.raises(MissingPackageError, match=r"one, two and three are not installed; .*\[val,train\]'$"):
        check_installed({"one": "val", "two": "train", "three": "val"}, "a test")
