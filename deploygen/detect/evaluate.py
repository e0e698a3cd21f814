"""Evaluates a safe subset of Python: what settings files do to compute paths and URLs.

Nothing is imported or run. Environment variables are unset, so a setting that reads one
gets its default; what cannot be told is UNKNOWN and spreads.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from deploygen.detect.code import dotted_name
from deploygen.detect.functions import FUNCTIONS, compared, method_of_lookup
from deploygen.detect.values import (
    ENVIRONMENT,
    MAX_LENGTH,
    OPERATIONS,
    UNKNOWN,
    ClassValue,
    External,
    FunctionValue,
    ModuleValue,
    RootPath,
    as_text,
    joined,
    limited,
    path_attribute,
    path_method,
    text_method,
)

if TYPE_CHECKING:
    from deploygen.detect.namespace import Namespaces

MAX_DEPTH = 40
_VARIABLE = re.compile(r"_*[A-Za-z][A-Za-z0-9_.:-]*")
_KINDS_OF_LOOKUP = frozenset(
    {"str", "string", "url", "path", "get", "bool", "int", "list", "get_value"}
)

Names = Callable[[str], Any]


class Evaluator:
    """Evaluates expressions of one module; ``lookup`` gives the value of a name."""

    def __init__(self, spaces: Namespaces, path: str, lookup: Names) -> None:
        self.spaces = spaces
        self.path = path
        self.lookup = lookup

    def evaluate(self, node: ast.expr | None, depth: int = 0) -> Any:
        """The value of an expression, or UNKNOWN."""
        if node is None or depth > MAX_DEPTH:
            return UNKNOWN
        handler = getattr(self, f"_{type(node).__name__.lower()}", None)
        return handler(node, depth + 1) if handler else UNKNOWN

    def _constant(self, node: ast.Constant, _depth: int) -> Any:
        return limited(node.value)

    def _name(self, node: ast.Name, _depth: int) -> Any:
        if node.id == "__file__":
            return str(self.spaces.absolute(self.path))
        return self.lookup(node.id)

    def _lambda(self, node: ast.Lambda, _depth: int) -> Any:
        return FunctionValue(self.path, node)

    def _list(self, node: ast.List | ast.Tuple, depth: int) -> Any:
        return self._items(node.elts[:MAX_LENGTH], depth)

    def _items(self, nodes: list[ast.expr], depth: int) -> list[Any]:
        items: list[Any] = []
        for item in nodes:
            if isinstance(item, ast.Starred):
                inner = self.evaluate(item.value, depth)
                items += inner if isinstance(inner, list | tuple) else [UNKNOWN]
            else:
                items.append(self.evaluate(item, depth))
        return items

    _tuple = _list

    def _dict(self, node: ast.Dict, depth: int) -> Any:
        values: dict[Any, Any] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            name = self.evaluate(key, depth)
            if isinstance(name, str):
                values[name] = self.evaluate(value, depth)
        return values

    def _binop(self, node: ast.BinOp, depth: int) -> Any:
        operation = OPERATIONS.get(type(node.op))
        if operation is None:
            return UNKNOWN
        return operation(self.evaluate(node.left, depth), self.evaluate(node.right, depth))

    def _boolop(self, node: ast.BoolOp, depth: int) -> Any:
        wants = isinstance(node.op, ast.Or)
        result: Any = UNKNOWN
        for item in node.values:
            result = self.evaluate(item, depth)
            if result is UNKNOWN:
                return UNKNOWN
            if bool(result) is wants:
                return result
        return result

    def _unaryop(self, node: ast.UnaryOp, depth: int) -> Any:
        value = self.evaluate(node.operand, depth)
        if value is UNKNOWN:
            return UNKNOWN
        if isinstance(node.op, ast.Not):
            return not value
        negative = isinstance(node.op, ast.USub) and isinstance(value, int)
        return -value if negative else UNKNOWN

    def _compare(self, node: ast.Compare, depth: int) -> Any:
        if len(node.ops) != 1:
            return UNKNOWN
        left, right = self.evaluate(node.left, depth), self.evaluate(node.comparators[0], depth)
        return compared(node.ops[0], left, right)

    def _ifexp(self, node: ast.IfExp, depth: int) -> Any:
        test = self.evaluate(node.test, depth)
        if test is UNKNOWN:
            one, two = self.evaluate(node.body, depth), self.evaluate(node.orelse, depth)
            return one if one == two else UNKNOWN
        return self.evaluate(node.body if test else node.orelse, depth)

    def _joinedstr(self, node: ast.JoinedStr, depth: int) -> Any:
        result = ""
        for part in node.values:
            inner = part.value if isinstance(part, ast.FormattedValue) else part
            text = as_text(self.evaluate(inner, depth))
            if not isinstance(text, str):
                return UNKNOWN
            result += text
        return limited(result)

    def _subscript(self, node: ast.Subscript, depth: int) -> Any:
        value, index = self.evaluate(node.value, depth), self.evaluate(node.slice, depth)
        known = isinstance(value, list | tuple | str) and isinstance(index, int)
        if known or (isinstance(value, dict) and isinstance(index, str)):
            try:
                return value[index]
            except (IndexError, KeyError):
                return UNKNOWN
        return UNKNOWN

    def _attribute(self, node: ast.Attribute, depth: int) -> Any:
        value = self.evaluate(node.value, depth)
        match value:
            case PurePosixPath():
                return path_attribute(value, node.attr)
            case External(name="os") if node.attr == "environ":
                return ENVIRONMENT
            case External(name=name):
                return External(f"{name}.{node.attr}")
            case ModuleValue(path=path):
                return self.spaces.attribute(path, node.attr)
            case ClassValue():
                return self.spaces.class_attribute(value, node.attr)
            case _:
                return UNKNOWN

    def _call(self, node: ast.Call, depth: int) -> Any:
        function = self.evaluate(node.func, depth)
        arguments = self._items(node.args, depth)
        keywords = {k.arg: self.evaluate(k.value, depth) for k in node.keywords if k.arg}
        result = self._known_call(node, function, arguments, depth)
        if result is not UNKNOWN:
            return result
        if isinstance(function, FunctionValue):
            result = self.spaces.call(function, arguments, keywords, depth)
        if isinstance(function, ClassValue):
            return function
        return result if result is not UNKNOWN else self._default(node, arguments, keywords)

    def _known_call(self, node: ast.Call, function: Any, arguments: list[Any], depth: int) -> Any:
        if isinstance(function, RootPath):
            return joined([function.path, *arguments])
        name = function.name if isinstance(function, External) else dotted_name(node.func)
        if name in FUNCTIONS:
            return FUNCTIONS[name](arguments)
        if name == "getattr" and len(arguments) == 3:
            found = self._getattr(arguments)
            return arguments[2] if found is UNKNOWN else found
        return self._method(node, arguments, depth)

    def _getattr(self, arguments: list[Any]) -> Any:
        owner, name, _ = arguments
        if isinstance(owner, ModuleValue) and isinstance(name, str):
            return self.spaces.attribute(owner.path, name)
        return UNKNOWN

    def _method(self, node: ast.Call, arguments: list[Any], depth: int) -> Any:
        if not isinstance(node.func, ast.Attribute):
            return UNKNOWN
        owner, name = self.evaluate(node.func.value, depth), node.func.attr
        match owner:
            case PurePosixPath():
                return path_method(owner, name, arguments)
            case RootPath() if name == "path":
                path = joined([owner.path, *arguments])
                return RootPath(PurePosixPath(path)) if isinstance(path, str) else UNKNOWN
            case str():
                return text_method(owner, name, arguments)
            case _:
                return method_of_lookup(owner, name, arguments)

    def _default(self, node: ast.Call, arguments: list[Any], keywords: dict[str, Any]) -> Any:
        """The default of a lookup: ``env("NAME", default=...)`` in any of its spellings."""
        if "default" in keywords:
            return keywords["default"]
        name = dotted_name(node.func)
        looks_up = bool(arguments) and isinstance(arguments[0], str)
        if name.rpartition(".")[2] in ("Value", "PathValue", "URLValue", "StringValue"):
            return arguments[0] if arguments else UNKNOWN
        if looks_up and len(arguments) == 2 and _VARIABLE.fullmatch(arguments[0]):
            upper = arguments[0].upper() == arguments[0]
            if upper or name.rpartition(".")[2] in _KINDS_OF_LOOKUP or name in ("env", "config"):
                return arguments[1]
        return UNKNOWN
