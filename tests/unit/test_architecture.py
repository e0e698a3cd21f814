"""The rules that keep the parts apart: floors, purity, size, names."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest
from importlinter import api as _api  # noqa: F401 (fails here, with its name, where it is missing)
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

import deploygen

PACKAGE = Path(deploygen.__file__).parent
ROOT = PACKAGE.parent
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "_resources" not in path.parts)
PURE = [path for path in MODULES if path.parent.name in {"plan", "targets"}]
IMPURE = {
    "os", "pathlib", "subprocess", "jinja2", "typer", "shutil", "socket", "tempfile", "sys", "io",
    "glob", "random", "time", "datetime", "platform",
}  # fmt: skip


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imported(path: Path) -> set[str]:
    """Whole names of all modules that a file imports, inside functions too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def test_data_flows_one_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """The contracts in pyproject.toml."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "path", [str(ROOT), *sys.path])
    status = lint_imports(config_filename="pyproject.toml", no_cache=True)
    assert status == EXIT_STATUS_SUCCESS, "run lint-imports to see which contract is broken"


@pytest.mark.parametrize("path", PURE, ids=name)
def test_the_plan_and_the_targets_read_render_and_run_nothing(path: Path) -> None:
    modules = imported(path)
    assert not {module.split(".")[0] for module in modules} & IMPURE
    assert not [module for module in modules if module.startswith("deploygen.render")]
    calls = {
        node.func.id
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not calls & {"open", "print", "input", "exec", "eval", "__import__"}


def test_targets_do_not_import_each_other() -> None:
    registry = PACKAGE / "targets" / "__init__.py"
    for path in (PACKAGE / "targets").glob("*.py"):
        if path != registry:
            inside = {module for module in imported(path) if module.startswith("deploygen.targets")}
            assert {module.split(".")[2] for module in inside if module.count(".") > 1} <= {"spec"}


def test_only_the_engine_uses_jinja() -> None:
    users = [name(path) for path in MODULES if any(m.startswith("jinja2") for m in imported(path))]
    assert users == ["deploygen/render/engine.py"]


def test_only_the_command_line_prints_and_exits() -> None:
    for path in MODULES:
        if "cli" in path.parts or path.name == "__main__.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in {"print", "input", "exit", "quit"}, name(path)


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_modules_are_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) < 300


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_what_is_public_says_what_it_is(path: Path) -> None:
    tree = ast.parse(path.read_text())
    if path.name != "__init__.py" or tree.body:
        assert ast.get_docstring(tree), "the module"
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    public = [node for node in tree.body if isinstance(node, kinds) and node.name[0] != "_"]
    methods = [
        node
        for owner in public
        if isinstance(owner, ast.ClassDef)
        for node in owner.body
        if isinstance(node, kinds) and node.name[0] != "_"
    ]
    missing = [node.name for node in (*public, *methods) if not ast.get_docstring(node)]
    assert not missing


def test_no_module_knows_the_tests() -> None:
    for path in MODULES:
        assert not {m for m in imported(path) if m.split(".")[0] in {"tests", "pytest"}}, name(path)


def test_what_differs_between_versions_stands_in_one_table() -> None:
    """No number of a version but in systems.py, and in the data that others publish."""
    shipped = {"nginx", "apache", "systemd", "openssl"}
    for path in MODULES:
        if path.name == "systems.py" or path.parent.name == "published":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Compare):
                sides = (node.left, *node.comparators)
                asked = any(isinstance(s, ast.Attribute) and s.attr in shipped for s in sides)
                numbers = any(isinstance(s, ast.Tuple) and s.elts for s in sides)
                assert not (asked and numbers), f"{name(path)}:{node.lineno}"
