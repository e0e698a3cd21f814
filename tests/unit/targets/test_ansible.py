"""Target ansible: playbooks that Ansible reads, values that it takes as they are."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from deploygen import targets
from deploygen.render.quoting import yaml as quoted
from tests.builders import a_plan, machine, refusal, rendered

FULL: dict[str, Any] = {
    "app": {
        "secrets": ["SECRET_KEY"],
        "media": {"url": "/media/", "folder": "media"},
        "health": "/health/",
        "release_commands": ["python manage.py migrate", "python manage.py collectstatic"],
        "host_commands": ["python 'a b.py' {{ x }}"],
        "install": {"tool": "uv", "file": "backend/uv.lock"},
    },
}


class Loader(yaml.SafeLoader):
    """YAML as Ansible has it: a text that is marked stays as it is."""


class Marked(str):
    """A text that Ansible does not evaluate."""


Loader.add_constructor("!unsafe", lambda loader, node: Marked(loader.construct_scalar(node)))


def values(group: str = "all", **changes: Any) -> dict[str, Any]:
    text = rendered(a_plan(**changes))[f"ansible/group_vars/{group}.yml"]
    return dict(yaml.load(text, Loader))


def inventory(**changes: Any) -> dict[str, Any]:
    read = yaml.safe_load(rendered(a_plan(**changes))["ansible/inventory.yml"])
    return dict(read["all"]["children"]["application_hosts"]["children"])


def test_hosts_of_all_groups() -> None:
    machines = {
        "small": {"hosts": ["a.example.net", "2001:db8::1"]},
        "large": {"cpus": 8, "memory": "16G"},
    }
    found = inventory(machines=machines)
    assert found == {
        "small": {"hosts": {"a.example.net": None, "2001:db8::1": None}},
        "large": {"hosts": {}},
    }


def test_what_a_release_runs_and_where() -> None:
    found = values(**FULL)
    assert found["app_commands"] == [["python", "manage.py", "migrate"]]
    assert found["app_host_commands"] == [
        ["python", "manage.py", "collectstatic"],
        ["python", "a b.py", "{{", "x", "}}"],
    ]
    assert values()["app_commands"] == values()["app_host_commands"] == []


def test_what_an_environment_is_made_from() -> None:
    found = values(**FULL)
    assert found["app_inputs"] == ["backend/uv.lock", "backend/pyproject.toml"]
    assert found["app_install"][1].startswith("cd backend && UV_PROJECT_ENVIRONMENT=")
    assert found["app_whole"] is False
    own = values(app={"install": {"tool": "pip", "file": "pyproject.toml"}})
    assert own["app_whole"] is True


def test_health_is_asked_as_the_proxy_would() -> None:
    tls = {"mode": "files", "certificate": "/c", "key": "/k"}
    found = values(app={"health": "/up"}, proxy={"tls": tls})["gunicorn_health"]
    assert found == {"path": "/up", "host": "shop.test", "https": True, "timeout_s": 60}
    assert values()["gunicorn_health"] == {**found, "path": "/", "https": False}


def test_the_machine_is_what_is_declared() -> None:
    found = values("web", machines=machine(1.5, "2G", os="debian-13"))
    assert (found["host_cpus"], found["host_system"]) == (1.5, "debian-13")
    assert found["host_memory_bytes"] == 2 * 1024**3
    assert 0.85 * 2**31 < found["host_memory_least_bytes"] < 2**31


def test_how_long_the_old_release_may_finish() -> None:
    assert values("web", server={"graceful_timeout": 44})["gunicorn_drain_s"] == 44
    assert values("web", release={"drain_s": 5})["gunicorn_drain_s"] == 5


def test_without_a_proxy_there_is_no_role_for_one() -> None:
    files = rendered(a_plan(proxy={"kind": "none"}))
    assert not [path for path in files if "roles/nginx" in path]
    plays = yaml.safe_load(files["ansible/site.yml"])
    assert [role["role"] for play in plays for role in play.get("roles", [])] == ["host"]


@pytest.mark.parametrize(
    "value",
    ["a", "no", "", "3", "a: b", "# x", "'", '"', "\\", "- a", "{}", "[", "&a", "*a", "!x", "%",
     "ünïcödé \U0001f40d", "null", "a #b", "{{ lookup('pipe', 'id') }}", "{% raw %}", "{# x", "~",
     True, 3, 1.5, ["a", "{{ b }}"], {"a": "{{ b }}", "c d": ["e"]}],
)  # fmt: skip
def test_values_come_back_and_nothing_is_evaluated(value: object) -> None:
    read = yaml.load(quoted(value), Loader)
    assert read == value

    def texts(inside: object) -> list[str]:
        if isinstance(inside, dict):
            return [text for item in inside.values() for text in texts(item)]
        if isinstance(inside, list):
            return [text for item in inside for text in texts(item)]
        return [inside] if isinstance(inside, str) else []

    for text in texts(read):
        assert isinstance(text, Marked) or not any(mark in text for mark in ("{{", "{%", "{#"))


def test_targets_that_it_needs_come_with_it() -> None:
    paths = {file.path for file in targets.files(a_plan(targets=["ansible"]))}
    for needed in ("etc/shop/gunicorn.conf.py", "etc/systemd/system/shop@.service"):
        assert f"hosts/web/{needed}" in paths


@pytest.mark.parametrize(
    ("python", "os", "words"),
    [
        ("3.12", "debian-12", "debian-12 ships Python 3.11, and app.python is 3.12"),
        ("3.13t", "debian-13", "debian-13 ships Python 3.13, and app.python is 3.13t"),
    ],
)
def test_a_python_that_the_system_does_not_ship_is_refused(
    python: str, os: str, words: str
) -> None:
    problem = refusal(app={"python": python}, machines=machine(os=os))
    assert problem.message == words
    assert problem.where == ("machines", "web", "os")
    for way in ("targets: [docker]", "app.python_path"):
        assert way in problem.allowed
    assert ("debian-13 (3.13)" in problem.allowed) is (python == "3.12")
    path = "/opt/python/bin/python3"
    found = values(app={"python": python, "python_path": path}, machines=machine(os=os))
    assert found["app_python"] == path


def test_an_older_python_than_the_system_has_is_fine() -> None:
    assert (
        values(app={"python": "3.11"}, machines=machine(os="debian-13"))["app_python"] == "python3"
    )


FRONT: dict[str, Any] = {
    "machines": machine(hosts=["a.test", "b.test"]),
    "front": {"hosts": ["lb.test"], "networks": ["10.0.0.2"], "memory": "2G"},
}


def roles_of(play: dict[str, Any]) -> list[tuple[str, str]]:
    """(role, entry point) in the order in which a play uses them, blocks and rescues included."""
    found = [(str(role["role"]), "main") for role in play.get("roles", [])]

    def walk(tasks: list[dict[str, Any]]) -> None:
        for task in tasks:
            for key in ("ansible.builtin.import_role", "ansible.builtin.include_role"):
                if key in task:
                    found.append((task[key]["name"], task[key].get("tasks_from", "main")))
            walk(task.get("block", []))
            walk(task.get("rescue", []))

    walk(play.get("tasks", []))
    return found


def test_hosts_of_a_fleet_go_live_one_by_one_while_the_front_asks_the_others() -> None:
    files = rendered(a_plan(**FRONT))
    live = yaml.safe_load(files["ansible/release.yml"])[-1]
    assert live["serial"] == 1
    assert roles_of(live) == [
        ("gunicorn", "stage"),
        ("app", "commands"),
        ("fleet", "out"),
        ("gunicorn", "live"),
        ("fleet", "main"),
        ("fleet", "main"),  # after a failure, which ends the run
    ]
    assert "ansible.builtin.fail" in live["tasks"][0]["rescue"][-1]
    [back] = yaml.safe_load(files["ansible/rollback.yml"])
    assert roles_of(back)[:3] == [("fleet", "out"), ("gunicorn", "rollback"), ("fleet", "main")]


def test_the_front_comes_after_what_is_behind_it() -> None:
    plays = yaml.safe_load(rendered(a_plan(**FRONT))["ansible/site.yml"])
    assert plays[-1]["hosts"] == "front_hosts"
    assert roles_of(plays[-1]) == [("nginx", "main")]
    checked = [play["hosts"] for play in plays if ("host", "check") in roles_of(play)]
    assert checked == ["application_hosts", "front_hosts"]


def test_the_fronts_hosts_and_their_machine() -> None:
    files = rendered(a_plan(**FRONT))
    children = yaml.safe_load(files["ansible/inventory.yml"])["all"]["children"]
    assert children["front_hosts"] == {"hosts": {"lb.test": None}}
    assert set(children["application_hosts"]["children"]) == {"web"}
    found = values("front_hosts", **FRONT)
    assert (found["host_memory_bytes"], found["host_sysctl"]) == (2 * 1024**3, False)
    assert found["host_files"].endswith("/../hosts/front")
    assert found["nginx_packages"] == ["nginx"]


def test_the_only_host_is_not_taken_out() -> None:
    files = rendered(a_plan(**{**FRONT, "machines": machine(hosts=["a.test"])}))
    assert not [path for path in files if "roles/fleet" in path]
    assert "fleet" not in files["ansible/release.yml"]
    assert "front_hosts" in files["ansible/site.yml"]


def test_the_front_is_nginx_before_apache_too() -> None:
    files = rendered(a_plan(**FRONT, proxy={"kind": "apache"}))
    roles = {path.split("/")[2] for path in files if path.startswith("ansible/roles/")}
    assert {"nginx", "apache"} <= roles
    plays = yaml.safe_load(files["ansible/site.yml"])
    assert [roles_of(play) for play in plays[-2:]] == [[("apache", "main")], [("nginx", "main")]]
