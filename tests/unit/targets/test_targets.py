"""Targets and templates: nothing that is planned is dropped, and templates decide nothing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment, nodes

from deploygen import plan, resources, targets
from deploygen.errors import InputError
from deploygen.plan import Setting
from deploygen.systems import SYSTEMS
from deploygen.targets import PROXIES, REGISTRY
from tests.builders import a_plan, machine, refusal, rendered, spec, text

TEMPLATES = Path(resources.folder("templates"))
TEMPLATE_FILES = sorted(
    str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*") if path.is_file()
)
MODULES = sorted(
    path.stem
    for path in Path(targets.__file__).parent.glob("*.py")
    if path.stem not in {"__init__", "spec"}
)
# What a container has as a host has it comes from the host's templates.
SHARED = {
    "docker": ("apache/", "gunicorn/", "nginx/", "pages/"),
    "front": ("nginx/", "pages/", "certificate/"),
}
FULL: dict[str, Any] = {
    "app": {
        "secrets": ["SECRET_KEY"],
        "static": {"url": "/static/", "folder": "staticfiles"},
        "media": {"url": "/media/", "folder": "media", "attachment": True},
        "protected": {"url": "/protected/"},
    },
    "proxy": {
        "tls": {"mode": "files", "certificate": "/c", "key": "/k"},
        "behind": ["10.0.0.0/8"],
        "streaming": ["/ws", "/events/"],
    },
    "server": {"loglevel": "debug", "workers": 1},
}


def full(kind: str) -> dict[str, Any]:
    """FULL behind one of the proxies."""
    limits = {"connections_per_address": 50, "requests_per_second": 20}
    return {**FULL, "proxy": {**FULL["proxy"], "kind": kind, "limits": limits}}


ACME: dict[str, Any] = {
    "app": {"health": "/health/"},
    "proxy": {
        "tls": {"mode": "acme", "profile": "modern", "redirect": False},
        "behind": {"networks": "cloudflare", "only": True},
        "health": {"url": "/lb", "asks": "app"},
    },
}
CASES: list[dict[str, Any]] = [
    {},
    full("nginx"),
    {"proxy": {"kind": "none"}},
    {"proxy": {"kind": "apache"}},
    full("apache"),
    ACME,
    {**ACME, "proxy": {**ACME["proxy"], "kind": "apache"}},
    {"proxy": {"kind": "apache", "tls": FULL["proxy"]["tls"]}},
    {"containers": {"postgresql": {}, "redis": {}}},
    {"app": {"interface": "asgi"}, "workload": {"leaks": True}},
    {"app": {"install": {"file": "pyproject.toml"}}},
    {"workload": {"thread_safe": False}},
    {
        "machines": machine(hosts=["a.test", "b.test"]),
        "front": {"hosts": ["lb.test"], "networks": "10.0.0.2"},
    },
    *({"machines": machine(2, "4G", os=name)} for name in SYSTEMS),
]


def spellings(component: str, setting: Setting) -> list[str]:
    """How a setting may stand in a file of its program."""
    name, value = setting.name, setting.value
    if component == "gunicorn":
        python = f'"{value}"'.replace("\\", "\\\\") if isinstance(value, str) else f"{value}"
        if isinstance(value, str):
            python = '"' + value.replace('"', '\\"') + '"'
        return [f"{name} = {python}", f"--{name.replace('_', '-')} {value} "]
    if component == "nginx":
        sizes = [f"{name} {value // unit}{suffix};" for suffix, unit in (("m", 2**20), ("k", 2**10))
                 if isinstance(value, int) and value % unit == 0]  # fmt: skip
        return [f"{name} {value};", f"{name} {value}s;", f"{name}={value}\n", *sizes]
    if component == "streaming":
        return [f"{name} {value}s;", f" {name}={value} "]
    if component == "apache":
        program = f"{name} = {value}\n"
        return [f"{name} {value}\n", f" {name}={value}", f"{name}={value}\n", program]
    return [f"{name}={value}\n", f"{name} = {value}\n"]


def flat(content: str) -> str:
    """Without line ends of comments: a reason may be wrapped."""
    return re.sub(r"\s*\n\s*# ", " ", content)


@pytest.mark.parametrize("changes", CASES)
def test_every_setting_is_rendered_with_its_name_value_and_reason(changes: dict[str, Any]) -> None:
    made = a_plan(**changes)
    everything = "".join(
        content for path, content in rendered(made).items() if path.startswith("hosts/web/")
    )
    for full_name, setting in made.groups["web"].settings():
        component = full_name.split(".")[0]
        found = [line for line in spellings(component, setting) if line in everything]
        assert found, full_name
        reason = f"{setting.reason[0].upper()}{setting.reason[1:]}"
        if full_name != "gunicorn.control_socket":  # on the command line, where no comment fits
            assert " ".join(reason.split()) in flat(everything), full_name
            assert f"[{setting.source.name}]" in flat(everything)


@pytest.mark.parametrize("kind", PROXIES)
def test_templates_have_no_values_of_their_own(kind: str) -> None:
    """Each number and text is replaced by one that no template can know, and still printed."""
    made = a_plan(**full(kind), machines=machine(2, "4G", os="debian-13"))
    group = made.groups["web"]
    marks: dict[str, int] = {}

    def marked(full_name: str, setting: Setting) -> Setting:
        if isinstance(setting.value, bool):
            return setting
        marks[full_name] = 700_001 + 2 * len(marks)  # odd: no size is written with a suffix
        mark = marks[full_name]
        return replace(setting, value=mark if isinstance(setting.value, int) else f"v{mark}")

    components = {
        component: {name: marked(f"{component}.{name}", each) for name, each in settings.items()}
        for component, settings in group.components.items()
    }
    changed = replace(group, components=components)
    content = "".join(rendered(replace(made, groups={"web": changed})).values())
    assert not [name for name, mark in marks.items() if str(mark) not in content]


def test_an_override_shows_what_the_plan_would_say() -> None:
    content = rendered(a_plan(server={"keepalive": 9}))["hosts/web/etc/shop/gunicorn.conf.py"]
    assert "Set in deploygen.yml (deploygen would say 2). [deploygen.yml]\nkeepalive = 9" in content


def asks_for_a_word(node: nodes.Node) -> bool:
    """``proxy.kind == "nginx"``: a choice of the description, no number and no version."""
    return isinstance(node, nodes.Compare) and all(
        operand.op in {"eq", "ne"}
        and isinstance(operand.expr, nodes.Const)
        and isinstance(operand.expr.value, str)
        for operand in node.ops
    )


@pytest.mark.parametrize("template", TEMPLATE_FILES)
def test_templates_print_and_decide_nothing(template: str) -> None:
    tree = Environment(autoescape=False).parse((TEMPLATES / template).read_text())
    forbidden = (
        nodes.Assign, nodes.AssignBlock, nodes.BinExpr, nodes.Compare, nodes.Macro, nodes.Include,
        nodes.Extends, nodes.Import, nodes.FromImport, nodes.Neg,
    )  # fmt: skip
    # Logic on flags (a and b) is what an if prints by; numbers and versions are the plan's.
    found = [
        type(node).__name__
        for kind in forbidden
        for node in tree.find_all(kind)
        if not isinstance(node, nodes.And | nodes.Or) and not asks_for_a_word(node)
    ]
    assert not found
    filters = {node.name for node in tree.find_all(nodes.Filter)}
    assert not filters & {"default", "d", "round", "int", "float", "sum", "max", "min", "abs"}


def test_every_template_is_used_and_exists() -> None:
    used = {
        file.template
        for changes in (*CASES, {"app": {"media": None}})
        for file in targets.files(a_plan(**changes))
        if not file.verbatim
    }
    assert used == set(TEMPLATE_FILES)


def test_module_folder_page_and_test_have_one_name() -> None:
    assert sorted(REGISTRY) == MODULES
    root = Path(__file__).parents[3]
    pages = sorted(path.stem for path in (root / "docs/targets").glob("*.md"))
    tests = sorted(path.stem.removeprefix("test_") for path in Path(__file__).parent.glob("test_*"))
    assert pages == sorted(REGISTRY)
    assert tests == sorted([*REGISTRY, "targets"])
    assert sorted(path.name for path in TEMPLATES.iterdir()) == sorted(REGISTRY)
    for name, target in REGISTRY.items():
        assert target.name == name
        assert target.summary
        for file in target.files(a_plan(**full(name if name in PROXIES else "nginx"))):
            assert file.verbatim or file.template.startswith((f"{name}/", *SHARED.get(name, ())))


@pytest.mark.parametrize("kind", PROXIES)
def test_files_have_sane_paths_and_modes(kind: str) -> None:
    files = targets.files(a_plan(**full(kind)))
    paths = [file.path for file in files]
    assert paths == sorted(set(paths))
    for file in files:
        assert not file.path.startswith("/") and ".." not in file.path
        assert "NAME" not in file.path and "GROUP" not in file.path
        assert file.mode in {0o644, 0o755, 0o640, 0o600}


@pytest.mark.parametrize("kind", PROXIES)
def test_every_file_says_what_made_it(kind: str) -> None:
    copied = {file.path for file in targets.files(a_plan(**full(kind))) if file.verbatim}
    for path, content in rendered(a_plan(**full(kind))).items():
        if path.endswith(".json"):
            continue
        if path in copied:
            assert "deploygen" in content.replace("README.md", "") or "Role" in content, path
            continue
        assert "deploygen.yml" in "".join(content.splitlines(keepends=True)[:4]), path
        assert content.endswith("\n") and "\r" not in content
        # Ansible has expressions of its own; what else holds braces is marked (test_ansible.py).
        assert "{%" not in content, path
        assert "{{" not in content or path.startswith("ansible/"), path


def test_groups_of_different_machines_render_different_files() -> None:
    machines = {
        "small": {"cpus": 1, "memory": "1G"},
        "large": {"cpus": 16, "memory": "64G", "os": "debian-13"},
    }
    files = rendered(a_plan(machines=machines))
    for path in ("etc/shop/gunicorn.conf.py", "etc/nginx/nginx.conf",
                 "etc/systemd/system/shop@.service"):  # fmt: skip
        assert files[f"hosts/small/{path}"] != files[f"hosts/large/{path}"]
    assert "workers = 2\n" in files["hosts/small/etc/shop/gunicorn.conf.py"]
    assert "workers = 16\n" in files["hosts/large/etc/shop/gunicorn.conf.py"]


def test_rendering_twice_gives_the_same() -> None:
    assert rendered(a_plan(**FULL)) == rendered(a_plan(**FULL))


RENDER = """
import hashlib, sys
from deploygen import plan, targets
from deploygen.render import render
from deploygen.spec import parse
digest = hashlib.sha256()
for file in render(targets.files(plan.make(parse(sys.stdin.read()).spec))):
    digest.update(file.path.encode() + file.content + str(file.mode).encode())
