"""Without torch the room says what to install."""

import importlib
import sys

import pytest

from nimblepose.core.errors import MissingPackageError


@pytest.mark.parametrize("package", ["torch", "safetensors"])
def test_a_missing_package_names_the_remedy(monkeypatch, package):
    for name in [name for name in sys.modules if name.startswith("nimblepose.model")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)  # importing it now raises ImportError
    with pytest.raises(MissingPackageError, match=r"pip install 'nimblepose\[train\]'"):
        importlib.import_module("nimblepose.model.network")
