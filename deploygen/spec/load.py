"""Reads a description: text -> places -> models, with every problem at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from deploygen.errors import DeploygenError, InputError, Problem, Where, refuse
from deploygen.gunicorn_settings import DECIDED_ELSEWHERE, INT_MAX, OVERRIDABLE, Kind
from deploygen.spec import source, types
from deploygen.spec.model import Spec
from deploygen.spec.source import Data, Source

# What pydantic's errors mean in a description: (allowed, hint).
PLAIN_WORDS = {
    "model_type": ("a mapping, each key on a line of its own", ""),
    "model_attributes_type": ("a mapping, each key on a line of its own", ""),
    "dict_type": ("a mapping, each key on a line of its own", ""),
    "tuple_type": ("a list, such as [one, two]", ""),
    "string_type": ("a text", "put it in quotes"),
    "bool_type": ("true or false", "without quotes"),
    "int_type": ("a whole number", "without quotes"),
    "float_type": ("a number", "without quotes"),
    "too_short": ("at least one", ""),
}
# Stands for the name where the entrypoint, which is to give it, is wrong itself.
UNNAMED = "app"
# Keys that may be left out, their value standing in the place of the mapping (ShortForm).
SHORT_FORMS = (("proxy", "behind", "networks"),)


@dataclass(frozen=True)
class Document:
    """A description and the text that it came from."""

    spec: Spec
    source: Source

    @contextmanager
    def located(self) -> Iterator[None]:
        """Adds file, line and column to the problems of an InputError raised inside."""
        try:
            yield
        except InputError as error:
            raise InputError(_place(problem, self.source) for problem in error.problems) from error


def load(path: str) -> Document:
    """The description in the file ``path``.

    Raises DeploygenError when the file can't be read, InputError when it is wrong.
    """
    try:
        with open(path, "rb") as file:  # noqa: PTH123 (a str is all that is needed)
            raw = file.read(source.MAX_BYTES + 1)
    except FileNotFoundError:
        raise DeploygenError(
            f"{path} does not exist", hint="deploygen init writes it; --file names another"
        ) from None
    except OSError as error:
        raise DeploygenError(f"{path} can't be read: {error.strerror}") from None
    if len(raw) > source.MAX_BYTES:  # cut off, and so perhaps no UTF-8 any more
        raise source.too_large(path)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = len(raw[raw.rfind(b"\n", 0, error.start) + 1 : error.start].decode()) + 1
        raise InputError(
            [Problem("this is no UTF-8 text", file=path, line=line, column=column)]
        ) from None
    return parse(text, path)


def parse(text: str, file: str = "deploygen.yml") -> Document:
    """The description in ``text``; ``file`` is what errors call it. Raises InputError."""
    read = source.read(text, file)
    if not isinstance(read.data, dict):
        problem = Problem(
            "this file is empty" if read.data is None else "found no mapping",
            allowed=", ".join(Spec.model_fields),
            hint="deploygen init writes a first one",
        )
        raise InputError([_place(problem, read)])
    overrides, problems = _overrides(read.data.get("server"))
    data = {"name": _default_name(read.data), **read.data, "server": overrides}
    try:
        spec = Spec.model_validate(data)
    except ValidationError as error:
        problems += [_problem(details, read) for details in error.errors()]
    placed = sorted(
        (_place(problem, read) for problem in problems), key=lambda p: (p.line, p.column)
    )
    refuse(placed)
    return Document(spec, read)


def _default_name(data: dict[str, Data]) -> str:
    """The project's name where the description gives none: the entrypoint's first module."""
    app = data.get("app")
    entrypoint = app.get("entrypoint") if isinstance(app, dict) else None
    words = re.match(r"[A-Za-z0-9_]+", entrypoint) if isinstance(entrypoint, str) else None
    if words is None:
        return UNNAMED
    return words[0].strip("_").lower().replace("_", "-")[:31].rstrip("-") or UNNAMED


def _overrides(server: Data) -> tuple[Any, list[Problem]]:
    """The overrides in ``server`` as plain data, and what is wrong with each."""
    if not isinstance(server, dict):
        return ({} if server is None else server), []
    problems = []
    for name, value in server.items():
        problem = _wrong_override(name, value)
        if problem:
            problems.append(replace(problem, where=("server", name)))
    return source.plain(server), problems


def _wrong_override(name: str, value: Data) -> Problem | None:
    if name in DECIDED_ELSEWHERE:
        return Problem(f"{name} can't be overridden", hint=DECIDED_ELSEWHERE[name])
    kind = OVERRIDABLE.get(name)
    if kind is None:
        return Problem(
            f"gunicorn has no setting {name!r} that a file can hold",
            allowed="docs/reference/deploygen-yml.md lists them",
            hint=types.closest(name, OVERRIDABLE),
        )
    fits = {
        Kind.INT: isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= INT_MAX,
        Kind.BOOL: isinstance(value, bool),
        Kind.TEXT: isinstance(value, str) and value.isprintable(),
        Kind.LIST: isinstance(value, list) and all(isinstance(item, str) for item in value),
        Kind.MAP: isinstance(value, dict) and _finite(value),
    }[kind]
    return None if fits else Problem(f"found {types.shown(value)}", allowed=kind.value)


def _finite(value: Data) -> bool:
    """Whether no number in it overflows: Python has no literal for infinity."""
    if isinstance(value, dict):
        return all(map(_finite, value.values()))
    if isinstance(value, list):
        return all(map(_finite, value))
    return not isinstance(value, float) or isfinite(value)


def _place(problem: Problem, read: Source) -> Problem:
    if problem.file:
        return problem
    where = _as_written(problem.where, read)
    line, column = read.place(where)
    return replace(problem, where=where, file=read.file, line=line, column=column)


def _as_written(where: Where, read: Source) -> Where:
    """A path without a key that the file left out."""
    for short in SHORT_FORMS:
        if where[: len(short)] == short and short not in read.keys:
            return (*short[:-1], *where[len(short) :])
    return where


def _problem(details: ErrorDetails, read: Source) -> Problem:
    where = _as_written(tuple(part for part in details["loc"] if part != "[key]"), read)
    context = details.get("ctx", {})
    kind = details["type"]
    at_key = "[key]" in details["loc"] or kind == "extra_forbidden"
    line, column = read.place(where, key=at_key)
    message, allowed, hint = _words(kind, details, context, where)
    return Problem(
        message, where=where, allowed=allowed, hint=hint, file=read.file, line=line, column=column
    )


def _words(
    kind: str, details: ErrorDetails, context: dict[str, Any], where: Where
) -> tuple[str, str, str]:
    """(message, allowed, hint) for one of pydantic's errors."""
    found = f"found {types.shown(details['input'])}"
    if kind == "deploygen":
        return f"found {context['found']}", context["allowed"], context["hint"]
    if kind == "missing":
        return "it is required and missing", _description(where), ""
    if kind == "extra_forbidden":
        fields = _fields(where[:-1])
        return "there is no such key here", ", ".join(fields), types.closest(str(where[-1]), fields)
    if kind == "literal_error":
        options = re.findall(r"'([^']*)'", context["expected"]) or [str(context["expected"])]
        return found, ", ".join(options), types.closest(str(details["input"]), options)
    if kind in PLAIN_WORDS:
        return found, *PLAIN_WORDS[kind]
    return found, details["msg"].removeprefix("Input should be "), ""


