"""What the signature and the decorators of a function say about how it can be called."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from deploygen.detect import frameworks as known
from deploygen.detect.code import Function


def arguments(call: ast.Call) -> Iterator[ast.expr]:
    """The arguments of a call; of a mapping among them its values."""
    for argument in [*call.args, *(keyword.value for keyword in call.keywords)]:
        if isinstance(argument, ast.Dict):
            yield from argument.values
        else:
            yield argument


def needs_arguments(function: ast.FunctionDef) -> bool:
    """Whether a parameter has no default."""
    given = function.args
    positional = len(given.posonlyargs) + len(given.args) - len(given.defaults)
    return positional > 0 or any(default is None for default in given.kw_defaults)


def is_command(function: ast.FunctionDef) -> bool:
    """Whether a decorator makes it something else: a fixture, a shell command, a route."""
    plain = ("cache", "lru_cache", "functools.cache", "functools.lru_cache")
    for decorator in function.decorator_list:
        node = decorator.func if isinstance(decorator, ast.Call) else decorator
        if ast.unparse(node) not in plain:
            return True
    return False


def spoken_interface(function: Function, skip: int = 0) -> str:
    """The interface that a function's parameters speak, after ``skip`` of them; else ``""``."""
    names = tuple(argument.arg for argument in function.args.args[skip:])
    if names == known.ASGI_PARAMETERS and isinstance(function, ast.AsyncFunctionDef):
        return "asgi"
    # The names are free, but an application that uses others is one in ten thousand.
    if names[:2] == known.WSGI_PARAMETERS and isinstance(function, ast.FunctionDef):
        return "wsgi"
    return ""
