"""Module deploygen_machine: what processes may use, quotas counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.modules import load

machine = load("deploygen_machine")
GIB = 1024**3
V1 = "4:memory:/box\n3:cpu,cpuacct:/box/init.scope\n1:name=systemd:/box\n"


def root(folder: Path, files: dict[str, str], cgroup: str = "0::/\n", kib: int = 4 * 2**20) -> Path:
    base = {
        "etc/os-release": 'ID=debian\nVERSION_ID="12"\n',
        "proc/meminfo": f"MemTotal: {kib} kB\nMemFree: 1 kB\n",
        "proc/1/cgroup": cgroup,
    }
    for name, content in {**base, **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


@pytest.mark.parametrize(
    ("files", "cgroup", "cpus", "memory"),
    [
        ({}, "0::/\n", 8, 4 * GIB),
        ({"sys/fs/cgroup/cpu.max": "150000 100000\n", "sys/fs/cgroup/memory.max": f"{GIB}\n"},
         "0::/init.scope\n", 1.5, GIB),
        ({"sys/fs/cgroup/cpu.max": "max 100000\n", "sys/fs/cgroup/memory.max": "max\n"},
         "0::/\n", 8, 4 * GIB),
        ({"sys/fs/cgroup/a/cpu.max": "50000 100000\n", "sys/fs/cgroup/a/b/cpu.max": "max 100000\n"},
         "0::/a/b\n", 0.5, 4 * GIB),
        ({"sys/fs/cgroup/cpu/box/cpu.cfs_quota_us": "200000\n",
          "sys/fs/cgroup/cpu/box/cpu.cfs_period_us": "100000\n",
          "sys/fs/cgroup/memory/box/memory.limit_in_bytes": f"{2 * GIB}\n"}, V1, 2, 2 * GIB),
        ({"sys/fs/cgroup/cpu/box/cpu.cfs_quota_us": "-1\n",
          "sys/fs/cgroup/memory/box/memory.limit_in_bytes": "9223372036854771712\n"},
         V1, 8, 4 * GIB),
    ],
)  # fmt: skip
def test_quotas_count(
    files: dict[str, str], cgroup: str, cpus: float, memory: int, tmp_path: Path
) -> None:
    if any("cfs_quota" in name for name in files):
        files.setdefault("sys/fs/cgroup/cpu/box/cpu.cfs_period_us", "100000\n")
    made = root(tmp_path, files, cgroup)
    assert machine.cpus(made, 8) == cpus
    assert machine.memory_bytes(made) == memory
    assert machine.system(made) == "debian-12"


WANTED: dict[str, Any] = {
    "system": "debian-12", "cpus": 2.0, "memory_bytes": 4 * GIB, "memory_least_bytes": 3.6 * GIB,
    "smaller": False,
}  # fmt: skip


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({}, []),
        ({"cpus": 4.0, "memory_bytes": 9 * GIB}, []),
        # The kernel keeps a part to itself.
        ({"memory_bytes": int(3.8 * GIB)}, []),
        ({"cpus": 1.0}, ["the host has 1 cpus, 2 are declared"]),
        ({"memory_bytes": 3 * GIB}, ["the host has 3072 MiB of memory, 4096 MiB are declared"]),
        ({"system": "debian-13"}, ["the host runs debian-13, the plan was made for debian-12"]),
        ({"system": "fedora-44", "cpus": 0.5}, [
            "the host runs fedora-44, the plan was made for debian-12",
            "the host has 0.5 cpus, 2 are declared"]),
    ],
)  # fmt: skip
def test_what_is_less_than_declared_is_named(found: dict[str, Any], words: list[str]) -> None:
    there = {"system": "debian-12", "cpus": 2.0, "memory_bytes": 4 * GIB, **found}
    assert machine.problems(WANTED, there) == words


def test_this_machine_can_be_read() -> None:
    assert machine.cpus(Path("/"), 64) > 0
    assert machine.memory_bytes(Path("/")) > 0
    assert machine.system(Path("/"))


def test_a_trial_may_be_smaller_and_is_the_same_system() -> None:
    trial = {**WANTED, "smaller": True}
    small = {"system": "debian-12", "cpus": 0.5, "memory_bytes": GIB}
    assert machine.problems(trial, small) == []
    [said] = machine.problems(trial, {**small, "system": "debian-13"})
    assert "debian-13" in said
