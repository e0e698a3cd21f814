"""What one host carries: Little's law, and waiting in an M/M/c queue."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploygen import plan
from deploygen.plan.capacity import _erlang_c_wait
from deploygen.plan.setting import Settings
from deploygen.spec import parse


def capacity(workload: str, machine: str = "cpus: 2, memory: 4G") -> Settings:
    text = (
        "name: shop\napp: {entrypoint: 'a:b'}\nproxy: {server_names: [a.org]}\n"
        f"machines: {{web: {{{machine}}}}}\nworkload: {{{workload}}}\n"
    )
    return plan.make(parse(text).spec).groups["web"].capacity


@pytest.mark.parametrize(
    ("workload", "machine", "wanted"),
    [
        # cores run out: 2 / 20 ms
        ("cpu_ms: 20, wait_ms: 60, peak_rps: 50", "cpus: 2, memory: 4G", (100, 70, 1, 0.5)),
        ("cpu_ms: 20, wait_ms: 60, peak_rps: 150", "cpus: 2, memory: 4G", (100, 70, 3, 1.5)),
        # places run out: one worker of 128 threads, 1 / 1.001 s each
        (
            "cpu_ms: 1, wait_ms: 1000, peak_rps: 100",
            "cpus: 1, memory: 450M",
            (128, 89.5, 2, 0.782),
        ),
        # a fraction of a core
        ("cpu_ms: 10, wait_ms: 0, peak_rps: 10", "cpus: 0.5, memory: 4G", (50, 35, 1, 0.2)),
        (
            "cpu_ms: 20, wait_ms: 60, peak_rps: 150",
            "cpus: 2, memory: 4G, hosts: [a, b, c]",
            (100, 70, 3, 0.5),
        ),
    ],
)
def test_of_one_host(workload: str, machine: str, wanted: tuple[float, ...]) -> None:
    found = capacity(workload, machine)
    names = ("limit_rps", "carried_rps", "hosts_needed", "utilisation")
    assert tuple(found[name].value for name in names) == wanted


# Groups share the peak: each host is equally full, and a group is short of what the others leave.
@pytest.mark.parametrize(
    ("peak", "utilisation", "needed"),
    [
        (300, 0.5, {"web": 2, "big": 1}),  # 3 hosts of 100 and 300: 600 at most, 420 well
        (420, 0.7, {"web": 3, "big": 1}),
        (490, 0.817, {"web": 4, "big": 2}),
        (200, 0.333, {"web": 0, "big": 0}),
    ],
)
def test_groups_share_the_peak(peak: int, utilisation: float, needed: dict[str, int]) -> None:
    text = (
        "name: shop\napp: {entrypoint: 'a:b'}\nproxy: {server_names: [a.org]}\n"
        "machines: {web: {cpus: 2, hosts: [a, b, c]}, big: {cpus: 6, memory: 8G, hosts: [d]}}\n"
        f"workload: {{cpu_ms: 20, wait_ms: 60, peak_rps: {peak}}}\n"
    )
    made = plan.make(parse(text).spec)
    for name, group in made.groups.items():
        found = group.capacity
        assert found["utilisation"].value == utilisation
        assert found["hosts_needed"].value == needed[name]
    assert "210 that the other groups carry" in made.groups["web"].capacity["hosts_needed"].reason
    short = [note for note in made.notes if "hosts like this" in note]
    assert len(short) == (2 if peak == 490 else 0)


def test_a_full_host_answers_without_end() -> None:
    found = capacity("cpu_ms: 20, wait_ms: 60, peak_rps: 150")["response_ms"]
    assert found.value is None
    assert "full at 100" in found.reason


def test_more_hosts_than_declared_are_a_note() -> None:
    text = (
        "name: shop\napp: {entrypoint: 'a:b'}\nproxy: {server_names: [a.org]}\n"
        "workload: {cpu_ms: 20, wait_ms: 60, peak_rps: 150}\n"
    )
    assert any("the peak needs 3 hosts" in note for note in plan.make(parse(text).spec).notes)


@pytest.mark.parametrize("workload", ["", "peak_rps: 100", "cpu_ms: 5, wait_ms: 5"])
def test_what_is_unknown_says_what_is_missing(workload: str) -> None:
    for setting in capacity(workload).values():
        if setting.value is None:
            assert "workload." in setting.reason


@pytest.mark.parametrize(
    ("per_ms", "service_ms", "servers", "wanted"),
    [
        (0.05, 10.0, 1, 10.0),  # M/M/1 at 50%: rho / (1 - rho) services
        (0.09, 10.0, 1, 90.0),
        (0.1, 10.0, 2, 10 / 3),  # M/M/2 at 50%: a third
        (0.0, 10.0, 4, 0.0),
    ],
)
def test_waiting_as_the_textbook_has_it(
    per_ms: float, service_ms: float, servers: int, wanted: float
) -> None:
    assert _erlang_c_wait(per_ms, service_ms, servers) == pytest.approx(wanted)


@settings(deadline=None)
@given(st.floats(0.01, 0.98), st.floats(0.1, 1000), st.integers(1, 2000))
def test_waiting_grows_with_load_and_never_overflows(
    share: float, service_ms: float, servers: int
) -> None:
    per_ms = share * servers / service_ms
    wait = _erlang_c_wait(per_ms, service_ms, servers)
    assert 0 <= wait <= _erlang_c_wait(per_ms * 1.01, service_ms, servers)
