"""What is wrong with an annotation file, said once, whoever asks: a run that refuses it or a check that lists all."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

_FEW = 5  # examples that a finding names

Severity = Literal["error", "warning"]
"""Errors stop a run or teach it nonsense; what is only a warning can be trained on."""


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong, in one place."""

    kind: str
    severity: Severity
    message: str  # the same for all of a kind
    where: str


Report = Callable[[Fault], None]
"""Called with every fault; one that returns makes the reader leave out what is faulty and go on."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One kind of fault, how often it was found, and where."""

    kind: str
    severity: Severity
    message: str
    count: int
    examples: tuple[str, ...]


def collect_findings(faults: Iterable[Fault]) -> list[Finding]:
    """One finding per kind, in the order in which the kinds were found first."""
    groups: dict[str, list[Fault]] = {}
    for fault in faults:
        groups.setdefault(fault.kind, []).append(fault)
    return [
        Finding(
            kind=kind,
            severity="error" if any(fault.severity == "error" for fault in same) else "warning",
            message=same[0].message,
            count=len(same),
            examples=tuple(fault.where for fault in same[:_FEW] if fault.where),
        )
        for kind, same in groups.items()
    ]
