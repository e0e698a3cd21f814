"""Every rendered file through the real program, and broken ones that must not pass."""

from __future__ import annotations

import os
import re
import socket
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from deploygen import plan, targets
from deploygen.check import Result, check
from deploygen.render import render
from deploygen.spec import parse
from deploygen.stack import programs
from deploygen.systems import SYSTEMS
from tests.examples import NAMES, SECRETS, Example, example
from tests.programs import absent, needed

pytestmark = pytest.mark.slow

TLS = (
    "tls: {mode: files, certificate: /etc/ssl/nobody/c.pem, key: /etc/ssl/nobody/k.pem}, "
    "behind: [10.0.0.0/8]"
)
PROXIES = {"nginx": "nginx", "apache": "apache2"}
# What is said to a program that is to serve, and not to one that only tests.
STARTED = {"nginx": "daemon off;", "apache": "FOREGROUND"}
UNIT, SOCKET, PROXY_UNIT = "@.service", "@.socket", "nginx.service.d/bookshop.conf"
SITE, CONF = "sites-available/bookshop.conf", "nginx.conf"
ASKED, ERRORS = "snippets/bookshop-proxy.conf", "snippets/bookshop-errors.conf"
PAGE = "pages/unavailable.html"


@pytest.fixture(autouse=True)
def everything_is_installed() -> None:
    for name in ("nginx", "apache2", "openssl", "systemd-analyze", "sysctl"):
        needed(name)


def judged(made: Example, environ: Mapping[str, str] = SECRETS) -> dict[str, Result]:
    # What goes to hosts, by the programs that read it there; playbooks have test_ansible.py, and
    # containers test_check_containers.py.
    files = [path for path in made.files if path.startswith("hosts/")]
    found = check(made.tree, made.plan, made.project, files, environ=environ)
    return {result.path: result for result in found}


def snapshot(folder: Path) -> set[str]:
    return {str(path) for path in folder.rglob("*")}


@pytest.mark.parametrize("proxy", ["", TLS], ids=["plain", "tls"])
@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize(
    ("name", "kind"), [*((name, "nginx") for name in NAMES), (NAMES[0], "apache")]
)
def test_every_file(name: str, kind: str, system: str, proxy: str, tmp_path: Path) -> None:
    """For a system that is newer than this machine, all but what came later is judged."""
    made = example(name, tmp_path, os=system, kind=kind, proxy=proxy)
    results = judged(made)
    assert set(results) == {path for path in made.files if path.startswith("hosts/")}
    for result in results.values():
        if result.status == "not checked":
            assert result.detail.startswith("all but "), result
        else:
            assert result.status == "passed", result
    if system == "debian-12" and programs.systemd("systemd-analyze").version == (252,):  # type: ignore[union-attr]
        assert {result.status for result in results.values()} == {"passed"}


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = example("bookshop", tmp_path)
    before = snapshot(tmp_path)
    # A folder of this test's own, with a path that is short enough for sockets.
    folder = Path(f"/tmp/dg-{os.getpid()}")
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    judged(made)
    assert snapshot(tmp_path) == before
    assert list(folder.iterdir()) == []
    folder.rmdir()


def test_the_application_is_imported(tmp_path: Path) -> None:
    made = example("bookshop", tmp_path)
    [result] = [each for path, each in judged(made).items() if path.endswith("gunicorn.conf.py")]
    assert result.detail.startswith("application imported; gunicorn ")


def test_secrets_that_nobody_gave_fail_nothing(tmp_path: Path) -> None:
    made = example("bookshop", tmp_path)
    result = judged(made, {})[str(made.file("gunicorn.conf.py").relative_to(made.tree))]
    assert result.status == "passed"
    assert result.detail.startswith(
        "only the settings were checked: SECRET_KEY not in the environment"
    )


