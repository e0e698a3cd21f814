"""What several commands share: their options, and the way from a file to a plan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from deploygen.plan import Plan
    from deploygen.render import RenderedFile
    from deploygen.spec import Document

File = Annotated[Path, typer.Option("--file", "-f", help="The description.")]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="The tree; deploy/ beside the description.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

DESCRIPTION = Path("deploygen.yml")


def load(file: Path) -> tuple[Document, Plan]:
    """The description and its plan. Raises InputError with file, line and column."""
    from deploygen import plan
    from deploygen.spec import load as load_description

    document = load_description(str(file))
    with document.located():
        return document, plan.make(document.spec)


def rendered(document: Document, plan: Plan) -> tuple[RenderedFile, ...]:
    """Every file of the tree, as the description has it."""
    from deploygen import targets
    from deploygen.render import render

    with document.located():
        files = targets.files(plan)
    return render(files)


def tree(file: Path, output: Path | None) -> Path:
    """Where the tree stands: deploy/ beside the description, if nothing else is said."""
    return output or file.parent / "deploy"


def note(text: str) -> None:
    """A line for the person, on stderr: standard output is for results."""
    typer.echo(f"note: {text}", err=True)
