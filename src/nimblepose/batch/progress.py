"""How far a batch is: what is done, what is missing, what failed, and how long the rest takes."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import islice

from nimblepose.batch.manifest import Manifest
from nimblepose.batch.parts import PARTS, read_part
from nimblepose.batch.stores import Store
from nimblepose.batch.units import FAILED, PART, Piece, Unit, find_parts
from nimblepose.core.errors import MediaError

WHOLE = "whole"  # a folder of names: ids of videos that are done in one piece
_SAMPLES = 16  # parts that are looked into
_RECENT = 600.0  # seconds


@dataclass(frozen=True, kw_only=True)
class Status:
    """Of all units of a batch."""

    done: int
    missing: list[Unit]
    failed: list[Unit]
    unread: Mapping[str, str]  # sources that could not even be planned -> why
    frames_per_second: float = 0.0  # pictures, too; over the last ten minutes
    seconds_left: float | None = None  # at the pace of the last ten minutes; None: nobody is at work, or nobody knows
    core_hours_left: float | None = None  # None: nothing is done by which to tell
    reasons: Mapping[str, str] = field(default_factory=dict)  # of units that failed


def list_whole(store: Store) -> frozenset[str]:
    """Ids of the videos that are done in one piece, because their pieces did not fit together."""
    return frozenset(store.list(WHOLE))


def list_missing(store: Store, *, again: bool = False, shard: tuple[int, int] = (0, 1)) -> tuple[Manifest, list[Unit]]:
    """The plan, and its units that have no part.

    Args:
        store: Of the batch.
        again: Those that failed are missing, too.
        shard: Only those of one of so many shards, which are the same whatever is done already.

    Raises:
        MediaError: there is no plan.
    """
    manifest, there = Manifest.read(store), store.list(PARTS)
    missing: list[Unit] = []
    for unit in islice(manifest.iterate_units(list_whole(store)), shard[0], None, shard[1]):
        parts = find_parts(unit.id, there)
        if parts is None or (again and parts == [f"{unit.id}{FAILED}"]):
            missing += _list_rest(unit, there)
        elif again:
            missing += [half for half in unit.halve() or () if f"{half.id}{FAILED}" in parts]
    return manifest, missing


def _list_rest(unit: Unit, there: Mapping[str, float]) -> list[Unit]:
    """What is left of a unit: of one that was halved, the halves that are not there."""
    halves = unit.halve() or ()
    if not any(f"{half.id}{ending}" in there for half in halves for ending in (PART, FAILED)):
        return [unit]
    return [half for half in halves if f"{half.id}{PART}" not in there and f"{half.id}{FAILED}" not in there]


def find_status(store: Store) -> Status:
    """Where a batch stands, by the names of its parts and a look into the newest.

    Raises:
        MediaError: there is no plan, or the store cannot be read.
    """
    manifest, there, now = Manifest.read(store), store.list(PARTS), time.time()
    done, missing, failed, reasons = 0, list[Unit](), list[Unit](), {}
    for unit in manifest.iterate_units(list_whole(store)):
        parts = find_parts(unit.id, there)
        if parts is None:
            missing.append(unit)
        elif any(name.endswith(FAILED) for name in parts):
            failed.append(unit)
            if len(failed) <= _SAMPLES:
                reasons[unit.name] = _read_reason(store, next(name for name in parts if name.endswith(FAILED)))
        else:
            done += 1
    unread = {video.source.name: video.failure for video in manifest.videos if video.failure}
    status = Status(done=done, missing=missing, failed=failed, unread={**manifest.failures, **unread}, reasons=reasons)
    newest = sorted((name for name in there if not name.endswith(FAILED)), key=lambda name: -there[name])
    facts = [read_part(store.read(f"{PARTS}/{name}"), name).facts for name in newest[:_SAMPLES]]
    return _estimate_rest(status, facts, [there[name] for name in newest], now)


def _estimate_rest(status: Status, facts: list[dict[str, float]], written: list[float], now: float) -> Status:
    """With the pace and what is left, by the newest parts.

    Args:
        status: Without.
        facts: Of the newest parts.
        written: When each part was, the newest first.
        now: The time.
    """
    if not facts:
        return status
    cpu, rows = sum(fact["cpu"] for fact in facts), sum(fact["rows"] for fact in facts)
    recent = [when for when in written if now - when < _RECENT]
    span = max(now - min(recent) + facts[0]["wall"], 1.0) if recent else 1.0
    left = _weigh(status.missing) * cpu / max(sum(fact["seconds"] or fact["rows"] for fact in facts), 1e-9)
    cores = len(recent) * cpu / len(facts) / span
    return replace(
        status,
        frames_per_second=len(recent) * rows / len(facts) / span,
        core_hours_left=left / 3600,
        seconds_left=left / cores if cores else None,
    )


def _weigh(units: list[Unit]) -> float:
    """Seconds of video, and pictures: what costs are counted by."""
    return sum(unit.seconds or 0.0 if isinstance(unit, Piece) else float(len(unit.pictures)) for unit in units)


def _read_reason(store: Store, name: str) -> str:
    try:
        return str(read_part(store.read(f"{PARTS}/{name}"), name).facts["failure"])
    except MediaError as error:
        return str(error)
