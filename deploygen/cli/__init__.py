"""The command line: the only place that prints, prompts or exits.

Commands import what they need when they run: ``--help`` and completion stay quick.
"""

from __future__ import annotations

from typing import Annotated

import typer

from deploygen import __version__
from deploygen.cli import check, explain, init, render, schema, up
from deploygen.errors import DeploygenError

app = typer.Typer(
    name="deploygen",
    help=(
        "Renders a tuned, explained and verified production deployment for a Django, Flask or "
        "FastAPI project.\n\nStart with: deploygen init && deploygen render"
    ),
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("init")(init.command)
app.command("render")(render.command)
app.command("check")(check.command)
app.command("explain")(explain.command)
app.command("up")(up.command)
app.command("schema")(schema.command)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"deploygen {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Options that stand before the command."""


def fail(error: DeploygenError) -> None:
    """Prints an error; the exit code is the caller's."""
    typer.echo(f"deploygen: {error}", err=True)
