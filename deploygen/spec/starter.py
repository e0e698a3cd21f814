"""The first description of a project: what was found, as a commented ``deploygen.yml``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import yaml

from deploygen.detect import Detected
from deploygen.errors import InputError
from deploygen.spec.load import parse
from deploygen.spec.types import RESERVED_NAMES
from deploygen.systems import SYSTEMS, parse_version, show_version

SCHEMA_LINE = "# yaml-language-server: $schema=deploy/deploygen.schema.json"

# The order in which a system is suggested, the one with the longest support first.
PREFERENCE = ("debian-13", "ubuntu-24.04", "debian-12", "ubuntu-22.04")

# Files that say which Python is the oldest that will do, not which one production runs.
LOWER_BOUNDS = ("pyproject.toml", "setup.cfg", "setup.py")

# Names of modules and folders that say nothing of a project.
GENERIC = frozenset(
    """api app application asgi backend base code conf config core django main project server
    service settings site source src web webapp website wsgi""".split()
)

# Dependencies that make a request wait for somebody else.
WAITING = ("aiohttp", "httpx", "requests", "urllib3", "boto3", "openai", "redis")

# A service of compose.yaml, and the hints that the code asks it.
SERVICES = {"postgresql": ("psycopg", "asyncpg"), "redis": ("redis",)}


@dataclass(frozen=True)
class Starter:
    """What a first description says beside the findings."""

    name: str
    server_names: tuple[str, ...]
    release_commands: tuple[str, ...] = ()


def suggest_name(detected: Detected, folder: str) -> str:
    """A project name: the package's, or the folder's where the package's says nothing."""
    package = detected.entrypoint.split(":")[0].split(".")[0]
    for text in (package, folder, f"{folder}-{package}"):
        name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:31].strip("-")
        if name and name[0].isalpha() and name not in GENERIC | RESERVED_NAMES:
            return name
    return "webapp"


def suggest_system(detected: Detected) -> str:
    """The preferred system that ships the wanted Python; the newest where none does."""
    wanted = detected.python
    # requires-python is the oldest that will do: a later one is as good, and is kept up longer.
    at_least = detected.evidence.get("python", "").split(":")[0].endswith(LOWER_BOUNDS)
    for name in PREFERENCE:
        ships = SYSTEMS[name].python
        if wanted == show_version(ships):
            return name
        if wanted and at_least and parse_version(wanted.rstrip("t")) <= ships:
            return name
    return PREFERENCE[0]


# Findings that a description can do without, if their value is none that it may hold.
OPTIONAL = ("static", "media", "health", "python", "gunicorn", "install")


def write(detected: Detected, starter: Starter) -> tuple[str, tuple[str, ...]]:
    """(text of the description, notes on what had to be left out).

    Raises InputError when what was found can't be described at all.
    """
    notes: list[str] = []
    while True:
        text = "\n".join(_lines(detected, starter)) + "\n"
        try:
            parse(text)
        except InputError as error:
            unfit = {str(p.where[1]): p for p in error.problems if len(p.where) > 1}
            field = next((name for name in OPTIONAL if name in unfit), None)
            if field is None:
                raise
            notes.append(f"left out app.{field}: {unfit[field].message}")
            detected = _without(detected, field)
        else:
            return text, tuple(notes)


def _without(detected: Detected, field: str) -> Detected:
    if field == "static":
        return replace(detected, static_url=None, static_root=None)
    if field == "media":
        return replace(detected, media_url=None, media_root=None)
    return replace(detected, **{field: None})  # type: ignore[arg-type]


def _lines(detected: Detected, starter: Starter) -> Iterator[str]:
    yield SCHEMA_LINE
    yield "# What deploygen knows of this project. Edit it, then run: deploygen render"
    yield "# deploygen explain says why each number has its value; every key is in"
    yield "# docs/reference/deploygen-yml.md, and in your editor."
    yield "version: 1"
    yield f"name: {starter.name}"
    yield ""
    yield from _app(detected, starter)
    yield ""
    yield from _workload(detected)
    yield ""
    yield from _machines(detected)
    yield ""
    yield from _proxy(starter)
    yield from _containers(detected)


