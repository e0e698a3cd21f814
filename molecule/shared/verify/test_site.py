"""What visitors get, and what nobody gets."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from urllib.parse import urlencode

import pytest

from deploygen.plan import Plan
from testbed.probe import Probe


@pytest.fixture
def shop(planned: Plan) -> None:
    """Only where the bookshop is what runs."""
    if planned.spec.name != "bookshop":
        pytest.skip("the bookshop's own pages")


def test_the_health_page(probe: Probe, planned: Plan) -> None:
    assert planned.spec.app.health
    answer = probe.ask(planned.spec.app.health)
    assert answer.status == 200
    assert json.loads(answer.body)["status"] == "ok"


@pytest.mark.usefixtures("shop")
def test_a_page_and_its_static_files(probe: Probe) -> None:
    page = probe.ask("/")
    assert page.status == 200
    assert "Pride and Prejudice" in page.body or "Alice" in page.body
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["x-frame-options"] == "DENY"
    assert not re.search(r"\d", page.headers.get("server", "")), "no version is told"
    [style] = set(re.findall(r"/static/catalogue/shop\.[0-9a-f]{12}\.css", page.body))
    file = probe.ask(style)
    assert (file.status, file.headers["content-type"].split(";")[0]) == (200, "text/css")
    assert "immutable" in file.headers["cache-control"]


@pytest.mark.usefixtures("shop")
def test_a_post_arrives_whole(probe: Probe) -> None:
    body = "So many books, so little time. " * 4000
    answer = probe.ask("/echo/", method="POST", body=body)
    assert json.loads(answer.body)["sha256"] == hashlib.sha256(body.encode()).hexdigest()


@pytest.mark.usefixtures("shop")
def test_somebody_logs_in(probe: Probe) -> None:
    """Database, sessions and CSRF, inside the unit's sandbox and behind the proxy."""
    name, password = f"reader-{secrets.token_hex(4)}", secrets.token_hex(16)
    given = {"USERNAME": name, "EMAIL": "reader@bookshop.example", "PASSWORD": password}
    probe.told(
        "systemd-run --pipe --wait --quiet --collect "
        f"--uid={probe.name} --property=StateDirectory={probe.name} "
        f"--property=EnvironmentFile=/etc/{probe.name}/env "
        f"--property=EnvironmentFile=/etc/{probe.name}/secrets "
        + " ".join(f"--setenv=DJANGO_SUPERUSER_{key}={value}" for key, value in given.items())
        + f" --working-directory=/srv/{probe.name}/{probe.slot} "
        f"/srv/{probe.name}/{probe.slot}/.venv/bin/python manage.py createsuperuser --no-input"
    )
    form = probe.ask("/admin/login/")
    [token] = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', form.body)
    fields = {"csrfmiddlewaretoken": token, "username": name, "password": password}
    page = probe.ask(
        "/admin/login/?next=/admin/",
        method="POST",
        body=urlencode(fields),
        headers={
            "Content-Type": "application/x-www-form-urlencoded",
            "Cookie": cookies(form.headers["set-cookie"]),
        },
    )
    assert (page.status, page.headers["location"]) == (302, "/admin/")
    inside = probe.ask("/admin/", headers={"Cookie": cookies(page.headers["set-cookie"])})
    assert inside.status == 200
    assert name in inside.body


def cookies(given: str) -> str:
    """What a browser sends back for some Set-Cookie headers, one a line."""
    return "; ".join(line.split(";")[0] for line in given.splitlines())


@pytest.mark.usefixtures("shop")
def test_an_upload_is_written_by_the_application_and_served_by_the_proxy(probe: Probe) -> None:
    """Nobody else needs to read it."""
    path = f"/srv/{probe.name}/media"
    script = f"umask 0027; echo cover > {path}/cover.txt"
    probe.told(f"runuser -u {probe.name} -- sh -c '{script}'")
    assert probe.ask("/media/cover.txt").body == "cover\n"
    assert "Permission denied" in probe.refused(f"runuser -u nobody -- cat {path}/cover.txt")


def test_an_unknown_name_gets_no_page(probe: Probe) -> None:
    answer = probe.ask("/", host="evil.example")
    assert answer.status in {0, 400, 403, 404, 421}


def test_the_slots_socket_lets_the_proxy_in_and_nobody_else(probe: Probe, planned: Plan) -> None:
    socket, health = f"/run/{probe.name}/{probe.slot}.sock", planned.spec.app.health or "/"
    proxy = planned.layout.proxy_user
    assert probe.ask(health, socket=socket, user=proxy).status == 200
    refused = probe.ask(health, socket=socket, user="nobody")
    assert (refused.status, refused.body) == (0, "PermissionError")


def test_secrets_are_roots_alone(probe: Probe, planned: Plan) -> None:
    if not planned.spec.app.secrets:
        pytest.skip("an application without secrets")
    path = planned.layout.secrets_file
    assert probe.told(f"stat --format='%U %a' {path}") == "root 600"
    for user in (probe.name, planned.layout.proxy_user, "nobody"):
        probe.refused(f"runuser -u {user} -- cat {path}")
    [secret] = re.findall(r"SECRET_KEY=(.+)", probe.told(f"cat {path}"))
    value = secret.strip("\"'")
    assert len(value) > 20
    # Where all may read: what systemd tells, the log, and the rendered files.
    assert value not in probe.told(f"systemctl show {probe.unit}")
    assert value not in probe.told("journalctl --output=cat --no-pager")
    assert value not in probe.told(f"cat /etc/{probe.name}/env /etc/{probe.name}/gunicorn.conf.py")


def test_what_serves_changes_neither_its_code_nor_its_configuration(probe: Probe) -> None:
    """A hole in the application or the proxy does not become a change of the code."""
    home, etc = f"/srv/{probe.name}", f"/etc/{probe.name}"
    inside = f"nsenter --target {probe.workers[0]} --mount runuser -u {probe.name} --"
    for place in (f"{home}/current/", home, f"{home}/current/.venv/", etc, "/usr/local/bin"):
        said = probe.refused(f"{inside} touch {place}/hello")
        assert "Read-only file system" in said or "Permission denied" in said
        probe.refused(f"runuser -u www-data -- touch {place}/hello")
