"""Entrypoints: what a server loads, as a file, an object in it, and a folder to import from."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from deploygen.detect.apps import App, Apps
from deploygen.detect.code import Code, Imported, Local, flat, parse, string
from deploygen.detect.lookup import Scope
from deploygen.detect.names import is_aside
from deploygen.detect.reader import overlap
from deploygen.detect.tree import Tree, join, parent

_TARGET = re.compile(r"(?P<module>[\w./@ -]*?)(?::(?P<object>[A-Za-z_].*))?", re.DOTALL)
_CALL = re.compile(r"([A-Za-z_][\w.]*)\((.*)\)", re.DOTALL)
# Where the flask command and FastAPI look when only a module is named.
_USUAL_OBJECTS = ("app", "application", "create_app()", "make_app()")


@dataclass(frozen=True)
class Entry:
    """An object or factory call in a file; ``app`` is None if it exists but is opaque."""

    path: str
    object: str
    root: str
    app: App | None
    place: str
    reason: str

    @property
    def module(self) -> str:
        """The dotted module, as imported from ``root``."""
        return dotted(self.path, self.root)

    @property
    def value(self) -> str:
        """``module:object``, as gunicorn takes it."""
        return f"{self.module}:{self.object}"

    @property
    def identity(self) -> str:
        """Equal for entrypoints that lead to the same application."""
        if self.app is None:
            return f"{self.path}:{self.object}"
        if self.app.framework == "django":
            # A project has one wsgi.py and one asgi.py, in one package.
            return f"django {join(self.root, self.module.partition('.')[0])}"
        return self.app.place


def dotted(path: str, root: str) -> str:
    """``src/shop/wsgi/__init__.py`` below ``src`` as ``shop.wsgi``."""
    inner = path.removeprefix(f"{root}/") if root else path
    return inner.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


class Places:
    """Finds the modules and objects that entrypoints name."""

    def __init__(self, tree: Tree, code: Code, apps: Apps) -> None:
        self.tree = tree
        self.code = code
        self.apps = apps

    def roots_of(self, module: str) -> list[tuple[str, str]]:
        """Each (root, path) at which a dotted module lies, the shallowest first."""
        stem = module.replace(".", "/")
        found = []
        for name in (f"{stem}.py", f"{stem}/__init__.py"):
            for path in self.tree.named(name.rpartition("/")[2]):
                if path == name or path.endswith(f"/{name}"):
                    found.append((path[: -len(name)].rstrip("/"), path))
        return sorted(found, key=lambda item: (item[0].count("/") + bool(item[0]), item[1]))

    def root_for(self, path: str) -> str:
        """The folder that the module at ``path`` seems to import from."""
        module = self.code.module(path)
        names = list(self._imported(path)) if module else []
        best, best_count = self.code.package_root(path), 0
        for root in self.code.import_roots(path):
            if root and not path.startswith(f"{root}/"):
                continue
            count = sum(self.code.find(name, root) is not None for name in names)
            if count > best_count:
                best, best_count = root, count
        return best

    def _working_root(self, path: str, root: str) -> str:
        """``root``, unless the module's own imports only work from another folder.

        ``python shop/main.py`` may run "app:app" beside it, which imports from shop.
        """
        names = list(self._imported(path))
        likely = self.root_for(path)
        works = any(self.code.find(name, root) for name in names)
        better = any(self.code.find(name, likely) for name in names)
        return likely if better and not works else root

    def _imported(self, path: str) -> Iterator[str]:
        """Absolute modules that a module names, its Django settings included."""
        module = self.code.module(path)
        for statement in flat(module.body if module else ()):
            if isinstance(statement, ast.ImportFrom) and statement.module and not statement.level:
                yield statement.module
            elif isinstance(statement, ast.Import):
                yield from (alias.name for alias in statement.names)
        settings = self.settings_default(path)
        if settings:
            yield settings[0]

    def settings_default(self, path: str) -> tuple[str, int] | None:
        """The settings module, and its line, that a wsgi.py or manage.py falls back to."""
        module = self.code.module(path)
        for statement in module.body if module else ():
            for node in ast.walk(statement):
                if isinstance(node, ast.Call) and len(node.args) >= 2:
                    name, value = string(node.args[0]), string(node.args[1])
                elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
                    name, value = string(node.targets[0].slice), string(node.value)
                else:
                    continue
                if name == "DJANGO_SETTINGS_MODULE" and value:
                    return value, node.lineno
        return None

    def resolve(
        self,
        target: str,
        folders: tuple[str, ...] = (),
        place: str = "",
        reason: str = "",
        app_dir: str | None = None,
    ) -> list[Entry]:
        """The entries that ``module:object`` or ``path.py:object`` may mean, best first.

        Empty if no file of the project matches, or none has such an object. Entries that are
        equally good (the same module in several folders) all come first.
        """
        match = _TARGET.fullmatch(target)
        if match is None:
            return []
        module, name = match["module"].strip("/ "), match["object"] or ""
        if module.endswith(".py") or "/" in module:
            found = [(self.root_for(path), path) for path in self.files(module, folders)]
        else:
            found = self.roots_of(module)
        entries = []
        for root, path in found:
            if is_aside(path) or (app_dir is not None and root != app_dir):
                continue
            working = self._working_root(path, root) if app_dir is None else root
            entries += self._objects(path, name, working, place, reason)[:1]
        return sorted(entries, key=lambda entry: -_telling(entry.root, folders))

    def files(self, path: str, folders: tuple[str, ...]) -> list[str]:
        """The files that a path in a command may mean."""
        path = path.removeprefix("./")
        for folder in (*folders, ""):
            if join(folder.strip("/"), path) in self.tree.files:
                return [join(folder.strip("/"), path)]
        same = self.tree.named(path.rpartition("/")[2])
        best = max((overlap(one, path) for one in same), default=0)
        return [one for one in same if overlap(one, path) == best]

    def _objects(self, path: str, name: str, root: str, place: str, reason: str) -> list[Entry]:
        names = (name,) if name else _USUAL_OBJECTS
        entries = []
        for one in names:
            found = self.object(path, one)
            if found:
                spelled, app = found
                entries.append(Entry(path, spelled, root, app, place, reason))
        return entries

    def object(self, path: str, name: str) -> tuple[str, App | None] | None:
        """How the object is spelled and the application that it is; None if it is not there."""
        call = _CALL.fullmatch(name)
        first = (call[1] if call else name).partition(".")[0]
        if not self.apps.exists(path, first):
            return None
        module = self.code.module(path)
        if module is None:
            return None
        if call:
            body = parse(name)
            expression = body[0].value if body and isinstance(body[0], ast.Expr) else None
            return name, self.apps.value(Scope(module), expression) if expression else None
        app = self.apps.named(path, name) if "." not in name else None
        if "." in name:
            body = parse(name)
            if body and isinstance(body[0], ast.Expr):
                app = self.apps.value(Scope(module), body[0].value)
        if app is None:
            local = self.apps.follow(Local(path, name))
            bound = self.apps.definition(local) if isinstance(local, Local) else None
            factory = self.apps.factory(path, name)
            if factory:
                return f"{name}()", factory
            if isinstance(bound, ast.Constant) or (isinstance(bound, Imported) and not bound.name):
                return None
        return name, app


def _telling(root: str, folders: tuple[str, ...]) -> int:
    """How well a root agrees with the folders that a start command names."""
    return max((overlap(root, folder) for folder in folders if root), default=0)


def default_root(folder: str) -> str:
    """A root as ``app_dir`` spells it."""
    return folder or "."


def is_below(path: str, folder: str) -> bool:
    """Whether a file lies in a folder or below it; ``""`` is the project."""
    return not folder or parent(path) == folder or path.startswith(f"{folder}/")
