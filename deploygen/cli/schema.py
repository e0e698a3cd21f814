"""``deploygen schema``."""

from __future__ import annotations

import json

import typer


def command() -> None:
    """Print the JSON Schema of deploygen.yml, for editors."""
    from deploygen.spec.schema import json_schema
    from deploygen.targets import REGISTRY

    typer.echo(json.dumps(json_schema(tuple(REGISTRY)), indent=2))
