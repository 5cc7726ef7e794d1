"""The share of a container, in files as kernels and container engines lay them."""

import os

import pytest

from nimblepose.core import share
from nimblepose.core.share import count_limited_cores, count_usable_cores, read_cpu_quota, read_memory

V2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup rw,nsdelegate"
V1 = (
    "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory"
)
GIB = 1 << 30


@pytest.fixture
def lay(tmp_path):
    """Lay files of a root file system; returns the root."""

    def write(mounts, group, **files):
        files = {"proc/self/mountinfo": mounts, "proc/self/cgroup": group, **files.pop("files", {})}
        files.setdefault("proc/meminfo", "MemTotal:       67108864 kB\nMemFree: 1 kB")
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text + "\n")
        return tmp_path

    return write


@pytest.mark.parametrize(
    ("cpu", "quota"), [("200000 100000", 2.0), ("150000 100000", 1.5), ("20000 100000", 0.2), ("max 100000", None)]
)
def test_version_2_in_a_container(lay, cpu, quota):
    files = {"sys/fs/cgroup/cpu.max": cpu, "sys/fs/cgroup/memory.max": str(2 * GIB)}
    root = lay(V2, "0::/", files=files)
    assert read_cpu_quota(root) == quota
    assert read_memory(root) == 2 * GIB


def test_version_2_takes_the_least_of_the_group_and_all_above(lay):
    files = {
        "sys/fs/cgroup/kubepods/cpu.max": "400000 100000",
        "sys/fs/cgroup/kubepods/pod/cpu.max": "150000 100000",
        "sys/fs/cgroup/kubepods/pod/box/cpu.max": "max 100000",
        "sys/fs/cgroup/kubepods/memory.max": str(3 * GIB),
        "sys/fs/cgroup/kubepods/pod/box/memory.max": "max",
        "sys/fs/cgroup/kubepods/pod/memory.high": str(GIB),
    }
    root = lay(V2, "0::/kubepods/pod/box", files=files)
    assert read_cpu_quota(root) == 1.5
    assert read_memory(root) == GIB


@pytest.mark.parametrize("group", ["/", "/docker/abc"])
def test_version_1(lay, group):
    """Inside of a container the group's name is that of the host, and what is mounted is the group itself."""
    files = {
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "50000",
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": str(GIB),
    }
    root = lay(V1, f"5:memory:{group}\n4:cpu,cpuacct:{group}\n1:name=systemd:{group}", files=files)
    assert read_cpu_quota(root) == 0.5
    assert read_memory(root) == GIB


def test_version_1_without_limits(lay):
    files = {
        "sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us": "-1",
        "sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_period_us": "100000",
        "sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes": "9223372036854771712",
    }
    root = lay(V1, "5:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc", files=files)
    assert read_cpu_quota(root) is None
    assert read_memory(root) == 64 * GIB


def test_a_mount_of_a_part_of_the_tree(lay):
    mounts = "32 31 0:29 /docker/abc /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu"
    files = {"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "300000", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000"}
    assert read_cpu_quota(lay(mounts, "4:cpu:/docker/abc", files=files)) == 3


def test_where_nothing_is_said_or_nonsense_there_is_no_limit(tmp_path, lay):
    assert read_cpu_quota(tmp_path / "none") is None
    assert read_memory(tmp_path / "none") == 4 * GIB
    assert read_cpu_quota(lay(V2, "0::/", files={"sys/fs/cgroup/cpu.max": "0 0"})) is None
    assert read_cpu_quota(lay("nonsense - cgroup2", "nonsense")) is None


@pytest.mark.parametrize(("quota", "usable", "told"), [(0.2, 1, 1), (1.5, 2, 2), (2, 2, 2), (64, 64, 0), (None, 64, 0)])
def test_cores_are_rounded_up_and_runtimes_told_where_they_would_see_more(monkeypatch, quota, usable, told):
    monkeypatch.setattr(share, "count_seen_cores", lambda: 64)
    monkeypatch.setattr(share, "read_cpu_quota", lambda root: quota)
    assert (count_usable_cores(), count_limited_cores()) == (usable, told)


def test_this_machine():
    assert 1 <= count_usable_cores() <= (os.cpu_count() or 1)
    assert read_memory() > GIB // 8
    assert share.count_frame_bytes() == read_memory() // 8
