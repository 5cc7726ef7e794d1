"""Whatever is exported, its source stays as it was: some converters rewrite the file that they are given."""

import pytest

from nimblepose.runtime.models import PACKAGED


@pytest.fixture(autouse=True, scope="module")
def sources():
    """The model of the package, byte for byte, after every export of this folder."""
    path = PACKAGED["human"].path
    before = path.read_bytes()
    yield
    assert path.read_bytes() == before
