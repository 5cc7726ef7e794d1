"""What a worker does: a task in, a part written, a few facts back. Any engine may call it, anywhere."""

import json
import logging
from collections.abc import Iterator, Mapping
from functools import lru_cache
from hashlib import file_digest
from pathlib import Path
from typing import Any

from nimblepose.batch.finding import find_in_unit
from nimblepose.batch.manifest import Settings
from nimblepose.batch.parts import PARTS, PartWriter
from nimblepose.batch.stores import Store, open_store, write_with_patience
from nimblepose.batch.units import FAILED, PART, Unit, read_unit
from nimblepose.codec.options import DecodeOptions
from nimblepose.core.errors import MediaError, ModelError, PoseError
from nimblepose.core.text import describe_bug
from nimblepose.runtime.estimator import PoseEstimator
from nimblepose.runtime.models import find_model

_log = logging.getLogger(__name__)

DONE, FAILURE, HELD, UNWRITTEN, UNABLE = "done", "failed", "held", "unwritten", "unable"


def make_task(store: Store, settings: Settings, unit: Unit) -> dict[str, Any]:
    """All that a worker must know, as plain data."""
    return {"id": unit.id, "store": store.address, "settings": settings.to_dict(), "unit": unit.to_dict()}


def work(task: Mapping[str, Any]) -> dict[str, Any]:
    """Find who is in a unit and write its part; once more does no harm.

    It keeps one thread busy, and raises nothing. The model is opened with the first task of a process.

    Args:
        task: Of `make_task`, or of `iterate_tasks`.

    Returns:
        The facts of the part, with `unit`, its id, and `state`: `done`; `failed`: the part says why; `held`: another
        worker does it now; `unwritten`: the part could not be written; `unable`: this machine lacks the model or a
        package. Of the last two `failure` says why.
    """
    settings, unit = Settings.from_dict(task["settings"]), read_unit(task["unit"])
    try:
        store = open_store(task["store"])
        with store.claim(unit.id) as ours:
            if not ours:
                return {"unit": unit.id, "state": HELD}
            if store.has(f"{PARTS}/{unit.id}{PART}"):  # somebody was faster
                return {"unit": unit.id, "state": DONE, "rows": 0, "people": 0}
            finder = _open_estimator(json.dumps(settings.to_dict(), sort_keys=True))
            try:
                part, facts = find_in_unit(finder, unit, settings)
            except PoseError:
                raise
            except Exception as error:  # a bug of ours that this unit brings out
                _log.warning("%s", unit.name, exc_info=True)
                return give_up(store, unit, describe_bug(error))
            return _write(store, unit, part, facts)
    except PoseError as error:
        return {"unit": unit.id, "state": UNABLE, "failure": str(error)}


def give_up(store: Store, unit: Unit, reason: str) -> dict[str, Any]:
    """Write the part of a unit of which nothing will come, and say so."""
    facts = {"failure": f"{unit.name}: {reason}", "unit": unit.id, "name": unit.name, "rows": 0, "people": 0}
    return _write(store, unit, PartWriter(None).finish(facts), facts)


def _write(store: Store, unit: Unit, part: bytes, facts: dict[str, Any]) -> dict[str, Any]:
    failed = "failure" in facts
    try:
        write_with_patience(store, f"{PARTS}/{unit.id}{FAILED if failed else PART}", part)
        if not failed:
            store.remove(f"{PARTS}/{unit.id}{FAILED}")
    except MediaError as error:
        return {"unit": unit.id, "state": UNWRITTEN, "failure": str(error)}
    told = {key: facts.get(key) for key in ("name", "rows", "people", "wall", "cpu", "seconds", "failures", "failure")}
    return {"unit": unit.id, "state": FAILURE if failed else DONE, **told}


@lru_cache(maxsize=1)
def _open_estimator(settings: str) -> PoseEstimator:
    """The model of the plan, for one thread.

    Raises:
        ModelError: this machine has another model.
    """
    import cv2

    cv2.setNumThreads(1)
    wanted = Settings.from_dict(json.loads(settings))
    options = dict(wanted.estimating)
    decode = DecodeOptions(
        min_pose_score=options.pop("min_score"), max_poses=options.pop("max_poses"), complete=options.pop("complete")
    )
    path = find_planned_model(wanted)
    return PoseEstimator(path, threads=1, streaming=True, decode=decode, **options)


def find_planned_model(settings: Settings) -> Path:
    """The file of the plan's model here: where it lay, or the default model if that is it.

    Raises:
        ModelError: neither is.
    """
    planned = Path(settings.model)
    for path in (planned, find_model(None)) if planned.is_file() else (find_model(None),):
        with path.open("rb") as file:
            if file_digest(file, "sha256").hexdigest() == settings.sha256:
                return path
    what = "has changed since" if planned.is_file() else "is not on this machine; it is the one of"
    raise ModelError(f"the model {settings.model} {what} the plan; bring that file there, or plan into another folder")


def iterate_tasks(address: str) -> Iterator[dict[str, Any]]:
    """Tasks of a planned batch that are not done, for engines of your own.

    Args:
        address: Folder or address of the batch.

    Raises:
        MediaError: there is no plan.
    """
    from nimblepose.batch.progress import list_missing

    store = open_store(address)
    manifest, missing = list_missing(store)
    for unit in missing:
        yield make_task(store, manifest.settings, unit)
