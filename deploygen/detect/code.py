"""Modules of the project as syntax trees: what a name is bound to, where a module lies."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from deploygen.detect.tree import Tree, join, parent

# Deeper than any code that a person wrote; keeps hostile input from exhausting the stack.
MAX_NESTING = 60

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Imported:
    """``from module import name`` or, with an empty ``name``, ``import module``."""

    module: str
    name: str
    level: int
    line: int


Bound = ast.expr | Function | ast.ClassDef | Imported


@dataclass(frozen=True)
class Local:
    """A name in a module of the project; an empty ``name`` is the module itself."""

    path: str
    name: str = ""


@dataclass
class Module:
    """One parsed file: ``bindings`` holds all that each top-level name is bound to, in order."""

    path: str
    body: list[ast.stmt]
    bindings: dict[str, list[Bound]] = field(default_factory=dict)
    stars: list[Imported] = field(default_factory=list)

    def lines(self, name: str) -> int:
        """The line of the last binding of ``name``, else 1."""
        bound = self.bindings.get(name)
        return line(bound[-1]) if bound else 1


class Code:
    """Parses modules on demand and follows imports inside the project."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.parsed: list[str] = []
        self._modules: dict[str, Module | None] = {}

    def module(self, path: str) -> Module | None:
        """The parsed module; None if there is no such file or it is no valid Python 3."""
        if path not in self._modules:
            self._modules[path] = self._parse(path)
        return self._modules[path]

    def _parse(self, path: str) -> Module | None:
        text = self.tree.text(path)
        if not text:
            return Module(path, []) if path in self.tree.files else None
        self.parsed.append(path)
        body = parse(text)
        if body is None:
            return None
        module = Module(path, body)
        for statement in flat(body):
            _bind(module, statement)
        return module

    def package_root(self, path: str) -> str:
        """The nearest folder above ``path`` that is no package itself."""
        folder = parent(path)
        while folder and join(folder, "__init__.py") in self.tree.files:
            folder = parent(folder)
        return folder

    def find(self, dotted: str, root: str) -> str | None:
        """The file of module ``dotted`` below the folder ``root``."""
        if not dotted or ".." in dotted:
            return None
        stem = join(root, dotted.replace(".", "/"))
        for path in (f"{stem}/__init__.py", f"{stem}.py"):
            if path in self.tree.files:
                return path
        return None

    def import_roots(self, path: str) -> Iterator[str]:
        """Folders that the module at ``path`` may import from, the likeliest first."""
        folder = self.package_root(path)
        while True:
            yield folder
            if not folder:
                break
            folder = parent(folder)
        if "src" in self.tree.folders:
            yield "src"

    def locate(self, imported: Imported, path: str) -> Local | None:
        """What an import in the module at ``path`` names, if it lies inside the project."""
        if imported.level:
            folder = parent(path)
            for _ in range(imported.level - 1):
                folder = parent(folder)
            roots: Iterable[str] = (folder,)
        else:
            roots = self.import_roots(path)
        for root in roots:
            found = self._locate(imported, root)
            if found:
                return found
        return None

    def _locate(self, imported: Imported, root: str) -> Local | None:
        if not imported.module:
            init = join(root, "__init__.py")
            submodule = self.find(imported.name, root)
            if submodule and not self._defines(init, imported.name):
                return Local(submodule)
            return Local(init, imported.name) if init in self.tree.files else None
        path = self.find(imported.module, root)
        if path and not imported.name:
            return Local(path)
        if path and (not path.endswith("__init__.py") or self._binds(path, imported.name)):
            return Local(path, imported.name)
        submodule = self.find(f"{imported.module}.{imported.name}", root) if imported.name else None
        if submodule:
            return Local(submodule)
        return Local(path, imported.name) if path else None

    def _defines(self, path: str, name: str) -> bool:
        """Whether a package gives ``name`` another meaning than its submodule of that name."""
        module = self.module(path)
        bound = module.bindings.get(name, []) if module else []
        return any(not isinstance(one, Imported) or one.module for one in bound)

    def _binds(self, path: str, name: str) -> bool:
        module = self.module(path)
        return module is not None and name in module.bindings


def parse(text: str) -> list[ast.stmt] | None:
    """The statements of a source text; None if it is no valid Python 3."""
    try:
        with warnings.catch_warnings():
            # Old code has invalid escapes; that is not for us to report.
            warnings.simplefilter("ignore")
            return ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def flat(body: Iterable[ast.stmt], depth: int = 0) -> Iterator[ast.stmt]:
    """The statements of ``body`` and of its ``if``, ``try``, ``with`` and loops, in order."""
    for statement in body:
        yield statement
        if depth > MAX_NESTING or isinstance(statement, Function | ast.ClassDef):
            continue
        for part in ("body", "handlers", "orelse", "finalbody", "cases"):
            for inner in getattr(statement, part, ()):
                if isinstance(inner, ast.ExceptHandler | ast.match_case):
                    yield from flat(inner.body, depth + 1)
                elif isinstance(inner, ast.stmt):
                    yield from flat([inner], depth + 1)


def _bind(module: Module, statement: ast.stmt) -> None:
    for name, bound in bound_by(statement):
        if name == "*" and isinstance(bound, Imported):
            module.stars.append(bound)
        else:
            module.bindings.setdefault(name, []).append(bound)


def bound_by(statement: ast.stmt) -> Iterator[tuple[str, Bound]]:
    """The names that one statement binds."""
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield statement.name, statement
        case ast.Assign():
            for target in statement.targets:
                yield from _assigned(target, statement.value)
        case ast.AnnAssign(value=ast.expr() as value):
            yield from _assigned(statement.target, value)
        case ast.With() | ast.AsyncWith():
            for item in statement.items:
                if item.optional_vars is not None:
                    yield from _assigned(item.optional_vars, item.context_expr)
        case ast.Import() | ast.ImportFrom():
            yield from _imported(statement)


def _assigned(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, Bound]]:
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for one, part in zip(target.elts, value.elts, strict=False):
            if isinstance(one, ast.Name):
                yield one.id, part


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, Bound]]:
    for alias in node.names:
        if isinstance(node, ast.ImportFrom):
            imported = Imported(node.module or "", alias.name, node.level, node.lineno)
            yield alias.asname or alias.name, imported
        else:
            # "import a.b" binds a, "import a.b as c" binds a.b.
            first = alias.name.partition(".")[0]
            yield (
                alias.asname or first,
                Imported(alias.name if alias.asname else first, "", 0, node.lineno),
            )


def line(bound: Bound) -> int:
    """The line, from 1, where something is bound."""
    return bound.line if isinstance(bound, Imported) else bound.lineno


def dotted_name(node: ast.expr) -> str:
    """``a.b.c`` of an attribute chain that starts at a name, else ``""``."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([node.id, *reversed(parts)])


def string(node: ast.expr | None) -> str | None:
    """The text of a string constant, else None."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
