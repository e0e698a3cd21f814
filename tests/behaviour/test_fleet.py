"""A front before two application hosts: addresses, sharing, hosts that die or are taken out."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from deploygen.plan import fleet as fleets
from deploygen.plan.front import FAIL_TIMEOUT_S, MAX_FAILS
from deploygen.stack import Options, ask, running
from tests.behaviour.fleets import FRONT, HOSTS, Fleet, Load, front
from tests.behaviour.proxies import Site
from tests.behaviour.test_client_address import CLAIMS, FORGED, nothing_forged
from tests.builders import machine
from tests.examples import example
from tests.tiny import HOST, tiny, until
from tests.wire import STRANGER, TRUSTED, logged, send

pytestmark = pytest.mark.slow

MACHINES = machine(hosts=list(HOSTS))
CLIENTS = 6


@contextlib.contextmanager
def of_tiny(kind: str, folder: Path, **changes: Any) -> Iterator[Fleet]:
    """A fleet of the smallest application."""
    described = {"machines": MACHINES, "front": FRONT, **changes}
    with contextlib.ExitStack() as stack:
        sites = {}
        for name in HOSTS:
            (folder / name).mkdir()
            sites[name] = stack.enter_context(tiny(kind, folder / name, **described))
        site = sites[HOSTS[0]]
        tree = site.project / "deploy"
        yield stack.enter_context(front(site.stack.plan, tree, sites))


@pytest.fixture(scope="module")
def fleet(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with of_tiny(kind, tmp_path_factory.mktemp(kind)) as found:
        yield found


@pytest.fixture
def fragile(kind: str, tmp_path: Path) -> Iterator[Fleet]:
    """One that a test may break."""
    with of_tiny(kind, tmp_path) as found:
        yield found


@pytest.fixture(scope="module")
def board(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Flask, whose REMOTE_ADDR is what its proxies say."""
    folder = tmp_path_factory.mktemp(f"board-{kind}")
    more = f"front: {{hosts: [front.test], networks: [{TRUSTED}]}}\n"
    made = example("flaskboard", folder, kind=kind, more=more, hosts=HOSTS)
    with contextlib.ExitStack() as stack:
        sites = {}
        for name in HOSTS:
            running_one = running(made.tree, made.plan, "web", made.project, Options(port=0))
            sites[name] = Site(kind, made.host, made.project, stack.enter_context(running_one))
        yield stack.enter_context(front(made.plan, made.tree, sites))


def told(fleet: Fleet, asked: str, *headers: tuple[str, str], source: str) -> dict[str, Any]:
    path = f"/whoami?asked={asked};"
    host = "flaskboard.example"
    answer = send(fleet.address, path, host=host, headers=headers, source=source)
    assert answer is not None and answer.status == 200, answer
    return dict(answer.json())


@pytest.mark.parametrize("source", [STRANGER, TRUSTED, "127.0.0.9"])
def test_the_client_s_address_reaches_the_application_through_both(
    board: Fleet, source: str
) -> None:
    found = told(board, f"from-{source}", source=source)
    assert found["remote_addr"] == source
    assert found["x_forwarded_for"] == source
    assert (found["x_forwarded_proto"], found["is_secure"]) == ("http", False)


def test_what_a_client_claims_is_dropped(board: Fleet) -> None:
    found = told(board, "claims", *CLAIMS, source=STRANGER)
    assert found["remote_addr"] == STRANGER
    assert found["host"].startswith("flaskboard.example")
    nothing_forged({**found, "headers": {}})


def test_a_request_has_one_id_in_both_logs_and_in_the_application(board: Fleet) -> None:
    found = told(board, "id", ("X-Request-Id", "chosen-by-a-client"), source=STRANGER)
    given = found["x_request_id"]
    assert given and given != "chosen-by-a-client"
    site = board.sites[board.who(found["pid"])]
    line = logged(site.stack.logs[f"{site.kind} access"], "asked=id;")
    assert (line["id"], line["client"], line["peer"]) == (given, STRANGER, TRUSTED)
    own = logged(board.log, "asked=id;")
    assert (own["id"], own["client"]) == (given, STRANGER)


def test_who_goes_around_the_front_is_refused(board: Fleet) -> None:
    for site in board.sites.values():
        claims = (("X-Forwarded-For", FORGED),)
        answer = send(
            site.stack.address, "/whoami", host=site.host, headers=claims, source=STRANGER
        )
        assert answer is not None and answer.status == 403


def tried(fleet: Fleet, method: str, times: int) -> int:
    """How often the hosts were asked for /die: a host writes its line after the front has that."""
    logs = [site.stack.logs[f"{site.kind} access"] for site in fleet.sites.values()]

    def found() -> int:
        return sum(log.read_text().count(f"/die?{method};") for log in logs)

    until(lambda: found() >= times)
    return found()


def refuses(address: tuple[str, int]) -> bool:
    """Whether nobody listens there any more."""
    with socket.socket() as sock:
        return sock.connect_ex(address) == errno.ECONNREFUSED


def by_host(fleet: Fleet, pids: Counter[int]) -> Counter[str]:
    found: Counter[str] = Counter()
    for pid, count in pids.items():
        found[fleet.who(pid)] += count
    return found


def test_the_hosts_share_the_requests(fleet: Fleet) -> None:
    # One at a time: under load, a host gets as much as it answers, and a busy machine decides that.
    asked = [ask(fleet.address, "/echo", headers={"Host": HOST}) for _ in range(30)]
    assert {page.status for page in asked} == {200}
    shares = by_host(fleet, Counter(json.loads(page.body)["pid"] for page in asked))
    assert set(shares) == {*HOSTS}
    assert min(shares.values()) >= 10


