"""What the types are made of: a check, the words of its error, and its part of the JSON Schema."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from deploygen import errors

shown = errors.shown


def refusal(found: object, allowed: str, hint: str = "") -> PydanticCustomError:
    """The error that a validator raises; load.py turns it into a Problem."""
    return PydanticCustomError(
        "deploygen",
        "found {found}",
        {"found": shown(found), "allowed": allowed, "hint": hint},
    )


def closest(word: str, options: Iterable[str]) -> str:
    """A hint with the option that ``word`` was probably meant to be; empty if none is near."""
    near = difflib.get_close_matches(word, list(options), n=1)
    return f"did you mean {near[0]}?" if near else ""


@dataclass(frozen=True, eq=False)
class Rule:
    """A check of a value that pydantic has typed: it returns the value, or raises a refusal.

    ``schema`` is what the JSON Schema can say of it.
    """

    check: Callable[[Any], Any]
    schema: Mapping[str, Any] = field(default_factory=dict)

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """The check, after what pydantic checks itself."""
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """The type's schema with ours."""
        return {**handler(core), **self.schema}


class OneOrMore:
    """A list of texts, or one text that stands for a list of it alone."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """One text becomes a list."""
        return core_schema.no_info_before_validator_function(
            lambda value: [value] if isinstance(value, str) else value, handler(source)
        )

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """The list, or its item."""
        whole = handler(core)
        return {"anyOf": [whole, whole["items"]]}


@dataclass(frozen=True)
class ShortForm:
    """A mapping that may be written as the value of its key ``key`` alone."""

    key: str

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Anything but a mapping is taken for the key's value."""
        return core_schema.no_info_before_validator_function(self._expanded, handler(source))

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """The mapping, or the key's own schema."""
        whole = handler(core)
        part = dict(handler.resolve_ref_schema(whole)["properties"][self.key])
        return {"anyOf": [whole, part]}

    def _expanded(self, value: Any) -> Any:
        return value if isinstance(value, Mapping | BaseModel) else {self.key: value}


def pattern(regex: str, allowed: str, hint: str = "") -> Rule:
    """A text that ``regex`` matches from its first to its last character."""

    def check(text: str) -> str:
        if re.fullmatch(regex, text) is None:
            raise refusal(text, allowed, hint)
        return text

    return Rule(check, {"pattern": f"^(?:{regex})$"})


def checked(check: Callable[[str], object], allowed: str, hint: str = "") -> Rule:
    """A text that ``check`` raises no ValueError for; the error's text is the hint."""

    def validate(text: str) -> str:
        try:
            check(text)
        except ValueError as error:
            raise refusal(text, allowed, str(error) or hint) from None
        return text

    return Rule(validate)


def _each_once(values: tuple[str, ...]) -> tuple[str, ...]:
    for index, value in enumerate(values):
        if value in values[:index]:
            raise refusal(value, "each one once", "it stands in this list twice")
    return values


UNIQUE = Rule(_each_once, {"uniqueItems": True})
