"""What a release ships, and when it is live."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from deploygen.spec import types as t
from deploygen.spec.base import Model
from deploygen.units import DAY_S


class Release(Model):
    """What a release ships, and when it is live."""

    source: Annotated[
        Literal["folder", "git"],
        Field(description="The project's folder as it is, or a commit of its repository."),
    ] = "folder"
    ref: Annotated[t.GitRef, Field(description="The commit, tag or branch; for git.")] = "HEAD"
    include: Annotated[
        tuple[t.ProjectPath, ...],
        Field(description="Paths that are shipped though .gitignore names them: built assets."),
    ] = ()
    exclude: Annotated[
        tuple[t.PathPattern, ...], Field(description="Patterns of paths that are not shipped.")
    ] = ()
    keep: Annotated[
        t.Whole, Field(ge=2, le=100, description="How many releases stay, for a rollback.")
    ] = 5
    health_timeout_s: Annotated[
        t.Whole, Field(ge=1, le=3600, description="How long a release may take to be well.")
    ] = 60
    drain_s: Annotated[
        Annotated[t.Whole, Field(ge=0, le=DAY_S)] | None,
        Field(
            description="How long the old release may finish requests; gunicorn's "
            "graceful_timeout when left out."
        ),
    ] = None
