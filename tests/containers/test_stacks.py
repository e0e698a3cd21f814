"""The rendered images, built, and the rendered compose file, started: podman's way and docker's."""

from __future__ import annotations

import io
import re
import tarfile
import threading
import time
from http.cookies import SimpleCookie

import pytest

from deploygen.stack import Response, ask
from deploygen.units import MIB
from tests.containers.engines import MARK, NAMES, Stack
from tests.examples import NAMES as EXAMPLES
from tests.examples import SECRETS

pytestmark = pytest.mark.slow

EVERY = [(engine, example) for engine in NAMES for example in EXAMPLES]
BOOKSHOP = [(engine, "bookshop") for engine in NAMES]
STATIC = [(engine, example) for engine in NAMES for example in ("bookshop", "flaskboard")]


def on(stacks: list[tuple[str, str]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("stack", stacks, ids="-".join, indirect=True, scope="module")


PAGES = {"bookshop": ("/", b"<h1"), "flaskboard": ("/", b"<form"), "fastquotes": ("/quotes", b"[")}
SLOW = {"bookshop": "/slow-upstream/?ms=3000", "fastquotes": "/wait?ms=3000"}


@on(EVERY)
def test_a_page_through_the_proxy(stack: Stack) -> None:
    path, words = PAGES[stack.made.name]
    page = stack.get(path)
    assert (page.status, page.headers["server"]) == (200, "nginx")
    assert words in page.body
    assert page.headers["x-content-type-options"] == "nosniff"


@on(STATIC)
def test_a_static_file_comes_from_the_proxys_volume(stack: Stack) -> None:
    match = re.search(rb"/static/[\w./-]+\.css", stack.get("/").body)
    assert match
    file = stack.get(match[0].decode())
    assert (file.status, file.headers["content-type"]) == (200, "text/css")
    assert file.headers["cache-control"].startswith("public, max-age=")


class Browser:
    """Keeps cookies, and sends the form's token."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.cookies: dict[str, str] = {}

    def ask(self, path: str, body: bytes | None = None, kind: str = "") -> Response:
        headers = {
            "Host": self.stack.made.host,
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            **({"Content-Type": kind} if kind else {}),
        }
        answer = ask(
            ("127.0.0.1", self.stack.port), path, headers=headers, body=body,
            method="POST" if body is not None else "GET",
        )  # fmt: skip
        # One cookie at a time: of two headers the last is kept.
        for name, morsel in SimpleCookie(answer.headers.get("set-cookie", "")).items():
            self.cookies[name] = morsel.value
        return answer

    def post(self, path: str, parts: dict[str, bytes], file: str = "") -> Response:
        boundary = "----boundary"
        token = self.cookies["csrftoken"].encode()
        body = b""
        for name, content in {"csrfmiddlewaretoken": token, **parts}.items():
            named = f'; filename="{file}"\r\nContent-Type: image/png' if name == "cover" else ""
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'
            body += head.encode() + content + b"\r\n"
        body += f"--{boundary}--\r\n".encode()
        return self.ask(path, body, f"multipart/form-data; boundary={boundary}")


def picture() -> bytes:
    from PIL import Image

    content = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(content, "PNG")
    return content.getvalue()


@on(BOOKSHOP)
def test_an_upload_is_stored_served_and_kept(stack: Stack) -> None:
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
    assert browser.cookies.get("sessionid"), done.headers
    browser.ask("/books/persuasion/")
    done = browser.post("/books/persuasion/cover/", {"cover": picture()}, "cover.png")
    assert (done.status, done.headers["location"]) == (302, "/books/persuasion/")
    match = re.search(rb"/media/covers/[\w.-]+\.png", stack.get("/books/persuasion/").body)
    assert match
    url = match[0].decode()
    assert stack.get(url).body == picture()
    assert stack.get(url).headers["content-type"] == "image/png"
    # It is the volume's, not the container's.
    stack.compose("up", "--detach", "--no-build", "--force-recreate", "app")
    stack.wait()
    assert stack.get(url).status == 200


WHO = r"""
import pathlib
for status in sorted(pathlib.Path("/proc").glob("[0-9]*/status")):
    lines = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
    print(lines["Uid"].split()[1], lines["Name"], lines["CapEff"], lines["NoNewPrivs"])
"""


@on(EVERY)
def test_nobody_is_root_and_gunicorn_is_process_1(stack: Stack) -> None:
    found = [line.split() for line in stack.inside("app", "python", "-c", WHO).splitlines()]
    assert {line[0] for line in found} == {"10001"}
    assert {int(line[2], 16) for line in found} == {0}, "no capability is left"
    assert {line[3] for line in found} == {"1"}
    assert "gunicorn" in stack.inside("app", "cat", "/proc/1/cmdline")
    proxy = stack.inside("proxy", "sh", "-c", "cat /proc/[0-9]*/status")
    assert set(re.findall(r"^Uid:\t(\d+)", proxy, re.MULTILINE)) == {"10002"}
    assert "nginx" in stack.inside("proxy", "cat", "/proc/1/cmdline")


WRITES = r"""
import errno, pathlib, sys
for folder in sys.argv[1:]:
    try:
        pathlib.Path(folder, "written").write_text("x")
        print("written", folder)
        pathlib.Path(folder, "written").unlink()
    except OSError as error:
        print(errno.errorcode[error.errno], folder)
"""


@on(EVERY)
def test_the_root_file_system_is_not_writable(stack: Stack) -> None:
    name = stack.made.name
    closed = ["/", f"/srv/{name}/app", f"/srv/{name}/venv", f"/etc/{name}", "/var"]
    volumes = ["/tmp", "/dev/shm", f"/var/lib/{name}"]
    found = stack.inside("app", "python", "-c", WRITES, *closed, *volumes).split("\n")
    assert found[: len(closed)] == [f"EROFS {folder}" for folder in closed]
    assert found[len(closed) :] == [*(f"written {folder}" for folder in volumes), ""]
    for folder in ("/etc/nginx", "/usr/share"):
        done = stack.engine.run(
            "exec", stack.container("proxy"), "touch", f"{folder}/x", check=False
        )
        assert done.returncode and "Read-only file system" in done.stderr


LIMIT = r"""
import pathlib
v2, v1 = pathlib.Path("/sys/fs/cgroup"), pathlib.Path("/sys/fs/cgroup/memory")
names = ("memory.max", "memory.current", "memory.stat")
if not (v2 / names[0]).exists():
    v2, names = v1, ("memory.limit_in_bytes", "memory.usage_in_bytes", "memory.stat")
print(*((v2 / name).read_text().strip() for name in names[:2]))
"""


@on(EVERY)
def test_memory_is_below_its_limit_and_the_limit_is_the_plans(stack: Stack) -> None:
    for _ in range(50):
        assert stack.get(PAGES[stack.made.name][0]).status == 200
    limit, used = map(int, stack.inside("app", "python", "-c", LIMIT).split())
    assert limit == 400 * MIB
    assert 10 * MIB < used < limit


@on(EVERY)
def test_the_engine_calls_it_healthy(stack: Stack) -> None:
    for service in ("app", "proxy"):
        state = stack.engine.inspect("container", stack.container(service))
        test = state["Config"]["Healthcheck"]["Test"]
        assert test[0] == "CMD"
        # What the engine runs every few seconds, run here: podman needs systemd for its timer.
        stack.inside(service, *test[1:])
        if stack.engine.name == "docker":
            stack.wait_healthy(service)
    # A site that does not answer is no healthy one.
    health = f"/etc/{stack.made.name}/health.py"
    wrong = f"import re; exec(re.sub('PATH = .*', 'PATH = \"/no\"', open({health!r}).read()))"
    done = stack.engine.run("exec", stack.container("app"), "python", "-c", wrong, check=False)
    assert done.returncode == 1 and "/no answers 404" in done.stderr


@on(EVERY)
def test_no_secret_and_nothing_private_is_in_an_image(stack: Stack, tmp_path) -> None:
    words = [b"never-in-an-image", *(value.encode() for value in SECRETS.values())]
    for image in (f"{stack.made.name}:{MARK}", f"{stack.made.name}-proxy:{MARK}"):
        history = stack.engine.run("history", "--no-trunc", image).stdout
        archive = tmp_path / "image.tar"
        stack.engine.run("save", "--output", str(archive), image)
        content = archive.read_bytes()
        archive.unlink()
        for word in words:
            assert word not in content and word.decode() not in history
        names = _names(content)
        assert not [name for name in names if re.search(r"(^|/)(\.git|\.env|secrets)(/|$)", name)
                    and name.startswith("srv")]  # fmt: skip


def _names(image: bytes) -> list[str]:
    """The paths in all layers of a saved image."""
    found: list[str] = []
    with tarfile.open(fileobj=io.BytesIO(image)) as outer:
        for member in outer:
            if member.isfile() and not member.name.endswith(".json"):
                layer = outer.extractfile(member)
                assert layer
                try:
                    with tarfile.open(fileobj=layer) as inner:
                        found += [name.removeprefix("./") for name in inner.getnames()]
                except tarfile.ReadError:
                    continue  # the image's own description
    assert found
    return found


@on(EVERY)
def test_the_last_stage_has_no_compiler_no_installer_and_no_package_lists(stack: Stack) -> None:
    name = stack.made.name
    script = (
        "for each in gcc cc make uv poetry pdm; do command -v $each; done;"
        f"ls /srv/{name}/venv/bin/pip; ls -d /root/.cache/pip;"
        "find /var/lib/apt/lists -name partial -prune -o -type f -size +0 -print; true"
    )
    done = stack.engine.run("exec", stack.container("app"), "sh", "-c", script)
    assert done.stdout.split() == []


@on(BOOKSHOP)
def test_a_wrong_variable_is_a_clear_error_and_what_runs_goes_on(stack: Stack) -> None:
    stack_with = Stack(
        stack.engine, stack.made, stack.port, stack.project, {"WEB_CONCURRENCY": "99"}
    )
    done = stack_with.compose("run", "--rm", "--no-deps", "release", check=False)
    assert done.returncode == 78, done.stderr
    told = [line for line in (done.stdout + done.stderr).splitlines() if "bookshop: " in line]
    assert len(told) == 1
    assert "WEB_CONCURRENCY=99: allowed is a whole number from 1 to 2: of 400 MiB" in told[0]
    assert "Traceback" not in done.stdout + done.stderr
    assert stack.get("/health/").status == 200
    # The container itself ends the same way, once, whoever starts it.
    image = ("-e", "WEB_CONCURRENCY=99", "-e", "SECRET_KEY=x", f"bookshop:{MARK}")
    done = stack.engine.run("run", "--rm", *image, check=False)
    assert done.returncode == 78
    # podman itself may have a word to say of timers that this machine can't have.
    own = [line for line in done.stderr.splitlines() if not line.startswith("time=")]
    assert len(own) == 1 and own[0].startswith("bookshop: WEB_CONCURRENCY=99")


@on(BOOKSHOP)
def test_up_with_a_release_that_fails(stack: Stack) -> None:
    """Why the documentation runs the release by itself first: then the site goes on, see above."""
    wrong = Stack(stack.engine, stack.made, stack.port, stack.project, {"WEB_CONCURRENCY": "99"})
    done = wrong.compose("up", "--detach", "--no-build", check=False)
    started = stack.engine.inspect("container", stack.container("app"))["State"]["StartedAt"]
    if stack.engine.name == "docker":
        # The old containers have made way already; the new ones wait for a release that succeeds.
        assert done.returncode and 'service "release" didn\'t complete successfully' in done.stderr
        assert started.startswith("0001-")
        with pytest.raises(ConnectionRefusedError):
            stack.get("/health/")  # nor is there its proxy
    else:
        # podman-compose looks at the release's end, and not at how it ended.
        assert done.returncode == 0
        assert not started.startswith("0001-")
    stack.compose("up", "--detach", "--no-build")
    stack.wait()
    assert stack.get("/").status == 200


@on([(engine, "fastquotes") for engine in NAMES])
def test_the_environment_arrives_as_it_was_described(stack: Stack) -> None:
    described = stack.made.plan.spec.app.environment["MOTTO"]
    assert '"' in described and "$" in described and "\\" in described
    assert stack.inside("app", "printenv", "MOTTO") == f"{described}\n"


@on(BOOKSHOP)
def test_a_variable_within_the_bounds_overrides(stack: Stack) -> None:
    image = ("-e", "WEB_CONCURRENCY=1", "-e", "GUNICORN_TIMEOUT=25", "-e", "SECRET_KEY=x")
    command = ("gunicorn", "--config", "/etc/bookshop/gunicorn.conf.py", "--print-config")
    told = stack.engine.run("run", "--rm", *image, f"bookshop:{MARK}", *command).stdout
    settings = dict(re.findall(r"^(\w+)\s+= (.*)$", told, re.MULTILINE))
    assert (settings["workers"], settings["timeout"]) == ("1", "25")
    assert settings["graceful_timeout"] == "30", "the others are the plan's"


@on(EVERY)
def test_it_comes_back_after_a_restart(stack: Stack) -> None:
    before = stack.engine.inspect("container", stack.container("app"))["State"]["StartedAt"]
    if stack.engine.name == "docker":
        stack.compose("restart", "app")
    else:
        # podman restarts nothing that requires a container which has ended, as a release has.
        stack.compose("stop", "app")
        stack.compose("start", "app")
    stack.wait()
    assert stack.engine.inspect("container", stack.container("app"))["State"]["StartedAt"] != before
    assert stack.get(PAGES[stack.made.name][0]).status == 200


@on([(engine, example) for engine in NAMES for example in SLOW])
def test_stopping_finishes_what_is_in_work(stack: Stack) -> None:
    """The last test of a stack: it is down afterwards."""
    answers: list[Response | Exception] = []

    def request() -> None:
        try:
            answers.append(stack.get(SLOW[stack.made.name]))
        except Exception as error:  # noqa: BLE001 (whatever was lost is counted)
            answers.append(error)

    at_once = [threading.Thread(target=request) for _ in range(4)]
    for thread in at_once:
        thread.start()
    time.sleep(1)
    grace = stack.made.plan.containers.components["container"]["stop_grace_period"].number
    started = time.monotonic()
    stack.compose("stop", "app")
    took = time.monotonic() - started
    for thread in at_once:
        thread.join()
    assert [answer.status for answer in answers if isinstance(answer, Response)] == [200] * 4
    state = stack.engine.inspect("container", stack.container("app"))["State"]
    assert (state["ExitCode"], state["OOMKilled"]) == (0, False), "137 is a kill"
    assert took < grace
    assert stack.get("/").status == 503, "the proxy says that nobody is there"
