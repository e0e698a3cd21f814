"""The version of Python that production runs, from the file that says it most directly."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from deploygen.detect.evidence import Deployment, Kind
from deploygen.detect.located import Text, get, load_toml, load_yaml
from deploygen.detect.reader import numbered_lines, version_key
from deploygen.detect.tree import Tree, join, parent

_MINOR = re.compile(r"(?<![\d.])(3\.\d{1,2})(?![\d])")
_CONSTRAINT = re.compile(r"(>=|~=|===?|>|<=|<|!=|\^|~)?\s*(3(?:\.\d{1,2})?)(?:\.\d+|\.\*)*")
_TOX = re.compile(r"^\s*env_?list\s*=((?:.*\n)(?:[ \t]+.*\n?)*)", re.MULTILINE)
_TOX_NAME = re.compile(r"py(?:thon)?3\.?(\d{1,2})")
_README = re.compile(r"python\s*(?:version)?\s*(?:v|>=|\()?\s*(3\.\d{1,2})", re.IGNORECASE)
_TOOL_VERSIONS = re.compile(r"^\s*python\s+(3\.\d{1,2})", re.MULTILINE)
_MISE = re.compile(r"^\s*python\s*=\s*[\"'](3\.\d{1,2})", re.MULTILINE)
_CLASSIFIER = re.compile(r"Programming Language :: Python :: (3\.\d{1,2})")
# Nothing below is in any supported system, and a README that names it is old.
_OLDEST = 6

Found = tuple[str, str]  # the version and its place


def find_python(tree: Tree, deployment: Deployment, app_dir: str) -> Found | None:
    """``("3.12", "Dockerfile:1")``, or None; the first source that knows wins."""
    folders = list(dict.fromkeys((app_dir, parent(app_dir), "")))
    sources: list[Callable[[], Iterator[Found]]] = [
        lambda: _simple(tree, folders, (".python-version",), _MINOR),
        lambda: _simple(tree, folders, ("runtime.txt",), _MINOR),
        lambda: _simple(tree, folders, (".tool-versions",), _TOOL_VERSIONS),
        lambda: _simple(tree, folders, ("mise.toml", ".mise.toml"), _MISE),
        lambda: _deployed(deployment, (Kind.IMAGE, Kind.PLATFORM)),
        lambda: _required(tree, folders),
        lambda: _deployed(deployment, (Kind.COMPOSE, Kind.CLUSTER)),
        lambda: _tox(tree, folders),
        lambda: _deployed(deployment, (Kind.CI,)),
        lambda: _newest(tree, folders, ("setup.cfg", "setup.py", "pyproject.toml"), _CLASSIFIER),
        lambda: _simple(
            tree, folders, ("README.md", "README.rst", "README.txt", "README"), _README
        ),
    ]
    for source in sources:
        for version, place in source():
            if version_key(version)[1] >= _OLDEST:
                return version, place
    return None


def _simple(
    tree: Tree, folders: list[str], names: tuple[str, ...], pattern: re.Pattern[str]
) -> Iterator[Found]:
    for path in (join(folder, name) for name in names for folder in folders):
        for line, match in numbered_lines(tree.text(path), pattern):
            yield match[1], f"{path}:{line}"


def _newest(
    tree: Tree, folders: list[str], names: tuple[str, ...], pattern: re.Pattern[str]
) -> Iterator[Found]:
    found = list(_simple(tree, folders, names, pattern))
    yield from sorted(found, key=lambda item: version_key(item[0]), reverse=True)[:1]


def _deployed(deployment: Deployment, kinds: tuple[Kind, ...]) -> Iterator[Found]:
    """Versions that deployment files name; of a CI matrix the newest."""
    found = [python for python in deployment.pythons if python.source.kind in kinds]
    if kinds == (Kind.CI,):
        found.sort(key=lambda p: (version_key(p.version), p.place), reverse=True)
    else:
        # A multi-stage image runs on what its last stage is made from.
        found.sort(key=lambda p: (p.source.rank, -p.line))
    for python in found:
        yield python.version, python.place


def _required(tree: Tree, folders: list[str]) -> Iterator[Found]:
    for folder in folders:
        path = join(folder, "pyproject.toml")
        project = load_toml(tree.text(path))
        for value in (
            get(project, "project", "requires-python"),
            get(project, "tool", "poetry", "dependencies", "python"),
        ):
            if isinstance(value, Text) and lowest(value):
                yield lowest(value), f"{path}:{value.line}"
        path = join(folder, "Pipfile")
        pipfile = load_toml(tree.text(path))
        for key in ("python_version", "python_full_version"):
            value = get(pipfile, "requires", key)
            if isinstance(value, Text):
                for version in _MINOR.findall(value):
                    yield version, f"{path}:{value.line}"
        path = join(folder, "Pipfile.lock")
        for document in load_yaml(tree.text(path)):
            value = get(document, "_meta", "requires", "python_version")
            if isinstance(value, Text):
                yield str(value), f"{path}:{value.line}"
        path = join(folder, "setup.cfg")
        pattern = re.compile(r"python_requires\s*=\s*(.*)")
        for name in ("setup.cfg", "setup.py"):
            path = join(folder, name)
            for line, match in numbered_lines(tree.text(path), pattern):
                if lowest(match[1]):
                    yield lowest(match[1]), f"{path}:{line}"


def lowest(constraint: str) -> str:
    """The lowest minor version that ``>=3.10,<3.14`` and its like allow, else ``""``."""
    for operator, version in _CONSTRAINT.findall(constraint):
        if "." not in version:
            continue
        if operator == ">":
            return f"3.{int(version[2:]) + 1}"
        if operator in (">=", "~=", "==", "===", "^", "~", ""):
            return str(version)
    return ""


def _tox(tree: Tree, folders: list[str]) -> Iterator[Found]:
    for folder in folders:
        path = join(folder, "tox.ini")
        for line, match in numbered_lines(tree.text(path), _TOX):
            names = re.sub(
                r"\{([\d,]+)\}", lambda m: " ".join(f"3{n}" for n in m[1].split(",")), match[1]
            )
            minors = [int(minor) for minor in _TOX_NAME.findall(names)]
            if minors:
                yield f"3.{max(minors)}", f"{path}:{line}"
