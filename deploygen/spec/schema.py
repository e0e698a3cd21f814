"""The JSON Schema of the description, for editors."""

from __future__ import annotations

from typing import Any

from deploygen.spec.model import Spec

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(targets: tuple[str, ...]) -> dict[str, Any]:
    """The schema of ``deploygen.yml``; ``targets`` are the names that its list may hold."""
    schema = Spec.model_json_schema()
    _close(schema)
    # Where it is left out, the entrypoint's first module names the project (load.py).
    schema["required"].remove("name")
    schema["$schema"] = DIALECT
    schema["title"] = "deploygen.yml"
    array = schema["properties"]["targets"]["anyOf"][0]
    array["items"] = {"enum": list(targets)}
    return schema


def _close(schema: Any) -> None:
    """Where keys have a pattern, others are refused, as the models refuse them."""
    if isinstance(schema, dict):
        if "patternProperties" in schema:
            schema["additionalProperties"] = False
        for value in schema.values():
            _close(value)
    elif isinstance(schema, list):
        for value in schema:
            _close(value)
