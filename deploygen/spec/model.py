"""The description: what ``deploygen.yml`` may say. Field descriptions become the JSON Schema.

Everything has a default but the entrypoint and the server names. The models check one value
at a time; what ties values together is the plan's to judge (plan/invariants.py).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from deploygen.gunicorn_settings import INT_MAX, OVERRIDABLE, Kind
from deploygen.spec import network as n
from deploygen.spec import types as t
from deploygen.spec.base import Model
from deploygen.spec.containers import Containers
from deploygen.spec.files import Media, Protected, Static
from deploygen.spec.front import FrontHosts
from deploygen.spec.proxy import Proxy
from deploygen.spec.release import Release
from deploygen.spec.validators import UNIQUE, refusal
from deploygen.units import DAY_S, GIB


class Install(Model):
    """How the dependencies install."""

    tool: Literal["pip", "uv", "poetry", "pdm", "pipenv"] = "pip"
    file: Annotated[
        t.ProjectPath,
        Field(description="The requirements or lock file, or pyproject.toml."),
    ] = "requirements.txt"
    groups: Annotated[
        tuple[t.DependencyGroup, ...],
        Field(description="Dependency groups (PEP 735) that production needs; of pip extras too."),
    ] = ()


class App(Model):
    """The application."""

    framework: Literal["django", "flask", "fastapi", "starlette", "wsgi", "asgi"] = "wsgi"
    interface: Literal["wsgi", "asgi"] = "wsgi"
    entrypoint: Annotated[
        t.Entrypoint,
        Field(description="module:object, or module:factory() for an application factory."),
    ]
    app_dir: Annotated[
        t.ProjectPath,
        Field(description="The folder, below the project, that the entrypoint imports from."),
    ] = "."
    settings_module: Annotated[
        t.ModuleName | None, Field(description="Django's production settings.")
    ] = None
    python: Annotated[
        t.PythonVersion | None,
        Field(description="The Python that the project wants; the system's own when left out."),
    ] = None
    python_path: Annotated[
        t.AbsolutePath | None,
        Field(description="A Python on the hosts that is not the system's, such as one of uv's."),
    ] = None
    gunicorn: Annotated[
        t.GunicornVersion, Field(description="The release of gunicorn that serves it.")
    ] = "27.0.1"
    install: Install = Field(default_factory=Install)
    environment: Annotated[
        dict[t.EnvName, t.EnvValue],
        Field(description="Environment variables that are no secrets."),
    ] = {}
    secrets: Annotated[
        tuple[t.EnvName, ...],
        UNIQUE,
        Field(description="Names of secret environment variables. Never their values."),
    ] = ()
    static: Static | None = None
    media: Media | None = None
    protected: Protected | None = None
    health: Annotated[
        t.UrlPath | None,
        Field(description="A URL that answers 200 when the application is well."),
    ] = None
    network: Annotated[
        Literal["internet", "localhost", "none"],
        Field(
            description="What it reaches: the internet, services on its own host (a database over "
            "TCP), or unix sockets only."
        ),
    ] = "internet"
    writable: Annotated[
        tuple[t.AbsolutePath, ...],
        Field(
            description="Folders that the application writes to, besides its uploads and "
            "/var/lib/<name>."
        ),
    ] = ()
    unhardened: Annotated[
        dict[str, t.EnvValue],
        Field(
            description="systemd's hardening options that this application cannot live with, "
            "each with the reason: {MemoryDenyWriteExecute: numba compiles at run time}."
        ),
    ] = {}
    release_commands: Annotated[
        tuple[t.Command, ...],
        Field(
            description="Run once for each release, for all hosts, without a shell: migrate. "
            "Django's collectstatic is run on each host."
        ),
    ] = ()
    host_commands: Annotated[
        tuple[t.Command, ...],
        Field(description="Run for each release on each host: what writes into the release."),
    ] = ()


# Bounds far outside of what anybody runs: they keep sums, and the programs that read them, from
# overflowing.
Count = Annotated[t.Whole, Field(ge=0, le=10_000_000)]


class Workload(Model):
    """What a request costs. Measured numbers beat the kind."""

    kind: Annotated[
        Literal["unknown", "cpu", "io", "mixed"],
        Field(description="cpu: it computes; io: it waits for others; mixed: both."),
    ] = "unknown"
    cpu_ms: Annotated[
        Annotated[t.Real, Field(ge=0.001, le=DAY_S * 1000)] | None,
        Field(description="CPU ms of a typical request."),
    ] = None
    wait_ms: Annotated[
        Annotated[t.Real, Field(ge=0, le=DAY_S * 1000)] | None,
        Field(description="ms that a typical request waits (database, other services)."),
    ] = None
    worker_memory: Annotated[
        t.Size | None, Field(description="Memory of one loaded worker process.")
    ] = None
    slowest_request_s: Annotated[
        t.Real,
        Field(gt=0, le=DAY_S, description="Seconds of the slowest request that is not a failure."),
    ] = 20
    peak_rps: Annotated[
        Annotated[t.Real, Field(gt=0, le=1e9)] | None,
        Field(description="Requests per second at peak."),
    ] = None
    long_lived: Annotated[
        Count, Field(description="Connections held open at once: websockets, event streams.")
    ] = 0
    thread_safe: Annotated[
        t.Flag, Field(description="Whether two threads may run the code at once.")
    ] = True
    greenlet_safe: Annotated[
        t.Flag,
        Field(description="Whether it works monkey-patched by gevent, its database driver too."),
    ] = False
    db_connections: Annotated[
        Annotated[t.Whole, Field(ge=1, le=10_000_000)] | None,
        Field(description="How many database connections all hosts together may open."),
    ] = None
    leaks: Annotated[
        t.Flag, Field(description="Whether its memory grows for as long as it runs.")
    ] = False


class Machine(Model):
    """One group of like hosts."""

    os: t.SystemName = "debian-12"
    cpus: Annotated[
        t.Real,
        Field(ge=0.01, le=4096, description="May be a fraction: a container's or a VM's quota."),
    ] = 2
    memory: Annotated[t.Size, Field(description="Such as 4G.")] = 4 * GIB
    hosts: Annotated[
        tuple[n.Host, ...],
        UNIQUE,
        Field(description="Their names or addresses, for Ansible."),
    ] = ()
    shared_with: Annotated[
        dict[t.ServiceName, t.Size],
        Field(description="What else runs there, with the memory it needs: {postgresql: 1G}."),
    ] = {}


def _exactly_one(value: object) -> object:
    if isinstance(value, bool | float):  # true and 1.0 are equal to 1, and are not it
        raise refusal(value, "1")
    return value


def _server_schema() -> dict[str, Any]:
    kinds: dict[Kind, dict[str, Any]] = {
        Kind.INT: {"type": "integer", "minimum": 0, "maximum": INT_MAX},
        Kind.BOOL: {"type": "boolean"},
        Kind.TEXT: {"type": "string"},
        Kind.LIST: {"type": "array", "items": {"type": "string"}},
        Kind.MAP: {"type": "object"},
    }
    return {
        "type": "object",
        "properties": {name: kinds[kind] for name, kind in sorted(OVERRIDABLE.items())},
        "additionalProperties": False,
    }


class Spec(Model):
    """The whole description of one project."""

    version: Annotated[
        Literal[1], BeforeValidator(_exactly_one), Field(description="The version of this format.")
    ] = 1
    name: Annotated[
        t.Name, Field(description="Names the unit, the user, the socket and the folders.")
    ]
    app: App
    workload: Workload = Field(default_factory=Workload)
    machines: Annotated[
        dict[t.GroupName, Machine],
        Field(min_length=1, description="Groups of like hosts; each gets its own plan."),
    ] = Field(default_factory=lambda: {"web": Machine()})
    front: Annotated[
        FrontHosts | None,
        Field(description="Proxies in front of all of these hosts; none when left out."),
    ] = None
    # Checked by load.py, one problem for each override: pydantic would report only the first.
    server: Annotated[
        dict[str, Any],
        WithJsonSchema(_server_schema()),
        Field(description="Overrides of gunicorn's settings, by their names."),
    ] = {}
    proxy: Proxy
    release: Release = Field(default_factory=Release)
    containers: Containers = Field(default_factory=Containers)
    targets: Annotated[
        tuple[str, ...] | None,
        Field(description="Which outputs to render; all that fit when left out."),
    ] = None
