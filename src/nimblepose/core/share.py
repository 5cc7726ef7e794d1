"""What of the machine is this process's own: cores and memory by affinity and by the limits of its container.

Limits are those of Linux control groups, as Docker, Kubernetes and systemd set them: `cpu.max` and `memory.max` of
version 2, `cpu.cfs_quota_us` and `memory.limit_in_bytes` of version 1, in the group of the process and all above it.
"""

import math
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_ROOT = Path("/")
_ASSUMED = 4 << 30  # bytes of memory, where nobody says


def count_usable_cores(root: Path = _ROOT) -> int:
    """Cores this process may keep busy, one at least: those it may run on, but no more than its container's share."""
    quota = read_cpu_quota(root)
    seen = count_seen_cores()
    return seen if quota is None else min(seen, max(1, math.ceil(quota)))


def count_seen_cores() -> int:
    """Cores this process may run on: what runtimes see, whatever its share of them is."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def count_limited_cores() -> int:
    """Cores to tell a runtime of, which sees those of the machine; 0 where that is what may be used."""
    usable = count_usable_cores()
    return usable if usable < count_seen_cores() else 0


def read_cpu_quota(root: Path = _ROOT) -> float | None:
    """Seconds of computing per second that the container may have; None: no limit.

    Args:
        root: Of the file system.
    """
    shares = []
    for folder in _list_groups(root, "cpu"):
        quota, period = (*_read(folder / "cpu.max").split(), "", "")[:2]
        if not quota:
            quota, period = _read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us")
        if quota.isdecimal() and period.isdecimal() and int(quota) and int(period):  # else `max` or -1
            shares.append(int(quota) / int(period))
    return min(shares, default=None)


def read_memory(root: Path = _ROOT) -> int:
    """Bytes of memory that the process may have in all: those of the machine, or its container's limit if that is less.

    Args:
        root: Of the file system.
    """
    limits = [_read(folder / name) for folder in _list_groups(root, "memory") for name in _MEMORY_FILES]
    machine = next((line.split()[1] for line in _read(root / "proc/meminfo").splitlines() if "MemTotal" in line), "")
    found = [int(limit) for limit in limits if limit.isdecimal()] + ([1024 * int(machine)] if machine else [])
    return min(found, default=_ASSUMED)


@cache
def count_frame_bytes() -> int:
    """Bytes of pictures that may wait or be worked on at a time: an eighth of the memory."""
    return read_memory() // 8


_MEMORY_FILES = ("memory.max", "memory.high", "memory.limit_in_bytes")


def _list_groups(root: Path, controller: str) -> Iterator[Path]:
    """Folders of the process's control group and all above it that may limit `controller`."""
    paths: dict[str, str] = {}  # controller, or nothing for version 2 -> path of the group
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        paths |= dict.fromkeys(controllers.split(","), path)
    for line in _read(root / "proc/self/mountinfo").splitlines():
        place, _, kind = line.partition(" - ")
        fields, types = place.split(), kind.split()
        if len(fields) < 5 or len(types) < 3 or types[0] not in ("cgroup", "cgroup2"):
            continue
        group = paths.get(controller if types[0] == "cgroup" else "")
        if group is None or (types[0] == "cgroup" and controller not in types[2].split(",")):
            continue
        mount = root / fields[4].lstrip("/")
        inside = group.removeprefix(fields[3]) if fields[3] != "/" else group
        folder = mount / inside.lstrip("/")
        if not folder.is_dir():  # of another name space: what we see is the group itself
            folder = mount
        yield folder
        while folder != mount:
            folder = folder.parent
            yield folder


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace").strip()
    except OSError:
        return ""
