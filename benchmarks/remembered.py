"""Poses of many frames, found once and remembered in a file: trackers and filters change more often than networks."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import Skeleton

_FIELDS = ("keypoints", "keypoint_scores", "scores")
_ERRORS = "keypoint_errors"  # of models that know them


def remember(file: Path | None, skeleton: Skeleton, find: Callable[..., list[Poses]], *arguments: Any) -> list[Poses]:
    """What `find(*arguments)` returns: from the file if it is there, else written to it; None remembers nothing."""
    if file is None:
        return find(*arguments)
    if not file.exists():
        found = find(*arguments)
        names = _FIELDS if any(p.keypoint_errors is None for p in found) else (*_FIELDS, _ERRORS)
        fields = {name: np.concatenate([getattr(p, name) for p in found]) for name in names}
        np.savez(file, ends=np.cumsum([len(p) for p in found]), **fields)
    with np.load(file) as stored:
        names = [name for name in (*_FIELDS, _ERRORS) if name in stored]
        parts = [np.split(stored[name], stored["ends"][:-1]) for name in names]
    return [Poses(skeleton, **dict(zip(names, arrays, strict=True))) for arrays in zip(*parts, strict=True)]


def version(*sources: Path, options: object) -> str:
    """A name that changes with the files, and the options, that poses follow from."""
    return hashlib.sha256(b"".join(p.read_bytes() for p in sources) + repr(options).encode()).hexdigest()[:12]
