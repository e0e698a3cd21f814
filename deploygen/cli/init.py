"""``deploygen init``."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploygen.cli import common
from deploygen.errors import DeploygenError

if TYPE_CHECKING:
    from deploygen.detect import Ambiguous, Choices, Detected


def command(
    folder: Annotated[Path, typer.Argument(help="The project.")] = Path(),
    entrypoint: Annotated[
        str | None, typer.Option(help="The application: module:object or module:factory().")
    ] = None,
    settings: Annotated[str | None, typer.Option(help="Django's production settings.")] = None,
    app_dir: Annotated[
        str | None, typer.Option(help="The folder that the entrypoint imports from.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="The project's name on the host.")] = None,
    server_name: Annotated[
        list[str] | None, typer.Option(help="The site's host name; may be repeated.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite an existing deploygen.yml.")
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print the findings as JSON; write only with --yes."),
    ] = False,
) -> None:
    """Look at a web project, without running it, and describe it in deploygen.yml."""
    from deploygen.detect import Choices

    target = folder / common.DESCRIPTION
    writes = yes or not as_json
    if writes and not force and target.exists():
        raise DeploygenError(
            f"{target} exists", hint="--force overwrites it; deploygen render uses it"
        )
    asks = sys.stdin.isatty() and not yes and not as_json
    choices = Choices(entrypoint=entrypoint, settings_module=settings, app_dir=app_dir)
    detected = _detect(folder, choices, asks=asks)
    if writes:
        _write(target, detected, name, tuple(server_name or ()), asks=asks, quiet=as_json)
    if as_json:
        typer.echo(json.dumps(detected.as_json(), indent=2))


def _detect(folder: Path, choices: Choices, *, asks: bool) -> Detected:
    from deploygen.detect import Ambiguous, detect

    while True:
        try:
            return detect(folder, choices)
        except Ambiguous as error:
            if not asks:
                raise
            choices = replace(choices, **{_FIELDS[error.option]: _ask(error)})


_FIELDS = {"--entrypoint": "entrypoint", "--settings": "settings_module", "--app-dir": "app_dir"}


def _ask(error: Ambiguous) -> str:
    typer.echo(error.message, err=True)
    for number, candidate in enumerate(error.candidates, 1):
        typer.echo(f"  {number}. {candidate.value}  ({candidate.evidence})", err=True)
    while True:
        chosen: int = typer.prompt("Which one", type=int, err=True)
        if 1 <= chosen <= len(error.candidates):
            return error.candidates[chosen - 1].value
        typer.echo(f"a number from 1 to {len(error.candidates)}, please", err=True)


def _write(
    target: Path,
    detected: Detected,
    name: str | None,
    server_names: tuple[str, ...],
    *,
    asks: bool,
    quiet: bool,
) -> None:
    from deploygen.plan.advice import required
    from deploygen.plan.site import placeholders
    from deploygen.spec import parse, starter

    name = name or starter.suggest_name(detected, target.parent.resolve().name)
    if not server_names:
        placeholder = f"{name}.example"
        answer = typer.prompt("Host name of the site", default=placeholder) if asks else placeholder
        server_names = (answer,)
    text, left_out = starter.write(
        detected,
        starter.Starter(name, server_names, _release_commands(target.parent, detected)),
    )
    _put(target, text)
    if not quiet:
        _report(target, detected)
    for each in (*detected.notes, *left_out):
        common.note(each)
    spec = parse(text).spec
    for each in required(spec):
        common.note(each)
    for each in placeholders(spec):
        common.note(f"{each} is a placeholder: put the site's real name into {target}")


def _put(target: Path, text: str) -> None:
    partial = target.with_name(f".{target.name}.new")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise DeploygenError(f"{target} can't be written: {error.strerror}") from None


def _release_commands(folder: Path, detected: Detected) -> tuple[str, ...]:
    """Django's: the tables follow the code, and static files are collected if there is a root."""
    if detected.framework != "django":
        return ()
    here = folder / detected.app_dir
    manage = "python -m django"
    if (here / "manage.py").is_file():
        manage = "python manage.py"
    elif (folder / "manage.py").is_file():
        up = "/".join(".." for _ in Path(detected.app_dir).parts)
        manage = f"python {up}/manage.py"
    commands = [f"{manage} migrate --noinput"]
    if detected.static_root:
        commands.append(f"{manage} collectstatic --noinput")
    return tuple(commands)


def _report(target: Path, detected: Detected) -> None:
    for key, value in detected.as_json().items():
        if key in ("evidence", "notes", "uses", "secrets") or value is None:
            continue
        shown = " ".join(str(v) for v in value.values() if v) if isinstance(value, dict) else value
        typer.echo(f"{key:<16} {shown!s:<40} {detected.evidence.get(key, '')}".rstrip())
    for key in ("uses", "secrets"):
        for name in getattr(detected, key):
            typer.echo(f"{key:<16} {name:<40} {detected.evidence[f'{key}.{name}']}")
    typer.echo(f"wrote {target}: next, deploygen render")