def replaced(old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return change


def added(new: str) -> Callable[[str], str]:
    return lambda text: f"{text}{new}\n"


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        (
            ASKED,
            replaced("proxy_buffering on", "proxy_bufering on"),
            'unknown directive "proxy_bufering"',
        ),
        (
            CONF,
            replaced("proxy_buffers 4 8k", "proxy_buffers 4 8x"),
            '"proxy_buffers" directive',
        ),
        (
            ASKED,
            replaced("proxy_buffering on;", "proxy_buffering on"),
            "invalid number of arguments",
        ),
        (
            SITE,
            added("server { listen 80; server_name bookshop.example; }"),
            'conflicting server name "bookshop.example" on 0.0.0.0:80',
        ),
        (SITE, added("}"), 'unexpected "}"'),
        (ERRORS, replaced("internal", "internl"), 'unknown directive "internl"'),
        (PAGE, added('<img src="/static/logo.png">'), "it loads /static/logo.png"),
        (PAGE, added("<style>p { background: url(x.png) }</style>"), "it loads x.png"),
        (PAGE, replaced("title>", "titel>"), "it has no <title>"),
        (CONF, replaced("sendfile on", "sendfil on"), 'unknown directive "sendfil"'),
        (CONF, replaced("    worker_connections ", "    worker_connections -"), "invalid number"),
        (UNIT, replaced("RestartSec=", "RestartSecs="), "Unknown key"),
        (UNIT, replaced("ProtectSystem=strict", "ProtectSystem=strickt"), "strickt"),
        (UNIT, replaced("[Service]", "[Servic]"), "Servic"),
        (SOCKET, replaced("Backlog=", "Backlogs="), "Unknown key"),
        (PROXY_UNIT, replaced("OOMPolicy=", "OOMPolic="), "Unknown key"),
        (PROXY_UNIT, replaced("on-failure", "on-failures"), "on-failures"),
        (SOCKET, replaced("ListenStream=/", "ListenStream="), "bookshop@blue.socket"),
        (UNIT, replaced("ExecReload=/bin/kill", "ExecReload=/nowhere/kill"), "/nowhere/kill"),
        (
            "gunicorn.conf.py",
            added("worker_conections = 5"),
            "worker_conections is no setting of gunicorn, which ignores it; "
            "did you mean worker_connections?",
        ),
        ("gunicorn.conf.py", added("workers = 'many'"), "Invalid value for workers: many"),
        ("gunicorn.conf.py", added("workers = = 2"), "SyntaxError"),
        (
            "gunicorn.conf.py",
            added("wsgi_app = 'bookshop.wsgii:application'"),
            "No module named 'bookshop.wsgii'",
        ),
        (
            "gunicorn.conf.py",
            added("wsgi_app = 'bookshop.wsgi:app'"),
            "Failed to find attribute 'app' in 'bookshop.wsgi'",
        ),
        ("bookshop/env", added("NOT AN ASSIGNMENT"), ": no assignment, ignored by systemd"),
        ("sysusers.d/bookshop.conf", added("x bookshop"), "Unknown command type 'x'"),
        ("tmpfiles.d/bookshop.conf", added("d /run/x 99999 root root -"), "Invalid mode '99999'"),
        (
            "tmpfiles.d/bookshop.conf",
            added("d /run/x 0755 nobody-knows root -"),
            "Failed to resolve user 'nobody-knows'",
        ),
        ("60-bookshop.conf", added("net.core.somaxconn 5"), "invalid syntax"),
    ],
)
def test_what_is_broken_is_reported(
    file: str, change: Callable[[str], str], message: str, tmp_path: Path
) -> None:
    made = example("bookshop", tmp_path)
    path = made.file(file)
    path.write_text(change(path.read_text()))
    name = str(path.relative_to(made.tree))
    # The application need only be imported where its own file is broken.
    results = judged(made, SECRETS if file == "gunicorn.conf.py" else {})
    assert results[name].status == "failed", results[name]
    assert message in results[name].detail
    # nginx, systemd and the like say which line: it is that of the rendered file.
    if f"{name}:" in results[name].detail:
        line = int(results[name].detail.split(f"{name}:")[1].split(":")[0].split()[0])
        assert 1 <= line <= len(path.read_text().splitlines()) + 1
    failed = {path for path, result in results.items() if result.status == "failed"}
    # Where nginx names no file, anyone of the site's may have the fault.
    own = {path for path in failed if "/etc/nginx/" not in path or path == name}
    assert own == {name}
    assert failed == own or name not in results[name].detail


