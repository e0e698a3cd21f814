"""deploygen explain and schema."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

DESCRIPTION = """
name: shop
app: {entrypoint: "shop:app"}
machines:
  large: {os: debian-13, cpus: 8, memory: 16G}
  small: {os: debian-12, cpus: 1, memory: 1G}
server: {threads: 7}
proxy: {server_names: [shop.example.org]}
"""


@pytest.fixture
def described(project: Path) -> Path:
    (project / "deploygen.yml").write_text(DESCRIPTION)
    return project


def test_json_has_every_setting_of_each_group(deploygen, described: Path) -> None:
    told = json.loads(deploygen("explain", "--json").out)
    assert set(told) == {"large", "small", "containers"}
    assert told["large"]["gunicorn.workers"]["value"] == 8
    assert told["small"]["gunicorn.workers"]["value"] == 2
    for settings in told.values():
        for name, setting in settings.items():
            assert set(setting) == {"value", "reason", "source", "overridden"}, name
            assert setting["reason"] and setting["source"], name
    assert told["large"]["gunicorn.threads"] == {
        "value": 7,
        "reason": "set in deploygen.yml",
        "source": "deploygen.yml: docs/reference/deploygen-yml.md",
        "overridden": 3,
    }


@pytest.mark.parametrize("wanted", ["workers", "gunicorn.workers"])
def test_one_setting_as_a_table(deploygen, described: Path, wanted: str) -> None:
    out = deploygen("explain", wanted).out
    assert "large: Debian 13 (trixie), 8 cpus, 16 GiB" in out
    assert "small: Debian 12 (bookworm), 1 cpu, 1 GiB" in out
    assert "containers: limits of the application's, 8 cpus, 14 GiB" in out
    assert out.count("gunicorn.workers") == 3
    assert "nginx" not in out
    assert "one worker for each of 8 cores" in " ".join(out.split())


def test_the_application_has_to_know_its_proxy(deploygen, project: Path) -> None:
    text = DESCRIPTION.replace(
        '{entrypoint: "shop:app"}', "{entrypoint: shop:app, framework: django}"
    )
    (project / "deploygen.yml").write_text(text)
    line = "- Django's `ALLOWED_HOSTS` has to hold `shop.example.org`."
    assert line in deploygen("explain").out.splitlines()
    alone = deploygen("explain", "application").out.splitlines()
    assert alone[0] == "application: what it is told" and line in alone
    assert line[2:] in json.loads(deploygen("explain", "application", "--json").out)
    assert line not in deploygen("explain", "workers").out


def test_a_component_and_a_group(deploygen, described: Path) -> None:
    told = json.loads(deploygen("explain", "nginx", "--group", "small", "--json").out)
    assert set(told) == {"small"}
    assert {name.split(".")[0] for name in told["small"]} == {"nginx"}


def test_the_planned_value_stands_beside_an_override(deploygen, described: Path) -> None:
    assert "7 (planned: 3)" in deploygen("explain", "threads", "--group", "large").out


def test_a_setting_that_is_none(deploygen, described: Path) -> None:
    done = deploygen("explain", "worker")
    assert done.code == 1
    assert "the plan has no setting worker" in done.err
    assert "did you mean" in done.err


def test_a_group_that_is_none(deploygen, described: Path) -> None:
    done = deploygen("explain", "--group", "medium")
    assert done.code == 1
    assert "large, small" in done.err


def test_schema_names_the_targets(deploygen, project: Path) -> None:
    schema = json.loads(deploygen("schema").out)
    items = schema["properties"]["targets"]["anyOf"][0]["items"]
    assert {"gunicorn", "nginx", "systemd", "sysctl"} <= set(items["enum"])


def test_version(deploygen) -> None:
    from deploygen import __version__

    assert deploygen("--version").out == f"deploygen {__version__}\n"


def test_help_lists_every_command(deploygen) -> None:
    out = deploygen("--help").out
    for name in ("init", "render", "check", "explain", "up", "schema"):
        assert name in out


def test_a_setting_that_only_some_groups_have(deploygen, described: Path) -> None:
    front = "front: {hosts: [lb], networks: 10.0.0.2}\n"
    text = DESCRIPTION.replace("memory: 1G}", "memory: 1G, hosts: [a, b]}")
    (described / "deploygen.yml").write_text(text + front)
    told = json.loads(deploygen("explain", "max_fails", "--json").out)
    assert set(told) == {"front"}
    assert told["front"]["nginx.max_fails"]["value"] == 3
    assert "front: Debian 12" not in deploygen("explain", "workers").out
