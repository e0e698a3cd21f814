"""YAML as plain data, with the place of every value.

PyYAML's own constructors are not used: they read ``3.10`` as 3.1, ``no`` as False and ``10:30``
as 630. Here a plain scalar is a number, true, false or null as YAML 1.2's core schema has it,
everything else is text, and a number remembers how it was written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from deploygen.errors import InputError, Problem, Where, refuse, shown

try:
    from yaml import CSafeLoader as Loader
except ImportError:  # PyYAML built without libyaml: slower, the same result
    from yaml import SafeLoader as Loader  # type: ignore[assignment]

MAX_BYTES = 1_000_000
MAX_DEPTH = 20

# Leading zeros make no number here: 007 may be meant as octal, or as the text that it is.
_INT = re.compile(r"0|-?[1-9][0-9]{0,28}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_WORDS = {
    "true": True, "True": True, "TRUE": True,
    "false": False, "False": False, "FALSE": False,
    "null": None, "Null": None, "NULL": None, "~": None, "": None,
}  # fmt: skip


class Number(float):
    """A number with a fraction or exponent, and its own spelling: ``3.10`` is not 3.1."""

    text: str

    def __new__(cls, text: str) -> Number:
        """The number that ``text`` spells."""
        number = super().__new__(cls, text)
        number.text = text
        return number

    def __str__(self) -> str:
        return self.text


Data = None | bool | int | Number | str | list["Data"] | dict[str, "Data"]


@dataclass
class Source:
    """A parsed file: its data, and the (line, column), both from 1, of each key and value."""

    file: str
    data: Data = None
    keys: dict[Where, tuple[int, int]] = field(default_factory=dict)
    values: dict[Where, tuple[int, int]] = field(default_factory=dict)

    def place(self, where: Where, *, key: bool = False) -> tuple[int, int]:
        """The place of a value (or its key); of the nearest parent where it is not in the file."""
        while where:
            for places in (self.keys, self.values) if key else (self.values, self.keys):
                if where in places:
                    return places[where]
            where, key = where[:-1], True
        return (1, 1)


def read(text: str, file: str) -> Source:
    """The data and places of a YAML text.

    Raises InputError for what is no YAML, is too large or too deep, has a key twice, or uses
    aliases or tags.
    """
    if len(text) > MAX_BYTES:
        raise too_large(file)
    reader = _Reader(Source(file))
    try:
        reader.survey(text)
        refuse(reader.problems)
        node = yaml.compose(text, Loader=Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reader.report(mark, f"this is no YAML: {error.problem or error.context}")
        raise InputError(reader.problems) from None
    except (yaml.reader.ReaderError, UnicodeEncodeError) as error:
        line, column = _unreadable(text)
        message = f"this is no YAML: {error.reason}"
        raise InputError([Problem(message, file=file, line=line, column=column)]) from None
    if node is not None:
        reader.source.data = reader.convert(node, ())
    refuse(reader.problems)
    return reader.source


def too_large(file: str) -> InputError:
    """The error for a file of more than MAX_BYTES."""
    return InputError([Problem("the file is larger than 1 MB", file=file, line=1, column=1)])


def _unreadable(text: str) -> tuple[int, int]:
    """Line and column of the first character that no YAML file may have."""
    match = yaml.reader.Reader.NON_PRINTABLE.search(text)
    start = match.start() if match else 0
    return text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start)


class _Reader:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = []

    def report(self, mark: Any, message: str, where: Where = (), hint: str = "") -> None:
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        self.problems.append(
            Problem(
                message, where=where, hint=hint, file=self.source.file, line=line, column=column
            )
        )

    def survey(self, text: str) -> None:
        """Reports what is refused whatever it says: too deep, aliases, tags.

        Event by event, before anything is built: the parser builds nodes recursively, in C, and
        would end the process on a text that is nested deeply enough.
        """
        depth = 0
        for event in yaml.parse(text, Loader=Loader):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth > MAX_DEPTH:
                self.report(event.start_mark, "this YAML is nested too deeply")
                return
            if isinstance(event, yaml.AliasEvent):
                self.report(
                    event.start_mark, "aliases (*name) are not supported", hint="write it out"
                )
                continue
            tag = getattr(event, "tag", None)
            if tag is not None:
                self.report(event.start_mark, f"tags ({shown(tag)}) are not supported")

    def convert(self, node: yaml.Node, where: Where) -> Data:
        self.source.values.setdefault(where, (node.start_mark.line + 1, node.start_mark.column + 1))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, where)
        if isinstance(node, yaml.SequenceNode):
            return [self.convert(item, (*where, index)) for index, item in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, where: Where) -> dict[str, Data]:
        data: dict[str, Data] = {}
        for key_node, value_node in node.value:
            mark = key_node.start_mark
            if not isinstance(key_node, yaml.ScalarNode):
                self.report(mark, "a key has to be a plain word", where)
                continue
            key = key_node.value
            if key == "<<":
                self.report(mark, "merge keys (<<) are not supported", where, "write it out")
                continue
            if key in data:
                first = self.source.keys[(*where, key)][0]
                self.report(mark, f"this key stands in line {first} already", (*where, key))
                continue
            self.source.keys[(*where, key)] = (mark.line + 1, mark.column + 1)
            data[key] = self.convert(value_node, (*where, key))
        return data

    def _scalar(self, node: yaml.Node) -> Data:
        text = str(node.value)
        if getattr(node, "style", None):  # quoted or a block: always text
            return text
        if text in _WORDS:
            return _WORDS[text]
        if _INT.fullmatch(text):
            return int(text)
        return Number(text) if _FLOAT.fullmatch(text) else text


def plain(data: Data) -> object:
    """``data`` as JSON has it (a Number as a float)."""
    if isinstance(data, Mapping):
        return {key: plain(value) for key, value in data.items()}
    if isinstance(data, list):
        return [plain(value) for value in data]
    return float(data) if isinstance(data, Number) else data