APACHE_FILTER = "bookshop-taken.lua"
APACHE_LIMITS, APACHE_COUNTER = "bookshop-limits.conf", "bookshop-limits.py"
APACHE_UNIT = "apache2.service.d/bookshop.conf"
APACHE_SITE, APACHE_PROXY, APACHE = (
    "sites-available/bookshop.conf", "bookshop-proxy.conf", "zz-deploygen.conf"
)  # fmt: skip


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        (
            APACHE_SITE,
            replaced("LimitRequestBody ", "LimitRequestBodi "),
            "Invalid command 'LimitRequestBodi'",
        ),
        (APACHE_SITE, replaced("</VirtualHost>", ""), "was not closed"),
        (
            APACHE_PROXY,
            replaced("disablereuse=on", "disablereuse=x"),
            "DisableReuse must be On|Off",
        ),
        (APACHE_PROXY, replaced("ProxyTimeout ", "ProxyTimeout x"), "Proxy Timeout must be"),
        (APACHE, replaced("TraceEnable Off", "TraceEnable Never"), "TraceEnable must be one of"),
        (APACHE_UNIT, replaced("TasksMax=", "TasksMax=x"), "Invalid maximum tasks value"),
        (APACHE_FILTER, replaced("function taken", "function token"), "entry function 'taken'"),
        (APACHE_FILTER, replaced("while bucket do", "while bucket"), "did not answer"),
        (APACHE_LIMITS, replaced("RewriteOptions Inherit", "RewriteOptions Inheritt"), "Inheritt"),
        (APACHE_COUNTER, replaced("def asked(path):", "def asked(path)"), "SyntaxError"),
        (APACHE_COUNTER, replaced("told.bind(path)", "told.bound(path)"), "AttributeError"),
        # Apache's own test passes these, and Apache dies, or does not do what is asked.
        (
            APACHE,
            replaced("SSLOpenSSLConfCmd Groups ", "SSLOpenSSLConfCmd Groups X448x:"),
            "did not start",
        ),
    ],
)
def test_what_is_broken_in_apaches_files_is_reported(
    file: str, change: Callable[[str], str], message: str, tmp_path: Path
) -> None:
    limits = "limits: {connections_per_address: 9}"
    made = example("bookshop", tmp_path, kind="apache", proxy=f"{TLS}, {limits}")
    path = made.file(file)
    path.write_text(change(path.read_text()))
    name = str(path.relative_to(made.tree))
    results = judged(made, {})
    failed = {path for path, result in results.items() if result.status == "failed"}
    assert failed, results
    assert message in results[min(failed)].detail
    if "did not start" not in message:
        assert failed == {name}
        if line := re.search(rf"{re.escape(name)}:(\d+): ", results[name].detail):
            assert 1 <= int(line[1]) <= len(path.read_text().splitlines()) + 1


def test_a_counter_that_says_nothing_is_found(tmp_path: Path) -> None:
    """Apache waits for its answer, so that the site does not answer either."""
    made = example("bookshop", tmp_path, kind="apache", proxy="limits: {requests_per_second: 9}")
    counter, site = made.file(APACHE_COUNTER), made.file(APACHE_SITE)
    counter.write_text(counter.read_text().replace("os.write(1, ", "("))
    failed = {
        path: result.detail for path, result in judged(made).items() if result.status == "failed"
    }
    names = {str(path.relative_to(made.tree)) for path in (counter, site)}
    assert set(failed) == names
    assert failed[str(counter.relative_to(made.tree))] == "it answered nothing"


def test_a_site_that_fails_only_when_it_is_asked_is_found(tmp_path: Path) -> None:
    made = example("bookshop", tmp_path)
    path = made.file(ASKED)
    path.write_text(f"{path.read_text()}\nreturn 500;\n")
    failed = {result.detail for result in judged(made).values() if result.status == "failed"}
    assert any("asked for a page, it answered 500" in detail for detail in failed)


def test_a_message_names_the_rendered_file_and_its_line(tmp_path: Path) -> None:
    made = example("bookshop", tmp_path)
    site = made.file(ASKED)
    text = site.read_text().replace("proxy_buffering on;", "proxy_bufering on;")
    site.write_text(text)
    line = text[: text.index("proxy_bufering")].count("\n") + 1
    path = str(site.relative_to(made.tree))
    assert judged(made)[path].detail.startswith(
        f'unknown directive "proxy_bufering" in {path}:{line}\nnginx '
    )


