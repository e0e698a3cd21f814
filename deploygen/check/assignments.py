"""What a gunicorn.conf.py assigns: gunicorn ignores a misspelt setting without a word."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Collection, Iterator


def unknown(text: str, known: Collection[str]) -> tuple[tuple[int, str, str], ...]:
    """Names at the top level that are no setting: line, name, and the setting that is near.

    A name that the file itself uses is a helper; so is one that begins with an underscore. A
    file that cannot be parsed has none: gunicorn reports it.
    """
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError):
        return ()
    used = {
        node.id
        for node in ast.walk(module)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    return tuple(
        (line, name, next(iter(difflib.get_close_matches(name, known, n=1)), ""))
        for line, name in _assigned(module.body)
        if name not in known and name not in used and not name.startswith("_")
    )


def literal(text: str, name: str) -> str:
    """The text that the file assigns to a setting; empty when it is no plain text."""
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError):
        return ""
    found = ""
    for node in module.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            for target in node.targets:
                if isinstance(target, ast.Name) and target.id == name:
                    found = str(node.value.value)
    return found


def _assigned(body: list[ast.stmt]) -> Iterator[tuple[int, str]]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.If | ast.Try | ast.With | ast.For | ast.While):
            for part in ("body", "orelse", "finalbody"):
                yield from _assigned(getattr(node, part, []))
            for handler in getattr(node, "handlers", []):
                yield from _assigned(handler.body)
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                for each in ast.walk(target):
                    if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
                        yield node.lineno, each.id
