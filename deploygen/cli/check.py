"""``deploygen check``."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from deploygen.cli import common
from deploygen.errors import DeploygenError

if TYPE_CHECKING:
    from deploygen.check import Result

MARKS = {"passed": "ok", "failed": "FAILED", "not checked": "not checked"}


def command(
    file: common.File = common.DESCRIPTION,
    output: common.Output = None,
    python: Annotated[
        str | None, typer.Option(help="The project's Python, or its environment's folder.")
    ] = None,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict/--no-strict",
            envvar="CI",
            help="Exit 1 if anything was not checked; on where CI is set.",
        ),
    ] = False,
    as_json: common.Json = False,
) -> None:
    """Run the real programs (nginx, Apache, gunicorn, systemd) over what was rendered."""
    from deploygen.check import check

    document, plan = common.load(file)
    tree = common.tree(file, output)
    files = [each.path for each in common.rendered(document, plan)]
    if not any((tree / path).is_file() for path in files):
        raise DeploygenError(f"{tree} is not rendered yet", hint="run deploygen render first")
    results = check(tree, plan, file.parent, files=files, python=python)
    if as_json:
        typer.echo(json.dumps([asdict(result) for result in results], indent=2))
    else:
        _print(results)
        for text in plan.notes:
            common.note(text)
    _judge(results, strict=strict)


def _print(results: tuple[Result, ...]) -> None:
    for result in results:
        first, *more = result.detail.splitlines() or [""]
        by = f"{result.program}: {first}" if result.program else first
        typer.echo(f"{MARKS[result.status]:<12} {result.path}  {by}".rstrip())
        for line in more:
            typer.echo(f"{'':<12}   {line}")


def _judge(results: tuple[Result, ...], *, strict: bool) -> None:
    count = Counter(result.status for result in results)
    summary = ", ".join(f"{number} {status}" for status, number in sorted(count.items()))
    if count["failed"]:
        raise DeploygenError(summary, hint="the programs' own words stand above")
    if strict and count["not checked"]:
        raise DeploygenError(
            f"{summary}: what is not checked counts as failed here",
            hint="install what is named above, or pass --no-strict",
        )
    typer.echo(summary, err=True)
