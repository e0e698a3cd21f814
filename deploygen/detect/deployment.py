"""Finds the deployment files of a project and has each read by its format's reader."""

from __future__ import annotations

import re
from collections.abc import Callable

from deploygen.detect.apps import Apps
from deploygen.detect.docker import read_dockerfile
from deploygen.detect.evidence import Kind, Source, source
from deploygen.detect.kinds import kind_of
from deploygen.detect.manifests import read_manifest
from deploygen.detect.names import is_aside, is_example
from deploygen.detect.project import read_pyproject
from deploygen.detect.reader import Reader
from deploygen.detect.scan import Look
from deploygen.detect.server_config import read_gunicorn, read_serving
from deploygen.detect.services import (
    read_assignments,
    read_make,
    read_procfile,
    read_script,
    read_supervisor,
    read_unit,
    read_uwsgi,
)
from deploygen.detect.tree import Tree

_STRUCTURED = (".yml", ".yaml", ".json", ".toml")
_WORTH_PARSING = re.compile(
    r"gunicorn|uvicorn|daphne|hypercorn|granian|uwsgi|waitress|fastapi|flask"
    r"|DJANGO_SETTINGS|--settings|python|PYTHON_VERSION"
)
# So many files of one kind are data, not deployment.
_MAX_FILES = 300
_MAX_SCRIPTS = 600


def read_deployment(tree: Tree, apps: Apps, looks: dict[str, Look]) -> Reader:
    """All that deployment files and starting code say, collected in a reader."""
    reader = Reader(tree)
    by_kind: dict[Kind, list[str]] = {}
    for path in tree.files:
        kind = kind_of(path)
        if kind is not None and not (is_aside(path) or is_example(path)):
            by_kind.setdefault(kind, []).append(path)
    images = {
        path: read_dockerfile(reader, source(path, Kind.IMAGE))
        for path in by_kind.pop(Kind.IMAGE, [])[:_MAX_FILES]
    }
    for kind in sorted(by_kind):
        limit = _MAX_SCRIPTS if kind is Kind.SCRIPT else _MAX_FILES
        for path in by_kind[kind][:limit]:
            _read(reader, apps, source(path, kind), images)
    for path in tree.named("pyproject.toml"):
        if not is_aside(path):
            read_pyproject(reader, source(path, Kind.PROJECT))
    _read_configs(reader, apps)
    for path, look in looks.items():
        if "serves" in look.marks and not look.aside and not is_example(path):
            read_serving(reader, apps, path)
    return reader


def _read(reader: Reader, apps: Apps, origin: Source, images: dict[str, Source]) -> None:
    path = origin.path
    text = reader.tree.text(path)
    if not text:
        return
    structured = any(end in path.lower() for end in _STRUCTURED)
    if origin.kind is Kind.SERVER_CONFIG:
        read_gunicorn(reader, apps, origin)
    elif "procfile" in path.lower():
        read_procfile(reader, origin)
    elif origin.kind in (Kind.PLATFORM, Kind.COMPOSE, Kind.CLUSTER, Kind.CI) and structured:
        if _WORTH_PARSING.search(text):
            read_manifest(reader, origin, images)
    else:
        for read in _line_readers(origin, text):
            read(reader, origin)


def _line_readers(origin: Source, text: str) -> list[Callable[[Reader, Source], None]]:
    """The readers for a line-based file, by what its content shows."""
    readers: list[Callable[[Reader, Source], None]] = []
    if origin.kind is Kind.SERVICE:
        by_content = {"[Service]": read_unit, "program:": read_supervisor, "[uwsgi]": read_uwsgi}
        readers = [read for mark, read in by_content.items() if mark in text]
        readers += [read_assignments] if "SetEnv" in text else []
    elif origin.kind is Kind.MAKE:
        readers = [read_make]
    elif origin.kind is Kind.ENVIRONMENT:
        readers = [read_assignments]
    elif origin.kind is Kind.SCRIPT and (text.startswith("#!") or ".sh" in origin.path):
        readers = [read_script] if "python" not in text[:60].split("\n", maxsplit=1)[0] else []
    return readers


def _read_configs(reader: Reader, apps: Apps) -> None:
    """The configuration files that start commands name, if no name gave them away before."""
    for word, origin, launch in list(reader.configs):
        name = word.removeprefix("file:")
        if name.startswith("python:"):
            name = name.removeprefix("python:").replace(".", "/") + ".py"
        path = reader.locate(name, origin, dict(origin.copies))
        if path is None:
            continue
        called = Source(path, origin.kind, origin.development, origin.copies)
        if path.endswith(".ini"):
            read_uwsgi(reader, called)
        elif path.endswith((".py", ".conf")):
            read_gunicorn(reader, apps, called, launch)
