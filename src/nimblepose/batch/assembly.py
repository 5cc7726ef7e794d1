"""All results of a batch: which videos and pictures are ready, who finishes them, and what is told in the end."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from nimblepose.batch.driving import Engine
from nimblepose.batch.finishing import FINISHED, RESULTS, FinishOptions
from nimblepose.batch.manifest import Manifest
from nimblepose.batch.parts import PARTS
from nimblepose.batch.progress import list_whole
from nimblepose.batch.sources import is_remote
from nimblepose.batch.stores import Folder, Store
from nimblepose.batch.units import Unit, compute_id, find_parts
from nimblepose.core.errors import MediaError
from nimblepose.core.text import format_count
from nimblepose.results.naming import name_results

FAILURES, SUMMARY = "failures.jsonl", "summary.json"
_NAMED = 3  # units in a message
_PICTURES = "pictures"


@dataclass
class Finished:
    """What came of a batch."""

    videos: int = 0
    pictures: int = 0
    frames: int = 0
    files: int = 0
    failures: dict[str, str] = field(default_factory=dict)  # sources -> what went wrong, though there may be results
    unfitting: int = 0  # videos that are to be run again, in one piece


class Assembly:
    """Tasks of finishing, and what became of them."""

    def __init__(self, store: Store, options: FinishOptions, *, out: Path | None = None) -> None:
        """Look at what there is.

        Args:
            store: Of the batch.
            options: What to make of it.
            out: Folder of this machine for all results; None: `results` in the batch.

        Raises:
            MediaError: there is no plan, or parts are missing.
        """
        self._store, self._options = store, options
        options.parse()
        if out is None and isinstance(store, Folder):
            out = store.folder / RESULTS
        self._out = None if out is None else str(out.absolute())
        self._manifest = Manifest.read(store)
        self._there = store.list(PARTS)
        self._notes = set(store.list(FINISHED))
        self.tasks = list(self._list_tasks())

    def _list_tasks(self) -> Iterator[dict[str, Any]]:
        manifest, missing = self._manifest, list[Unit]()
        whole = list_whole(self._store)
        for video, task in zip(manifest.videos, self._begin_videos(), strict=True):
            if not video.cuts:
                continue
            in_one = video.whole.id in whole
            parts = self._find(([video.whole] if in_one else video.list_pieces()), missing)
            yield self._complete({**task, "parts": parts, "whole": video.whole.id})
        if manifest.groups:
            groups = [
                {"pictures": [source.name for source in group.pictures], "parts": self._find([group], missing)}
                for group in manifest.groups
            ]
            among = bool(manifest.videos)
            yield self._complete({**self._begin(_PICTURES), "groups": groups, "among_videos": among})
        if missing:
            named = ", ".join(unit.name for unit in missing[:_NAMED])
            raise MediaError(
                f"{format_count(len(missing), 'unit is', 'units are')} missing "
                f"({named}{', ...' if len(missing) > _NAMED else ''}); "
                f"nimblepose batch run {self._store.address} does {'it' if len(missing) == 1 else 'them'}"
            )

    def _begin_videos(self) -> Iterator[dict[str, Any]]:
        settings, names = self._manifest.settings, [video.source.name for video in self._manifest.videos]
        counted = settings.every > 1
        files = [name.rpartition("/")[2] or name if is_remote(name) else name for name in names]
        for name, stem in zip(names, name_results(files, Path("out")), strict=True):
            yield {**self._begin(name), "stem": stem.name, "counted": counted}

    def _begin(self, name: str) -> dict[str, Any]:
        model = Path(self._manifest.settings.model).stem
        return {
            "store": self._store.address, "name": name, "model": model, "options": asdict(self._options),
            "out": self._out,
        }  # fmt: skip

    def _find(self, units: list[Unit] | list[Any], missing: list[Unit]) -> list[str]:
        found = list[str]()
        for unit in units:
            parts = find_parts(unit.id, self._there)
            if parts is None:
                missing.append(unit)
            else:
                found += parts
        return found

    def _complete(self, task: dict[str, Any]) -> dict[str, Any]:
        return {**task, "id": f"{compute_id(task)}.json"}

    def do(self, engine: Engine, tell: Callable[[int, int], None], *, shard: tuple[int, int] = (0, 1)) -> Finished:
        """Finish what is not finished; what was is only read of.

        Args:
            engine: What calls `finish_task`.
            tell: Called with how many are done, and how many there are.
            shard: Which of how many parts of the work.
        """
        tasks = self.tasks[shard[0] :: shard[1]]
        notes = {task["id"]: note for task in tasks if (note := self._recall(task)) is not None}
        waiting = [task for task in tasks if task["id"] not in notes]
        under_way, done = 0, len(notes)
        remaining = iter(waiting)
        while True:
            while under_way < engine.slots and (task := next(remaining, None)) is not None:
                engine.submit(task)
                under_way += 1
            if not under_way:
                break
            ended = engine.wait()
            under_way, done = under_way - 1, done + 1
            note = ended.result or {"id": ended.unit, "failure": f"its process died ({ended.reason})"}
            notes[ended.unit] = note
            if "failure" not in note:
                self._store.write(f"{FINISHED}/{ended.unit}", json.dumps(note).encode())
            tell(done, len(tasks))
        return self._sum_up({task["id"]: task["name"] for task in tasks}, notes, whole=shard[1] == 1)

    def _recall(self, task: Mapping[str, Any]) -> dict[str, Any] | None:
        """What was noted of a task, if all its files are still there."""
        if task["id"] not in self._notes:
            return None
        note: dict[str, Any] = json.loads(self._store.read(f"{FINISHED}/{task['id']}"))
        there = self._out is None or all(Path(file).exists() for file in note["files"])
        return note if there else None

    def _sum_up(self, names: Mapping[str, str], notes: Mapping[str, dict[str, Any]], *, whole: bool) -> Finished:
        finished, cpu, seconds, people = Finished(), 0.0, 0.0, 0
        failures = [{"source": name, "reason": reason} for name, reason in self._manifest.failures.items()]
        failures += [{"source": v.source.name, "reason": str(v.failure)} for v in self._manifest.videos if v.failure]
        for key, name in names.items():
            note = notes[key]
            if "failure" in note:
                failures.append({"source": name, "reason": note["failure"]})
                finished.unfitting += "seam" in note
                continue
            failures += [{"source": name, "reason": problem} for problem in note["problems"]]
            finished.files += len(note["files"])
            cpu, seconds, people = cpu + note["cpu"], seconds + (note["seconds"] or 0), people + note["people"]
            if name == _PICTURES and note["seconds"] is None:
                finished.pictures = note["frames"]
            else:
                finished.videos, finished.frames = finished.videos + 1, finished.frames + note["frames"]
        for failure in failures:
            known = finished.failures.get(failure["source"])
            finished.failures[failure["source"]] = f"{known}; {failure['reason']}" if known else failure["reason"]
        if whole:
            lines = b"".join(json.dumps(failure).encode() + b"\n" for failure in failures)
            self._store.write(FAILURES, lines)
            summary = {
                "videos": finished.videos, "frames": finished.frames, "hours": round(seconds / 3600, 4),
                "pictures": finished.pictures, "people": people, "core_hours": round(cpu / 3600, 4),
                "failures": len(failures), "files": finished.files, "options": asdict(self._options),
            }  # fmt: skip
            self._store.write(SUMMARY, json.dumps(summary, indent=2).encode() + b"\n")
        return finished