def test_a_unit_is_judged_by_what_the_target_knows(tmp_path: Path) -> None:
    """An option that a newer systemd brought is no fault; a misspelt one always is."""
    made = example("bookshop", tmp_path, os="debian-13")
    unit = made.file(UNIT)
    unit.write_text(unit.read_text().replace("RestartSec=", "RestartSecs="))
    result = judged(made)[str(unit.relative_to(made.tree))]
    assert result.status == "failed"
    assert "RestartSecs" in result.detail
    assert "RestartSteps" not in result.detail


def test_missing_programs_are_named_with_how_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = example("bookshop", tmp_path)
    absent(
        monkeypatch, "nginx", "systemd-analyze", "systemd-sysusers", "systemd-tmpfiles", "sysctl"
    )
    monkeypatch.setattr(programs, "gunicorn_version", lambda _: None)
    monkeypatch.setattr("deploygen.check.environment.GENERATOR", Path("/nowhere"))
    results = judged(made)
    # The proxy's pages are read without any program.
    judging = [result for path, result in results.items() if "/pages/" not in path]
    assert {result.status for result in judging} == {"not checked"}
    details = "\n".join(result.detail for result in results.values())
    for hint in ("apt install nginx", "apt install systemd", "apt install procps", "pip install"):
        assert hint in details


