"""Units to whoever works: none is lost, none is tried for ever, and the rest is done."""

import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from nimblepose.batch.manifest import Settings
from nimblepose.batch.stores import Store
from nimblepose.batch.units import Unit
from nimblepose.batch.work import DONE, FAILURE, HELD, UNABLE, UNWRITTEN, give_up, make_task
from nimblepose.core.errors import MediaError, ModelError

_PAUSE = 1.0  # seconds until what another run holds is looked at again


class Ended(NamedTuple):
    """A task came to an end."""

    unit: str  # id
    result: dict[str, Any] | None  # of `work`; None: its process died
    reason: str = ""  # why it died


class Engine(Protocol):
    """Whatever calls `work`."""

    @property
    def slots(self) -> int:
        """Tasks that it takes at a time; it may change."""

    def submit(self, task: dict[str, Any]) -> None:
        """Begin a task."""

    def wait(self) -> Ended:
        """The next task that comes to an end."""

    def close(self, *, at_once: bool = False) -> None:
        """End all processes; at once, or when they are done."""


@dataclass
class Outcome:
    """What a run has done so far."""

    total: int  # units that were missing
    done: int = 0
    failed: dict[str, str] = field(default_factory=dict)  # names of units -> why
    damaged: int = 0  # pictures that could not be read
    frames: int = 0  # and pictures
    people: int = 0  # in all of them together
    waiting: bool = False  # for what another run does


class Run:
    """Does units until none is left; `stop` ends it when those under way are done."""

    def __init__(self, store: Store, settings: Settings, engine: Engine, *, retries: int = 2) -> None:
        """Nothing is begun yet.

        Args:
            store: Of the batch.
            settings: Of its plan.
            engine: What works.
            retries: Processes that a unit may cost before it is halved, and then each half before it is given up.
        """
        self._store, self._settings, self._engine, self._retries = store, settings, engine, retries
        self._stopped = False

    def stop(self) -> None:
        """Begin nothing new. For signal handlers."""
        self._stopped = True

    def do(self, units: Iterable[Unit], total: int, tell: Callable[[Outcome], None]) -> Outcome:
        """Do all units.

        Args:
            units: Those missing.
            total: How many.
            tell: Called after each, and once more while another run is waited for.

        Raises:
            MediaError: parts cannot be written.
            ModelError: the model cannot be used.
        """
        outcome, remaining = Outcome(total), iter(units)
        again: deque[Unit] = deque()
        held: deque[Unit] = deque()
        deaths: dict[str, int] = {}
        under_way: dict[str, Unit] = {}
        while True:
            while not self._stopped and len(under_way) < self._engine.slots:
                unit = again.popleft() if again else next(remaining, None)
                if unit is None:
                    break
                under_way[unit.id] = unit
                self._engine.submit(make_task(self._store, self._settings, unit))
            if not under_way:
                if self._stopped or not held:
                    return outcome
                outcome.waiting = True
                tell(outcome)
                time.sleep(_PAUSE)
                again, held = held, deque()
                continue
            ended = self._engine.wait()
            unit = under_way.pop(ended.unit)
            if ended.result is None:
                deaths[unit.id] = deaths.get(unit.id, 0) + 1
                self._bury(unit, ended.reason, deaths[unit.id], again, outcome)
            elif ended.result["state"] == HELD:
                held.append(unit)
            else:
                self._note(unit, ended.result, outcome)
            tell(outcome)

    def _bury(self, unit: Unit, reason: str, deaths: int, again: "deque[Unit]", outcome: Outcome) -> None:
        """What is done about a unit whose process died."""
        if deaths < self._retries:
            again.append(unit)
            return
        halves = unit.halve() if unit.id.partition("-")[2] == "" else None
        if halves:
            again.extend(halves)
            outcome.total += 1
            return
        self._note(unit, give_up(self._store, unit, f"its process died {deaths} times ({reason})"), outcome)

    def _note(self, unit: Unit, result: dict[str, Any], outcome: Outcome) -> None:
        state = result["state"]
        if state == UNWRITTEN:
            raise MediaError(f"{result['failure']}; what was written stays: make room, and run again")
        if state == UNABLE:
            raise ModelError(str(result["failure"]))
        if state == FAILURE:
            outcome.failed[unit.name] = str(result["failure"])
        elif state == DONE:
            outcome.damaged += result.get("failures") or 0
        outcome.done += 1
        outcome.waiting = False
        outcome.frames += result["rows"]
        outcome.people += result["people"]
