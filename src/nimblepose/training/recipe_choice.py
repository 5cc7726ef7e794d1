"""One line of a recipe that was chosen for somebody's data."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Choice:
    """One key of a recipe: its value, and why."""

    key: str
    value: Any
    reason: str
