"""Target guide: the commands of the README are shell, and fit the project."""

from __future__ import annotations

import re
import subprocess
from typing import Any

import pytest

from tests.builders import a_plan, rendered

FULL: dict[str, Any] = {
    "app": {
        "app_dir": "src",
        "secrets": ["SECRET_KEY"],
        "health": "/health/",
        "media": {"url": "/media/", "folder": "media"},
        "writable": ["/var/cache/shop"],
        "release_commands": ["python manage.py migrate --noinput", "echo 'it''s done'"],
    },
    "proxy": {"tls": {"mode": "files", "certificate": "/etc/ssl/a.pem", "key": "/etc/ssl/a.key"}},
}
INSTALLS = [
    {"tool": "pip", "file": "requirements.txt"},
    {"tool": "pip", "file": "pyproject.toml", "groups": ["prod"]},
    {"tool": "uv", "file": "backend/uv.lock", "groups": ["prod"]},
    {"tool": "poetry", "file": "poetry.lock"},
    {"tool": "pdm", "file": "pdm.lock"},
    {"tool": "pipenv", "file": "Pipfile.lock"},
]


def commands(**changes: Any) -> list[str]:
    readme = rendered(a_plan(**changes))["README.md"]
    return re.findall(r"```sh\n(.*?)```", readme, re.DOTALL)


def release_of(**changes: Any) -> str:
    """The commands of a release."""
    [found] = [script for script in commands(**changes) if "RELEASE=" in script]
    return found


def in_shell(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", "-n"], input=script, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("install", INSTALLS, ids=lambda install: install["tool"])
@pytest.mark.parametrize("kind", ["nginx", "none"])
def test_they_are_shell(install: dict[str, Any], kind: str) -> None:
    proxy = FULL["proxy"] if kind == "nginx" else {"kind": "none"}
    for script in commands(app={**FULL["app"], "install": install}, proxy=proxy):
        done = in_shell(script)
        assert done.returncode == 0, f"{done.stderr}\n{script}"


def test_a_release_is_asked_before_it_goes_live() -> None:
    release = release_of(**FULL)
    lines = release.splitlines()
    asked = next(i for i, line in enumerate(lines) if "curl --fail" in line)
    switched = next(i for i, line in enumerate(lines) if "/srv/shop/current.sock" in line)
    assert lines.index(next(line for line in lines if line.startswith("set -e"))) < asked < switched
    assert "--header 'Host: shop.test'" in release
    assert "http://localhost/health/" in release
    assert "X-Forwarded-Proto: https" in release, "or Django would answer with a redirect"


def test_what_serves_it_is_installed_too() -> None:
    release = release_of(workload={"cpu_ms": 1, "wait_ms": 1000, "greenlet_safe": True})
    assert "pip install 'gunicorn[gevent]==27.0.1'" in release


def test_notes_stand_in_it() -> None:
    readme = rendered(a_plan(proxy={"server_names": ["shop.example"]}))["README.md"]
    assert "shop.example is a placeholder" in readme


ACME: dict[str, Any] = {"tls": {"mode": "acme"}}
FILES = {"mode": "files", "certificate": "/c.pem", "key": "/k.pem"}


def test_a_host_gets_its_certificate_around_the_first_start() -> None:
    _, once, _, issue, _ = commands(proxy=ACME)
    assert "apt-get install python3-venv nginx openssl certbot\n" in once
    assert once.rstrip().endswith("/usr/local/sbin/shop-certificate stand-in")
    assert issue == "/usr/local/sbin/shop-certificate issue\n"
    assert not [script for script in commands(**FULL) if "certificate" in script]


# framework, https -> what the README has to say of it, and what it must not.
@pytest.mark.parametrize(
    ("app", "proxy", "said", "not_said"),
    [
        ({"framework": "django"}, ACME, ["SECURE_PROXY_SSL_HEADER", "`shop.test`"], ["ProxyFix"]),
        ({"framework": "django"}, {"behind": "cloudflare"}, ["SECURE_PROXY_SSL_HEADER"], []),
        (
            {"framework": "django"},
            {},
            ["ALLOWED_HOSTS", "for forms on pages of other names"],
            ["SECURE_PROXY_SSL_HEADER", "://"],
        ),
        (
            {"framework": "django"},
            {"behind": {"networks": ["10.0.0.0/8"], "proxy_protocol": True}},
            ["`CSRF_TRUSTED_ORIGINS` holds `https://shop.test`"],
            [],
        ),
        ({"framework": "django"}, {"server_names": ["a.org", "*.a.org"]}, ["`.a.org`"], ["*.a"]),
        ({"framework": "flask"}, {}, ["x_for=1, x_proto=1"], ["ALLOWED_HOSTS"]),
        ({"framework": "fastapi", "interface": "asgi"}, {}, ["request.client"], ["ProxyFix"]),
        ({}, {}, ["wsgi.url_scheme"], ["ProxyFix"]),
    ],
)
def test_what_an_application_has_to_know(
    app: dict[str, Any], proxy: dict[str, Any], said: list[str], not_said: list[str]
) -> None:
    readme = rendered(a_plan(app=app, proxy=proxy))["README.md"]
    told = readme.split("## What the application is told")[1]
    assert all(word in told for word in said)
    assert not [word for word in not_said if word in told]


@pytest.mark.parametrize(
    ("proxy", "containers", "origin"),
    [
        ({}, {}, None),
        ({}, {"http_port": 8000}, "http://shop.test:8000"),
        ({"tls": FILES}, {"http_port": 8000}, None),
        ({"tls": FILES}, {"https_port": 8443}, "https://shop.test:8443"),
    ],
)
def test_a_port_that_visitors_name_is_an_origin(
    proxy: dict[str, Any], containers: dict[str, Any], origin: str | None
) -> None:
    made = a_plan(app={"framework": "django"}, proxy=proxy, containers=containers)
    found = [line for line in made.advice if "CSRF_TRUSTED_ORIGINS" in line and "`http" in line]
    assert len(found) == (origin is not None)
    assert origin is None or f"`{origin}`" in found[0]
