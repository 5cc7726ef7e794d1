"""Nested frozen dataclasses <-> plain data: what is misspelt or of the wrong kind is an error that says where."""

import dataclasses
import difflib
import math
import types
from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import yaml

from nimblepose.core.errors import PoseError, TrainingError

T = TypeVar("T")


def from_plain(cls: type[T], value: Any, where: str = "") -> T:
    """Build a dataclass of options from the mapping that a YAML file gives.

    Args:
        cls: A dataclass of numbers, strings, Literals, tuples and such dataclasses.
        value: Plain data; what is left out takes its default.
        where: Dotted place, for errors.

    Raises:
        TrainingError: an unknown key (with the near ones), a value of the wrong kind, or one that the class refuses.
    """
    known = {f.name for f in dataclasses.fields(cls) if f.init}  # type: ignore[arg-type]
    if not isinstance(value, Mapping):
        raise TrainingError(f"{where or 'recipe'}: expected a mapping with some of {sorted(known)}, got {value!r}")
    for key in value:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=3, cutoff=0.5)
            hint = f"did you mean {' or '.join(near)}?" if near else f"known are {', '.join(sorted(known))}"
            raise TrainingError(f"{_join(where, key)}: no such option; {hint}")
    hints = get_type_hints(cls)
    try:
        return cls(**{key: _convert(hints[key], v, _join(where, key)) for key, v in value.items()})
    except TypeError as error:
        raise TrainingError(f"{where or 'recipe'}: {error}") from error
    except TrainingError:
        raise
    except PoseError as error:
        raise TrainingError(f"{where or 'recipe'}: {error}") from error


def to_plain(value: Any) -> Any:
    """The inverse: mappings, lists, numbers and strings for YAML and JSON."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_plain(getattr(value, f.name)) for f in dataclasses.fields(value) if f.init}
    if isinstance(value, Mapping):
        return {str(key): to_plain(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(v) for v in value]
    return value


def override(plain: Mapping[str, Any], assignments: Iterable[str]) -> dict[str, Any]:
    """Apply `a.b=value` assignments to plain data; values are read as YAML.

    >>> override({"a": {"b": 1, "c": 2}}, ["a.b=[3, x]"])
    {'a': {'b': [3, 'x'], 'c': 2}}

    Raises:
        TrainingError: not of the form key=value, or a path through something that has no parts.
    """
    result = to_plain(plain)
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals or not key:
            raise TrainingError(f"{assignment!r}: expected key=value, such as optimizer.learning_rate=1e-4")
        try:
            place(result, key, yaml.safe_load(text))
        except yaml.YAMLError as error:
            raise TrainingError(f"{key}: {text!r} is not a value ({error})") from error
    return dict(result)


def place(plain: dict[str, Any], key: str, value: Any) -> None:
    """Set the dotted `key` of nested mappings, in place."""
    *path, last = key.split(".")
    for name in path:
        plain = plain.setdefault(name, {})
        if not isinstance(plain, dict):
            raise TrainingError(f"{key}: {name!r} is a single value and has no parts")
    plain[last] = value


def compare(one: Any, other: Any, where: str = "") -> dict[str, tuple[Any, Any]]:
    """Dotted keys whose values differ, with both."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        found: dict[str, tuple[Any, Any]] = {}
        for key in [*one, *(k for k in other if k not in one)]:
            found |= compare(one.get(key), other.get(key), _join(where, key))
        return found
    return {} if one == other else {where: (one, other)}


def _join(where: str, key: object) -> str:
    return f"{where}.{key}" if where else str(key)


def _convert(hint: Any, value: Any, where: str) -> Any:
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in parts:
            return None
        return _convert(next(p for p in parts if p is not type(None)), value, where)
    if origin is Literal:
        if value not in parts:
            raise TrainingError(f"{where}: expected one of {', '.join(map(str, parts))}, got {value!r}")
        return value
    if origin is tuple:
        items = [value] if isinstance(value, str | int | float) else value
        if not isinstance(items, list | tuple) or (parts[-1] is not ... and len(items) != len(parts)):
            raise TrainingError(f"{where}: expected a list{_describe_length(parts)}, got {value!r}")
        kinds = [parts[0]] * len(items) if parts[-1] is ... else parts
        return tuple(_convert(k, v, f"{where}[{i}]") for i, (k, v) in enumerate(zip(kinds, items, strict=True)))
    if origin in (dict, Mapping) or hint is Any or origin is not None:
        return value
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return from_plain(hint, value, where)
    return _convert_scalar(hint, value, where)


def _describe_length(parts: tuple[Any, ...]) -> str:
    return "" if parts[-1] is ... else f" of {len(parts)}"


def _convert_scalar(hint: type, value: Any, where: str) -> Any:
    if hint is bool and isinstance(value, bool):
        return value
    if hint is int and isinstance(value, int) and not isinstance(value, bool):
        return value
    if hint is float and not isinstance(value, bool) and isinstance(value, int | float | str):
        try:
            number = float(value)  # YAML reads 4e-5 as text
        except (ValueError, OverflowError):
            number = math.nan
        if math.isfinite(number):
            return number
    if hint is str and isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value)
    kind = {int: "a whole number", float: "a finite number", bool: "true or false", str: "text"}.get(
        hint, hint.__name__
    )
    raise TrainingError(f"{where}: expected {kind}, got {value!r}")