def test_a_foreign_certificate_needs_openssl(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = example("flaskboard", tmp_path, proxy=TLS)
    absent(monkeypatch, "openssl")
    site = judged(made)[str(made.file("sites-available/flaskboard.conf").relative_to(made.tree))]
    assert site.status == "not checked"
    assert "apt install openssl" in site.detail


def test_an_application_without_its_environment(tmp_path: Path) -> None:
    made = example("flaskboard", tmp_path)
    package = made.project / "src/flaskboard/__init__.py"
    package.write_text("import a_package_that_nobody_has\n")
    result = judged(made)[str(made.file("gunicorn.conf.py").relative_to(made.tree))]
    assert result.status == "passed"
    assert result.detail.startswith(
        "the application's environment is not here, only the settings were checked: "
        "no module a_package_that_nobody_has"
    )


def test_an_application_that_fails_and_one_that_never_ends(tmp_path: Path) -> None:
    made = example("flaskboard", tmp_path)
    path = str(made.file("gunicorn.conf.py").relative_to(made.tree))
    package = made.project / "src/flaskboard/__init__.py"
    package.write_text("raise ValueError('no database')\n")
    assert judged(made)[path].detail.startswith(
        "the application cannot be imported: ValueError: no database"
    )
    package.write_text("import time; time.sleep(600)\n")
    found = check(made.tree, made.plan, made.project, [path], environ=os.environ, seconds=3)
    assert [(each.status, each.detail) for each in found] == [
        ("failed", "the application: it did not finish within 3 s")
    ]


def test_a_worker_class_that_is_not_installed(tmp_path: Path) -> None:
    made = example("flaskboard", tmp_path)
    config = made.file("gunicorn.conf.py")
    config.write_text(config.read_text() + "worker_class = 'nobodys.Worker'\n")
    result = judged(made)[str(config.relative_to(made.tree))]
    assert result.status == "failed"
    assert "worker_class cannot be loaded: " in result.detail
    assert "nobodys" in result.detail


def test_a_file_that_is_gone_and_one_that_nobody_judges(tmp_path: Path) -> None:
    made = example("flaskboard", tmp_path)
    unit = made.file(UNIT)
    unit.unlink()
    (made.tree / "other.txt").write_text("x")
    path = str(unit.relative_to(made.tree))
    found = check(made.tree, made.plan, made.project, ["README.md", "other.txt", path])
    assert [(each.path, each.status, each.detail) for each in found] == [
        ("other.txt", "not checked", "deploygen runs no program for this kind of file"),
        (path, "failed", "missing: deploygen render writes it"),
    ]


@pytest.mark.parametrize("kind", ["nginx", "apache"])
def test_the_longest_names(kind: str, tmp_path: Path) -> None:
    """What the description allows, the proxy takes: the longest host, project, header and path."""
    label = "a" * 63
    host = f"{label}.{label}.{label}.{label[:61]}"
    proxy = (
        f"server_names: [{host}, '*.{host[2:]}'], headers: {{X-{'Y' * 62}: z}}, {TLS}, "
        f"streaming: [/{'w' * 60}], limits: {{connections_per_address: 9}}"
    )
    text = f"""
name: {"n" * 31}
app:
  entrypoint: app:application
  static: {{url: /static/, folder: static}}
  media: {{url: /media/, folder: media, attachment: true}}
proxy: {{kind: {kind}, {proxy if kind == "nginx" else proxy.rpartition(", limits")[0]}}}
"""
    made = plan.make(parse(text).spec)
    files = [file for file in render(targets.files(made)) if "/etc/" in file.path]
    tree = tmp_path / "deploy"
    for file in files:
        (path := tree / file.path).parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
    paths = [file.path for file in files if f"/{PROXIES[kind]}/" in file.path]
    assert paths
    results = check(tree, made, tmp_path, [path for path in paths if path.startswith("hosts/")])
    assert [each for each in results if each.status != "passed"] == []


# A program that tests its files well and does not serve: what only a start finds.
SHAM = """#!/bin/sh
echo "$@" >> {log}
case " $* " in *" -t "*|*" -V "*|*" -v "*|*" -l "*) exec {program} "$@";; esac
{then}
"""


@pytest.mark.parametrize("kind", ["nginx", "apache"])
def test_the_proxy_is_started_for_real(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = example("bookshop", tmp_path, kind=kind)
    name, program = PROXIES[kind], needed(PROXIES[kind])
    # Apache runs as another user, who has to reach it.
    with tempfile.TemporaryDirectory(prefix="deploygen-test-") as folder:
        sham, log = Path(folder) / "sbin" / name, Path(folder) / "log"
        sham.parent.mkdir()
        Path(folder).chmod(0o755)
        # Apache's modules are looked for beside its program.
        real = Path(program).resolve().parent.parent
        (Path(folder) / "lib").symlink_to(real / "lib")
        monkeypatch.setenv("PATH", str(sham.parent), prepend=os.pathsep)
        for then, status in ((f'exec {program} "$@"', "passed"), ("exit 1", "failed")):
            sham.write_text(SHAM.format(log=log, program=program, then=then))
            sham.chmod(0o755)
            log.write_text("")
            log.chmod(0o666)
            of_proxy = [
                result
                for path, result in judged(made, {}).items()
                if f"/etc/{PROXIES[kind]}/sites-available/" in path
            ]
            assert {result.status for result in of_proxy} == {status}, of_proxy
            serving = [line for line in log.read_text().splitlines() if STARTED[kind] in line]
            assert len(serving) == 1
        assert "did not start" in of_proxy[0].detail


def test_no_port_is_needed(tmp_path: Path) -> None:
    """A check works beside a server that holds the ports of the site."""
    made = example("flaskboard", tmp_path)
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", 80))
        except PermissionError:
            sock.bind(("127.0.0.1", 8000))
        sock.listen()
        assert {each.status for each in judged(made).values()} == {"passed"}


@pytest.mark.parametrize("kind", ["nginx", "apache"])
def test_a_host_before_its_first_certificate(kind: str, tmp_path: Path) -> None:
    """Files that name a certificate which no machine has yet, and the script that gets it."""
    proxy = (
        "tls: {mode: acme, profile: modern}, health: {url: /lb, asks: app}, "
        "behind: {networks: cloudflare, only: true}"
    )
    made = example("bookshop", tmp_path, kind=kind, proxy=proxy)
    assert {result.status for result in judged(made).values()} == {"passed"}
    path = made.file("bookshop-certificate")
    text, name = path.read_text(), str(path.relative_to(made.tree))
    path.write_text(text.replace("esac", "esacc"))
    broken = judged(made)[name]
    assert broken.status == "failed" and f"{name}: " in broken.detail
    path.write_text(text)
    path.chmod(0o644)
    assert "chmod 755" in judged(made)[name].detail