def _app(detected: Detected, starter: Starter) -> Iterator[str]:
    def found(key: str, value: str, field: str) -> str:
        evidence = detected.evidence.get(field)
        return f"  {key}: {value}" + (f"  # {evidence}" if evidence else "")

    yield "app:"
    yield found("framework", detected.framework, "framework")
    yield found("interface", detected.interface, "interface")
    yield found("entrypoint", scalar(detected.entrypoint), "entrypoint")
    if detected.app_dir != ".":
        yield found("app_dir", scalar(detected.app_dir), "app_dir")
    if detected.settings_module:
        yield found("settings_module", detected.settings_module, "settings_module")
    if detected.python:
        yield found("python", quoted(detected.python), "python")
    if detected.gunicorn:
        yield found("gunicorn", quoted(detected.gunicorn), "gunicorn")
    if detected.install:
        install = detected.install
        groups = f", groups: {flow(install.groups)}" if install.groups else ""
        value = f"{{tool: {install.tool}, file: {scalar(install.file)}{groups}}}"
        yield found("install", value, "install")
    yield from _files(detected)
    if detected.health:
        yield found("health", scalar(detected.health), "health")
    else:
        yield "  # A URL that answers 200 when the application is well; / is asked without one."
        yield "  # health: /health/"
    yield "  # Names of secret environment variables; their values never stand in this file."
    comment = f"  # {detected.evidence['secrets']}" if detected.secrets else ""
    yield f"  secrets: {flow(detected.secrets)}{comment}"
    if starter.release_commands:
        yield "  # Run once for each release."
        yield "  release_commands:"
        yield from (f"    - {scalar(command)}" for command in starter.release_commands)


def _files(detected: Detected) -> Iterator[str]:
    for key, url, root in (
        ("static", detected.static_url, detected.static_root),
        ("media", detected.media_url, detected.media_root),
    ):
        if url and root:
            evidence = detected.evidence.get(f"{key}_root") or detected.evidence.get(f"{key}_url")
            comment = f"  # {evidence}" if evidence else ""
            yield f"  {key}: {{url: {scalar(url)}, folder: {scalar(root)}}}{comment}"


def _workload(detected: Detected) -> Iterator[str]:
    yield "# What a request costs. Measured numbers beat the kind: cpu_ms, wait_ms, worker_memory."
    seen = [f"{name} ({detected.evidence[f'uses.{name}']})" for name in detected.uses]
    if seen:
        yield "# Seen: " + ", ".join(seen)
    if any(name in WAITING for name in detected.uses):
        yield "# It asks other services: kind io fits if most requests wait for them."
    yield "workload:"
    yield "  kind: unknown  # cpu, io, mixed or unknown"
    yield "  slowest_request_s: 20"
    if "gevent" in detected.uses:
        yield "  greenlet_safe: true  # it runs on gevent already"


def _machines(detected: Detected) -> Iterator[str]:
    system = suggest_system(detected)
    ships = show_version(SYSTEMS[system].python)
    yield "# One group of like hosts; each group gets its own plan."
    yield "machines:"
    yield "  web:"
    yield f"    os: {system}  # {' or '.join(SYSTEMS)}; ships Python {ships}"
    yield "    cpus: 2"
    yield "    memory: 4G"


def _proxy(starter: Starter) -> Iterator[str]:
    yield "proxy:"
    yield "  kind: nginx"
    if any(name.endswith(".example") for name in starter.server_names):
        yield "  # A placeholder: put the site's real name here before you deploy."
    yield f"  server_names: {flow(starter.server_names)}"
    yield "  tls:"
    yield "    mode: none  # acme: certbot gets the certificate; files: paths on the host"


def _containers(detected: Detected) -> Iterator[str]:
    """The services that the code asks, beside it where it runs in containers."""
    seen = {
        service: next((name for name in names if name in detected.uses), None)
        for service, names in SERVICES.items()
    }
    if not any(seen.values()):
        return
    yield ""
    yield "# Where it runs in containers, these are beside it; without them, it asks others."
    yield "containers:"
    for service, name in seen.items():
        if name:
            yield f"  {service}: {{}}  # {name}: {detected.evidence[f'uses.{name}']}"


def scalar(text: str) -> str:
    """A text as YAML: plain where that is safe, else quoted."""
    if re.fullmatch(r"[A-Za-z/][A-Za-z0-9_./ =-]*(:[A-Za-z0-9_.]+(\(\))?)?", text) and (
        text.lower() not in {"true", "false", "null", "yes", "no", "on", "off"}
        and not text.endswith(" ")
    ):
        return text
    return quoted(text)


def quoted(text: str) -> str:
    """A text as YAML in double quotes, on one line."""
    dumped: str = yaml.dump(text, default_style='"', width=float("inf"))
    return dumped.strip()


def flow(items: Sequence[str]) -> str:
    """A short list in one line."""
    return "[" + ", ".join(quoted(item) if "*" in item else scalar(item) for item in items) + "]"