def _fields(where: Where) -> list[str]:
    model = _model(where)
    return list(model.model_fields) if model else []


def _description(where: Where) -> str:
    model = _model(where[:-1])
    info = model.model_fields.get(str(where[-1])) if model else None
    return (info.description or "") if info else ""


def _model(where: Where) -> type[BaseModel] | None:
    """The model that stands at ``where`` in the description."""
    found: Any = Spec
    for part in where:
        if isinstance(found, type) and issubclass(found, BaseModel):
            if part not in found.model_fields:
                return None
            found = _inside(found.model_fields[str(part)].annotation)
        else:  # a mapping of models: machines.web
            found = _inside(found)
    return found if isinstance(found, type) and issubclass(found, BaseModel) else None


def _inside(annotation: Any) -> Any:
    """The model in ``X | None``; of ``dict[str, X]``, first itself, then X."""
    arguments = getattr(annotation, "__args__", ())
    for argument in arguments:
        if isinstance(argument, type) and issubclass(argument, BaseModel):
            return MappingOf(argument) if get_origin(annotation) is dict else argument
    return annotation.model if isinstance(annotation, MappingOf) else annotation


@dataclass(frozen=True)
class MappingOf:
    """``dict[str, model]``: the next part of a path is a key of the user's own."""

    model: type[BaseModel]
