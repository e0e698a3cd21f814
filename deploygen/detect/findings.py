"""What detection is given, what it finds, and how it fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from deploygen.errors import DeploygenError


@dataclass(frozen=True)
class Choices:
    """What the user decided already; each beats detection, once it is known to exist.

    ``entrypoint`` is ``module:object`` or ``module:factory()``, ``settings_module`` a
    dotted Django settings module, ``app_dir`` a folder relative to the project folder.
    """

    entrypoint: str | None = None
    settings_module: str | None = None
    app_dir: str | None = None


@dataclass(frozen=True)
class Install:
    """How the dependencies install.

    ``tool`` is pip, uv, poetry, pdm or pipenv; ``file`` is relative to the project folder;
    ``groups`` are the dependency groups or extras that production needs.
    """

    tool: str
    file: str
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class Detected:
    """A web project as its files describe it.

    ``secrets`` are environment variables that have to be set and are no business of others.
    ``evidence`` maps each field that is not None (and ``uses.<name>``, ``secrets.<name>``) to
    ``path/of/file.py:12``, relative to the project folder. ``app_dir`` is relative to the
    project folder too; ``static_root`` and ``media_root`` are, unless they lie outside of it.
    """

    framework: str
    interface: str
    entrypoint: str
    app_dir: str
    settings_module: str | None = None
    python: str | None = None
    gunicorn: str | None = None
    install: Install | None = None
    static_url: str | None = None
    static_root: str | None = None
    media_url: str | None = None
    media_root: str | None = None
    health: str | None = None
    uses: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    evidence: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """The findings as ``deploygen init --json`` prints them: plain values only."""
        install: dict[str, object] | None = None
        if self.install is not None:
            install = {
                "tool": self.install.tool,
                "file": self.install.file,
                "groups": list(self.install.groups),
            }
        return {
            "framework": self.framework,
            "interface": self.interface,
            "entrypoint": self.entrypoint,
            "app_dir": self.app_dir,
            "settings_module": self.settings_module,
            "python": self.python,
            "gunicorn": self.gunicorn,
            "install": install,
            "static_url": self.static_url,
            "static_root": self.static_root,
            "media_url": self.media_url,
            "media_root": self.media_root,
            "health": self.health,
            "uses": list(self.uses),
            "secrets": list(self.secrets),
            "evidence": dict(self.evidence),
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class Candidate:
    """One of several answers: the value to pass, where it was seen, and why it may be it."""

    value: str
    evidence: str
    reason: str


class NotAWebApplication(DeploygenError):  # noqa: N818  it is no fault, but an answer
    """The folder holds a library, or nothing that a web server could serve."""


class Ambiguous(DeploygenError):  # noqa: N818  it is no fault, but a question
    """Several candidates are equally good; ``option`` is the one that picks."""

    def __init__(self, what: str, option: str, candidates: tuple[Candidate, ...]) -> None:
        self.option = option
        self.candidates = candidates
        width = max(len(candidate.value) for candidate in candidates)
        lines = [
            f"    {option} {candidate.value:<{width}}  {candidate.evidence}: {candidate.reason}"
            for candidate in candidates
        ]
        super().__init__("\n".join([f"several {what} are equally good; pick one:", *lines]))