print(digest.hexdigest())
"""


def test_the_order_of_hashes_does_not_show() -> None:
    headers = {f"X-{letter}": letter for letter in "abcdefgh"}
    yaml = text(**{**FULL, "proxy": {"headers": headers}, "app": {"environment": headers and {
        letter: letter for letter in "HGFEDCBA"}}})  # fmt: skip
    digests = {
        subprocess.run(
            [sys.executable, "-c", RENDER],
            input=yaml,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4242")
    }
    assert len(digests) == 1


def test_targets_are_chosen_by_name() -> None:
    def chosen(**changes: Any) -> list[str]:
        return [target.name for target in targets.choose(a_plan(**changes))]

    for kind in PROXIES:
        proxy = {**ACME["proxy"], "kind": kind}
        others = {*PROXIES} - {kind}
        alone = set(REGISTRY) - {"front"}
        assert set(chosen(proxy=proxy)) == alone - others - {"docker"}, "nor certbot"
        assert set(chosen(proxy={"kind": kind})) == alone - others - {"certificate"}
    none = {*PROXIES, "certificate", "pages"}
    assert set(chosen(proxy={"kind": "none"})) == alone - none
    assert set(chosen(targets=["systemd"])) == {"guide", "systemd"}
    assert set(chosen(targets=[])) == {"guide"}
    # A proxy without its error pages would answer 404 in their place.
    for kind in PROXIES:
        made = chosen(targets=[kind], proxy={"kind": kind})
        assert set(made) == {"guide", kind, "pages"}


@pytest.mark.parametrize(
    ("wanted", "kind", "words"),
    [
        ("nginxx", "nginx", "did you mean nginx?"),
        ("nginx", "none", "proxy.kind nginx"),
        ("apache", "nginx", "proxy.kind apache"),
        ("front", "nginx", "a front in the description"),
    ],
)
def test_targets_that_do_not_exist_or_fit_are_refused(wanted: str, kind: str, words: str) -> None:
    made = a_plan(targets=["gunicorn", wanted], proxy={"kind": kind})
    with pytest.raises(InputError) as caught:
        targets.files(made)
    (problem,) = caught.value.problems
    assert problem.where == ("targets", 1)
    assert words in problem.hint


def test_builders_refuse_what_is_no_description() -> None:
    assert plan.make(spec()).spec.name == "shop"
    assert refusal(name="X").where == ("name",)
