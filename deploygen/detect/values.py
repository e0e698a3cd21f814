"""The values that the evaluator of settings knows, and the operations on them."""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

# Longer than any URL or path in a settings file; what grows beyond it is not one.
MAX_LENGTH = 4096


class _Unknown:
    """A value that cannot be told without running the code."""

    def __repr__(self) -> str:
        return "UNKNOWN"


class _Environment:
    """``os.environ``, which is empty here: only defaults can be told."""

    def __repr__(self) -> str:
        return "ENVIRONMENT"


UNKNOWN: Final = _Unknown()
ENVIRONMENT: Final = _Environment()


@dataclass(frozen=True)
class ModuleValue:
    """A module of the project, as an attribute base."""

    path: str


@dataclass(frozen=True)
class External:
    """Something from outside of the project, by its full name."""

    name: str


@dataclass(frozen=True)
class FunctionValue:
    """A function or lambda of the project, with the module that it lives in."""

    path: str
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass(frozen=True)
class ClassValue:
    """A class of the project, or an instance of one: only its attributes matter."""

    path: str
    node: ast.ClassDef


@dataclass(frozen=True)
class RootPath:
    """django-environ's ``Path``: called with names it joins, subtracted from it climbs."""

    path: PurePosixPath


def clean(path: PurePosixPath | str) -> PurePosixPath:
    """The path without ``.`` and ``..``."""
    return PurePosixPath(posixpath.normpath(str(path)))


def as_text(value: Any) -> Any:
    """``str(value)``, or UNKNOWN."""
    if isinstance(value, RootPath):
        return str(value.path)
    if isinstance(value, str | int | float | PurePosixPath):
        text = str(value)
        return text if len(text) <= MAX_LENGTH else UNKNOWN
    return UNKNOWN


def joined(parts: list[Any]) -> Any:
    """``os.path.join`` of values, normalised; UNKNOWN if one is."""
    texts = [as_text(part) for part in parts]
    if not texts or any(not isinstance(text, str) for text in texts):
        return UNKNOWN
    # The caller may rely on a trailing slash no more than the file system does.
    return limited(posixpath.normpath(posixpath.join(*texts)))


def limited(value: Any) -> Any:
    """``value``, unless it has grown beyond reason."""
    sized = isinstance(value, str | list | tuple | dict)
    return UNKNOWN if sized and len(value) > MAX_LENGTH else value


def add(left: Any, right: Any) -> Any:
    """``left + right`` for texts and lists."""
    if isinstance(left, str) and isinstance(right, str):
        return limited(left + right)
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return limited([*left, *right])
    return UNKNOWN


def divide(left: Any, right: Any) -> Any:
    """``left / right`` for paths."""
    if isinstance(left, PurePosixPath) and isinstance(right, str | PurePosixPath):
        return left / right
    if isinstance(left, str) and isinstance(right, PurePosixPath):
        return PurePosixPath(left) / right
    return UNKNOWN


def climb(left: Any, right: Any) -> Any:
    """``environ.Path - 2``."""
    if isinstance(left, RootPath) and isinstance(right, int) and 0 <= right < 50:
        path = left.path
        for _ in range(right):
            path = path.parent
        return RootPath(path)
    return UNKNOWN


def percent(left: Any, right: Any) -> Any:
    """``"%s/x" % value``."""
    values = right if isinstance(right, tuple | list) else [right]
    texts = [as_text(value) for value in values]
    if not isinstance(left, str) or any(not isinstance(text, str) for text in texts):
        return UNKNOWN
    parts = left.split("%s")
    if len(parts) != len(texts) + 1:
        return UNKNOWN
    result = parts[0]
    for text, part in zip(texts, parts[1:], strict=True):
        result += text + part
    return limited(result)


OPERATIONS: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: add,
    ast.Div: divide,
    ast.Sub: climb,
    ast.Mod: percent,
}

# Methods of texts that take and give plain values.
_TEXT_METHODS = frozenset(
    {"strip", "rstrip", "lstrip", "lower", "upper", "replace", "startswith", "endswith",
     "removeprefix", "removesuffix", "split", "join", "title"}
)  # fmt: skip


def text_method(text: str, name: str, arguments: list[Any]) -> Any:
    """A method of a text, called with known values."""
    if name not in _TEXT_METHODS or any(a is UNKNOWN for a in arguments):
        return UNKNOWN
    try:
        return limited(getattr(text, name)(*arguments))
    except (TypeError, ValueError, OverflowError, MemoryError):
        return UNKNOWN


def path_method(path: PurePosixPath, name: str, arguments: list[Any]) -> Any:
    """A method of a path, called with known values."""
    if name in ("resolve", "absolute", "expanduser", "as_posix", "__str__"):
        return str(path) if name in ("as_posix", "__str__") else clean(path)
    if name == "joinpath":
        texts = [as_text(argument) for argument in arguments]
        if all(isinstance(text, str) for text in texts):
            return path.joinpath(*texts)
    if name in ("exists", "is_dir", "is_file"):
        return UNKNOWN
    return UNKNOWN


def path_attribute(path: PurePosixPath, name: str) -> Any:
    """An attribute of a path; ``parents`` becomes a list."""
    match name:
        case "parent":
            return path.parent
        case "parents":
            return list(path.parents)
        case "name" | "stem" | "suffix":
            return getattr(path, name)
        case _:
            return UNKNOWN
