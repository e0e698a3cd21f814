"""How the dependencies of production install: which tool, from which file, with which groups."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from deploygen.detect.commands import split_options
from deploygen.detect.evidence import Deployment, Kind, Step
from deploygen.detect.findings import Install
from deploygen.detect.located import get, load_toml
from deploygen.detect.names import is_aside, is_example, words
from deploygen.detect.requirements import relative, requirements_of
from deploygen.detect.tree import Tree, join, parent

# Lock files with their tool. A project that has several has moved from the last to the first.
_LOCKS = (("uv.lock", "uv"), ("pdm.lock", "pdm"), ("poetry.lock", "poetry"),
          ("Pipfile.lock", "pipenv"), ("Pipfile", "pipenv"))  # fmt: skip
_REQUIREMENTS = re.compile(
    r"(^|/)(requirements?|reqs?|deps|dependencies)([/_.-].*)?\.(txt|pip)$", re.I
)
_FLAGS = frozenset(
    "--no-cache-dir --no-cache --upgrade -U --no-dev --frozen --locked --system --deploy --no-root"
    " --no-interaction --no-ansi --user --no-deps -e --prod --only-main --no-install-project"
    " --dev --no-editable --compile-bytecode --quiet -q -v --all-extras --all-groups --no-self"
    " --require-hashes --pre --ignore-pipfile --sync".split()
)
_NOT_PRODUCTION = frozenset(
    {"dev", "test", "tests", "lint", "docs", "doc", "typing", "all", "testing"}
)
_TOOLS = ("pip", "pip3", "uv", "poetry", "pdm", "pipenv")
_WEB = ("django", "flask", "fastapi", "starlette", "gunicorn", "uvicorn", "falcon", "bottle")


@dataclass(frozen=True)
class Installed:
    """An install method and where it was read."""

    install: Install
    place: str


def find_install(tree: Tree, deployment: Deployment, app_dir: str) -> Installed | None:
    """What a deployment file installs; else the lock or requirement file that fits best."""
    steps = sorted(deployment.installs, key=lambda s: (s.source.rank, s.command.line))
    steps = [step for step in steps if not step.source.development]
    groups: tuple[str, ...] = ()
    for step in steps:
        if step.source.kind > Kind.SCRIPT and step.source.kind is not Kind.CI:
            continue
        found = _from_step(tree, step, app_dir)
        if found and not (step.source.kind is Kind.CI and _testing(found.install.file)):
            return found
    return _from_files(tree, app_dir, groups)


def _from_step(tree: Tree, step: Step, app_dir: str) -> Installed | None:
    argv = list(step.command.argv)
    names = [word.rpartition("/")[2] for word in argv]
    tool = next((name for name in names if name in _TOOLS), "")
    rest = argv[names.index(tool) + 1 :]
    options, _ = split_options(rest, _FLAGS)
    near = (parent(step.source.path), step.command.folder.strip("/"), app_dir, "")
    if tool in ("pip", "pip3") or rest[:1] == ["pip"]:
        return _pip(tree, step, rest, near)
    lock = {name: file for file, name in reversed(_LOCKS)}.get(tool)
    path = _near(tree, lock, near) if lock else None
    if path is None and tool in ("uv", "pdm", "poetry"):
        path = _near(tree, "pyproject.toml", near)
    if path is None and tool == "pipenv":
        path = _near(tree, "Pipfile", near)
    if path is None:
        return None
    wanted = [
        options[o]
        for o in ("--group", "--with", "--extra", "-G", "--only", "-E", "--extras")
        if options.get(o)
    ]
    wanted += _repeated(rest, ("--group", "--extra", "--with", "-G", "-E", "--extras"))
    split = {part for value in wanted for part in re.split(r"[,\s]+", value) if part}
    groups = tuple(sorted(split - _NOT_PRODUCTION - {"main", "default"}))
    return Installed(Install(tool, path, groups), step.place)


def _repeated(rest: list[str], names: tuple[str, ...]) -> Iterator[str]:
    for index, word in enumerate(rest):
        name, equals, value = word.partition("=")
        if name in names:
            yield value if equals else "".join(rest[index + 1 : index + 2])


def _pip(tree: Tree, step: Step, rest: list[str], near: tuple[str, ...]) -> Installed | None:
    tool = "uv" if "pip" in rest[:1] else "pip"
    files = list(_repeated(rest, ("-r", "--requirement", "--requirements")))
    files += [word[2:] for word in rest if word.startswith("-r") and len(word) > 2]
    copies = dict(step.source.copies)
    found: list[str] = []
    for file in files:
        path = _copied(tree, file, copies) or _near(tree, file.removeprefix("./"), near)
        if path is None:
            name = file.rpartition("/")[2]
            path = next((p for p in tree.named(name) if not is_aside(p)), None)
        if path and not is_aside(path):
            found.append(path)
    if found:
        # The file that lists the framework, if several are installed.
        listed = [p for p in found if any(r.name in _WEB for r in requirements_of(tree, p))]
        return Installed(Install(tool, (listed or found)[0]), step.place)
    for word in rest:
        match = re.fullmatch(r"(\.|\./|/[\w/.-]*)(?:\[([\w,\s.-]+)\])?", word.strip("'\""))
        if match and match[1] in (".", "./"):
            path = _near(tree, "pyproject.toml", near)
            groups = tuple(
                sorted(set(re.split(r"[,\s]+", match[2] or "")) - _NOT_PRODUCTION - {""})
            )
            if path and path.endswith("pyproject.toml"):
                return Installed(Install(tool, path, groups), step.place)
    return None


def _copied(tree: Tree, file: str, copies: dict[str, str]) -> str | None:
    name = file.rpartition("/")[2]
    for path in copies.values():
        if path in tree.files and path.rpartition("/")[2] == name:
            return path
        inside = join(path if path != "." else "", name)
        if inside in tree.files and path != ".":
            return inside
    return None


def _near(tree: Tree, name: str, folders: tuple[str, ...]) -> str | None:
    for folder in dict.fromkeys(("", *folders[2:], *folders)):
        path = relative(folder, name)
        if path in tree.files:
            return path
    return None


def _testing(path: str) -> bool:
    name = words(path)
    return bool(name & {"dev", "test", "tests", "testing", "lint", "docs", "ci", "local"})


def _from_files(tree: Tree, app_dir: str, groups: tuple[str, ...]) -> Installed | None:
    """The best file near the application; a root file that lists no framework is a decoy."""
    folders = list(dict.fromkeys((app_dir, *_parents(app_dir))))
    for folder in folders:
        for name, tool in _LOCKS:
            path = join(folder, name)
            if path in tree.files:
                return Installed(Install(tool, path, groups), f"{path}:1")
    candidates = [
        path
        for path in tree.files
        if _REQUIREMENTS.search(path) and not is_aside(path) and not is_example(path)
    ]
    candidates = [
        path for path in candidates if not _testing(path.rpartition("/")[2])
    ] or candidates
    if candidates:
        best = min(candidates, key=lambda path: _requirement_rank(tree, path, folders))
        if _lists_framework(tree, best) or not _declares(tree, folders):
            return Installed(Install("pip", best), f"{best}:1")
    declared = _declares(tree, folders)
    if declared:
        return declared
    for name, tool in _LOCKS:
        other = next((p for p in tree.named(name) if not is_aside(p) and not is_example(p)), None)
        if other:
            return Installed(Install(tool, other), f"{other}:1")
    setup = next((join(f, "setup.py") for f in folders if join(f, "setup.py") in tree.files), None)
    return Installed(Install("pip", setup), f"{setup}:1") if setup else None


def _declares(tree: Tree, folders: list[str]) -> Installed | None:
    """A pyproject.toml with dependencies, for pip or for Poetry."""
    for folder in folders:
        path = join(folder, "pyproject.toml")
        if path not in tree.files:
            continue
        project = load_toml(tree.text(path))
        if get(project, "tool", "poetry", "dependencies"):
            return Installed(Install("poetry", path), f"{path}:1")
        dependencies = get(project, "project", "dependencies")
        dynamic = get(project, "project", "dynamic") or []
        if dependencies or "dependencies" in dynamic:
            line = dependencies[0].line if dependencies and hasattr(dependencies[0], "line") else 1
            tool = "uv" if get(project, "tool", "uv") else "pip"
            return Installed(Install(tool, path), f"{path}:{line}")
    return None


def _parents(folder: str) -> Iterator[str]:
    while folder:
        folder = parent(folder)
        yield folder
    yield ""


def _lists_framework(tree: Tree, path: str) -> bool:
    return any(requirement.name in _WEB for requirement in requirements_of(tree, path))


def _requirement_rank(tree: Tree, path: str, folders: list[str]) -> tuple[object, ...]:
    """Sorts the best requirement file first."""
    name = path.rpartition("/")[2]
    own = words(name) | (
        words(parent(path).rpartition("/")[2])
        if "requirements" not in parent(path)
        else frozenset()
    )
    production = bool(own & {"prod", "production", "live", "deploy", "heroku"})
    base = name == "requirements.txt"
    folder = parent(path)
    near = [folder, parent(folder)] if "req" in folder.rpartition("/")[2] else [folder]
    distance = min((folders.index(f) for f in near if f in folders), default=len(folders))
    return (
        not _lists_framework(tree, path),
        not production,
        distance,
        not base,
        path.count("/"),
        path,
    )
