"""``deploygen render``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploygen.cli import common
from deploygen.errors import DeploygenError, DriftError

if TYPE_CHECKING:
    from deploygen.render import Change


def command(
    file: common.File = common.DESCRIPTION,
    output: common.Output = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 3 if the tree differs.")
    ] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help="Write nothing; show what would change.")
    ] = False,
    keep: Annotated[
        list[str] | None,
        typer.Option(metavar="PATH", help="Keep this hand-edited file ('*' for all)."),
    ] = None,
    replace: Annotated[
        list[str] | None,
        typer.Option(metavar="PATH", help="Replace this hand-edited file ('*' for all)."),
    ] = None,
    as_json: common.Json = False,
) -> None:
    """Write deploy/ from the description. Files edited by hand are never overwritten."""
    from deploygen.render import compare, drifted, manifest, resolve, write

    document, plan = common.load(file)
    files = common.rendered(document, plan)
    tree = common.tree(file, output)
    before = manifest.read(tree)
    changes = resolve(compare(tree, files, before), keep or (), replace or ())
    differing = drifted(changes)
    if diff and not as_json:
        for change in differing:
            typer.echo(change.diff(), nl=False)
    elif not check:
        _refuse_conflicts(tree, changes)
        write(tree, changes, before)
    if as_json:
        typer.echo(_json(changes, plan.notes, wrote=not check and not diff))
    else:
        _report(tree, changes, wrote=not check and not diff)
        for text in plan.notes:
            common.note(text)
    if check and differing:
        raise DriftError(
            f"{tree} is not what {file} says: {_count(differing)}",
            hint="deploygen render writes it, deploygen render --diff shows it",
        )


def _refuse_conflicts(tree: Path, changes: Sequence[Change]) -> None:
    from deploygen.render import conflicts

    found = conflicts(changes)
    if not found:
        return
    for change in found:
        typer.echo(change.diff(), err=True, nl=False)
    names = "".join(f"\n    {change.path}: {change.state.value}" for change in found)
    raise DeploygenError(
        f"nothing was written: render would overwrite what is not its own in {tree}{names}",
        hint=f"--keep '{found[0].path}' keeps it, --replace '{found[0].path}' replaces it",
    )


def _count(changes: Sequence[Change]) -> str:
    return f"{len(changes)} file{'' if len(changes) == 1 else 's'}"


def _report(tree: Path, changes: Sequence[Change], *, wrote: bool) -> None:
    from deploygen.render import State

    listed = [change for change in changes if change.state is not State.SAME]
    for change in listed:
        typer.echo(f"{change.state.value:<20} {tree / change.path}", err=not wrote)
    if wrote:
        same = len(changes) - len(listed)
        typer.echo(f"{tree}: {_count(changes)}, {same} unchanged")


def _json(changes: Sequence[Change], notes: Sequence[str], *, wrote: bool) -> str:
    files = [
        {"path": change.path, "state": change.state.value, "diff": change.diff()}
        for change in changes
    ]
    return json.dumps({"wrote": wrote, "files": files, "notes": list(notes)}, indent=2)
