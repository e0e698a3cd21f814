"""What deployment files say, and how much each kind of file is worth.

The order of :class:`Kind` is the ranking; everything that compares two files uses it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from deploygen.detect.commands import Launch
from deploygen.detect.names import Purpose, file_purpose, words
from deploygen.detect.shell import Simple


class Kind(IntEnum):
    """Kinds of files that start an application, the most telling first."""

    PLATFORM = 0
    IMAGE = 1
    COMPOSE = 2
    SERVICE = 3
    CLUSTER = 4
    SERVER_CONFIG = 5
    SCRIPT = 6
    ENVIRONMENT = 7
    PROJECT = 8
    MAKE = 9
    CI = 10
    CODE = 11


REASONS: dict[Kind, str] = {
    Kind.PLATFORM: "the platform's file starts it",
    Kind.IMAGE: "the container image starts it",
    Kind.COMPOSE: "the compose file starts it",
    Kind.SERVICE: "the service starts it",
    Kind.CLUSTER: "the manifest starts it",
    Kind.SERVER_CONFIG: "the server's configuration names it",
    Kind.SCRIPT: "a script starts it",
    Kind.ENVIRONMENT: "an environment file names it",
    Kind.PROJECT: "pyproject.toml names it",
    Kind.MAKE: "a make target starts it",
    Kind.CI: "continuous integration starts it",
    Kind.CODE: "the code runs it",
}


@dataclass(frozen=True)
class Source:
    """A deployment file: ``copies`` maps paths in an image to paths of the project."""

    path: str
    kind: Kind
    development: bool = False
    copies: tuple[tuple[str, str], ...] = ()

    @property
    def rank(self) -> tuple[bool, bool, int, int, str]:
        """Sorts the most trustworthy first."""
        name = self.path.rpartition("/")[2]
        production = bool(words(name) & {"prod", "production", "live"})
        return (self.development, not production, self.kind, self.path.count("/"), self.path)


def source(path: str, kind: Kind, copies: tuple[tuple[str, str], ...] = ()) -> Source:
    """A source whose purpose is read from its path."""
    return Source(path, kind, file_purpose(path) == Purpose.DEVELOPMENT, copies)


@dataclass(frozen=True)
class Start:
    """A deployment file starts a server."""

    launch: Launch
    source: Source
    order: int = 0

    @property
    def place(self) -> str:
        """``file:line``."""
        return f"{self.source.path}:{self.launch.line}"

    @property
    def rank(self) -> tuple[bool, tuple[bool, bool, int, int, str], int, int]:
        """Sorts the most trustworthy first."""
        return (self.launch.development, self.source.rank, self.order, self.launch.line)


@dataclass(frozen=True)
class Variable:
    """A deployment file sets an environment variable."""

    name: str
    value: str
    source: Source
    line: int

    @property
    def place(self) -> str:
        """``file:line``."""
        return f"{self.source.path}:{self.line}"


@dataclass(frozen=True)
class Step:
    """A command that a deployment file runs, such as one that installs."""

    command: Simple
    source: Source

    @property
    def place(self) -> str:
        """``file:line``."""
        return f"{self.source.path}:{self.command.line}"


@dataclass(frozen=True)
class PythonVersion:
    """A deployment file names a version of Python, such as ``3.12``."""

    version: str
    source: Source
    line: int

    @property
    def place(self) -> str:
        """``file:line``."""
        return f"{self.source.path}:{self.line}"


@dataclass
class Deployment:
    """All that the deployment files of a project say."""

    starts: list[Start] = field(default_factory=list)
    variables: list[Variable] = field(default_factory=list)
    installs: list[Step] = field(default_factory=list)
    pythons: list[PythonVersion] = field(default_factory=list)

    def values(self, name: str) -> list[Variable]:
        """The settings of one variable, the most trustworthy first."""
        found = {(v.value, v.place): v for v in self.variables if v.name == name and v.value}
        return sorted(found.values(), key=lambda v: (v.source.rank, v.line))
