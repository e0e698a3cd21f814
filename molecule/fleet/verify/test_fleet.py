"""A front and two hosts: what goes through both, what goes round, what a release leaves behind."""

from __future__ import annotations

import json
import os
import shlex
import time
from typing import Any

import pytest
import testinfra

from deploygen.plan import Plan
from deploygen.plan.front import FAIL_TIMEOUT_S
from testbed.probe import Probe
from testbed.scenario import Host, scenario

SCENARIO = scenario(os.environ["MOLECULE_SCENARIO_NAME"])
NAME = SCENARIO.document.spec.name

ACCESS_LOG = "/var/log/nginx/access.log"

# Sent to a host's own Python: one request to another host.
_ASK = """
import http.client, json, sys
address, host, path = sys.argv[1:]
connection = http.client.HTTPConnection(address, timeout=30)
headers = {"Host": host, "X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "https"}
connection.request("GET", path, headers=headers)
answer = connection.getresponse()
print(json.dumps([answer.status, answer.read().decode()]))
"""


def probe_of(host: Host) -> Probe:
    machine = testinfra.get_host(f"{os.environ['TESTBED_ENGINE']}://{host.container}")
    return Probe(machine, NAME, SCENARIO.site)


def asked(client: Host, server: Host, path: str) -> tuple[int, str]:
    """The answer of one host to another one, which claims to be somebody else."""
    words = " ".join(map(shlex.quote, (_ASK, server.address, SCENARIO.site, path)))
    status, body = json.loads(probe_of(client).told(f"python3 -c {words}"))
    return status, body


@pytest.fixture(scope="module")
def edge() -> Host:
    [found] = [host for host in SCENARIO.hosts if host.group == "front"]
    return found


@pytest.fixture(scope="module")
def web() -> tuple[Host, Host]:
    one, two = [host for host in SCENARIO.hosts if host.group == "web"]
    return one, two


def test_the_clients_address_reaches_the_application_through_both(
    edge: Host, web: tuple[Host, Host]
) -> None:
    status, body = asked(web[1], edge, "/whoami/")
    told = json.loads(body)
    assert status == 200
    assert told["x_forwarded_for"] == web[1].address
    assert told["is_secure"] is False
    assert "6.6.6.6" not in body


def test_who_goes_around_the_front_is_refused(web: tuple[Host, Host]) -> None:
    one, two = web
    for client, server in ((one, two), (two, one)):
        assert asked(client, server, "/whoami/")[0] == 403


def test_both_hosts_serve_what_the_front_asks(edge: Host, web: tuple[Host, Host]) -> None:
    """A host that has just booted may be left out for a while yet."""
    end = time.monotonic() + 6 * FAIL_TIMEOUT_S
    while True:
        answers = probe_of(edge).ask_at_once("/whoami/?both", 20)
        assert {answer.status for answer in answers} == {200}
        logs = [probe_of(host).told(f"cat {ACCESS_LOG}") for host in web]
        lines = [[line for line in log.splitlines() if "/whoami/?both" in line] for log in logs]
        if all(lines):
            break
        assert time.monotonic() < end, "a host stays left out"
        time.sleep(1)
    for each in lines:
        assert {json.loads(line)["peer"] for line in each} == {edge.address}


def test_both_hosts_have_the_same_release(web: tuple[Host, Host]) -> None:
    live = [probe_of(host).told(f"readlink --canonicalize /srv/{NAME}/current") for host in web]
    assert live[0] == live[1]


def test_what_runs_once_for_a_release_ran_on_one_host(web: tuple[Host, Host]) -> None:
    one, two = (probe_of(host) for host in web)
    one.told(f"test -f /var/lib/{NAME}/ran-once")
    two.refused(f"test -f /var/lib/{NAME}/ran-once")


def test_every_host_was_put_back(edge: Host, planned: Plan) -> None:
    assert probe_of(edge).told(f"ls {planned.layout.drained}") == ""


def test_a_host_can_be_taken_out_by_hand(edge: Host, web: tuple[Host, Host], planned: Plan) -> None:
    front, flag = probe_of(edge), f"{planned.layout.drained}/{web[0].name}"
    front.told(f"touch {flag}")
    try:
        assert {each.status for each in front.ask_at_once("/whoami/?taken-out", 20)} == {200}
    finally:
        front.told(f"rm {flag}")
    probe_of(web[0]).refused(f"grep --fixed-strings /whoami/?taken-out {ACCESS_LOG}")


def test_the_front_runs_what_was_planned(edge: Host, planned: Plan) -> None:
    assert planned.front is not None
    front = probe_of(edge)
    assert front.told("systemctl is-enabled nginx") == "enabled"
    assert front.told("systemctl --failed --no-legend --plain") == ""
    processes = front.told("pgrep --count --full '^nginx: worker process$'")
    assert int(processes) == planned.front.components["nginx"]["worker_processes"].number


def test_the_fronts_proxy_comes_back(edge: Host) -> None:
    probe_of(edge).loses("nginx", "/whoami/")


def test_a_host_that_is_down_is_not_noticed_by_who_reads(acts: list[dict[str, Any]]) -> None:
    """A POST that a dying host had is never sent twice: those are counted in docs/figures.md."""
    found = [act for act in acts if act["name"] in {"kill master", "kill proxy", "host reboot"}]
    assert len(found) == 3
    for act in found:
        assert act["sent"]["GET"] > 0
        assert act["lost"]["GET"] == 0, act["why"]
