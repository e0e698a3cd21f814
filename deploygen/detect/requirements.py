"""What requirement files, lock files and pyproject.toml ask for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from deploygen.detect.located import Text, get, load_toml, load_yaml, mappings, texts
from deploygen.detect.tree import Tree, join, parent

_REQUIREMENT = re.compile(r"^[ \t]*([A-Za-z0-9][\w.-]*)(\[[^\]]*\])?[ \t]*([^#;\n]*)")
_INCLUDED = re.compile(r"^[ \t]*(?:-r|--requirement|-c|--constraint)[ =]*(\S+)")
_EXACT = re.compile(r"^={2,3}[ \t]*v?([0-9][\w.+!-]*)")
_LOCKED = re.compile(r'^name = "(?P<name>[^"]+)"\nversion = "(?P<version>[^"]+)"', re.MULTILINE)
_MAX_INCLUDES = 20


@dataclass(frozen=True)
class Requirement:
    """One dependency: ``version`` only if it is pinned exactly."""

    name: str
    version: str | None
    place: str


def normal(name: str) -> str:
    """The name of a package as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def requirements_of(tree: Tree, path: str) -> list[Requirement]:
    """Everything that one file asks for, what it includes included."""
    name = path.rpartition("/")[2]
    if name in ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml"):
        return list(_locked(tree, path))
    if name == "Pipfile.lock":
        return list(_pipfile_lock(tree, path))
    if name in ("pyproject.toml", "Pipfile"):
        return list(_project(tree, path))
    if name.endswith((".txt", ".in", ".pip")):
        return list(_lines(tree, path, set()))
    return []


def _lines(tree: Tree, path: str, seen: set[str]) -> Iterator[Requirement]:
    if path in seen or len(seen) > _MAX_INCLUDES:
        return
    seen.add(path)
    for number, line in enumerate(tree.text(path).split("\n"), 1):
        included = _INCLUDED.match(line)
        if included:
            yield from _lines(tree, relative(parent(path), included[1]), seen)
            continue
        requirement = parse_requirement(line)
        if requirement:
            yield Requirement(*requirement, f"{path}:{number}")


def parse_requirement(line: str) -> tuple[str, str | None] | None:
    """Name and exact version of one requirement line, or None."""
    match = None if line.lstrip().startswith(("-", "#")) else _REQUIREMENT.match(line)
    if match is None:
        return None
    exact = _EXACT.match(match[3].strip(" \\()"))
    version = exact[1].rstrip(".") if exact and "*" not in match[3] else None
    return normal(match[1]), version


def relative(folder: str, path: str) -> str:
    """``path`` as seen from ``folder``, ``..`` resolved."""
    for part in path.split("/"):
        if part == "..":
            folder = parent(folder)
        elif part not in ("", "."):
            folder = join(folder, part)
    return folder


def _locked(tree: Tree, path: str) -> Iterator[Requirement]:
    text = tree.text(path)
    line, last = 1, 0
    for match in _LOCKED.finditer(text):
        line += text.count("\n", last, match.start())
        last = match.start()
        yield Requirement(normal(match["name"]), match["version"], f"{path}:{line + 1}")


def _pipfile_lock(tree: Tree, path: str) -> Iterator[Requirement]:
    for document in load_yaml(tree.text(path)):
        packages = get(document, "default")
        for name, package in packages.items() if isinstance(packages, dict) else ():
            version = get(package, "version")
            exact = _EXACT.match(version) if isinstance(version, Text) else None
            line = version.line if isinstance(version, Text) else name.line
            yield Requirement(normal(name), exact[1] if exact else None, f"{path}:{line}")


def _project(tree: Tree, path: str) -> Iterator[Requirement]:
    project = load_toml(tree.text(path))
    lists = [get(project, "project", "dependencies")]
    for tables in (
        get(project, "project", "optional-dependencies"),
        get(project, "dependency-groups"),
    ):
        lists += tables.values() if isinstance(tables, dict) else []
    for entries in lists:
        for text in texts(entries):
            requirement = parse_requirement(text)
            if requirement:
                yield Requirement(*requirement, f"{path}:{text.line}")
    for table in mappings(project):
        for key in ("dependencies", "packages"):
            yield from _table(table.get(Text(key, 0)), path)


def _table(table: Any, path: str) -> Iterator[Requirement]:
    """``name = "1.2.3"`` of Poetry and Pipenv; Poetry's bare version allows no exact pin."""
    for name, value in table.items() if isinstance(table, dict) else ():
        version = value if isinstance(value, Text) else get(value, "version")
        exact = _EXACT.match(version) if isinstance(version, Text) else None
        bare = re.fullmatch(r"\d[\w.]*", version) if isinstance(version, Text) else None
        pinned = exact[1] if exact else bare[0] if bare else None
        yield Requirement(normal(name), pinned, f"{path}:{name.line}")
