"""Left and right, read off the names of keypoints as people write them."""

import re
from collections.abc import Sequence

_WORDS = {
    "left": "right", "Left": "Right", "LEFT": "RIGHT", "l": "r", "L": "R",
    "right": "left", "Right": "Left", "RIGHT": "LEFT", "r": "l", "R": "L",
}  # fmt: skip
_PARTS = re.compile(
    r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[^A-Za-z]+"  # earL1 -> ear, L, 1; LEar -> L, Ear; left_ear -> left, _, ear
)
_JOINED = re.compile(r"^(?:left|right|Left|Right|L|R)(?=[a-z])|(?<=[a-z])(?:left|right)$")  # leftear, Lear, earleft


def guess_mirror_pairs(names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Pairs of names that differ by one word of left/right or l/r, the left ones first.

    >>> guess_mirror_pairs(["nose", "left_eye", "right_eye", "l.ear", "r.ear"])
    (('left_eye', 'right_eye'), ('l.ear', 'r.ear'))
    >>> guess_mirror_pairs(["leftear", "rightear", "eyeR", "eyeL", "forelegR1", "forelegL1", "forelegL2", "tail"])
    (('leftear', 'rightear'), ('eyeL', 'eyeR'), ('forelegL1', 'forelegR1'))
    """
    there, paired, pairs = set(names), set[str](), []
    for name in names:
        for other in _swap(name):
            if other in there and not {name, other} & paired:
                paired |= {name, other}
                pairs.append((name, other) if _is_left(name, other) else (other, name))
    return tuple(pairs)


def _swap(name: str) -> list[str]:
    """What a name becomes with one word of it exchanged."""
    parts = _PARTS.findall(name)
    found = [
        "".join([*parts[:i], _WORDS[part], *parts[i + 1 :]])
        for i, part in enumerate(parts)
        if part in _WORDS and "".join(parts) == name
    ]
    joined = _JOINED.finditer(name)
    return found + [name[: word.start()] + _WORDS[word[0]] + name[word.end() :] for word in joined]


def _is_left(name: str, other: str) -> bool:
    """Whether of two names that differ in one word the first has the left one."""
    place = next(i for i, (a, b) in enumerate(zip(name, other, strict=False)) if a != b)
    return name[place] in "lL"
