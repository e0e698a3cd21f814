"""PostgreSQL and Redis beside the application, started, and really used by it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from deploygen.units import MIB
from tests.containers.conftest import Engines
from tests.containers.engines import NAMES, Stack
from tests.containers.test_stacks import Browser
from tests.containers.variants import described, running, until
from tests.examples import SECRETS

pytestmark = pytest.mark.slow

PASSWORD = "p@ss/word-of-the-tests"
URL = "postgresql://bookshop:p%40ss%2Fword-of-the-tests@postgresql:5432/bookshop"
APP = """  install: {file: requirements-services.txt}
"""


@pytest.fixture(scope="module", params=NAMES)
def stack(
    request: pytest.FixtureRequest, engines: Engines, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    made = described(
        "bookshop",
        tmp_path_factory.mktemp("services"),
        app=APP,
        containers="memory: 400M, environment: {REDIS_URL: redis://redis:6379/0}, "
        "postgresql: {memory: 256M}, redis: {memory: 64M}",
        secrets={**SECRETS, "DATABASE_URL": URL, "POSTGRES_PASSWORD": PASSWORD},
    )
    tag = {"TAG": "services"}
    name = request.param
    with running(engines.get(name), made, "services", "postgres", "redis", environ=tag) as found:
        yield found


def sql(stack: Stack, query: str) -> str:
    words = ("psql", "--username=bookshop", "--tuples-only", "--no-align", "--command", query)
    return stack.inside("postgresql", *words).strip()


def login(stack: Stack, name: str) -> Browser:
    """Who logs in, at last: podman's name server may not answer for a while (see ``resolves``)."""
    deadline = time.monotonic() + 90
    while True:
        try:
            return _login(stack, name)
        except (OSError, KeyError, AssertionError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def _login(stack: Stack, name: str) -> Browser:
    browser = Browser(stack)
    browser.ask("/admin/login/")
    token = browser.cookies["csrftoken"]
    form = f"username={name}&password=secret&csrfmiddlewaretoken={token}".encode()
    done = browser.ask("/admin/login/", form, "application/x-www-form-urlencoded")
    assert done.status == 302, done.body
    return browser


def resolves(stack: Stack, name: str) -> None:
    """Until the application finds the name.

    podman's name server starts anew with each container that comes or goes, as the release's has
    just gone, and answers nothing meanwhile.
    """
    words = ("exec", stack.container("app"), "getent", "hosts", name)
    until(stack, lambda: stack.engine.run(*words, check=False).returncode == 0, seconds=90)


def test_rows_are_in_postgresql_and_survive_its_restart(stack: Stack) -> None:
    assert sql(stack, "SELECT count(*) > 5 FROM catalogue_book") == "t", "migrations ran there"
    make = (
        "from django.contrib.auth.models import User\n"
        "User.objects.create_superuser('anna', password='secret')\n"
    )
    entry = ("python", "/etc/bookshop/entry.py", "python", "manage.py", "shell", "-c", make)
    words = ("exec", stack.container("app"), *entry)
    until(stack, lambda: stack.engine.run(*words, check=False).returncode == 0, seconds=90)
    assert sql(stack, "SELECT username FROM auth_user") == "anna"
    login(stack, "anna")
    before = stack.container("postgresql")
    stack.compose("stop", "postgresql")
    # The site says that it is not well, and does not die of it. podman asks the machine's own name
    # servers for who is not there, and they may take their time.
    assert stack.get("/health/", timeout_s=60).status == 503
    stack.compose("start", "postgresql")
    login(stack, "anna")
    # Nor does it need the container: the volume has it.
    stack.compose("down")
    stack.compose("up", "--detach", "--no-build")
    stack.wait(120)
    assert stack.container("postgresql") != before
    assert sql(stack, "SELECT username FROM auth_user") == "anna"
    login(stack, "anna")


def test_sessions_are_in_redis_and_survive_its_restart(stack: Stack) -> None:
    if sql(stack, "SELECT count(*) FROM auth_user") == "0":
        pytest.skip("the test before made the user")
    browser = login(stack, "anna")
    session = browser.cookies["sessionid"]
    keys = stack.inside("redis", "redis-cli", "--scan", "--pattern", f"*{session}*").split()
    assert len(keys) == 1
    stack.compose("stop", "redis")
    stack.compose("start", "redis")
    deadline = time.monotonic() + 120
    while keys[0] not in stack.inside("redis", "redis-cli", "--scan"):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    while (found := _status(browser, "/admin/")) is None:
        assert time.monotonic() < deadline
    assert found == 200, "who was logged in still is"


def _status(browser: Browser, path: str) -> int | None:
    """None while the application looks for where its service is now."""
    with suppress(OSError):
        return browser.ask(path).status
    return None


def test_a_name_is_asked_for_again_soon(stack: Stack) -> None:
    told = stack.inside("app", "cat", "/etc/resolv.conf")
    options = {word for line in re.findall(r"^options (.*)$", told, re.M) for word in line.split()}
    assert {"timeout:1", "attempts:5"} <= options


def test_only_who_knows_the_password_comes_in_and_the_proxy_comes_nowhere_near(
    stack: Stack,
) -> None:
    ask = "import os, psycopg; psycopg.connect({url!r}, connect_timeout=5); print('in')"
    resolves(stack, "postgresql")
    for url, word in ((URL, "in"), (URL.replace("word", "wrong"), "password authentication")):
        words = ("exec", stack.container("app"), "python", "-c", ask.format(url=url))
        done = stack.engine.run(*words, check=False)
        assert word in done.stdout + done.stderr
    for service, port in (("postgresql", 5432), ("redis", 6379)):
        knock = f"exec 3<>/dev/tcp/{service}/{port}"
        done = stack.engine.run(
            "exec", stack.container("proxy"), "timeout", "10", "bash", "-c", knock, check=False
        )
        assert done.returncode, f"the proxy reaches {service}"
        address = _address(stack, service)
        knock = f"exec 3<>/dev/tcp/{address}/{port}"
        done = stack.engine.run(
            "exec", stack.container("proxy"), "timeout", "3", "bash", "-c", knock, check=False
        )
        assert done.returncode, f"the proxy reaches {service} by its address"
        resolves(stack, service)
        stack.inside(
            "app", "python", "-c", f"import socket; socket.create_connection(('{service}', {port}))"
        )


def _address(stack: Stack, service: str) -> str:
    networks = stack.engine.inspect("container", stack.container(service))["NetworkSettings"]
    (found,) = (each["IPAddress"] for each in networks["Networks"].values())
    return str(found)


@pytest.mark.parametrize(("service", "closed"), [("postgresql", "/etc"), ("redis", "/var")])
def test_nobody_is_root_keeps_a_right_or_writes_beside_its_data(
    stack: Stack, service: str, closed: str
) -> None:
    told = stack.inside(service, "sh", "-c", "cat /proc/[0-9]*/status")
    assert set(re.findall(r"^Uid:\t(\d+)", told, re.MULTILINE)) == {"999"}
    assert {int(each, 16) for each in re.findall(r"^CapEff:\t(\w+)", told, re.MULTILINE)} == {0}
    assert set(re.findall(r"^NoNewPrivs:\t(\d)", told, re.MULTILINE)) == {"1"}
    done = stack.engine.run("exec", stack.container(service), "touch", f"{closed}/x", check=False)
    assert done.returncode and "Read-only file system" in done.stderr


def test_limits_and_settings_are_the_plans(stack: Stack) -> None:
    planned = stack.made.plan.containers.components
    for service in ("postgresql", "redis"):
        host = stack.engine.inspect("container", stack.container(service))["HostConfig"]
        assert host["Memory"] == planned[service]["mem_limit"].number
        assert host["PidsLimit"] == planned[service]["pids_limit"].number
    assert sql(stack, "SHOW max_connections") == str(planned["postgresql"]["max_connections"].value)
    assert sql(stack, "SHOW shared_buffers") == planned["postgresql"]["shared_buffers"].value
    assert stack.inside("redis", "redis-cli", "config", "get", "maxmemory").split()[1] == str(
        38 * MIB
    )
    # No thread of the application waits for a connection: there is one for each.
    gunicorn = planned["gunicorn"]
    threads = gunicorn["workers"].number * gunicorn["threads"].number
    assert threads < planned["postgresql"]["max_connections"].number


def test_they_are_healthy_by_their_own_question(stack: Stack) -> None:
    for service in ("postgresql", "redis"):
        kind, *words = stack.engine.inspect("container", stack.container(service))["Config"][
            "Healthcheck"
        ]["Test"]
        question = ("sh", "-c", *words) if kind == "CMD-SHELL" else tuple(words)
        stack.inside(service, *question)
    # A server that nobody can reach is no healthy one.
    words = [word.replace("127.0.0.1", "127.0.0.2") for word in ("pg_isready", "--host=127.0.0.1")]
    done = stack.engine.run("exec", stack.container("postgresql"), *words, "--port=1", check=False)
    assert done.returncode


def test_no_secret_is_in_an_environment_or_an_image(stack: Stack) -> None:
    for service in ("postgresql", "redis", "app", "release"):
        config = stack.engine.inspect("container", stack.container(service))["Config"]
        told = "\n".join([*(config["Env"] or ()), *map(str, config["Cmd"] or ())])
        assert PASSWORD not in told and URL not in told, service
    history = stack.engine.run("history", "--no-trunc", "bookshop:services").stdout
    assert PASSWORD not in history and URL not in history


def test_a_release_that_no_database_answers_ends_with_a_clear_error(stack: Stack) -> None:
    """The last test of the stack."""
    stack.compose("stop", "postgresql")
    file = "/etc/bookshop/wait.py"
    quick = f"exec(open({file!r}).read().replace('SECONDS = 90', 'SECONDS = 1'))"
    done = stack.engine.run("exec", stack.container("app"), "python", "-c", quick, check=False)
    assert done.returncode == 1
    assert "postgresql did not answer within 1 s" in done.stderr
    assert "Traceback" not in done.stderr
