from dataclasses import dataclass, field
from typing import Literal

import pytest

from nimblepose.core.errors import TrainingError
from nimblepose.training.options import compare, from_plain, override, to_plain


@dataclass(frozen=True, kw_only=True)
class Inner:
    rate: float = 1.0
    names: tuple[str, ...] = ()
    pair: tuple[int, int] = (1, 2)


@dataclass(frozen=True, kw_only=True)
class Outer:
    inner: Inner = field(default_factory=Inner)
    count: int = 0
    on: bool = False
    kind: Literal["a", "b"] = "a"
    limit: int | None = None


def test_there_and_back():
    options = Outer(inner=Inner(rate=0.5, names=("x", "y")), on=True, kind="b", limit=3)
    assert from_plain(Outer, to_plain(options)) == options


def test_yaml_writes_small_numbers_as_text():
    assert from_plain(Outer, {"inner": {"rate": "4e-5"}}).inner.rate == 4e-5


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"inner": {"rte": 1}}, "inner.rte: no such option; did you mean rate?"),
        ({"zebra": 1}, "zebra: no such option; known are"),
        ({"count": 1.5}, "count: expected a whole number, got 1.5"),
        ({"count": True}, "count: expected a whole number, got True"),
        ({"on": 1}, "on: expected true or false, got 1"),
        ({"kind": "c"}, "kind: expected one of a, b, got 'c'"),
        ({"inner": {"pair": [1]}}, "inner.pair: expected a list of 2"),
        ({"inner": {"rate": "fast"}}, "inner.rate: expected a finite number, got 'fast'"),
        ({"inner": {"rate": float("nan")}}, "inner.rate: expected a finite number, got nan"),
        ({"inner": {"rate": "-inf"}}, "inner.rate: expected a finite number, got '-inf'"),
        ({"inner": {"rate": 10**400}}, "inner.rate: expected a finite number"),
        ({"inner": 3}, "inner: expected a mapping"),
    ],
    ids=[
        "misspelt",
        "unknown",
        "fraction",
        "bool as int",
        "int as bool",
        "literal",
        "length",
        "text",
        "nan",
        "inf",
        "huge",
        "no mapping",
    ],
)
def test_errors_say_where_and_what(value, message):
    with pytest.raises(TrainingError) as error:
        from_plain(Outer, value)
    assert message in str(error.value)


@pytest.mark.parametrize(
    "text", ["rate", "=3", "count.x=1", "inner=[1"], ids=["no value", "no key", "no parts", "no yaml"]
)
def test_overrides_that_cannot_be_applied(text):
    with pytest.raises(TrainingError):
        override(to_plain(Outer()), [text])


def test_an_override_leaves_the_original_alone():
    plain = to_plain(Outer())
    assert override(plain, ["inner.rate=2", "limit=null"])["inner"]["rate"] == 2
    assert plain["inner"]["rate"] == 1.0


def test_difference_names_dotted_keys():
    assert compare(to_plain(Outer()), to_plain(Outer(inner=Inner(rate=2.0)))) == {"inner.rate": (1.0, 2.0)}
