"""Reads a description: text -> places -> models, with every problem at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from deploygen.errors import DeploygenError, InputError, Problem, Where, refuse
from deploygen.gunicorn_settings import DECIDED_ELSEWHERE, OVERRIDABLE, Kind
from deploygen.spec import source, types
from deploygen.spec.model import Spec
from deploygen.spec.source import Data, Source


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
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError(
            [Problem("this is no UTF-8 text", file=path, line=line, column=1)]
        ) from None
    return parse(text, path)


def parse(text: str, file: str = "deploygen.yml") -> Document:
    """The description in ``text``; ``file`` is what errors call it. Raises InputError."""
    read = source.read(text, file)
    if not isinstance(read.data, dict):
        raise InputError.one("found no mapping", allowed="name, app, machines, proxy, ...")
    overrides, problems = _overrides(read.data.get("server"))
    try:
        spec = Spec.model_validate({**read.data, "server": overrides})
    except ValidationError as error:
        problems += [_problem(details, read) for details in error.errors()]
    placed = sorted(
        (_place(problem, read) for problem in problems), key=lambda p: (p.line, p.column)
    )
    refuse(placed)
    return Document(spec, read)


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
        Kind.INT: isinstance(value, int) and not isinstance(value, bool) and value >= 0,
        Kind.BOOL: isinstance(value, bool),
        Kind.TEXT: isinstance(value, str) and value.isprintable(),
        Kind.LIST: isinstance(value, list) and all(isinstance(item, str) for item in value),
        Kind.MAP: isinstance(value, dict),
    }[kind]
    return None if fits else Problem(f"found {types.shown(value)}", allowed=kind.value)


def _place(problem: Problem, read: Source) -> Problem:
    if problem.file:
        return problem
    line, column = read.place(problem.where)
    return replace(problem, file=read.file, line=line, column=column)


def _problem(details: ErrorDetails, read: Source) -> Problem:
    where: Where = tuple(part for part in details["loc"] if part != "[key]")
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
        expected = str(context["expected"]).replace("'", "")
        return found, expected, types.closest(str(details["input"]), expected.split(", "))
    return found, details["msg"].removeprefix("Input should be ").removeprefix("Value error, "), ""


def _fields(where: Where) -> list[str]:
    model = _model(where)
    return list(model.model_fields) if model else []


def _description(where: Where) -> str:
    model = _model(where[:-1])
    info = model.model_fields.get(str(where[-1])) if model else None
    return (info.description or "") if info else ""


def _model(where: Where) -> type[BaseModel] | None:
    """The model that stands at ``where`` in the description."""
    model: Any = Spec
    for part in where:
        fields = getattr(model, "model_fields", None)
        if fields is None:  # inside a mapping of models: machines.web
            continue
        if part not in fields:
            return None
        model = _inner(fields[part].annotation)
    return model if isinstance(model, type) and issubclass(model, BaseModel) else None


def _inner(annotation: Any) -> Any:
    """The model inside ``X | None`` or ``dict[str, X]``, else the annotation itself."""
    for argument in getattr(annotation, "__args__", ()):
        if isinstance(argument, type) and issubclass(argument, BaseModel):
            return argument
    return annotation
