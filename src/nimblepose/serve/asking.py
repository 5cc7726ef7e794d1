"""What a request asks for, from its query: what is not known is refused, so that a misspelt word is not a surprise."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import cast, get_args

from nimblepose.runtime.quality import QualityName
from nimblepose.serve.problems import ProblemError

FORMATS = ("json", "coco", "openpose", "csv")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """How pictures are to be looked at, and what is to come back."""

    formats: tuple[str, ...] = ("json",)
    quality: QualityName | None = None
    min_score: float | None = None


def read_query(query: Mapping[str, str], known: Collection[str]) -> Asked:
    """The parameters of an address.

    Raises:
        ProblemError: one that is not known, or a value that it cannot have.
    """
    if unknown := sorted(set(query) - set(known)):
        raise ProblemError("bad-request", f"no parameter {unknown[0]!r}; there are {', '.join(sorted(known))}")
    formats = tuple(dict.fromkeys(name.strip() for name in query.get("format", "json").split(",")))
    if wrong := [name for name in formats if name not in FORMATS]:
        raise ProblemError("bad-request", f"format: no {wrong[0]!r}; there are {', '.join(FORMATS)}")
    return Asked(
        formats=formats,
        quality=check_quality(query.get("quality")),
        min_score=None if "min_score" not in query else check_score(query["min_score"]),
    )


def check_quality(value: object) -> QualityName | None:
    """A quality's name, or None.

    Raises:
        ProblemError: another.
    """
    names = get_args(QualityName)
    if value is not None and value not in names:
        raise ProblemError("bad-request", f"quality: no {value!r}; there are {', '.join(names)}")
    return cast("QualityName | None", value)


def check_score(value: object) -> float:
    """A score from 0 to 1.

    Raises:
        ProblemError: something else.
    """
    try:
        score = float(str(value))
    except ValueError:
        score = -1.0
    if not 0 <= score <= 1:
        raise ProblemError("bad-request", f"min_score: {value!r} is no number from 0 to 1")
    return score
