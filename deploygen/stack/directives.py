"""Reads nginx's configuration language just far enough to change single words in place.

What is not changed keeps its bytes and its line, so that a message of nginx about a moved
file points at the right line of the rendered one. The rules are those of nginx's own reader,
``ngx_conf_read_token``: https://github.com/nginx/nginx/blob/master/src/core/ngx_conf_file.c
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Word:
    """One word: its value without quotes, and where it stands in the text."""

    value: str
    start: int
    end: int


@dataclass(frozen=True)
class Directive:
    """A directive; ``opens`` says that it is a block. ``end`` is behind its ``;`` or ``{``."""

    name: str
    args: tuple[Word, ...]
    start: int
    end: int
    line: int
    opens: bool
    within: tuple[Directive, ...] = field(repr=False)

    @property
    def context(self) -> tuple[str, ...]:
        """The names of the blocks around it, the outermost first."""
        return tuple(block.name for block in self.within)

    def values(self) -> tuple[str, ...]:
        """The arguments without their quotes."""
        return tuple(word.value for word in self.args)


@dataclass(frozen=True)
class Edit:
    """Replace ``start`` to ``end`` of a text; ``what`` says in words what that does."""

    start: int
    end: int
    new: str
    what: str


def apply(text: str, edits: Iterable[Edit]) -> str:
    """The text with all edits, which do not overlap. Every line keeps its number."""
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end), reverse=True):
        lines = text.count("\n", edit.start, edit.end) - edit.new.count("\n")
        text = text[: edit.start] + edit.new + "\n" * lines + text[edit.end :]
    return text


_SKIP = re.compile(r"(?:\s+|#[^\n]*)*")
_QUOTED = re.compile(r""""((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'""", re.DOTALL)
_BARE = re.compile(r"(?:\\.|\$\{|[^\s;{\\])+", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def directives(text: str) -> tuple[Directive, ...]:
    """All directives in their order, as far as the text can be read: nginx reports the rest."""
    found: list[Directive] = []
    open_blocks: list[Directive] = []
    words: list[Word] = []
    for word, mark, end in _tokens(text):
        if word is not None:
            words.append(word)
        elif mark == "}":
            if open_blocks:
                open_blocks.pop()
        elif words:
            name, *args = words
            directive = Directive(
                name.value,
                tuple(args),
                name.start,
                end,
                text.count("\n", 0, name.start) + 1,
                mark == "{",
                tuple(open_blocks),
            )
            found.append(directive)
            if directive.opens:
                open_blocks.append(directive)
            words = []
    return tuple(found)


def _tokens(text: str) -> Iterator[tuple[Word | None, str, int]]:
    """Words, and the marks ``;``, ``{`` and ``}`` with the position behind them."""
    position = 0
    while True:
        position = _end(_SKIP, text, position)
        if position >= len(text):
            return
        if text[position] in ";{}":
            position += 1
            yield None, text[position - 1], position
            continue
        start = position
        if quoted := _QUOTED.match(text, start):
            position = quoted.end()
            value = quoted[1] if quoted[1] is not None else quoted[2]
        else:
            position = max(_end(_BARE, text, start), start + 1)
            value = text[start:position]
        yield Word(_ESCAPED.sub(r"\1", value) if quoted else value, start, position), "", position


def _end(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return match.end() if match else position
