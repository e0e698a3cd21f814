"""The unit that serves: what runs, and what the kernel enforces on it."""

from __future__ import annotations

import pytest

from deploygen.plan import GroupPlan, Plan
from deploygen.targets.systemd import PROXY_UNITS
from deploygen.units import parse_size
from testbed.probe import Probe

PAGE = 4096
CROWDS = 10


def test_one_slot_serves_and_comes_back_after_a_boot(probe: Probe) -> None:
    assert probe.told(f"systemctl is-active {probe.unit}") == "active"
    assert probe.told(f"systemctl is-enabled {probe.unit}") == "enabled"
    for idle in (probe.idle_unit, probe.socket_of(probe.idle_unit)):
        assert probe.machine.run(f"systemctl is-active {idle}").stdout.strip() == "inactive"
        assert probe.machine.run(f"systemctl is-enabled {idle}").rc != 0


def test_systemd_holds_its_socket(probe: Probe, planned: Plan, group: GroupPlan) -> None:
    assert probe.told(f"systemctl is-active {probe.socket_of(probe.unit)}") == "active"
    assert probe.told(f"systemctl is-enabled {probe.socket_of(probe.unit)}") == "enabled"
    path = f"/run/{probe.name}/{probe.slot}.sock"
    owners = f"{probe.name} {planned.layout.proxy_user} 660"
    assert probe.told(f"stat --format='%U %G %a' {path}") == owners
    [row] = probe.told(f"ss --no-header --listening --unix src {path}").splitlines()
    _, _, _, backlog, _, inode, *_ = row.split()  # what ss calls Send-Q, where nobody is sent to
    assert int(backlog) == group.components["gunicorn"]["backlog"].number
    assert f"socket:[{inode}]" in probe.told("readlink /proc/1/fd/*").split()


def test_the_proxy_closes_before_it(probe: Probe, planned: Plan) -> None:
    """How it opens is seen at a boot, in test_life.py."""
    assert PROXY_UNITS[planned.spec.proxy.kind] in probe.show("Before").split()


def test_nothing_on_the_host_has_failed(probe: Probe) -> None:
    assert probe.told("systemctl --failed --no-legend --plain") == ""


def test_the_planned_workers_run(probe: Probe, group: GroupPlan) -> None:
    assert len(probe.workers) == group.components["gunicorn"]["workers"].number


def test_the_planned_threads_run(probe: Probe, group: GroupPlan) -> None:
    """A worker starts its threads when it needs them: so many requests at once need all."""
    planned = group.components["gunicorn"]
    if planned["worker_class"].text != "gthread":
        pytest.skip("only gthread has threads")
    assert planned["threads"].number > 1
    many = 4 * planned["threads"].number * planned["workers"].number
    wanted, threads = {planned["threads"].number + 1}, dict[int, int]()
    # A worker takes as many connections as it gets: one of them may take all of a crowd.
    for _ in range(CROWDS):
        statuses = {each.status for each in probe.ask_at_once("/slow-upstream/?ms=300", many)}
        assert statuses == {200}
        threads = {pid: int(probe.process(pid)["Threads"]) for pid in probe.workers}
        if set(threads.values()) == wanted:
            break
    assert set(threads.values()) == wanted, threads


def test_processes_are_the_applications_and_hold_no_power(probe: Probe) -> None:
    uid = probe.told(f"id -u {probe.name}")
    for pid in (probe.master, *probe.workers):
        status = probe.process(pid)
        assert status["Uid"].split() == [uid] * 4
        assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0
        assert status["NoNewPrivs"] == "1"
        assert status["Seccomp"] == "2"


def test_the_kernel_enforces_the_planned_limits(probe: Probe, group: GroupPlan) -> None:
    planned = group.components["systemd"]
    memory = int(probe.limit("memory", "memory.max", "memory.limit_in_bytes"))
    assert memory == parse_size(planned["MemoryMax"].text) // PAGE * PAGE
    assert int(probe.limit("pids", "pids.max", "pids.max")) == planned["TasksMax"].number
    for pid in probe.workers:
        limits = probe.told(f"grep '^Max open files' /proc/{pid}/limits").split()
        assert int(limits[-2]) == planned["LimitNOFILE"].number


def test_its_file_system_is_read_only_but_for_its_own_folders(probe: Probe) -> None:
    table = probe.told(f"cat /proc/{probe.workers[0]}/mountinfo")
    mounts = {row.split()[4]: row.split()[5].split(",")[0] for row in table.splitlines()}
    assert mounts["/"] == "ro"
    assert mounts[f"/var/lib/{probe.name}"] == "rw"
    assert mounts[f"/run/{probe.name}"] == "rw"
    assert "/home" in mounts  # an empty one, over the real
    assert {place for place, way in mounts.items() if way == "rw"}.isdisjoint({"/etc", "/usr"})


# By app.network. docs/targets/systemd.md has the numbers; they may only go down.
EXPOSURE = {"internet": 1.1, "localhost": 0.9, "none": 0.2}


def test_exposure(probe: Probe, planned: Plan) -> None:
    exposure = probe.exposure
    print(f"systemd-analyze security {probe.unit}: {exposure}")
    assert exposure <= EXPOSURE[planned.spec.app.network]


def test_the_log_is_in_the_journal_with_times(probe: Probe) -> None:
    page = probe.ask("/a-page-that-nobody-else-asks-for/")
    assert page.status == 404
    lines = probe.told(f"journalctl --unit={probe.unit} --output=cat --no-pager --lines=2000")
    assert "/a-page-that-nobody-else-asks-for/" in lines
