"""Everything in the code that a server could load, and which of it looks most like it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from deploygen.detect.code import Function, Imported, line, string
from deploygen.detect.entries import Entry, Places
from deploygen.detect.frameworks import APP_NAME
from deploygen.detect.names import is_example
from deploygen.detect.scan import ENTRY_NAMES, Look
from deploygen.detect.tree import parent

_SCRIPTS = frozenset(
    {
        *("manage", "__main__", "celery", "celery_worker", "tasks", "worker", "worker_app"),
        *("shell", "seed", "cli", "setup", "conftest"),
    }
)
# How much the name of a file says that a server loads it. The first that contains it counts.
_FILES: tuple[tuple[str, frozenset[str]], ...] = (
    ("a module that servers load by convention", frozenset({"wsgi", "asgi"})),
    ("a module that usually holds the application", frozenset(ENTRY_NAMES) - _SCRIPTS),
    ("an application in a module of its own name", frozenset()),
    ("a script", _SCRIPTS),
)
_OBJECTS = ("application", "app")


class Guesses:
    """Finds applications in modules; reads only modules that may hold one."""

    def __init__(self, places: Places, looks: dict[str, Look]) -> None:
        self.places = places
        self.looks = looks

    def entries(self) -> Iterator[Entry]:
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
        stem = stem_of(path)
        apps = self.places.apps
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
                    inner, below = node.args[1], string(node.args[0]) not in (None, "", "/")
                    mounts = called in ("mount", "Mount") and below
                    if mounts and isinstance(inner, ast.Name):
                        yield path, inner.id


def stem_of(path: str) -> str:
    """The name of a module's file, without its ending."""
    return path.rpartition("/")[2].removesuffix(".py")


def _worth_parsing(look: Look) -> bool:
    if look.aside:
        return False
    stem = stem_of(look.path)
    return look.makes_app or (stem in ENTRY_NAMES and stem not in ("__init__", "manage"))


def _file_rank(path: str) -> int:
    stem = stem_of(path)
    parts = {stem, path.split("/")[-2] if stem == "__init__" and "/" in path else stem}
    for rank, (_, names) in enumerate(_FILES):
        if parts & names and not (rank == 1 and "__init__" in parts and parts & _FILES[0][1]):
            return rank
    return 2


def rank_of(entry: Entry) -> tuple[object, ...]:
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


def equally_good(best: Entry, other: Entry) -> bool:
    """Whether nothing but the order of names speaks for ``best``."""
    one, two = rank_of(best), rank_of(other)
    if one[:3] != two[:3] or one[6] != two[6]:
        return False
    if best.path == other.path or best.path.count("/") == other.path.count("/"):
        return True
    nested = not best.root or not other.root or best.root.startswith(f"{other.root}/")
    return not (nested or other.root.startswith(f"{best.root}/"))
