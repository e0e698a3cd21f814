"""Structured deployment files (compose, clusters, platforms, CI): YAML, JSON and TOML.

One walk serves them all. Their schemas differ, but what they call a command, an environment
and a variable is alike, and everything they name is verified in the code anyway.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from deploygen.detect.evidence import Kind, Source
from deploygen.detect.located import Text, get, load_toml, load_yaml, mappings, texts
from deploygen.detect.reader import WATCHED, Reader
from deploygen.detect.shell import Simple
from deploygen.detect.tree import join, parent

# Keys whose text is a shell command, in one of the formats.
_SHELL_KEYS = (
    *("run", "script", "before_script", "after_script", "commands", "cmd", "cmds", "start"),
    *("startCommand", "run_command", "entrypoint", "web", "buildCommand", "install_command"),
    *("preDeployCommand", "release_command", "inline", "bash", "shell", "shellCommand", "app"),
)
_VERSION_KEYS = ("python-version", "python_version", "PYTHON_VERSION", "pythonVersion", "runtime")
_IMAGE_KEYS = ("image", "name")


def read_manifest(reader: Reader, origin: Source, images: Mapping[str, Source]) -> None:
    """Reads one file; ``images`` are the Dockerfiles that were read, by path."""
    text = reader.tree.text(origin.path)
    documents: list[Any]
    documents = [load_toml(text)] if origin.path.endswith(".toml") else list(load_yaml(text))
    for document in documents:
        services = get(document, "services")
        if origin.kind is Kind.COMPOSE and isinstance(services, dict):
            for service in services.values():
                _service(reader, origin, service, images)
        for mapping in mappings(document):
            _variables(reader, origin, mapping)
            _commands(reader, origin, mapping)
            _versions(reader, origin, mapping)


def _service(reader: Reader, origin: Source, service: Any, images: Mapping[str, Source]) -> None:
    image = images.get(_dockerfile(origin, service) or "")
    here = replace(origin, copies=image.copies) if image else origin
    environment = _environment(get(service, "environment"))
    folder = str(get(service, "working_dir") or "")
    argv: list[str] = []
    line = 1
    for key in ("entrypoint", "command"):
        value = get(service, key)
        if isinstance(value, Text):
            argv, line = [*argv, *_split(value)], value.line
        elif texts(value):
            argv, line = [*argv, *map(str, texts(value))], texts(value)[0].line
    if not argv:
        return
    # Compose writes "$$" for the dollar that the shell shall see.
    argv = [word.replace("$$", "$") for word in argv]
    if argv[0].endswith("sh") and any(word in ("-c", "-lc", "-ec") for word in argv):
        reader.shell(argv[-1], here, line, environment, folder)
    elif any(word in argv for word in ("&&", ";", "||")):
        reader.shell(" ".join(argv), here, line, environment, folder)
    else:
        reader.command(Simple(tuple(argv), line, environment, folder), here)


def _split(text: str) -> list[str]:
    """Words of a command text; the text of ``sh -c '...'`` stays whole."""
    try:
        return shlex.split(text.replace("\n", " "))
    except ValueError:
        return text.split()


def _dockerfile(origin: Source, service: Any) -> str | None:
    build = get(service, "build")
    if build is None:
        return None
    context = build if isinstance(build, Text) else get(build, "context") or "."
    name = get(build, "dockerfile") or "Dockerfile"
    folder = parent(origin.path)
    for part in str(context).split("/"):
        folder = parent(folder) if part == ".." else join(folder, part) if part != "." else folder
    return join(folder.strip("/"), str(name).removeprefix("./"))


def _environment(value: Any) -> dict[str, str]:
    if isinstance(value, dict):
        return {str(name): str(item) for name, item in value.items() if isinstance(item, Text)}
    pairs = (text.partition("=") for text in texts(value))
    return {name: item for name, _, item in pairs}


def _variables(reader: Reader, origin: Source, mapping: dict[Text, Any]) -> None:
    for name, value in mapping.items():
        if name in WATCHED and isinstance(value, Text):
            reader.variable(name, value, origin, value.line)
        elif name in WATCHED and isinstance(get(value, "value"), Text):
            reader.variable(name, get(value, "value"), origin, get(value, "value").line)
        elif name == "django_settings" and isinstance(value, Text):
            reader.variable(WATCHED[0], value, origin, value.line)
        else:
            for text in texts(value) if isinstance(value, list) else ():
                key, _, inner = text.partition("=")
                reader.variable(key.strip(), inner.strip("\"' "), origin, text.line)
    # Clusters say name and value, Render says key and value.
    named = get(mapping, "name") or get(mapping, "key")
    value = get(mapping, "value")
    if named in WATCHED and isinstance(value, Text):
        reader.variable(str(named), value, origin, value.line)


def _commands(reader: Reader, origin: Source, mapping: dict[Text, Any]) -> None:
    folder = str(get(mapping, "working-directory") or get(mapping, "workingDir") or "")
    for key in _SHELL_KEYS:
        for text in texts(get(mapping, key)):
            reader.shell(text, origin, text.line, folder=folder)
    command, arguments = texts(get(mapping, "command")), texts(get(mapping, "args"))
    is_list = isinstance(get(mapping, "command"), list) or isinstance(get(mapping, "args"), list)
    if is_list and (command or arguments) and origin.kind is not Kind.COMPOSE:
        argv = [str(word) for word in (*command, *arguments)]
        line = (command or arguments)[0].line
        if len(argv) > 2 and argv[0].endswith("sh") and argv[1].endswith("c"):
            reader.shell(argv[2], origin, line, folder=folder)
        else:
            reader.command(Simple(tuple(argv), line, {}, folder), origin)
    elif command and origin.kind is not Kind.COMPOSE:
        reader.shell(command[0], origin, command[0].line, folder=folder)
    processes = get(mapping, "processes")
    if isinstance(processes, dict) and origin.kind is Kind.PLATFORM:
        for value in processes.values():
            for text in texts(value):
                reader.shell(text, origin, text.line)
    target = get(mapping, "app_function")
    if isinstance(target, Text):
        module, _, name = target.rpartition(".")
        reader.shell(f"gunicorn {module}:{name}", origin, target.line)


def _versions(reader: Reader, origin: Source, mapping: dict[Text, Any]) -> None:
    for key in _VERSION_KEYS:
        found = texts(get(mapping, key))
        if found:
            reader.python(" ".join(found), origin, found[0].line)
    if (get(mapping, "key") or get(mapping, "name")) == "PYTHON_VERSION":
        for text in texts(get(mapping, "value")):
            reader.python(text, origin, text.line)
    for key in _IMAGE_KEYS:
        image = get(mapping, key)
        if isinstance(image, Text) and "python:" in image:
            reader.python(image.rpartition("python:")[2], origin, image.line)
