"""The names of a settings module and their values, through its star imports."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from deploygen.detect.code import Code, Imported, bound_by
from deploygen.detect.evaluate import MAX_DEPTH, Evaluator
from deploygen.detect.values import (
    ENVIRONMENT,
    UNKNOWN,
    ClassValue,
    External,
    FunctionValue,
    ModuleValue,
    add,
)

# Statements that one question may look at: conditions in conditions could take forever.
_BUDGET = 100_000


@dataclass(frozen=True)
class Known:
    """A value and the ``file:line`` that gave it."""

    value: Any
    place: str


Names = dict[str, Known]
_BUILTIN_TYPES = ("str", "bool", "list", "tuple", "getattr", "int")


class Namespaces:
    """Evaluates whole modules, each once."""

    def __init__(self, code: Code) -> None:
        self.code = code
        self._names: dict[str, Names] = {}
        self._budget = _BUDGET

    def absolute(self, path: str) -> PurePosixPath:
        """Where a file of the project lies on this machine."""
        return PurePosixPath(self.code.tree.root.as_posix()) / path

    def names(self, path: str) -> Names:
        """What the module at ``path`` defines; what is known so far within an import circle."""
        if path not in self._names:
            names: Names = {}
            self._names[path] = names
            module = self.code.module(path)
            self._run(module.body if module else (), path, names)
        return self._names[path]

    def attribute(self, path: str, name: str) -> Any:
        """``module.name``."""
        known = self.names(path).get(name)
        if known is not None:
            return known.value
        inside = self.code.locate(Imported("", name, 1, 0), path)
        return ModuleValue(inside.path) if inside and not inside.name else UNKNOWN

    def class_names(self, cls: ClassValue, depth: int = 0) -> Names:
        """The attributes of a class, its bases included."""
        names: Names = {}
        if depth > MAX_DEPTH:
            return names
        outer = self.names(cls.path)
        for base in reversed(cls.node.bases):
            value = self._evaluate(base, cls.path, outer)
            if isinstance(value, ClassValue) and value != cls:
                names.update(self.class_names(value, depth + 1))
        self._run(cls.node.body, cls.path, names, outer)
        return names

    def class_attribute(self, cls: ClassValue, name: str) -> Any:
        """``Class.name`` or ``instance.name``."""
        known = self.class_names(cls).get(name)
        return known.value if known else UNKNOWN

    def evaluate(self, node: ast.expr | None, path: str, names: Names | None = None) -> Any:
        """The value of an expression at the top of a module, or UNKNOWN."""
        return self._evaluate(node, path, self.names(path) if names is None else names)

    def call(
        self, function: FunctionValue, arguments: list[Any], keywords: dict[str, Any], depth: int
    ) -> Any:
        """What a function of the project returns for known arguments, or UNKNOWN."""
        node, path = function.node, function.path
        if depth > MAX_DEPTH // 2 or self._budget <= 0:
            return UNKNOWN
        inner: Names = {}
        names = [argument.arg for argument in node.args.args]
        defaults = node.args.defaults
        for name, default in zip(names[len(names) - len(defaults) :], defaults, strict=True):
            inner[name] = Known(self.evaluate(default, path), path)
        for name, value in zip(names, arguments, strict=False):
            inner[name] = Known(value, path)
        if node.args.vararg:
            inner[node.args.vararg.arg] = Known(arguments[len(names) :], path)
        inner.update({name: Known(value, path) for name, value in keywords.items()})
        outer = self.names(path)
        if isinstance(node, ast.Lambda):
            return self._evaluate(node.body, path, inner, outer, depth)
        returned = self._run(node.body, path, inner, outer)
        return UNKNOWN if returned is None else returned.value

    def _evaluate(
        self,
        node: ast.expr | None,
        path: str,
        names: Names,
        outer: Names | None = None,
        depth: int = 0,
    ) -> Any:
        def lookup(name: str) -> Any:
            known = names.get(name) or (outer or {}).get(name)
            if known is None:
                return External(name) if name in _BUILTIN_TYPES else UNKNOWN
            return known.value

        return Evaluator(self, path, lookup).evaluate(node, depth)

    def _run(
        self, body: Iterable[ast.stmt], path: str, names: Names, outer: Names | None = None
    ) -> Known | None:
        """Runs statements over ``names``; returns what a ``return`` gave, if one was reached."""
        for statement in body:
            self._budget -= 1
            if self._budget <= 0:
                return None
            if isinstance(statement, ast.Return):
                value = self._evaluate(statement.value, path, names, outer)
                return Known(value, f"{path}:{statement.lineno}")
            returned = self._statement(statement, path, names, outer)
            if returned is not None:
                return returned
        return None

    def _statement(
        self, node: ast.stmt, path: str, names: Names, outer: Names | None
    ) -> Known | None:
        place = f"{path}:{node.lineno}"
        match node:
            case ast.If():
                return self._if(node, path, names, outer)
            case ast.Try():
                returned = self._run(node.body, path, names, outer)
                for handler in node.handlers:
                    fallback = dict(names)
                    self._run(handler.body, path, fallback, outer)
                    for name, known in fallback.items():
                        names.setdefault(name, known)
                self._run([*node.orelse, *node.finalbody], path, names, outer)
                return returned
            case ast.With():
                return self._run(node.body, path, names, outer)
            case ast.Import() | ast.ImportFrom():
                self._import(node, path, names)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                names[node.name] = Known(FunctionValue(path, node), place)
            case ast.ClassDef():
                names[node.name] = Known(ClassValue(path, node), place)
            case ast.AugAssign(target=ast.Name(id=name), op=ast.Add()):
                old = names[name].value if name in names else UNKNOWN
                value = self._evaluate(node.value, path, names, outer)
                names[name] = Known(add(old, value), place)
            case ast.Assign() | ast.AnnAssign():
                for name, bound in bound_by(node):
                    if isinstance(bound, ast.expr):
                        value = self._evaluate(bound, path, names, outer)
                        names[name] = Known(value, place)
        return None

    def _if(self, node: ast.If, path: str, names: Names, outer: Names | None) -> Known | None:
        test = self._evaluate(node.test, path, names, outer)
        if test is not UNKNOWN:
            return self._run(node.body if test else node.orelse, path, names, outer)
        one, two = dict(names), dict(names)
        first = self._run(node.body, path, one, outer)
        second = self._run(node.orelse, path, two, outer)
        for name in {**one, **two}:
            left, right = one.get(name), two.get(name)
            if left is None or right is None or left.value == right.value:
                chosen = left or right
                if chosen is not None:
                    names[name] = chosen
            else:
                names[name] = replace(left, value=UNKNOWN)
        if first and second and first.value == second.value:
            return first
        return Known(UNKNOWN, path) if first and second else None

    def _import(self, node: ast.Import | ast.ImportFrom, path: str, names: Names) -> None:
        for name, bound in bound_by(node):
            if not isinstance(bound, Imported):
                continue
            place = f"{path}:{bound.line}"
            if name == "*":
                inside = self.code.locate(replace(bound, name=""), path)
                if inside is not None:
                    # A copy: the module may import itself, by way of another.
                    found = dict(self.names(inside.path))
                    names.update({n: k for n, k in found.items() if not n.startswith("_")})
                continue
            inside = self.code.locate(bound, path)
            if inside is None:
                full = ".".join(part for part in (bound.module, bound.name) if part)
                value = ENVIRONMENT if full == "os.environ" else External(full)
                names[name] = Known(value, place)
            elif not inside.name:
                names[name] = Known(ModuleValue(inside.path), place)
            elif inside.path != path:
                known = self.names(inside.path).get(inside.name)
                names[name] = known or Known(UNKNOWN, place)
