"""A front and the hosts behind it: what each side is made of, and what ties them together."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploygen import plan
from deploygen.errors import InputError, Problem
from deploygen.plan import FrontPlan, Plan
from deploygen.plan.timeouts import QUEUE_S
from tests.builders import a_plan, machine, refusal, refusals, spec

FRONT: dict[str, Any] = {"hosts": ["lb.test"], "networks": ["10.0.0.2"]}
TWO = machine(hosts=["a.test", "b.test"])
FILES = {"mode": "files", "certificate": "/c", "key": "/k"}


def a_fleet(machines: dict[str, Any] | None = None, **changes: Any) -> Plan:
    return a_plan(**{"front": FRONT, "machines": machines or TWO, **changes})


def front(machines: dict[str, Any] | None = None, **changes: Any) -> FrontPlan:
    made = a_fleet(machines, **changes).front
    assert made is not None
    return made


def test_without_a_front_there_is_none() -> None:
    made = a_plan(machines=TWO)
    assert made.front is None
    assert made.hosts == made.groups


def test_a_host_of_a_fleet_is_what_a_single_host_with_somebody_in_front_is() -> None:
    alone = {"proxy": {"behind": {"networks": ["10.0.0.2"], "only": True}}}
    shared = {"machines": TWO, "app": {"static": {"url": "/s/", "folder": "s"}}}
    group, single = (made.groups["web"] for made in (a_fleet(**shared), a_plan(**shared, **alone)))
    assert group == single


def test_what_visitors_see_is_the_fronts() -> None:
    proxy = {
        "tls": {**FILES, "hsts_subdomains": True},
        "behind": "cloudflare",
        "limits": {"requests_per_second": 5},
        "include": ["/etc/nginx/more.conf"],
    }
    made = a_fleet(proxy=proxy, app={"media": {"url": "/m/", "folder": "m"}})
    host, own = made.groups["web"].site, made.front.site  # type: ignore[union-attr]
    assert own.tls and own.front and own.limited and not own.from_disk and not own.include
    assert own.front.header == "CF-Connecting-IP"
    assert [header.name for header in own.headers if header.secure] == ["Strict-Transport-Security"]
    assert host.tls is None and host.media and not host.limited
    assert host.include == ("/etc/nginx/more.conf",)
    assert host.front and host.front.only and host.front.networks == ("10.0.0.2",)
    assert not [header for header in host.headers if header.secure]
    assert host.https, "the front may end TLS: the application is asked as if it does"


def test_hosts_of_all_groups_share_the_requests_by_their_cpus() -> None:
    machines = {
        "small": {"cpus": 2, "memory": "4G", "hosts": ["a.test", "2001:db8::2"]},
        "large": {"cpus": 7, "memory": "16G", "hosts": ["c.test"]},
        "none": {"cpus": 1, "memory": "4G"},
    }
    found = front(machines, front={**FRONT, "addresses": {"c.test": "10.0.0.13"}}).fleet
    assert [(each.address, each.weight) for each in found.members] == [
        ("a.test:80", 1),
        ("[2001:db8::2]:80", 1),
        ("10.0.0.13:80", 4),
    ]


def test_each_host_can_be_taken_out() -> None:
    found = front().fleet
    assert found.drains
    whole, *rest = found.pools
    assert whole.members == found.members and whole.without is None
    for member, pool in zip(found.members, rest, strict=True):
        assert pool.without is member
        assert set(pool.members) == {*found.members} - {member}
        assert member.flag == f"/run/shop/drained/{member.host}"
    assert len({pool.name for pool in found.pools}) == 3


def test_the_only_host_is_never_taken_out() -> None:
    found = front(machine(hosts=["a.test"]))
    assert not found.fleet.drains
    assert len(found.fleet.pools) == 1
    assert found.components["nginx"]["proxy_next_upstream_tries"].value == 1


@pytest.mark.parametrize(("hosts", "tries"), [(1, 1), (2, 2), (3, 3), (10, 3)])
def test_how_often_a_request_is_passed_on(hosts: int, tries: int) -> None:
    machines = machine(hosts=[f"h{number}.test" for number in range(hosts)])
    nginx = front(machines).components["nginx"]
    assert nginx["proxy_next_upstream_tries"].value == tries
    again = nginx["proxy_next_upstream_timeout"].number
    assert again == tries * nginx["proxy_connect_timeout"].number
    assert again < nginx["proxy_read_timeout"].number, "what hung is not begun anew"


def test_a_post_is_never_sent_twice() -> None:
    assert "non_idempotent" not in front().components["nginx"]["proxy_next_upstream"].text.split()


@pytest.mark.parametrize("kind", ["nginx", "apache"])
@pytest.mark.parametrize("slowest", [1, 300])
def test_the_front_outlasts_the_hosts_proxies(kind: str, slowest: float) -> None:
    made = a_fleet(proxy={"kind": kind}, workload={"slowest_request_s": slowest})
    host = made.groups["web"].components[kind]
    patience = host["proxy_read_timeout" if kind == "nginx" else "ProxyTimeout"].number
    own = made.front.components["nginx"]  # type: ignore[union-attr]
    assert own["proxy_read_timeout"].number == patience + 5
    assert f"({patience} s)" in own["proxy_read_timeout"].reason


def test_a_full_queue_does_not_idle_its_host() -> None:
    assert 0 < front().components["nginx"]["fail_timeout"].number < QUEUE_S


@pytest.mark.parametrize(
    ("cpus", "memory", "processes", "connections"),
    [(1, "512M", 1, 16384), (2, "2G", 2, 8192), (8, "16G", 8, 16384), (64, "1T", 32, 65536)],
)
def test_the_size_of_the_front(cpus: float, memory: str, processes: int, connections: int) -> None:
    found = front(front={**FRONT, "cpus": cpus, "memory": memory}).components["nginx"]
    assert found["worker_processes"].value == processes
    assert found["worker_connections"].value == connections
    assert found["worker_rlimit_nofile"].value == 2 * connections


@pytest.mark.parametrize(
    ("changes", "where", "words"),
    [
        ({"machines": machine()}, ("front",), "no application host is named"),
        ({"proxy": {"kind": "none"}}, ("proxy", "kind"), "proxy.kind is none"),
        ({"front": {**FRONT, "hosts": ["a.test"]}}, ("front", "hosts", 0), "machines.web too"),
        ({"front": {**FRONT, "memory": "100M"}}, ("front", "memory"), "no room"),
        (
            {"front": {**FRONT, "addresses": {"aa.test": "10.0.0.1"}}},
            ("front", "addresses", "aa.test"),
            "aa.test is no application host",
        ),
        (
            {"front": {**FRONT, "hosts": ["x.test", "y.test"]}, "proxy": {"tls": {"mode": "acme"}}},
            ("proxy", "tls", "mode"),
            "2 hosts in front",
        ),
        ({"front": {"hosts": ["lb.test"]}}, ("front", "networks"), "required and missing"),
        ({"front": {**FRONT, "hosts": []}}, ("front", "hosts"), "found"),
        ({"front": {**FRONT, "networks": "cloudflare"}}, ("front", "networks", 0), "'cloudflare'"),
        ({"front": {**FRONT, "networks": ["10.0.0.1/8"]}}, ("front", "networks", 0), "10.0.0.1/8"),
        (
            {"front": {**FRONT, "addresses": {"a.test": "10.0.0.1;"}}},
            ("front", "addresses", "a.test"),
            "'10.0.0.1;'",
        ),
    ],
)
def test_what_is_refused(changes: dict[str, Any], where: tuple[Any, ...], words: str) -> None:
    problem = refusal(**{"front": FRONT, "machines": TWO, **changes})
    assert problem.where == where
    assert words in problem.message
    assert problem.line > 0
    assert problem.allowed


def test_a_hint_names_the_host_that_was_meant() -> None:
    changed = {**FRONT, "addresses": {"aa.test": "10.0.0.1"}}
    assert refusal(front=changed, machines=TWO).hint == "did you mean a.test?"


def test_the_fronts_name_is_its_own() -> None:
    machines = {"front": {"hosts": ["a.test"]}}
    problem = refusal(front=FRONT, machines=machines)
    assert problem.where == ("machines", "front")


def test_all_problems_at_once() -> None:
    proxy = {"tls": {"mode": "files"}}
    found = refusals(front={**FRONT, "memory": "1M"}, machines=TWO, proxy=proxy)
    assert {problem.where for problem in found} >= {
        ("proxy", "tls", "certificate"),
        ("proxy", "tls", "key"),
    }


@given(
    cpus=st.floats(0.01, 4096),
    memory=st.integers(2**20, 2**43),
    hosts=st.integers(1, 60),
    host_cpus=st.floats(0.1, 256),
    load=st.fixed_dictionaries(
        {"kind": st.sampled_from(["unknown", "cpu", "io", "mixed"])},
        optional={
            "greenlet_safe": st.booleans(),
            "slowest_request_s": st.floats(0.01, 86400),
        },
    ),
    kind=st.sampled_from(["nginx", "apache"]),
)
@settings(max_examples=150, deadline=None)
def test_every_fleet_holds_every_invariant_or_is_refused(
    cpus: float, memory: int, hosts: int, host_cpus: float, load: dict[str, Any], kind: str
) -> None:
    described = spec(
        front={**FRONT, "cpus": cpus, "memory": memory},
        machines=machine(host_cpus, "512G", hosts=[f"h{number}.test" for number in range(hosts)]),
        workload=load,
        proxy={"kind": kind},
    )
    refused: tuple[Problem, ...] = ()
    try:
        made = plan.make(described)
    except InputError as error:
        refused = error.problems
    if refused:
        assert {problem.where[0] for problem in refused} <= {"front", "machines"}
        return
    assert made.front is not None
    own, group = made.front.components["nginx"], made.groups["web"].components
    host = group[kind]["proxy_read_timeout" if kind == "nginx" else "ProxyTimeout"]
    assert group["gunicorn"]["timeout"].number < host.number < own["proxy_read_timeout"].number
    gunicorn = group["gunicorn"]
    each = gunicorn["workers"].number * (
        gunicorn["worker_connections"].number
        if gunicorn["worker_class"].value == "gevent"
        else gunicorn["threads"].number
    )
    carried = own["worker_processes"].number * own["worker_connections"].number
    assert carried >= 2 * hosts * each
    assert own["worker_rlimit_nofile"].number >= 2 * own["worker_connections"].number
