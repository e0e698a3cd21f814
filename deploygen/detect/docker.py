"""Dockerfiles: what an image runs, from where, on which Python, and how it installs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from deploygen.detect.evidence import Source
from deploygen.detect.names import words
from deploygen.detect.reader import Reader
from deploygen.detect.shell import Simple, simple_commands
from deploygen.detect.tree import join, parent

_INSTRUCTION = re.compile(r"\s*([A-Za-z]+)\s+(.*)", re.DOTALL)
_HEREDOC = re.compile(r"<<-?\s*[\"']?(\w+)[\"']?")
_PAIR = re.compile(r"""(\w+)=("(?:[^"\\]|\\.)*"|'[^']*'|[^\s"']*)""")
_OPTION = re.compile(r"^--[\w-]+(?:=\S+)?\s+")
_DEVELOPMENT = frozenset(
    {"dev", "develop", "development", "test", "tests", "testing", "local", "ci"}
)


@dataclass
class Stage:
    """One stage of an image while it is read."""

    name: str = ""
    image: str = ""
    folder: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    copies: list[tuple[str, str]] = field(default_factory=list)
    entrypoint: tuple[list[str], int] | None = None
    command: tuple[list[str], int] | None = None


@dataclass
class _Image:
    stages: list[Stage] = field(default_factory=lambda: [Stage()])
    arguments: dict[str, str] = field(default_factory=dict)


def read_dockerfile(reader: Reader, origin: Source) -> Source:
    """Reads one Dockerfile; returns ``origin`` with the copies that the last stage makes."""
    image = _Image()
    for line, name, rest in _instructions(reader.tree.text(origin.path)):
        _take(reader, origin, image, line, name.upper(), rest)
    last = image.stages[-1]
    for number, stage in enumerate(image.stages):
        if stage.entrypoint is None and stage.command is None:
            continue
        development = origin.development or bool(words(stage.name) & _DEVELOPMENT)
        here = replace(origin, development=development, copies=tuple(stage.copies))
        argv, line = _joined(stage)
        command = Simple(tuple(argv), line, stage.environment, stage.folder)
        for simple in _shell_form(command):
            reader.command(simple, here, order=len(image.stages) - number)
    return replace(origin, copies=tuple(last.copies))


def _take(reader: Reader, origin: Source, image: _Image, line: int, name: str, rest: str) -> None:
    stage = image.stages[-1]
    variables = {**image.arguments, **stage.environment}
    match name:
        case "FROM":
            image.stages.append(_from(reader, origin, image, line, _fill(rest, image.arguments)))
        case "ARG":
            key, _, value = rest.partition("=")
            image.arguments.setdefault(key.strip(), value.strip().strip("\"'"))
        case "ENV":
            for key, value in _pairs(rest):
                stage.environment[key] = _fill(value, variables)
                reader.variable(key, stage.environment[key], _at(origin, stage), line)
        case "WORKDIR":
            folder = _fill(rest.strip().strip("\"'"), variables)
            stage.folder = folder if folder.startswith("/") else join(stage.folder, folder)
        case "COPY" | "ADD":
            stage.copies += _copies(rest, stage.folder, origin)
        case "RUN":
            reader.shell(_without_options(rest), _at(origin, stage), line, variables, stage.folder)
        case "CMD":
            stage.command = (_argv(rest), line)
        case "ENTRYPOINT":
            stage.entrypoint, stage.command = (_argv(rest), line), None


def _at(origin: Source, stage: Stage) -> Source:
    development = origin.development or bool(words(stage.name) & _DEVELOPMENT)
    return replace(origin, development=development, copies=tuple(stage.copies))


def _from(reader: Reader, origin: Source, image: _Image, line: int, rest: str) -> Stage:
    parts = _without_options(rest).split()
    base = parts[0] if parts else ""
    name = parts[2] if len(parts) > 2 and parts[1].lower() == "as" else ""
    for stage in image.stages:
        if stage.name and stage.name == base:
            return replace(
                stage,
                name=name,
                environment=dict(stage.environment),
                copies=list(stage.copies),
            )
    if "python" in base:
        reader.python(base.rpartition("python")[2], origin, line)
    return Stage(name=name, image=base)


