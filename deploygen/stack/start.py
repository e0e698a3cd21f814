"""Starts gunicorn and the proxy, each until it answers."""

from __future__ import annotations

import contextlib
import http.client
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deploygen.errors import DeploygenError
from deploygen.plan import Plan
from deploygen.stack.folder import Folder
from deploygen.stack.gunicorn import Launch, release_command
from deploygen.stack.process import Child, Processes, last_lines
from deploygen.stack.programs import Gunicorn, Program
from deploygen.stack.proxies import BY_KIND, Proxy
from deploygen.stack.request import ask

POLL_S = 0.05


@dataclass(frozen=True)
class Health:
    """What the application answered on its own socket when it had started.

    ``path`` is its health URL, or "/" where it has none.
    """

    path: str
    status: int

    @property
    def well(self) -> bool:
        """Whether the answer means that it can serve."""
        return self.status < 400


def logs(folder: Path, proxy: Proxy | None) -> dict[str, Path]:
    """The logs below a private folder: name -> file."""
    found = {"gunicorn": folder / "log/gunicorn.log"}
    if proxy is not None:
        found[proxy.kind] = folder / f"log/{proxy.kind}.log"
        found[f"{proxy.kind} error"] = proxy.error_log(folder)
        found[f"{proxy.kind} access"] = proxy.access_log(folder)
    return found


def ended(child: Child, folder: Path, *, when: str) -> DeploygenError:
    """What to tell of a process that should run, or should have succeeded."""
    return DeploygenError(f"{child.name} {when} ({child.outcome()}). {_tail(child, folder)}")


def _tail(child: Child, folder: Path) -> str:
    proxy = BY_KIND.get(child.name)
    files = (child.log, proxy.error_log(folder)) if proxy else (child.log,)
    return f"The end of its log:\n{last_lines(*files) or '    (empty)'}"


def release(processes: Processes, plan: Plan, environment: Gunicorn, launch: Launch) -> None:
    """Run the release commands, one after the other. Raises DeploygenError for the first
    that fails.
    """
    for command in plan.spec.app.release_commands:
        try:
            child = processes.start(
                "release",
                release_command(command, environment, launch.environment),
                cwd=launch.cwd,
                environment=launch.environment,
                umask=launch.umask,
            )
        except OSError as error:
            raise DeploygenError(
                f"release command {command!r} did not start: {error.strerror}"
            ) from None
        child.wait()
        if child.end() != 0:
            raise ended(child, processes.folder, when=f"command {command!r} failed")
        processes.forget("release")


def static_notes(folder: Folder) -> Iterator[str]:
    """What to say where the static files were not collected."""
    static, layout = folder.plan.spec.app.static, folder.plan.layout
    if static and layout.static and not folder.moved(layout.static).is_dir():
        yield (
            f"found no folder {static.folder}: {static.url} answers 404 until it is there "
            "(with Django: manage.py collectstatic)"
        )


def front_notes(folder: Folder) -> Iterator[str]:
    """What to say where only what stands in front gets an answer."""
    front = folder.plan.hosts[folder.group].site.front
    if front and front.proxy_protocol:
        yield "the site expects the PROXY protocol: a browser gets no answer from it"
    elif front and front.only:
        yield "the site answers only what stands in front of it: a browser may get 403"


def gunicorn(
    processes: Processes,
    folder: Folder,
    environment: Gunicorn,
    launch: Launch,
    *,
    seconds: float,
) -> Health:
    """Start gunicorn, and ask on its own socket until it answers, as a release does.

    Raises DeploygenError when it ends, or does not answer within ``seconds``.
    """
    child = processes.start(
        "gunicorn",
        launch.command,
        cwd=launch.cwd,
        environment=launch.environment,
        umask=launch.umask,
    )
    site = folder.plan.hosts[folder.group].site
    path = folder.plan.spec.app.health or "/"
    headers = {"Host": site.canonical, "X-Forwarded-Proto": "https" if site.https else "http"}
    for left in _until(seconds):
        if not child.running:
            error = ended(child, folder.root, when="did not start")
            if environment.looked:
                error.hint = (
                    f"{environment.python} ran it; no gunicorn in {', '.join(environment.looked)}"
                )
            raise error
        with contextlib.suppress(OSError, http.client.HTTPException):
            return Health(path, ask(launch.socket, path, headers=headers, timeout_s=left).status)
    raise DeploygenError(
        f"gunicorn did not answer {path} within {seconds:g} s. {_tail(child, folder.root)}"
    )


def proxy(
    kind: Proxy, processes: Processes, folder: Folder, program: Program, *, seconds: float
) -> None:
    """Start the proxy in the foreground, and wait until it serves on all its ports.

    Raises DeploygenError when it ends, or does not serve within ``seconds``.
    """
    child = processes.start(kind.kind, kind.command(program, folder.root))
    for _ in _until(seconds):
        if not child.running:
            raise ended(child, folder.root, when="did not start")
        with contextlib.suppress(OSError):
            for port in folder.ports.values():
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            if kind.serves(folder.root):
                return
    raise DeploygenError(
        f"{kind.kind} did not serve within {seconds:g} s. {_tail(child, folder.root)}"
    )


def urls(folder: Folder, *, proxied: bool) -> tuple[str, ...]:
    """What a browser opens, the site itself first."""
    schemes = {80: "http", 443: "https" if folder.plan.hosts[folder.group].site.tls else "http"}
    if not proxied:
        schemes = {}
    # TLS first: the plain port only sends there.
    found = [
        f"{schemes[port]}://localhost:{here}/"
        for port, here in sorted(folder.ports.items(), reverse=True)
        if port in schemes
    ]
    return tuple(found) or (f"http://localhost:{next(iter(folder.ports.values()))}/",)


def _until(seconds: float) -> Iterator[float]:
    """Again and again, with the seconds that are left."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        yield max(left, POLL_S)
        time.sleep(POLL_S)
