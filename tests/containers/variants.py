"""Stacks of examples that are described otherwise: another proxy, services beside it, TLS."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from testbed import engine, images
from tests.containers.engines import MARK, Engine, Stack, free_port
from tests.examples import SECRETS, Example, example


def described(
    name: str,
    folder: Path,
    *,
    kind: str = "nginx",
    proxy: str = "body_limit: 4M",
    app: str = "",
    containers: str = "memory: 400M",
    secrets: Mapping[str, str] = SECRETS,
) -> Example:
    """An example, rendered for containers, with a file for each secret."""
    more = f"containers: {{{containers}}}\n"
    # The database's own password is its container's affair.
    named = [secret for secret in secrets if secret != "POSTGRES_PASSWORD"]
    made = example(
        name, folder, os="debian-13", kind=kind, proxy=proxy, app=app, more=more, secrets=named
    )
    place = made.project / "secrets"
    place.mkdir(mode=0o700)
    for secret, value in secrets.items():
        (place / secret).write_text(value)
        (place / secret).chmod(0o444)
    return made


@contextmanager
def running(
    found: Engine,
    made: Example,
    label: str,
    *bases: str,
    environ: Mapping[str, str] | None = None,
    ready: Callable[[], bool] | None = None,
) -> Iterator[Stack]:
    """Build an example's images on ``bases``, start its compose file; all removed at the end.

    It is up when its health answers, or what ``ready`` asks.
    """
    _ensure(found, bases)
    stack = Stack(found, made, free_port(), f"{MARK}-{label}", dict(environ or {}))
    name = made.name
    try:
        for target, tag in (("app", name), ("proxy", f"{name}-proxy")):
            found.build(made, target, f"{tag}:{stack.environment['TAG']}")
        stack.compose("up", "--detach", "--no-build")
        if ready is None:
            stack.wait()
        else:
            until(stack, ready)
        yield stack
    finally:
        stack.compose("down", "--volumes", check=False)


def _ensure(found: Engine, bases: tuple[str, ...]) -> None:
    """Each image is made once, by podman where it is there; docker gets a copy."""
    bed = {
        name: engine.Engine(name, engine.configuration(), environment)
        for name, environment in (("podman", {}), (found.name, found.environment))
    }
    other = bed["podman"] if found.name != "podman" and shutil.which("podman") else None
    for base in bases:
        if other:
            images.ensure(other, base)
        images.ensure(bed[found.name], base, other)


def until(stack: Stack, ready: Callable[[], bool], seconds: float = 60) -> None:
    """Until ``ready`` says so; an OSError means not yet."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(OSError):
            if ready():
                return
        time.sleep(0.2)
    logs = stack.compose("logs", check=False)
    raise AssertionError(f"not ready: {logs.stdout[-4000:]}{logs.stderr[-4000:]}")