def _joined(stage: Stage) -> tuple[list[str], int]:
    """What runs: the entrypoint with the command as its arguments."""
    entrypoint, command = stage.entrypoint, stage.command
    if entrypoint is None:
        return command or ([], 1)
    if command is None:
        return entrypoint
    return [*entrypoint[0], *command[0]], command[1]


def _shell_form(command: Simple) -> Iterator[Simple]:
    """``sh -c "cd x && gunicorn y"`` as the commands in it; else the command itself."""
    argv = command.argv
    for index, word in enumerate(argv[:-1]):
        if word in ("-c", "-lc", "-ec", "-xc") and argv[0].endswith("sh"):
            yield from simple_commands(
                argv[index + 1], command.line, command.environment, command.folder
            )
            return
    yield command


def _argv(rest: str) -> list[str]:
    if rest.lstrip().startswith("["):
        try:
            words_ = json.loads(rest)
        except ValueError:
            words_ = rest.strip(" []").replace('"', "").split(",")
        except RecursionError:
            return []
        if isinstance(words_, list):
            return [str(word).strip() for word in words_]
    return ["/bin/sh", "-c", rest]


def _copies(rest: str, folder: str, origin: Source) -> list[tuple[str, str]]:
    rest = _without_options(rest) if "--from" not in rest else ""
    parts = _argv(rest) if rest.lstrip().startswith("[") else rest.split()
    if len(parts) < 2:
        return []
    *sources, target = parts
    target = target if target.startswith("/") else join(folder, target.removeprefix("./"))
    near = parent(origin.path)
    pairs = [(target, path.removeprefix("./").strip("/")) for path in sources]
    # The context may be the Dockerfile's own folder instead of the project's.
    return pairs + [(target, join(near, path)) for _, path in pairs if near and path != "."]


def _pairs(rest: str) -> list[tuple[str, str]]:
    pairs = [(match[1], match[2].strip("\"'")) for match in _PAIR.finditer(rest)]
    if pairs:
        return pairs
    key, _, value = rest.strip().partition(" ")
    return [(key, value.strip())]


def _fill(text: str, variables: dict[str, str]) -> str:
    text = re.sub(r"\$\{(\w+):?-([^}]*)\}", lambda match: variables.get(match[1]) or match[2], text)
    return re.sub(r"\$\{?(\w+)\}?", lambda match: variables.get(match[1], match[0]), text)


def _without_options(text: str) -> str:
    text = text.lstrip()
    while match := _OPTION.match(text):
        text = text[match.end() :].lstrip()
    return text


def _instructions(text: str) -> Iterator[tuple[int, str, str]]:
    """Line, name and arguments of each instruction; comments and continuations resolved."""
    lines = text.split("\n")
    number = 0
    while number < len(lines):
        start, content = number, lines[number]
        number += 1
        if not content.strip() or content.lstrip().startswith("#"):
            continue
        parts = [content.rstrip()]
        while parts[-1].endswith("\\") and number < len(lines):
            parts[-1] = parts[-1][:-1]
            # A comment line does not end the instruction.
            comment = lines[number].lstrip().startswith("#")
            parts.append("\\" if comment else lines[number].rstrip())
            number += 1
        heredoc = _HEREDOC.search(content)
        if heredoc and content.lstrip().upper().startswith(("RUN", "COPY")):
            body: list[str] = []
            while number < len(lines) and lines[number].strip() != heredoc[1]:
                body.append(lines[number])
                number += 1
            number += 1
            parts = ["RUN \n" + "\n".join(body)] if content.lstrip().upper()[:3] == "RUN" else []
        match = _INSTRUCTION.match(" \\\n".join(parts)) if parts else None
        if match:
            name = match[1].upper()
            whole = match[2] if name == "RUN" else match[2].replace(" \\\n", " ")
            yield start + 1, name, whole
