"""The skeleton is a value; every index table, channel count and permutation follows from it."""

import json
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.errors import SkeletonError
from nimblepose.core.mirror_names import guess_mirror_pairs
from nimblepose.core.text import is_printable

_MAX_FILE_BYTES = 1_000_000  # a skeleton is a page of text; more is not a skeleton
GUESSED_SIGMA = 0.06  # of each keypoint, where none is given: between COCO's eyes (0.025) and hips (0.107)
_KEYS = {"name", "keypoints", "limbs", "oks_sigmas", "mirror_pairs", "derived", "annotated"}


@dataclass(frozen=True)
class Skeleton:
    """Which keypoints a kind of body has, and how they hang together.

    Limb i owns PAF channels 2i (x) and 2i + 1 (y); keypoint k owns heatmap channel k; the last heatmap is background.

    Raises:
        SkeletonError: names that are unknown, doubled or empty, a limb graph in pieces, sigmas that do not fit.
    """

    name: str
    keypoints: tuple[str, ...]  # in heatmap order
    limbs: tuple[tuple[str, str], ...]  # in PAF order, each from -> to
    oks_sigmas: tuple[float, ...] = ()  # one per keypoint; empty: a guess, see `sigmas_are_guessed`
    mirror_pairs: tuple[tuple[str, str], ...] = ()  # what a mirror swaps, such as left and right eye
    derived: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # keypoint = mean of others; not annotated
    annotated: tuple[str, ...] = ()  # order in annotation and result files; empty: heatmap order without derived

    def __post_init__(self) -> None:
        """Check here, once, so that nothing downstream has to."""

        def set_(key: str, value: object) -> None:  # the way to normalise a field of a frozen dataclass
            object.__setattr__(self, key, value)

        set_("keypoints", _check_names(self.keypoints, "keypoints"))
        set_("limbs", tuple(_check_pair(pair, "limb") for pair in self.limbs))
        set_("mirror_pairs", tuple(_check_pair(pair, "mirror pair") for pair in self.mirror_pairs))
        if not isinstance(self.derived, Mapping):
            raise SkeletonError(
                f"derived must be a mapping of names to lists of names, got {reprlib.repr(self.derived)}"
            )
        set_("derived", {str(k): _check_names(v, f"derived {k!r}") for k, v in dict(self.derived).items()})
        if not self.keypoints:
            raise SkeletonError(f"skeleton {self.name!r} has no keypoints")
        if odd := [name for name in (str(self.name), *self.keypoints) if not is_printable(name)]:
            raise SkeletonError(f"names must be printable, without control characters; got {reprlib.repr(odd)}")
        self._check_known()
        self._check_connected()
        default_order = tuple(k for k in self.keypoints if k not in self.derived)
        set_("annotated", _check_names(self.annotated, "annotated") or default_order)
        if set(self.annotated) != set(default_order):
            raise SkeletonError(
                f"annotated must name every keypoint that is not derived, once; "
                f"differs in {sorted(set(self.annotated) ^ set(default_order))}"
            )
        sigmas = tuple(float(s) for s in self.oks_sigmas)
        if sigmas and (len(sigmas) != len(self.keypoints) or not all(0 < s < 10 for s in sigmas)):
            raise SkeletonError(
                f"oks_sigmas: expected {len(self.keypoints)} positive numbers, one per keypoint, got {sigmas}"
            )
        set_("sigmas_are_guessed", not sigmas)
        set_("oks_sigmas", sigmas or (GUESSED_SIGMA,) * len(self.keypoints))

    sigmas_are_guessed: bool = field(init=False, default=False, compare=False)

    def _check_known(self) -> None:
        known = set(self.keypoints)
        for what, groups in (("limb", self.limbs), ("mirror pair", self.mirror_pairs)):
            for a, b in groups:
                for name in (a, b):
                    if name not in known:
                        raise SkeletonError(f"{what} ({a!r}, {b!r}): no keypoint named {name!r}")
                if a == b:
                    raise SkeletonError(f"{what} ({a!r}, {b!r}) joins a keypoint to itself")
        undirected = [frozenset(limb) for limb in self.limbs]
        if len(set(undirected)) != len(undirected):
            twice = next(limb for limb in self.limbs if undirected.count(frozenset(limb)) > 1)
            raise SkeletonError(f"limb {twice} is listed twice")
        mirrored = [name for pair in self.mirror_pairs for name in pair]
        if len(set(mirrored)) != len(mirrored):
            raise SkeletonError("a keypoint stands in more than one mirror pair")
        for name, sources in self.derived.items():
            if name not in known:
                raise SkeletonError(f"derived keypoint {name!r} is not among the keypoints")
            for source in sources:
                if source not in known or source in self.derived:
                    raise SkeletonError(f"derived {name!r}: {source!r} is not an annotated keypoint")
            if not sources:
                raise SkeletonError(f"derived {name!r} names no keypoints to derive it from")

    def _check_connected(self) -> None:
        if not self.limbs:
            remedy = (
                "add a second one, and a limb" if len(self.keypoints) == 1 else "name pairs of them that are joined"
            )
            raise SkeletonError(
                f"skeleton {self.name!r} has no limbs, so keypoints cannot be grouped into poses; {remedy}"
            )
        reached, grew = {self.keypoints[0]}, True
        while grew:
            more = {n for limb in self.limbs for n in limb if reached & set(limb)} - reached
            reached, grew = reached | more, bool(more)
        apart = [name for name in self.keypoints if name not in reached]
        if apart:
            raise SkeletonError(f"no chain of limbs leads from {self.keypoints[0]!r} to {apart}")

    # What follows from the names -------------------------------------------------------------------------------------

    @property
    def heatmap_channels(self) -> int:
        """Keypoints plus background."""
        return len(self.keypoints) + 1

    @property
    def paf_channels(self) -> int:
        """Two per limb."""
        return 2 * len(self.limbs)

    @cached_property
    def limb_indices(self) -> NDArray[np.intp]:
        """From and to as keypoint indices, (L, 2)."""
        index = {name: i for i, name in enumerate(self.keypoints)}
        return np.array([(index[a], index[b]) for a, b in self.limbs], np.intp).reshape(-1, 2)

    @cached_property
    def limb_places(self) -> NDArray[np.intp]:
        """Where the two ends of each limb meet in a table (K, K) that is read row by row, (L,)."""
        return np.asarray(self.limb_indices @ [len(self.keypoints), 1])

    @cached_property
    def relations(self) -> NDArray[np.float32]:
        """1 where two keypoints are one or the two ends of a limb, else 0, (K, K)."""
        related = np.eye(len(self.keypoints), dtype=np.float32)
        a, b = self.limb_indices.T
        related[a, b] = related[b, a] = 1
        return related

    @cached_property
    def loop_limbs(self) -> frozenset[int]:
        """Limbs that close a loop, taken in their listed order; without them the skeleton is a tree."""
        group, loops = list(range(len(self.keypoints))), set()
        for i, (a, b) in enumerate(self.limb_indices):
            if group[a] == group[b]:
                loops.add(i)
            group = [group[a] if g == group[b] else g for g in group]
        return frozenset(loops)

    @cached_property
    def flip_permutation(self) -> NDArray[np.intp]:
        """Keypoint k of a mirrored picture is keypoint `flip_permutation[k]` of the picture, (K,)."""
        index = {name: i for i, name in enumerate(self.keypoints)}
        permutation = np.arange(len(self.keypoints))
        for a, b in self.mirror_pairs:
            permutation[[index[a], index[b]]] = index[b], index[a]
        return permutation

    @cached_property
    def limb_flip(self) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        """Which limb each limb becomes in a mirror, (L,), and 1 or -1 where it then points the other way, (L,).

        Raises:
            SkeletonError: the mirror image of a limb is not a limb.
        """
        limb = {(int(a), int(b)): i for i, (a, b) in enumerate(self.limb_indices)}
        mirrored = self.flip_permutation[self.limb_indices]
        permutation, direction = np.zeros(len(self.limbs), np.intp), np.ones(len(self.limbs), np.float32)
        for i, (a, b) in enumerate(mirrored.tolist()):
            if (a, b) in limb:
                permutation[i] = limb[a, b]
            elif (b, a) in limb:
                permutation[i], direction[i] = limb[b, a], -1
            else:
                raise SkeletonError(
                    f"limb {self.limbs[i]} has no mirror image: add the limb "
                    f"({self.keypoints[a]!r}, {self.keypoints[b]!r}) or mend mirror_pairs"
                )
        return permutation, direction

    @cached_property
    def annotated_indices(self) -> NDArray[np.intp]:
        """Keypoint index of each annotated keypoint, in the order of annotation files, (A,)."""
        return np.array([self.keypoints.index(name) for name in self.annotated], np.intp)

    def from_annotated(self, xy: NDArray[np.floating]) -> NDArray[np.float32]:
        """Annotated keypoints (N, A, 2), NaN where not labelled, to all keypoints (N, K, 2) with derived ones added."""
        full = np.full((len(xy), len(self.keypoints), 2), np.nan, np.float32)
        full[:, self.annotated_indices] = xy
        for name, sources in self.derived.items():
            full[:, self.keypoints.index(name)] = full[:, [self.keypoints.index(s) for s in sources]].mean(axis=1)
        return full

    # In and out ------------------------------------------------------------------------------------------------------

    @classmethod
    def from_coco_category(cls, category: Mapping[str, Any]) -> "Skeleton":
        """From an entry of `categories` in a COCO keypoint file; mirror pairs are read off left/right in the names.

        Raises:
            SkeletonError: the category has no keypoints or an invalid skeleton.
        """
        keypoints = category.get("keypoints")
        if not isinstance(keypoints, list | tuple) or not keypoints:
            raise SkeletonError(f"category {category.get('name')!r} has no keypoints; is this a COCO keypoint file?")
        names = [str(name) for name in keypoints]
        edges = category.get("skeleton") or []
        try:
            limbs = tuple((names[int(a) - 1], names[int(b) - 1]) for a, b in edges if min(int(a), int(b)) >= 1)
        except (IndexError, TypeError, ValueError, OverflowError) as error:
            raise SkeletonError(
                f"category {category.get('name')!r}: skeleton must be pairs of 1..{len(names)}"
            ) from error
        if len(limbs) != len(edges):
            raise SkeletonError(f"category {category.get('name')!r}: skeleton counts keypoints from 1, found a 0")
        sigmas = COCO_17.oks_sigmas if tuple(names) == COCO_17.keypoints else ()
        name = str(category.get("name", "custom"))
        return cls(name, tuple(names), limbs, sigmas, mirror_pairs=guess_mirror_pairs(names))

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> "Skeleton":
        """From plain data as `to_dict` gives it, or from a COCO category (it has the key `skeleton`).

        Where nothing is said of mirror pairs they are read off left/right in the names; an empty list means none.

        Raises:
            SkeletonError: unknown or missing keys, wrong types, or any contradiction.
        """
        if not isinstance(value, Mapping):
            raise SkeletonError(f"expected a mapping with the keys {sorted(_KEYS)}, got {type(value).__name__}")
        if "skeleton" in value and "limbs" not in value:
            return cls.from_coco_category(value)
        unknown, missing = set(value) - _KEYS, {"keypoints", "limbs"} - set(value)
        if unknown or missing:
            raise SkeletonError(
                f"skeleton: unknown keys {sorted(map(str, unknown))}, missing keys {sorted(missing)}; "
                f"known are {sorted(_KEYS)}"
            )
        try:
            return cls(
                name=str(value.get("name", "custom")),
                keypoints=value["keypoints"],
                limbs=value["limbs"],
                oks_sigmas=_read_sigmas(value.get("oks_sigmas"), value["keypoints"]),
                mirror_pairs=_read_mirror_pairs(value.get("mirror_pairs"), value["keypoints"]),
                derived=value.get("derived") or {},
                annotated=value.get("annotated") or (),
            )
        except (TypeError, AttributeError) as error:
            raise SkeletonError(f"skeleton: {error}") from error

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON or YAML; `from_dict` gives it back."""
        return {
            "name": self.name,
            "keypoints": list(self.keypoints),
            "limbs": [list(limb) for limb in self.limbs],
            "oks_sigmas": [] if self.sigmas_are_guessed else list(self.oks_sigmas),
            "mirror_pairs": [list(pair) for pair in self.mirror_pairs],
            "derived": {name: list(sources) for name, sources in self.derived.items()},
            "annotated": list(self.annotated),
        }

    @classmethod
    def load(cls, source: str | Path) -> "Skeleton":
        """A built-in skeleton by name, or one from a YAML or JSON file.

        Raises:
            SkeletonError: no such skeleton or file, or its content is not a skeleton.
        """
        if str(source) in BUILT_IN:
            return BUILT_IN[str(source)]
        path = Path(source)
        try:
            if path.stat().st_size > _MAX_FILE_BYTES:
                raise SkeletonError(f"{path}: larger than {_MAX_FILE_BYTES} bytes; this is not a skeleton file")
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            known = ", ".join(BUILT_IN)
            raise SkeletonError(
                f"cannot read skeleton {str(source)!r} ({error}); give a YAML or JSON file, or one of: {known}"
            ) from error
        try:
            return cls.from_dict(_parse(text, path.suffix))
        except SkeletonError as error:
            raise SkeletonError(f"{path}: {error}") from error


def _read_mirror_pairs(value: Any, keypoints: Sequence[str]) -> Any:
    """Those given, for `Skeleton` to check, or those that the names tell where none are given."""
    if value is not None:
        return value or ()
    return guess_mirror_pairs([name for name in keypoints if isinstance(name, str)])


def _parse(text: str, suffix: str) -> Any:
    import yaml

    try:
        return json.loads(text) if suffix.lower() == ".json" else yaml.safe_load(text)
    except json.JSONDecodeError as error:
        raise SkeletonError(f"not valid JSON: {error}") from error
    except yaml.YAMLError as error:
        raise SkeletonError(f"not valid YAML: {error}") from error
    except RecursionError as error:
        raise SkeletonError("nested too deeply for a skeleton") from error


def _read_sigmas(value: Any, keypoints: Sequence[str]) -> tuple[float, ...]:
    """Sigmas as a list in keypoint order, or as a mapping by name."""
    try:
        if isinstance(value, Mapping):
            if set(value) != set(keypoints):
                raise SkeletonError(f"oks_sigmas differ from the keypoints in {sorted(set(value) ^ set(keypoints))}")
            value = [value[name] for name in keypoints]
        return tuple(float(s) for s in value or ())
    except (TypeError, ValueError) as error:
        if isinstance(error, SkeletonError):
            raise
        raise SkeletonError(f"oks_sigmas must be numbers: {error}") from error


def _check_names(value: Sequence[str], what: str) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) and name for name in value):
        raise SkeletonError(f"{what} must be a list of names, got {reprlib.repr(value)}")
    doubled = sorted({name for name in value if list(value).count(name) > 1})
    if doubled:
        raise SkeletonError(f"{what}: {doubled} stand there more than once")
    return tuple(value)


def _check_pair(value: Sequence[str], what: str) -> tuple[str, str]:
    if not isinstance(value, list | tuple) or len(value) != 2 or not all(isinstance(name, str) for name in value):
        raise SkeletonError(f"a {what} must be two keypoint names, got {reprlib.repr(value)}")
    return value[0], value[1]


_COCO_NAMES = [
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
]
_PAIRS = guess_mirror_pairs(_COCO_NAMES)
_SIGMA = {  # COCO's constants (cocodataset.org/#keypoints-eval), by joint; the neck as a shoulder
    "nose": 0.026, "eye": 0.025, "ear": 0.035, "shoulder": 0.079, "neck": 0.079, "elbow": 0.072,
    "wrist": 0.062, "hip": 0.107, "knee": 0.087, "ankle": 0.089,
}  # fmt: skip


def _parse_limbs(text: str) -> tuple[tuple[str, str], ...]:
    pairs = (pair.split("-") for pair in text.split())
    return tuple((a, b) for a, b in pairs)


def _look_up_sigmas(names: Sequence[str]) -> tuple[float, ...]:
    return tuple(_SIGMA[name.split("_")[-1]] for name in names)


COCO_17 = Skeleton(
    name="coco17",
    keypoints=tuple(_COCO_NAMES),
    limbs=_parse_limbs(
        "left_ankle-left_knee left_knee-left_hip right_ankle-right_knee right_knee-right_hip left_hip-right_hip "
        "left_shoulder-left_hip right_shoulder-right_hip left_shoulder-right_shoulder left_shoulder-left_elbow "
        "right_shoulder-right_elbow left_elbow-left_wrist right_elbow-right_wrist left_eye-right_eye nose-left_eye "
        "nose-right_eye left_eye-left_ear right_eye-right_ear left_ear-left_shoulder right_ear-right_shoulder"
    ),
    oks_sigmas=_look_up_sigmas(_COCO_NAMES),
    mirror_pairs=_PAIRS,
)
"""The 17 keypoints of the COCO person category."""

_HUMAN_NAMES = [
    "nose",
    "neck",
    "right_shoulder",
    "right_elbow",
    "right_wrist",
    "left_shoulder",
    "left_elbow",
    "left_wrist",
    "right_hip",
    "right_knee",
    "right_ankle",
    "left_hip",
    "left_knee",
    "left_ankle",
    "right_eye",
    "left_eye",
    "right_ear",
    "left_ear",
]

HUMAN_18 = Skeleton(
    name="human18",
    keypoints=tuple(_HUMAN_NAMES),
    limbs=_parse_limbs(
        "neck-right_hip right_hip-right_knee right_knee-right_ankle neck-left_hip left_hip-left_knee "
        "left_knee-left_ankle neck-right_shoulder right_shoulder-right_elbow right_elbow-right_wrist "
        "right_shoulder-right_ear neck-left_shoulder left_shoulder-left_elbow left_elbow-left_wrist "
        "left_shoulder-left_ear neck-nose nose-right_eye nose-left_eye right_eye-right_ear left_eye-left_ear"
    ),
    oks_sigmas=_look_up_sigmas(_HUMAN_NAMES),
    mirror_pairs=_PAIRS,
    derived={"neck": ("left_shoulder", "right_shoulder")},
    annotated=tuple(_COCO_NAMES),
)
"""COCO's keypoints and a neck, in the channel order of OpenPose and of both public weight sets."""

BUILT_IN: dict[str, Skeleton] = {skeleton.name: skeleton for skeleton in (HUMAN_18, COCO_17)}
