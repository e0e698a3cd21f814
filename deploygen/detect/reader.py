"""Turns commands and variables that deployment files hold into evidence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from deploygen.detect.commands import Launch, launches_of
from deploygen.detect.evidence import (
    Deployment,
    PythonVersion,
    Source,
    Start,
    Step,
    Variable,
)
from deploygen.detect.shell import Simple, simple_commands
from deploygen.detect.tree import Tree, join, line_of, parent

WATCHED = ("DJANGO_SETTINGS_MODULE", "DJANGO_CONFIGURATION")
_SETTINGS_OPTION = re.compile(r"--settings(?:=|$)(.*)")
_ASSIGNED = re.compile(r"(DJANGO_SETTINGS_MODULE|DJANGO_CONFIGURATION)=([\w.]+)")
_INSTALLERS = frozenset({"pip", "pip3", "uv", "poetry", "pdm", "pipenv"})
_INSTALLING = frozenset({"install", "sync", "export", "export-requirements"})
_SHEBANG = re.compile(r"#!.*\b(?:sh|bash|dash|ash|zsh|execlineb|with-contenv)\b")
_VERSION = re.compile(r"(3\.\d{1,2})(?!\d)")
# A script that calls a script that calls a script: more is a loop.
_MAX_CALLS = 4


class Reader:
    """Collects a :class:`Deployment`; the modules for the file formats feed it."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.found = Deployment()
        self.configs: list[tuple[str, Source, Launch]] = []
        self.workers: list[tuple[str, str]] = []
        self._visited: set[tuple[str, Source]] = set()

    def shell(
        self,
        text: str,
        origin: Source,
        line: int = 1,
        environment: Mapping[str, str] | None = None,
        folder: str = "",
        calls: int = 0,
    ) -> None:
        """Reads shell text, and the scripts of the project that it calls."""
        for command in simple_commands(text, line, environment, folder):
            self.command(command, origin, calls=calls)

    def command(self, command: Simple, origin: Source, order: int = 0, calls: int = 0) -> None:
        """Reads one command."""
        for launch in launches_of(command):
            self.launch(launch, origin, order)
        self._settings_of(command, origin)
        programs = {word.rpartition("/")[2] for word in command.argv[:6]}
        if programs & _INSTALLERS and _INSTALLING & set(command.argv):
            self.found.installs.append(Step(command, origin))
        if calls < _MAX_CALLS:
            for path in self._scripts(command.argv, origin):
                self._script(path, command, origin, order, calls)

    def launch(self, launch: Launch, origin: Source, order: int = 0) -> None:
        """Takes note of a started server and of the configuration that it reads."""
        if launch.target:
            self.found.starts.append(Start(launch, origin, order))
        if launch.config:
            self.configs.append((launch.config, origin, launch))
        for name, value in launch.environment:
            self.variable(name, value, origin, launch.line)

    def variable(self, name: str, value: str, origin: Source, line: int) -> None:
        """Takes note of a variable, if it is one that matters."""
        if name in WATCHED and re.fullmatch(r"[A-Za-z_][\w.]*", value):
            self.found.variables.append(Variable(name, value, origin, line))

    def python(self, text: str, origin: Source, line: int) -> None:
        """Takes note of the newest version of Python in ``text``."""
        versions = _VERSION.findall(text)
        if versions:
            newest = max(versions, key=version_key)
            self.found.pythons.append(PythonVersion(newest, origin, line))

    def _settings_of(self, command: Simple, origin: Source) -> None:
        for name in WATCHED:
            if name in command.environment:
                self.variable(name, command.environment[name], origin, command.line)
        for index, word in enumerate(command.argv):
            match = _SETTINGS_OPTION.match(word)
            if match:
                value = match[1] or "".join(command.argv[index + 1 : index + 2])
                self.variable("DJANGO_SETTINGS_MODULE", value, origin, command.line)
            inner = _ASSIGNED.search(word)
            if inner:
                self.variable(inner[1], inner[2], origin, command.line)

    def _script(self, path: str, command: Simple, origin: Source, order: int, calls: int) -> None:
        called = replace(origin, path=path)
        if (path, called) in self._visited:
            return
        self._visited.add((path, called))
        for inner in simple_commands(self.tree.text(path), 1, command.environment, command.folder):
            self.command(inner, called, order, calls + 1)

    def _scripts(self, argv: Sequence[str], origin: Source) -> Iterator[str]:
        copies = dict(origin.copies)
        for word in argv[:3]:
            if word.startswith("-") or word.endswith((".py", ".txt", ".toml")) or not word:
                continue
            path = self.locate(word, origin, copies)
            if path and self.is_script(path):
                yield path

    def is_script(self, path: str) -> bool:
        """Whether a file holds shell text."""
        return path.endswith((".sh", ".bash")) or bool(_SHEBANG.match(self.tree.text(path)[:200]))

    def locate(self, word: str, origin: Source, copies: Mapping[str, str]) -> str | None:
        """The file of the project that a path in a command means, wherever it was copied to."""
        word = word.removeprefix("./")
        for target, path in copies.items():
            # "COPY docker/start /" puts it below the target, "COPY docker/start /start" there.
            for place in (target, f"{target.rstrip('/')}/{path.rpartition('/')[2]}"):
                if (
                    place.strip("/").removeprefix("./") == word.strip("/")
                    and path in self.tree.files
                ):
                    return path
        for near in (join(parent(origin.path), word), word):
            if near in self.tree.files:
                return near
        same_name = self.tree.named(word.rpartition("/")[2])
        if not same_name or ("." not in word and "/" not in word):
            return None
        return max(same_name, key=lambda path: (overlap(path, word), _shared(path, origin.path)))


def overlap(path: str, other: str) -> int:
    """How many trailing parts two paths share."""
    count = 0
    for one, two in zip(
        reversed(path.split("/")), reversed(other.strip("/").split("/")), strict=False
    ):
        if one != two:
            break
        count += 1
    return count


def _shared(path: str, other: str) -> int:
    """How many leading parts two paths share."""
    count = 0
    for one, two in zip(path.split("/"), other.split("/"), strict=False):
        if one != two:
            break
        count += 1
    return count


def version_key(version: str) -> tuple[int, ...]:
    """Sorts versions of digits and dots."""
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def numbered_lines(text: str, pattern: re.Pattern[str]) -> Iterator[tuple[int, re.Match[str]]]:
    """The matches of a pattern with their line."""
    for match in pattern.finditer(text):
        yield line_of(text, match.start()), match
