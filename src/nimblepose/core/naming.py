"""Names of keypoints that readers of tables take for something else."""

import re
from collections.abc import Sequence

# What pandas, R, polars or DuckDB take for a missing value, for truth, or for a number, by default, in a column of text
_MISSING = {"", "na", "n/a", "#n/a", "#n/a n/a", "#na", "nan", "-nan", "null", "none", "<na>", "1.#ind", "1.#qnan"}
_TRUTH = {"true", "false", "t", "f", "yes", "no"}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?inf(inity)?", re.IGNORECASE)


def find_misread_names(names: Sequence[str]) -> list[str]:
    """A sentence about each name, or pair of names, that a reader of tables is known to change by itself.

    >>> find_misread_names(["nose", "left_ear", "tail"])
    []
    """
    found, fields = [], dict[str, str]()
    for name in names:
        plain, field = name.strip().lower(), re.sub(r"\W", "_", name).lower()
        if plain in _MISSING:
            found.append(f"{name!r} is read as a missing value (pandas, R)")
        elif plain in _TRUTH:
            found.append(f"{name!r} is read as true or false (R, DuckDB)")
        elif _NUMBER.fullmatch(plain):
            found.append(f"{name!r} is read as a number")
        elif not plain[0].isalpha():
            found.append(f"{name!r} does not begin with a letter: as the name of a column it is changed (R, MATLAB)")
        if name != name.strip():
            found.append(f"{name!r} begins or ends with a space, which is cut off")
        if field in fields:
            found.append(f"{fields[field]!r} and {name!r} become one field (R, MATLAB, DuckDB)")
        fields.setdefault(field, name)
    return found
