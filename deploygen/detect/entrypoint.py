"""Chooses the entrypoint: what was asked for, then what is started, then what looks right."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from deploygen.detect.apps import Apps
from deploygen.detect.code import Function, Imported, line, string
from deploygen.detect.commands import UNKNOWN_SERVER
from deploygen.detect.entries import Entry, Places, default_root, is_below
from deploygen.detect.evidence import REASONS, Deployment, Kind, Start
from deploygen.detect.findings import Ambiguous, Candidate, Choices, NotAWebApplication
from deploygen.detect.frameworks import APP_NAME
from deploygen.detect.names import is_example
from deploygen.detect.scan import ENTRY_NAMES, Look
from deploygen.detect.tree import Tree, parent
from deploygen.errors import DeploygenError

# How much the name of a file says that a server loads it. The first that contains it counts.
_FILES: tuple[tuple[str, frozenset[str]], ...] = (
    ("a module that servers load by convention", frozenset({"wsgi", "asgi"})),
    ("a module that usually holds the application", frozenset(ENTRY_NAMES) - {"manage", "__main__"}),
    ("an application in a module of its own name", frozenset()),
    ("a script", frozenset({"manage", "__main__", "celery", "celery_worker", "tasks", "worker",
                            "shell", "seed", "cli", "setup", "conftest", "worker_app"})),
)  # fmt: skip
_OBJECTS = ("application", "app")
_INSTALLABLE = ("setup.py", "setup.cfg")


@dataclass(frozen=True)
class Found:
    """The entrypoint, what else is known to start, and what a person should read."""

    entry: Entry
    start: Start | None
    others: tuple[Entry, ...]
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
        guesses = [self._below(entry) for entry in self._guesses()]
        guesses = [entry for entry in guesses if self._allowed(entry)]
        started = list(self._started())
        real = [(start, entry) for start, entry in started if not start.launch.development]
        if real:
            start, entry = self._best_start(real)
            return self._found(entry, start, guesses)
        toys = {entry.identity for _, entry in started}
        preferred = [entry for entry in guesses if entry.identity in toys] or guesses
        if preferred:
            entry = self._best_guess(preferred)
            return self._found(entry, None, guesses)
        if started:
            return self._found(started[0][1], started[0][0], guesses)
        raise self._nothing()

    def _found(self, entry: Entry, start: Start | None, guesses: Iterable[Entry]) -> Found:
        others = tuple(guess for guess in guesses if guess.identity == entry.identity)
        return Found(entry, start, others, tuple(dict.fromkeys(self.notes)))

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
        if ":" not in target:
            entry = replace(entry, object=entry.object)
        module = self.places.code.module(entry.path)
        name = entry.object.partition("(")[0].partition(".")[0]
        place = f"{entry.path}:{module.lines(name) if module else 1}"
        return self._found(replace(entry, place=place), None, [])

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
        paths += self.places._files(target, start.launch.folders) if target.endswith(".py") else []
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

    def _guesses(self) -> Iterator[Entry]:
        """Everything in the code that is an application and that a server could load."""
        mounted = set(self._mounted())
        paths = [path for path, look in self.looks.items() if _worth_parsing(look)]
        seen = set(paths)
        for path in paths:
            for entry in self._entries_of(path):
                if entry.app and (path, entry.object) not in mounted:
                    yield entry
                    init = f"{parent(path)}/__init__.py" if parent(path) else ""
                    if init in self.looks and init not in seen:
                        seen.add(init)
                        yield from self._entries_of(init)

    def _entries_of(self, path: str) -> Iterator[Entry]:
        module = self.places.code.module(path)
        if module is None:
            return
        stem = _stem(path)
        apps: Apps = self.places.apps
        for name, bindings in module.bindings.items():
            bound = bindings[-1]
            if isinstance(bound, Imported) and stem not in ENTRY_NAMES:
                continue
            app, spelled = apps.named(path, name), name
            if app is None and isinstance(bound, ast.FunctionDef) and not name.startswith("_"):
                app, spelled = apps.factory(path, name), f"{name}()"
            # Any function may look like a WSGI application: middleware, test helpers.
            plain = isinstance(bound, Function) and app is not None and spelled == name
            if app is None or app.holder or (plain and not APP_NAME.match(name)):
                continue
            root = self.places.root_for(path)
            place = f"{path}:{line(bound)}"
            yield Entry(path, spelled, root, app, place, _FILES[_file_rank(path)][0])

    def _mounted(self) -> Iterator[tuple[str, str]]:
        """(path, name) of applications that another one mounts below a prefix."""
        for path, look in self.looks.items():
            module = self.places.code.module(path) if "includes" in look.marks else None
            for statement in module.body if module else ():
                for node in ast.walk(statement):
                    if not isinstance(node, ast.Call) or len(node.args) < 2:
                        continue
                    called = getattr(node.func, "attr", getattr(node.func, "id", ""))
                    inner = node.args[1]
                    prefix = string(node.args[0])
                    if called in ("mount", "Mount") and prefix not in (None, "", "/"):
                        if isinstance(inner, ast.Name):
                            yield path, inner.id

    def _best_guess(self, entries: list[Entry]) -> Entry:
        ordered = sorted(entries, key=_entry_rank)
        best = ordered[0]
        rivals: dict[str, Entry] = {}
        for entry in ordered:
            if entry.identity != best.identity and _equally_good(best, entry):
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
            if (look.aside or is_example(path)) and _stem(path) in ("wsgi", "asgi", "app", "main")
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


def _stem(path: str) -> str:
    return path.rpartition("/")[2].removesuffix(".py")


def _worth_parsing(look: Look) -> bool:
    if look.aside:
        return False
    stem = _stem(look.path)
    return look.makes_app or (stem in ENTRY_NAMES and stem not in ("__init__", "manage"))


def _file_rank(path: str) -> int:
    stem = _stem(path)
    parts = {stem, path.split("/")[-2] if stem == "__init__" and "/" in path else stem}
    for rank, (_, names) in enumerate(_FILES):
        if parts & names and not (rank == 1 and "__init__" in parts and parts & _FILES[0][1]):
            return rank
    return 2


def _entry_rank(entry: Entry) -> tuple[object, ...]:
    """Sorts the likeliest guess first; the fields are explained by their names."""
    example = is_example(entry.path)
    factory = entry.object.endswith(")")
    usual = _OBJECTS.index(entry.object) if entry.object in _OBJECTS else len(_OBJECTS)
    private = entry.object.startswith("_")
    channels = not (entry.app and entry.app.channels)
    asgi = bool(entry.app and entry.app.framework == "django" and entry.app.interface == "asgi")
    depth = entry.path.count("/")
    return (
        example,
        _file_rank(entry.path),
        private,
        asgi and channels,
        factory,
        depth,
        bool(usual == len(_OBJECTS)),
        len(entry.value),
        usual,
        entry.value,
    )


def _equally_good(best: Entry, other: Entry) -> bool:
    """Whether nothing but the order of names speaks for ``best``."""
    one, two = _entry_rank(best), _entry_rank(other)
    if one[:3] != two[:3] or one[6] != two[6]:
        return False
    if best.path == other.path or best.path.count("/") == other.path.count("/"):
        return True
    nested = not best.root or not other.root or best.root.startswith(f"{other.root}/")
    return not (nested or other.root.startswith(f"{best.root}/"))
