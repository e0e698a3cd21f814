"""The JSON Schema of the description, for editors."""

from __future__ import annotations

from typing import Any

from deploygen.spec.model import Spec

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(targets: tuple[str, ...]) -> dict[str, Any]:
    """The schema of ``deploygen.yml``; ``targets`` are the names that its list may hold."""
    schema = Spec.model_json_schema()
    schema["$schema"] = DIALECT
    schema["title"] = "deploygen.yml"
    array = schema["properties"]["targets"]["anyOf"][0]
    array["items"] = {"enum": list(targets)}
    return schema
