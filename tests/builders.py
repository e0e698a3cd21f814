"""Descriptions and plans for tests: the smallest valid one, and what a test changes in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from deploygen import plan, targets
from deploygen.errors import InputError, Problem
from deploygen.plan import GroupPlan, Plan, Setting
from deploygen.plan.facts import Facts, facts
from deploygen.render import render
from deploygen.spec import Spec, parse

SMALLEST: dict[str, Any] = {
    "name": "shop",
    "app": {"entrypoint": "shop.wsgi:application"},
    "proxy": {"server_names": ["shop.test"]},
}


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with ``changes``, mapping by mapping; lists and values replace."""
    found = dict(base)
    for key, value in changes.items():
        inside = found.get(key)
        found[key] = (
            merged(inside, value) if isinstance(inside, dict) and isinstance(value, dict) else value
        )
    return found


def description(**changes: Any) -> dict[str, Any]:
    return merged(SMALLEST, changes)


def text(**changes: Any) -> str:
    """A description as YAML: JSON is a part of it."""
    return json.dumps(description(**changes), ensure_ascii=False, indent=1)


def spec(**changes: Any) -> Spec:
    return parse(text(**changes)).spec


def machine(cpus: float = 2, memory: str | int = "4G", **more: Any) -> dict[str, Any]:
    """``machines`` with one group, web."""
    return {"web": {"cpus": cpus, "memory": memory, **more}}


def a_plan(**changes: Any) -> Plan:
    return plan.make(spec(**changes))


def group(**changes: Any) -> GroupPlan:
    """The plan of the first machine group."""
    return next(iter(a_plan(**changes).groups.values()))


def settings(**changes: Any) -> dict[str, Setting]:
    """Full name -> Setting, of the first machine group."""
    return dict(group(**changes).settings())


def some_facts(**changes: Any) -> Facts:
    made = spec(**changes)
    return facts(made, next(iter(made.machines)))


def rendered(made: Plan) -> dict[str, str]:
    """Path -> text of everything that is rendered."""
    return {file.path: file.content.decode() for file in render(targets.files(made))}


def host_files(**changes: Any) -> dict[str, str]:
    """Path on the host -> text, for the first machine group."""
    made = a_plan(**changes)
    prefix = f"hosts/{next(iter(made.groups))}/"
    return {
        path.removeprefix(prefix): content
        for path, content in rendered(made).items()
        if path.startswith(prefix)
    }


def made_from(yaml: str) -> Plan:
    """The plan for a text, as the command line makes it."""
    document = parse(yaml)
    with document.located():
        return plan.make(document.spec)


def refusals(**changes: Any) -> tuple[Problem, ...]:
    """The problems of a description that parse or plan refuses, with their places."""
    with pytest.raises(InputError) as caught:
        made_from(text(**changes))
    assert caught.value.exit_code == 1
    return caught.value.problems


def refusal(**changes: Any) -> Problem:
    """The one problem of a description."""
    found = refusals(**changes)
    assert len(found) == 1, [str(problem) for problem in found]
    return found[0]
