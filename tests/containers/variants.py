"""Stacks of examples that are described otherwise: another proxy, services beside it, TLS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from testbed import images
from tests.containers import engines
from tests.containers.engines import MARK, Engine, Stack, free_port
from tests.examples import SECRETS, Example, example

NAMES = ("podman",)


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
    path: str = "/",
) -> Iterator[Stack]:
    """Build an example's images on ``bases``, start its compose file; all removed at the end."""
    for base in bases:
        images.ensure(engines._find(found.name), base)
    stack = Stack(found, made, free_port(), f"{MARK}-{label}", dict(environ or {}))
    name = made.name
    try:
        for target, tag in (("app", name), ("proxy", f"{name}-proxy")):
            found.build(made, target, f"{tag}:{stack.environment['TAG']}")
        stack.compose("up", "--detach", "--no-build")
        stack.wait()
        yield stack
    finally:
        stack.compose("down", "--volumes", check=False)
