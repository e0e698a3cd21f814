"""What the checkers of one machine group work with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from deploygen.check.result import Result, Status
from deploygen.plan import Plan
from deploygen.stack import folder as folders
from deploygen.stack import proxies
from deploygen.stack.folder import Folder
from deploygen.stack.moved import LOOPBACK, LOOPBACK6
from deploygen.stack.programs import Gunicorn, Missing, Program


@dataclass(frozen=True)
class Programs:
    """The programs that have a version which matters, each looked for once.

    ``proxies`` has those of all groups, by their kind.
    """

    gunicorn: Gunicorn | Missing
    proxies: Mapping[str, Program | Missing]


@dataclass
class Group:
    """One machine group's files.

    ``paths`` are those to check, as they are on the host; ``scratch`` is a private folder of
    this group's own, ``environ`` where secrets come from.
    """

    name: str
    paths: Sequence[str]
    tree: Path
    plan: Plan
    project: Path
    scratch: Path
    programs: Programs
    environ: Mapping[str, str]
    seconds: float

    def on_disk(self, path: str) -> Path:
        """The rendered file of a path on the host."""
        return self.tree / "hosts" / self.name / path.lstrip("/")

    def shown(self, path: str) -> str:
        """A path on the host as a result shows it."""
        return f"hosts/{self.name}{path}"

    def result(self, path: str, status: Status, program: str, detail: str) -> Result:
        """A result of this group."""
        return Result(self.shown(path), status, program, detail)

    @cached_property
    def moved(self) -> Folder:
        """The files, moved below the scratch folder, so that programs can read and judge them."""
        kind = proxies.of(self.plan, self.name)
        found = self.programs.proxies[kind.kind] if kind else None
        return folders.fill(
            self.scratch,
            self.tree,
            self.plan,
            self.name,
            self.project,
            proxy=found if isinstance(found, Program) else None,
            port=0,
            names=(),
        )

    def in_words(self, text: str) -> str:
        """A message with paths and addresses as the rendered files have them."""
        name = self.plan.layout.name
        text = text.replace(f"/sites-enabled/{name}.conf", f"/sites-available/{name}.conf")
        for path in self.moved.relocated.files:
            text = text.replace(f"{self.scratch}{path}", self.shown(path))
        for port, here in self.moved.ports.items():
            text = text.replace(f"{LOOPBACK}:{here}", f"0.0.0.0:{port}")
            text = text.replace(f"{LOOPBACK6}:{here}", f"[::]:{port}")
        return text.replace(str(self.scratch), "")
