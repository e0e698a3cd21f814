"""Reads Apache's configuration language just far enough to change single words in place.

The rules are those of Apache's own reader, ``ap_cfg_getline`` and ``ap_getword_conf``: a line is
a directive, a backslash at its end continues it, and only ``\\\\`` and an escaped quote are
unescaped inside quotes: https://github.com/apache/httpd/blob/2.4.x/server/util.c
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from deploygen.stack.directives import Directive, Word

_LINE = re.compile(r"(?:[^\n]*\\\r?\n)*[^\n]*\n?")
_SPACE = re.compile(r"(?:\s|\\\r?\n)*")
_QUOTED = re.compile(r"""(["'])((?:\\(?:\1|\\)|(?!\1)[^\n]|\\\n)*)(?:\1|$)""")
_BARE = re.compile(r"(?:[^\s\\]|\\(?!\r?\n))+")
_ESCAPED = re.compile(r"\\(?=[\\\"'])(.)")


def directives(text: str) -> tuple[Directive, ...]:
    """All directives in their order, names in lower case; ``<VirtualHost>`` is a block.

    Apache reports what cannot be read.
    """
    found: list[Directive] = []
    open_blocks: list[Directive] = []
    for match in _LINE.finditer(text):
        words = list(_words(text, match.start(), match.end()))
        if not words or words[0].value.startswith("#"):
            continue
        name, *args = words
        if name.value.startswith("</"):
            if open_blocks:
                open_blocks.pop()
            continue
        opens = name.value.startswith("<")
        directive = Directive(
            name.value.lstrip("<").rstrip(">").lower(),
            tuple(_without_bracket(args) if opens else args),
            name.start,
            words[-1].end,
            text.count("\n", 0, name.start) + 1,
            opens,
            tuple(open_blocks),
        )
        found.append(directive)
        if opens:
            open_blocks.append(directive)
    return tuple(found)


def _words(text: str, start: int, end: int) -> Iterator[Word]:
    position = _end(_SPACE, text, start, end)
    while position < end:
        begin = position
        if quoted := _QUOTED.match(text, begin, end):
            position = quoted.end()
            value = _ESCAPED.sub(r"\1", quoted[2])
        else:
            position = max(_end(_BARE, text, begin, end), begin + 1)
            value = text[begin:position]
        yield Word(value, begin, position)
        position = _end(_SPACE, text, position, end)


def _end(pattern: re.Pattern[str], text: str, position: int, end: int) -> int:
    match = pattern.match(text, position, end)
    return match.end() if match else position


def _without_bracket(words: list[Word]) -> Iterator[Word]:
    """The arguments of ``<Name a b>``, without the bracket that ends it."""
    for word in words:
        if word is not words[-1] or not word.value.endswith(">"):
            yield word
        elif len(word.value) > 1:
            yield Word(word.value[:-1], word.start, word.end - 1)
