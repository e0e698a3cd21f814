"""Secret environment variables that the code reads and can't do without.

A variable counts where its name says that it is a secret and nothing stands in for it: the
deployment has to give it, or the application does not start.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from deploygen.detect.code import Code, Imported, dotted_name, string

_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{2,127}")
_SECRET = re.compile(
    r"SECRET|PASSWORD|PASSWD|TOKEN|CREDENTIAL|PRIVATE|DSN$|(^|_)KEY$|(DATABASE|DB|REDIS|BROKER|"
    r"CELERY_BROKER|CACHE|AMQP|RABBITMQ|MONGO|MONGODB|POSTGRES|MYSQL|SQLALCHEMY_DATABASE)_UR[IL]$"
)
# They name where a secret is, or for how long: no secrets themselves.
_ABOUT = re.compile(r"_(FILE|PATH|NAME|HEADER|PREFIX|URL_SAFE|AGE|TTL|EXPIRE\w*|LIFETIME)$")
_SETTINGS = re.compile(r"(^|/)(config|settings|conf)(/__init__)?\.py$")
# Calls whose first argument is the variable's name, besides a project's own helpers.
_READERS = re.compile(r"(^|\.)(getenv|get|env|config|str|db|cache|url)$|(^|_)(env|secret)")


def secrets_of(code: Code, start: str) -> dict[str, str]:
    """Variable -> ``file:line``, of the module at ``start`` and the settings that it imports.

    What an outer module says of a variable beats what it imports: production settings may
    require what the base has a default for.
    """
    decided: dict[str, str | None] = {}
    for path in _chain(code, start):
        module = code.module(path)
        here: dict[str, str | None] = {}
        for statement in module.body if module else ():
            for node in ast.walk(statement):
                for name, required in _read(node):
                    place = f"{path}:{getattr(node, 'lineno', 1)}"
                    here[name] = place if required and here.get(name, place) else None
        decided = {**here, **decided}
    return {name: place for name, place in sorted(decided.items()) if place and is_secret(name)}


def is_secret(name: str) -> bool:
    """Whether a variable's name says that its value is a secret."""
    return bool(_SECRET.search(name)) and not _ABOUT.search(name)


def _chain(code: Code, start: str) -> Iterator[str]:
    """The module, what it imports with a star, and modules called settings; each once."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        path = waiting.pop(0)
        if path in seen:
            continue
        seen.add(path)
        yield path
        module = code.module(path)
        if module is None:
            continue
        bound = (each for bindings in module.bindings.values() for each in bindings)
        for imported in (*module.stars, *bound):
            inside = code.locate(imported, path) if isinstance(imported, Imported) else None
            if inside and (imported in module.stars or _SETTINGS.search(inside.path)):
                waiting.append(inside.path)


def _read(node: ast.AST) -> Iterator[tuple[str, bool]]:
    """(variable, whether it has to be set) for a place that reads one."""
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        name = string(node.slice)
        if name and _VARIABLE.fullmatch(name) and dotted_name(node.value).endswith("environ"):
            yield name, True
    elif isinstance(node, ast.Call) and node.args:
        name = string(node.args[0])
        if name and _VARIABLE.fullmatch(name) and _READERS.search(dotted_name(node.func)):
            given = len(node.args) > 1 or any(
                keyword.arg in ("default", "fallback") for keyword in node.keywords
            )
            yield name, not given
