"""Chooses the entrypoint: what was asked for, then what is started, then what looks right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from deploygen.detect.commands import UNKNOWN_SERVER
from deploygen.detect.entries import Entry, Places, default_root, is_below
from deploygen.detect.evidence import REASONS, Deployment, Kind, Start
from deploygen.detect.findings import Ambiguous, Candidate, Choices, NotAWebApplication
from deploygen.detect.guesses import Guesses, equally_good, rank_of, stem_of
from deploygen.detect.names import is_example
from deploygen.detect.scan import Look
from deploygen.detect.tree import Tree
from deploygen.errors import DeploygenError

_INSTALLABLE = ("setup.py", "setup.cfg")


@dataclass(frozen=True)
class Found:
    """The entrypoint, what starts it if anything does, and what a person should read."""

    entry: Entry
    start: Start | None
    notes: tuple[str, ...]


class Chooser:
    """Chooses among entries; ``notes`` collects what deployment files say that is not true."""

    def __init__(
        self, places: Places, looks: dict[str, Look], deployment: Deployment, choices: Choices
    ) -> None:
        self.places = places
        self.looks = looks
        self.deployment = deployment
        self.choices = choices
        self.notes: list[str] = []

    def choose(self) -> Found:
        """Raises Ambiguous, NotAWebApplication, or DeploygenError if a choice is not there."""
        if self.choices.entrypoint:
            return self._asked(self.choices.entrypoint)
        guesses = [self._below(entry) for entry in Guesses(self.places, self.looks).entries()]
        guesses = [entry for entry in guesses if self._allowed(entry)]
        started = list(self._started())
        real = [(start, entry) for start, entry in started if not start.launch.development]
        if real:
            start, entry = self._best_start(real)
            return self._found(entry, start)
        toys = {entry.identity for _, entry in started}
        preferred = [entry for entry in guesses if entry.identity in toys] or guesses
        if preferred:
            entry = self._best_guess(preferred)
            return self._found(entry, None)
        if started:
            return self._found(started[0][1], started[0][0])
        raise self._nothing()

    def _found(self, entry: Entry, start: Start | None) -> Found:
        return Found(entry, start, tuple(dict.fromkeys(self.notes)))

    def _asked(self, target: str) -> Found:
        entries = self.places.resolve(
            target, place="--entrypoint", reason="asked for", app_dir=self._app_dir()
        )
        if not entries:
            where = f" below {self.choices.app_dir}" if self.choices.app_dir else ""
            raise DeploygenError(
                f"--entrypoint {target}: no such module and object in the code{where}",
                hint="write module:object or module:factory(), as in shop.wsgi:application",
            )
        entry = _only_root(entries, ())
        module = self.places.code.module(entry.path)
        name = entry.object.partition("(")[0].partition(".")[0]
        place = f"{entry.path}:{module.lines(name) if module else 1}"
        return self._found(replace(entry, place=place), None)

    def _app_dir(self) -> str | None:
        asked = self.choices.app_dir
        if asked is None:
            return None
        folder = asked.removeprefix("./").strip("/")
        folder = "" if folder == "." else folder
        if folder not in self.places.tree.folders:
            raise DeploygenError(f"--app-dir {asked}: no such folder in the project")
        return folder

    def _below(self, entry: Entry) -> Entry:
        """The entry as seen from the folder that was asked for."""
        folder = self._app_dir()
        if folder is None or not is_below(entry.path, folder):
            return entry
        return replace(entry, root=folder)

    def _allowed(self, entry: Entry) -> bool:
        folder = self._app_dir()
        if folder is not None and (entry.root != folder or not is_below(entry.path, folder)):
            return False
        return not (is_example(entry.path) and is_library(self.places.tree))

    def _started(self) -> Iterator[tuple[Start, Entry]]:
        """What deployment files start and the code has, the most trustworthy first."""
        for start in sorted(self.deployment.starts, key=lambda start: start.rank):
            launch = start.launch
            if "$" in launch.target or "{" in launch.target or "<" in launch.target:
                continue
            reason = REASONS[start.source.kind]
            entries = self.places.resolve(
                launch.target, launch.folders, start.place, reason, self._app_dir()
            )
            entries = [entry for entry in entries if self._allowed(entry)]
            if launch.server in ("python", "python -m"):
                yield from self._script(start, entries)
            elif launch.server == UNKNOWN_SERVER:
                # Any argument with a colon may look like one: only a real application counts.
                yield from ((start, entry) for entry in entries[:1] if entry.app)
            elif entries:
                yield start, _only_root(entries, launch.folders)
            else:
                self._stale(start)

    def _script(self, start: Start, entries: list[Entry]) -> Iterator[tuple[Start, Entry]]:
        """``python run.py``: what that file serves, else the application that it holds."""
        target = start.launch.target
        paths = [path for _, path in self.places.roots_of(target)] if "/" not in target else []
        paths += [path for _, path in self.places.roots_of(f"{target}.__main__")]
        paths += self.places.files(target, start.launch.folders) if target.endswith(".py") else []
        for inner in self.deployment.starts:
            if inner.source.kind is Kind.CODE and inner.source.path in paths:
                launch = inner.launch
                found = self.places.resolve(
                    launch.target, (), start.place, "a start command runs it"
                )
                if found:
                    toy = launch.development
                    yield replace(start, launch=replace(launch, development=toy)), found[0]
                    return
        if entries and entries[0].app:
            yield start, entries[0]

    def _stale(self, start: Start) -> None:
        module = start.launch.target.partition(":")[0]
        loud = start.source.kind not in (Kind.CI, Kind.MAKE, Kind.CODE)
        if loud and not start.source.development and module:
            thing = start.launch.target if self.places.roots_of(module) else module
            self.notes.append(f"{start.place} names {thing}, which does not exist in the code")

    def _best_start(self, started: list[tuple[Start, Entry]]) -> tuple[Start, Entry]:
        start, entry = started[0]
        peers = [
            (other, candidate)
            for other, candidate in started
            if other.source.rank[:-1] == start.source.rank[:-1] and other.order == start.order
        ]
        by_identity = {candidate.identity: candidate for _, candidate in reversed(peers)}
        if len(by_identity) > 1 and start.source.kind is Kind.CODE:
            best = self._best_guess([candidate for _, candidate in peers])
            return next(pair for pair in peers if pair[1] == best)
        if len(by_identity) > 1:
            raise ambiguous(by_identity.values())
        wsgi = [p for p in peers if p[1].app and p[1].app.interface == "wsgi"]
        for other, candidate in started:
            if candidate.value != entry.value and candidate.identity != entry.identity:
                self.notes.append(
                    f"{other.place} starts {candidate.value} instead of {entry.value}"
                )
        return wsgi[0] if wsgi and len(peers) > 1 else (start, entry)

    def _best_guess(self, entries: list[Entry]) -> Entry:
        ordered = sorted(entries, key=rank_of)
        best = ordered[0]
        rivals: dict[str, Entry] = {}
        for entry in ordered:
            if entry.identity != best.identity and equally_good(best, entry):
                rivals.setdefault(entry.identity, entry)
        if rivals:
            raise ambiguous([best, *rivals.values()])
        return best

    def _nothing(self) -> DeploygenError:
        tree = self.places.tree
        python = [path for path, look in self.looks.items() if not look.aside]
        aside = [
            path
            for path, look in self.looks.items()
            if (look.aside or is_example(path)) and stem_of(path) in ("wsgi", "asgi", "app", "main")
        ]
        looked = "looked for a WSGI or ASGI application (Django, Flask, FastAPI, Starlette, others)"
        if not self.looks:
            found = f"found no Python file among {len(tree.files)} files"
        elif aside:
            found = (
                f"found {len(python)} Python modules without one; only tests, docs or examples "
                f"have one, such as {aside[0]}"
            )
        else:
            found = f"found {len(python)} Python modules, none of which makes one"
        kind = "a library" if is_library(tree) else "no web application"
        hint = "name the folder of the application itself"
        if self.choices.app_dir:
            hint += ", or another --app-dir"
        return NotAWebApplication(f"{tree.root} is {kind}: {looked}; {found}", hint=hint)


def is_library(tree: Tree) -> bool:
    """Whether the project is packaged to be installed, so that its examples are examples."""
    if any(name in tree.files for name in _INSTALLABLE):
        return True
    return "[build-system]" in tree.text("pyproject.toml")


def _only_root(entries: list[Entry], folders: tuple[str, ...]) -> Entry:
    """The first entry; Ambiguous if the same module lies as well in another folder."""
    best = entries[0]
    depth = best.root.count("/") + bool(best.root)
    rivals = [e for e in entries if e.root.count("/") + bool(e.root) == depth and e.root]
    if len(rivals) > 1 and not folders:
        candidates = tuple(
            Candidate(e.root or ".", f"{e.path}:1", f"has {e.value}") for e in rivals
        )
        raise Ambiguous(f"folders with {best.value}", "--app-dir", candidates)
    return best


def ambiguous(entries: Iterable[Entry]) -> Ambiguous:
    """The error that lists entrypoints, or their folders if nothing else tells them apart."""
    ordered = sorted(entries, key=lambda entry: (entry.path, entry.object))
    if len({entry.value for entry in ordered}) < len(ordered):
        folders = tuple(
            Candidate(default_root(entry.root), entry.place, f"has {entry.value}")
            for entry in ordered
        )
        return Ambiguous("folders", "--app-dir", folders)
    candidates = tuple(Candidate(entry.value, entry.place, entry.reason) for entry in ordered)
    return Ambiguous("entrypoints", "--entrypoint", candidates)
