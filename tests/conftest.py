"""Fixtures shared by all tests."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference material beside a developer's checkout; tests that need it are skipped without it."""
    if not (SHARED / "golden").is_dir():
        pytest.skip("reference material (../shared) is not beside this checkout")
    return SHARED
