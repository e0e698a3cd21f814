"""Functions of the standard library and of django-environ that settings files compute with."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Any

from deploygen.detect.values import ENVIRONMENT, UNKNOWN, RootPath, as_text, clean, joined

Call = Callable[[list[Any]], Any]


def _lookup(arguments: list[Any]) -> Any:
    """``os.getenv(name, default)``: the variable is not set."""
    return arguments[1] if len(arguments) > 1 else None


def _path(arguments: list[Any]) -> Any:
    path = joined(arguments)
    return PurePosixPath(path) if isinstance(path, str) else UNKNOWN


def _root_path(arguments: list[Any]) -> Any:
    path = joined(arguments)
    return RootPath(PurePosixPath(path)) if isinstance(path, str) else UNKNOWN


def _on_text(function: Callable[[str], str]) -> Call:
    """A function of the first argument as text."""

    def call(arguments: list[Any]) -> Any:
        text = as_text(arguments[0]) if arguments else UNKNOWN
        return function(text) if isinstance(text, str) else UNKNOWN

    return call


def _first(arguments: list[Any]) -> Any:
    return arguments[0] if len(arguments) == 1 else UNKNOWN


def _normal(text: str) -> str:
    return str(clean(text))


FUNCTIONS: Mapping[str, Call] = {
    "os.getenv": _lookup,
    "os.environ.get": _lookup,
    "os.path.join": joined,
    "posixpath.join": joined,
    "os.path.abspath": _on_text(_normal),
    "os.path.realpath": _on_text(_normal),
    "os.path.normpath": _on_text(_normal),
    "os.path.expanduser": _on_text(_normal),
    "os.fspath": _on_text(str),
    "os.path.dirname": _on_text(lambda text: text.rpartition("/")[0] or "/"),
    "os.path.basename": _on_text(lambda text: text.rpartition("/")[2]),
    "pathlib.Path": _path,
    "pathlib.PurePath": _path,
    "pathlib.PosixPath": _path,
    "environ.Path": _root_path,
    "str": _on_text(str),
    "bool": _first,
    "list": _first,
    "tuple": _first,
}


def method_of_lookup(owner: Any, name: str, arguments: list[Any]) -> Any:
    """``.get(name, default)`` of ``os.environ`` or of a mapping of constants."""
    if name != "get" or not arguments:
        return UNKNOWN
    if owner is ENVIRONMENT:
        return _lookup(arguments)
    if isinstance(owner, dict) and isinstance(arguments[0], str):
        return owner.get(arguments[0], _lookup(arguments))
    return UNKNOWN


def compared(operator: ast.cmpop, left: Any, right: Any) -> Any:
    """``left == right`` and its like; UNKNOWN if one of them is."""
    if isinstance(operator, ast.In | ast.NotIn):
        found = _contains(right, left)
        return found if found is UNKNOWN else found == isinstance(operator, ast.In)
    if left is UNKNOWN or right is UNKNOWN:
        return UNKNOWN
    if isinstance(operator, ast.Eq | ast.Is):
        return bool(left == right)
    return bool(left != right) if isinstance(operator, ast.NotEq | ast.IsNot) else UNKNOWN


def _contains(container: Any, item: Any) -> Any:
    if container is ENVIRONMENT:
        return False
    if not isinstance(item, str) or not isinstance(container, str | list | tuple | dict):
        return UNKNOWN
    if not isinstance(container, str) and UNKNOWN in container:
        return UNKNOWN
    return item in container
