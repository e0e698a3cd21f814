"""Apache in front: the rendered images, built, and the rendered compose file, started."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator

import pytest

from deploygen.stack import Response, ask
from deploygen.units import MIB
from tests.containers.conftest import Engines
from tests.containers.engines import NAMES, Stack
from tests.containers.test_stacks import Browser, picture
from tests.containers.variants import described, running

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=NAMES)
def stack(
    request: pytest.FixtureRequest, engines: Engines, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    made = described("bookshop", tmp_path_factory.mktemp("apache"), kind="apache")
    # A tag of its own: other stacks of this example have another proxy.
    tag = {"TAG": "apache"}
    with running(engines.get(request.param), made, "apache", "httpd", environ=tag) as found:
        yield found


def test_a_page_through_apache(stack: Stack) -> None:
    page = stack.get("/")
    assert (page.status, page.headers["server"]) == (200, "Apache")
    assert b"<h1" in page.body
    assert page.headers["x-content-type-options"] == "nosniff"


def test_a_static_file_comes_from_the_proxys_volume(stack: Stack) -> None:
    match = re.search(rb"/static/[\w./-]+\.css", stack.get("/").body)
    assert match
    file = stack.get(match[0].decode())
    assert (file.status, file.headers["content-type"]) == (200, "text/css")
    assert file.headers["cache-control"] == "public, max-age=31536000, immutable"
    # gunicorn has not seen it.
    assert match[0].decode() not in stack.compose("logs", "app").stdout


def test_an_upload_larger_than_tmp_is_stored_and_served(stack: Stack) -> None:
    make = (
        "from django.contrib.auth.models import User\n"
        "User.objects.create_superuser('anna', password='secret')\n"
    )
    entry = ("python", "/etc/bookshop/entry.py", "python", "manage.py", "shell", "-c", make)
    stack.inside("app", *entry)
    browser = Browser(stack)
    browser.ask("/admin/login/")
    token = browser.cookies["csrftoken"]
    login = f"username=anna&password=secret&csrfmiddlewaretoken={token}".encode()
    done = browser.ask("/admin/login/", login, "application/x-www-form-urlencoded")
    assert done.status == 302
    browser.ask("/books/persuasion/")
    # Bytes behind a picture's end are no matter to a PNG; they do not fit the proxy's /tmp.
    large = picture() + bytes(3 * MIB // 2)
    done = browser.post("/books/persuasion/cover/", {"cover": large}, "cover.png")
    assert (done.status, done.headers["location"]) == (302, "/books/persuasion/")
    match = re.search(rb"/media/covers/[\w.-]+\.png", stack.get("/books/persuasion/").body)
    assert match
    served = stack.get(match[0].decode())
    assert (served.status, served.headers["content-type"]) == (200, "image/png")
    assert served.body == large
    # Nothing of it is left in the volume of what exceeds memory.
    assert stack.inside("proxy", "ls", "/var/spool/apache2") == ""


def test_nobody_is_root_and_httpd_is_process_1(stack: Stack) -> None:
    told = stack.inside("proxy", "sh", "-c", "cat /proc/[0-9]*/status")
    assert set(re.findall(r"^Uid:\t(\d+)", told, re.MULTILINE)) == {"10002"}
    assert set(re.findall(r"^Gid:\t(\d+)", told, re.MULTILINE)) == {"10001"}
    assert {int(each, 16) for each in re.findall(r"^CapEff:\t(\w+)", told, re.MULTILINE)} == {0}
    assert set(re.findall(r"^NoNewPrivs:\t(\d)", told, re.MULTILINE)) == {"1"}
    assert "FOREGROUND" in stack.inside("proxy", "cat", "/proc/1/cmdline")
    # As many threads as were planned, in as many processes.
    planned = stack.made.plan.containers.components["apache"]
    threads = [int(each) for each in re.findall(r"^Threads:\t(\d+)", told, re.MULTILINE)]
    serving = [each for each in threads if each > planned["ThreadsPerChild"].number]
    assert len(serving) == planned["StartServers"].number


def test_the_root_file_system_is_not_writable(stack: Stack) -> None:
    container = stack.container("proxy")
    for folder in ("/usr/local/apache2/conf", "/etc/bookshop", "/var"):
        done = stack.engine.run("exec", container, "touch", f"{folder}/x", check=False)
        assert done.returncode and "Read-only file system" in done.stderr
    stack.inside("proxy", "touch", "/tmp/x", "/var/spool/apache2/x")
    # What others share with it, it only reads.
    done = stack.engine.run("exec", container, "touch", "/srv/bookshop/static/x", check=False)
    assert done.returncode and "Read-only file system" in done.stderr
    # What the image itself would serve is gone.
    done = stack.engine.run("exec", container, "ls", "/usr/local/apache2/htdocs", check=False)
    assert "No such file" in done.stderr


def test_memory_is_below_its_limit_and_the_limit_is_the_plans(stack: Stack) -> None:
    for _ in range(50):
        assert stack.get("/").status == 200
    planned = stack.made.plan.containers.components["container"]["proxy_mem_limit"].number
    state = stack.engine.inspect("container", stack.container("proxy"))
    assert state["HostConfig"]["Memory"] == planned
    assert not state["State"]["OOMKilled"]


def test_it_is_healthy_by_its_own_question(stack: Stack) -> None:
    state = stack.engine.inspect("container", stack.container("proxy"))
    test = state["Config"]["Healthcheck"]["Test"]
    assert test[0] == "CMD"
    stack.inside("proxy", *test[1:])


def test_its_own_errors_have_its_page(stack: Stack) -> None:
    """A missing application is a 503 with Retry-After, and its own 404 passes as it is."""
    assert b"<h1" in stack.get("/no-such-page/").body
    stack.compose("stop", "app")
    try:
        answer = stack.get("/")
        assert (answer.status, answer.headers["retry-after"]) == (503, "10")
        assert b"<html" in answer.body and answer.headers["cache-control"] == "no-store"
        # What lies on disk is served all the same.
        assert stack.get("/static/catalogue/none.css").status == 404
    finally:
        stack.compose("start", "app")
        stack.wait()
    page = stack.made.plan.containers.site.unavailable.url
    assert stack.get(page).status == 404, "nobody else may ask for it"


def test_a_stranger_is_told_so_and_no_application_is_asked(stack: Stack) -> None:
    answer = ask(("127.0.0.1", stack.port), "/", headers={"Host": "stranger.example"})
    assert answer.status == 421


def test_logs_go_to_the_engine_one_line_of_json_each(stack: Stack) -> None:
    assert stack.get("/?marked-for-the-log", Referer="https://a.example/").status == 200
    deadline = time.monotonic() + 20
    while not (lines := logged(stack, "marked-for-the-log")):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    entry = json.loads(lines[-1])
    assert entry["host"] == "bookshop.example" and entry["referer"] == "https://a.example/"
    # What Apache says of itself goes the other way: it has begun to serve.
    assert "AH00489" in stack.engine.run("logs", stack.container("proxy")).stderr


def logged(stack: Stack, word: str) -> list[str]:
    """The lines of the access log with a word in them; podman's compose puts names before them."""
    done = stack.engine.run("logs", stack.container("proxy"))
    found = [line for line in done.stdout.splitlines() if word in line]
    return [line[line.index("{") :] for line in found]


def test_the_client_is_the_one_who_asks_and_not_who_it_claims_to_be(stack: Stack) -> None:
    told = stack.get("/whoami/", **{"X-Forwarded-For": "203.0.113.9", "X-Real-IP": "203.0.113.9"})
    assert told.status == 200
    assert b"203.0.113.9" not in told.body


def test_a_restart_comes_back_and_a_stop_is_graceful(stack: Stack) -> None:
    """The last test of the stack: what is in work is answered before Apache goes."""
    answers: list[Response] = []
    slow = threading.Thread(target=lambda: answers.append(stack.get("/slow-upstream/?ms=3000")))
    slow.start()
    time.sleep(1)
    stack.compose("stop", "proxy")
    slow.join()
    assert [answer.status for answer in answers] == [200]
    state = stack.engine.inspect("container", stack.container("proxy"))["State"]
    assert (state["ExitCode"], state["OOMKilled"]) == (0, False), "137 is a kill"
    stack.compose("start", "proxy")
    stack.wait()
    assert stack.get("/").status == 200