def test_clients_at_once_lose_nothing(fleet: Fleet) -> None:
    counted = Load(fleet.address, HOST, CLIENTS).during(lambda: None)
    assert not counted.lost, counted.why
    assert set(by_host(fleet, counted.by)) == {*HOSTS}


def test_static_files_come_from_the_hosts(fleet: Fleet) -> None:
    page = ask(fleet.address, "/static/file.txt", headers={"Host": HOST, "Range": "bytes=10-19"})
    assert (page.status, page.body) == (206, b"0123456789")
    assert page.headers["cache-control"] == "public, max-age=3600"


def test_a_host_is_taken_out_and_put_back_and_nothing_is_lost(
    fleet: Fleet, figure: Callable[[str], None]
) -> None:
    out, left = HOSTS
    load = Load(fleet.address, HOST, CLIENTS)

    def out_and_back() -> None:
        fleet.flag(out).touch()
        load.more(100)
        before = Counter(load.counted.by)
        load.more(300)
        meanwhile = by_host(fleet, load.counted.by - before)
        fleet.flag(out).unlink()
        load.more(300)
        assert set(meanwhile) == {left}
        assert out in by_host(fleet, load.counted.by - before)

    try:
        counted = load.during(out_and_back)
    finally:
        fleet.flag(out).unlink(missing_ok=True)
    figure(f"{dict(counted.sent)} sent while a host left and came back, {counted.lost} lost")
    assert not counted.lost, counted.why


def test_what_a_host_has_when_it_is_taken_out_it_finishes(fleet: Fleet) -> None:
    out = HOSTS[0]
    marks = [site.project / "waiting" for site in fleet.sites.values()]
    for mark in marks:
        mark.unlink(missing_ok=True)
    with ThreadPoolExecutor(2) as pool:
        try:
            asked = [
                pool.submit(ask, fleet.address, "/wait?n=1500", headers={"Host": HOST})
                for _ in range(2)
            ]
            until(lambda: all(mark.exists() for mark in marks))  # one on each host
            fleet.flag(out).touch()
            assert [each.result().status for each in asked] == [200, 200]
        finally:
            fleet.flag(out).unlink(missing_ok=True)


def test_a_get_that_broke_off_is_sent_to_the_other_host_and_a_post_is_not(fleet: Fleet) -> None:
    """The worker dies with it, so that both hosts have tried when it comes back as 502."""
    for method, tries in (("GET", len(HOSTS)), ("POST", 1)):
        answer = send(fleet.address, f"/die?{method};", host=HOST, method=method)
        assert answer is not None and answer.status == 502
        own = logged(fleet.log, f"/die?{method};")
        assert own["status"] == 502
        assert tried(fleet, method, tries) == tries


def test_the_application_s_own_answers_pass(fleet: Fleet) -> None:
    for status in (404, 500, 503):
        page = ask(fleet.address, f"/fail?n={status}", headers={"Host": HOST})
        assert (page.status, page.body) == (status, b"the application's own page\n")


def test_a_host_that_shuts_down_takes_no_get_with_it(
    fragile: Fleet, figure: Callable[[str], None]
) -> None:
    """Nor a POST that had no connection yet; one in the host's queue as it closes is reset."""
    site = fragile.sites[HOSTS[0]]
    proxy = site.stack.pids[site.kind]
    stop = signal.SIGQUIT if site.kind == "nginx" else signal.SIGWINCH
    load = Load(fragile.address, HOST, CLIENTS)

    def shut_down() -> None:
        os.kill(proxy, stop)
        until(lambda: site.kind not in site.stack.pids)
        load.more(300)

    counted = load.during(shut_down)
    figure(f"{dict(counted.sent)} sent while a host shut down, {dict(counted.lost)} lost")
    assert not counted.lost["GET"], counted.why
    assert counted.lost["POST"] <= CLIENTS, counted.why


def test_hosts_that_die_and_then_all_of_them(fragile: Fleet, figure: Callable[[str], None]) -> None:
    """First one's gunicorn, then its proxy, then the other host: GETs are lost last."""
    site, other = fragile.sites.values()
    load = Load(fragile.address, HOST, CLIENTS)

    def gunicorn_dies() -> None:
        os.killpg(site.stack.pids["gunicorn"], signal.SIGKILL)
        load.more(400)

    counted = load.during(gunicorn_dies)
    figure(f"{dict(counted.sent)} sent, a host's gunicorn killed, {dict(counted.lost)} lost")
    assert not counted.lost["GET"], counted.why
    # Those that were on their way, and three more each time that the host is tried.
    tried = counted.seconds // FAIL_TIMEOUT_S + 1
    assert counted.lost["POST"] <= tried * (MAX_FAILS + CLIENTS)

    def proxy_dies() -> None:
        os.killpg(site.stack.pids[site.kind], signal.SIGKILL)
        load.more(400)

    counted = load.during(proxy_dies)
    figure(f"{dict(counted.sent)} sent, its proxy killed too, {dict(counted.lost)} lost")
    assert not counted.lost["GET"], counted.why
    assert counted.lost["POST"] <= (counted.seconds // FAIL_TIMEOUT_S + 1) * (MAX_FAILS + CLIENTS)

    address = other.stack.address
    os.killpg(other.stack.pids[other.kind], signal.SIGKILL)
    until(lambda: refuses(address))
    page = ask(fragile.address, "/", headers={"Host": HOST})
    assert (page.status, page.headers["retry-after"]) == (503, "10")
    assert b"Please try again in a moment" in page.body


def test_hosts_listen_where_the_front_asks() -> None:
    """The stack moves ports: what is rendered must agree without it."""
    assert fleets.PORT == 80
