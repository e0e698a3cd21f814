"""The roles: their specifications, defaults and READMEs agree; they hold no tuning."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from deploygen import targets
from scripts import roles_readme
from tests.builders import a_plan, machine
from tests.modules import ROLES

NAMES = [path.name for path in roles_readme.roles()]


def read(role: str, path: str) -> Any:
    return yaml.safe_load((ROLES / role / path).read_text())


def options(role: str) -> dict[str, Any]:
    found: dict[str, Any] = read(role, "meta/argument_specs.yml")["argument_specs"]["main"]
    return dict(found["options"])


@pytest.mark.parametrize("role", NAMES)
def test_the_specification_and_the_defaults_agree(role: str) -> None:
    declared = {
        name: option["default"] for name, option in options(role).items() if "default" in option
    }
    assert declared == (read(role, "defaults/main.yml") or {})
    for name, option in options(role).items():
        assert ("default" in option) is not option.get("required", False), name


@pytest.mark.parametrize("role", NAMES)
def test_variables_carry_the_name_of_their_role(role: str) -> None:
    assert all(re.fullmatch(rf"{role}_[a-z_]+", name) for name in options(role))
    inner = read(role, "vars/main.yml") if (ROLES / role / "vars/main.yml").exists() else {}
    registered = re.findall(
        r"register: (\w+)", "".join(path.read_text() for path in (ROLES / role).rglob("*.yml"))
    )
    assert all(name.startswith(f"{role}__") for name in (*inner, *registered))


@pytest.mark.parametrize("role", NAMES)
def test_every_variable_is_used_and_declared(role: str) -> None:
    text = "".join(
        path.read_text()
        for path in sorted((ROLES / role).rglob("*"))
        if path.is_file() and path.parent.name not in ("defaults", "meta", role)
    )
    used = set(re.findall(rf"\b{role}_[a-z][a-z_]*", text))
    assert used == set(options(role))


@pytest.mark.parametrize("role", NAMES)
def test_the_readme_is_made_from_the_specification(role: str) -> None:
    made = roles_readme.readme(ROLES / role)
    assert (ROLES / role / "README.md").read_text() == made, "run scripts/roles_readme.py"


FLEET: dict[str, Any] = {
    "machines": machine(hosts=["a.test", "b.test"]),
    "front": {"hosts": ["lb.test"], "networks": ["10.0.0.2"]},
}


@pytest.mark.parametrize(
    ("kind", "more"),
    [("nginx", {}), ("none", {}), ("nginx", FLEET)],
    ids=["nginx", "none", "fleet"],
)
def test_every_variable_that_a_role_requires_is_rendered(kind: str, more: dict[str, Any]) -> None:
    made = a_plan(proxy={"kind": kind}, app={"secrets": ["SECRET_KEY"]}, **more)
    from deploygen.render import render

    files = {file.path: file.content.decode() for file in render(targets.files(made))}
    given = set()
    for path in ("all", "web"):
        text = files[f"ansible/group_vars/{path}.yml"]
        given |= set(re.findall(r"^(\w+):", text, re.MULTILINE))
    roles = {path.split("/")[2] for path in files if path.startswith("ansible/roles/")}
    assert ("nginx" in roles) is (kind == "nginx")
    assert ("fleet" in roles) is bool(more)
    wanted = {
        name
        for role in roles
        for name, option in options(role).items()
        if option.get("required") and name != "gunicorn_release"  # the play names it
    }
    assert wanted <= given
    known = {name for role in NAMES for name in options(role)}
    assert given <= known


def test_every_file_of_the_roles_is_rendered() -> None:
    from deploygen.targets import ansible

    listed = {*ansible.MODULES, *(p for role in ansible.ROLES for p in ansible.role_files(role))}
    there = {
        str(path.relative_to(ROLES))
        for path in ROLES.rglob("*")
        if path.is_file() and path.suffix in (".yml", ".py", ".j2", ".md") and path.parent != ROLES
    }
    assert listed == there
