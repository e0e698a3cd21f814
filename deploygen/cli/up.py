"""``deploygen up``."""

from __future__ import annotations

import contextlib
import json
import signal
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from deploygen.cli import common
from deploygen.errors import DeploygenError

if TYPE_CHECKING:
    from deploygen.stack import Stack


def command(
    file: common.File = common.DESCRIPTION,
    output: common.Output = None,
    group: Annotated[
        str | None, typer.Option(help="The machine group; needed if there are several.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="8000, or the next free one; 0 takes any.", min=0, max=65535)
    ] = None,
    python: Annotated[
        str | None, typer.Option(help="The project's Python, or its environment's folder.")
    ] = None,
    env: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="For the application, beside what is rendered."),
    ] = None,
    release: Annotated[
        bool, typer.Option("--release", help="Run app.release_commands first: migrate, ...")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one line of JSON when all is up.")
    ] = False,
) -> None:
    """Start what was rendered on this machine, without root, on loopback; Ctrl-C stops it."""
    from deploygen.stack import Options, running

    _, plan = common.load(file)
    tree = common.tree(file, output)
    if not (tree / "hosts").is_dir():
        raise DeploygenError(f"{tree} is not rendered yet", hint="run deploygen render first")
    options = Options(
        port=port, python=python, environment=_environment(env or ()), release_commands=release
    )
    # Whoever ends this politely gets the same clean stop as with Ctrl-C; and a shell that
    # starts it in the background has told it to ignore Ctrl-C.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _interrupt)
    try:
        with running(tree, plan, _group(tuple(plan.groups), group), file.parent, options) as stack:
            _show(stack, as_json=as_json)
            stack.wait(None if as_json else _line)
    except KeyboardInterrupt:
        typer.echo("stopped", err=True)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _group(groups: tuple[str, ...], wanted: str | None) -> str:
    if wanted is None and len(groups) == 1:
        return groups[0]
    if wanted not in groups:
        found = f"no machine group is called {wanted}" if wanted else "there are several groups"
        raise DeploygenError(found, hint=f"--group {' or '.join(groups)}")
    return wanted


def _environment(pairs: list[str] | tuple[str, ...]) -> dict[str, str]:
    for pair in pairs:
        if "=" not in pair or pair.startswith("="):
            raise typer.BadParameter(f"{pair!r} is not NAME=VALUE", param_hint="--env")
    return dict(pair.split("=", 1) for pair in pairs)


def _show(stack: Stack, *, as_json: bool) -> None:
    health = stack.health
    if as_json:
        told = {
            "urls": stack.urls,
            "health": {"path": health.path, "status": health.status} if health else None,
            "pids": stack.pids,
            "workers": stack.workers,
            "programs": stack.programs,
            "folder": str(stack.folder),
            "notes": stack.notes,
        }
        typer.echo(json.dumps(told))
        return
    for name, version in stack.programs.items():
        typer.echo(f"{name:<10} {version}, pid {stack.pids.get(name, '-')}")
    typer.echo(f"{'workers':<10} {len(stack.workers)}")
    if health:
        typer.echo(f"{'health':<10} {health.path} answers {health.status}")
    for url in stack.urls:
        typer.echo(f"{'open':<10} {url}")
    typer.echo(f"{'changed':<10} {len(stack.changes)} paths and ports, for this machine")
    for text in (*stack.notes, *_refused(stack)):
        common.note(text)
    typer.echo("Ctrl-C stops all of it.")


def _refused(stack: Stack) -> Iterator[str]:
    """A hint where the application does not know the name that a browser will use here."""
    import http.client

    from deploygen.stack import ask

    host = stack.urls[0].split("://")[1].rstrip("/")
    with contextlib.suppress(OSError, http.client.HTTPException):
        if ask(stack.address, "/", headers={"Host": host}, tls=stack.tls).status == 400:
            yield (
                f"the application refuses the name {host} (400): with Django, allow localhost "
                "in ALLOWED_HOSTS, through --env if the settings read it from the environment"
            )


def _line(name: str, line: str) -> None:
    typer.echo(f"[{name}] {line}")
