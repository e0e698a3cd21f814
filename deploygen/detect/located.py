"""YAML, JSON and TOML as plain values whose strings know their line.

Numbers stay strings: a version such as ``3.10`` must not become 3.1. YAML is read by its
events, without recursion: a hostile file of brackets overflows the stack of PyYAML's composer.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

# Deeper than any deployment file; a file beyond it is treated as unreadable.
_MAX_DEPTH = 60
# Aliases can make a small file stand for a huge one: they are looked at, never expanded.
_MAX_VALUES = 200_000


class Text(str):
    """A string with the line, from 1, where it stands."""

    __slots__ = ("line",)
    line: int

    def __new__(cls, value: str, line: int) -> Text:
        """The string ``value``, read at ``line``."""
        text = super().__new__(cls, value)
        text.line = line
        return text


Value = Text | list[Any] | dict[Text, Any]


def load_yaml(text: str) -> list[Value]:
    """The documents of a YAML or JSON text; those before the first error, if there is one."""
    import yaml  # noqa: PLC0415  most projects have no YAML that must be read

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=loader):
            builder.take(event, yaml)
            if len(builder.open) > _MAX_DEPTH or builder.count > _MAX_VALUES:
                break
    # Control characters and half of a surrogate pair raise ValueErrors of several kinds.
    except (yaml.YAMLError, ValueError):
        pass
    return builder.documents


class _Builder:
    """Builds values from parser events; ``open`` is the stack of unfinished collections."""

    def __init__(self) -> None:
        self.documents: list[Value] = []
        self.open: list[tuple[list[Any] | dict[Text, Any], str]] = []
        self.key: list[Text | None] = []
        self.anchors: dict[str, Value] = {}
        self.count = 0

    def take(self, event: Any, yaml: Any) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self.add(Text(event.value, event.start_mark.line + 1), event.anchor)
        elif isinstance(event, yaml.AliasEvent):
            self.add(self.anchors.get(event.anchor, Text("", event.start_mark.line + 1)), None)
        elif isinstance(event, yaml.SequenceStartEvent):
            self.start([], event.anchor)
        elif isinstance(event, yaml.MappingStartEvent):
            self.start({}, event.anchor)
        elif isinstance(event, yaml.CollectionEndEvent):
            self.open.pop()
            self.key.pop()

    def start(self, value: list[Any] | dict[Text, Any], anchor: str | None) -> None:
        self.add(value, anchor)
        self.open.append((value, ""))
        self.key.append(None)

    def add(self, value: Value, anchor: str | None) -> None:
        self.count += 1
        if anchor:
            self.anchors[anchor] = value
        if not self.open:
            self.documents.append(value)
            return
        container = self.open[-1][0]
        if isinstance(container, list):
            container.append(value)
        elif self.key[-1] is None:
            self.key[-1] = value if isinstance(value, Text) else Text("", 0)
        else:
            if self.key[-1] == "<<" and isinstance(value, dict):
                for name, merged in value.items():
                    container.setdefault(name, merged)
            else:
                container[self.key[-1]] = value
            self.key[-1] = None


def load_toml(text: str) -> dict[str, Any]:
    """A TOML text whose strings know their line, as far as it can be told; empty if invalid."""
    try:
        values = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError):
        return {}
    located = _locate(values, _Lines(text), 0)
    return located if isinstance(located, dict) else {}


class _Lines:
    """Finds values in a text from top to bottom."""

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")

    def find(self, value: str, start: int) -> int:
        first = value.strip().split("\n")[0]
        for number in range(start, len(self.lines)):
            if first and first in self.lines[number]:
                return number
        return start


def _locate(value: Any, lines: _Lines, start: int, depth: int = 0) -> Any:
    if depth > _MAX_DEPTH:
        return None
    if isinstance(value, dict):
        result: dict[Text, Any] = {}
        for name, inner in value.items():
            line = lines.find(name, start)
            result[Text(name, line + 1)] = _locate(inner, lines, line, depth + 1)
        return result
    if isinstance(value, list):
        return [_locate(inner, lines, start, depth + 1) for inner in value]
    if isinstance(value, str):
        return Text(value, lines.find(value, start) + 1)
    return value


def mappings(value: Any) -> Iterator[dict[Text, Any]]:
    """All mappings inside of ``value``, itself included, each once."""
    pending, seen = [value], set()
    while pending:
        current = pending.pop()
        if not isinstance(current, dict | list) or id(current) in seen:
            continue
        seen.add(id(current))
        if isinstance(current, dict):
            yield current
            pending += reversed(list(current.values()))
        else:
            pending += reversed(current)


def get(value: Any, *names: str) -> Any:
    """``value[a][b]...``, or None where a name is missing."""
    for name in names:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def texts(value: Any) -> list[Text]:
    """The strings of a string or of a list of strings."""
    if isinstance(value, Text):
        return [value]
    return [item for item in value if isinstance(item, Text)] if isinstance(value, list) else []
