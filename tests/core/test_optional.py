import sys

import pytest

from nimblepose.core.errors import MissingPackageError
from nimblepose.core.optional import import_optional


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
