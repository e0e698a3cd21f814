"""Reads systemd's ``EnvironmentFile=``.

The rules are those of systemd's own reader, ``parse_env_file_internal`` (since release 254):
https://github.com/systemd/systemd/blob/main/src/basic/env-file.c and systemd.exec(5).
"""

from __future__ import annotations

import re

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ESCAPABLE_IN_QUOTES = '"\\`$'
_BLANK = " \t"


def parse(text: str) -> dict[str, str]:
    """Name -> value. A name that systemd would refuse is left out, the last one of two wins."""
    found: dict[str, str] = {}
    reader = _Reader(text)
    while (pair := reader.pair()) is not None:
        name, value = pair
        if _NAME.fullmatch(name):
            found[name] = value
    return found


class _Reader:
    """A position in the text, and what can be read there."""

    def __init__(self, text: str) -> None:
        self._text = text.replace("\r\n", "\n")
        self._at = 0

    def _next(self) -> str:
        char = self._text[self._at : self._at + 1]
        self._at += 1
        return char

    def pair(self) -> tuple[str, str] | None:
        """The next assignment; None at the end."""
        while self._at < len(self._text):
            line_end = (self._text + "\n").index("\n", self._at)
            line = self._text[self._at : line_end].lstrip()
            if not line or line[0] in "#;" or "=" not in line:
                self._at = line_end + 1
                continue
            name, _, _ = line.partition("=")
            self._at = self._text.index("=", self._at) + 1
            return name.strip(), self._value()
        return None

    def _value(self) -> str:
        """Up to the end of the line: bare words and quoted parts, joined."""
        value = ""
        while True:
            char = self._next()
            if char in ("", "\n"):
                return value
            if char == "'":
                end = self._text.find("'", self._at)
                end = end if end >= 0 else len(self._text)
                value += self._text[self._at : end]
                self._at = end + 1
            elif char == '"':
                value += self._double_quoted()
            elif char not in _BLANK:
                return value + self._bare(char)

    def _double_quoted(self) -> str:
        value = ""
        while (char := self._next()) not in ('"', ""):
            if char != "\\":
                value += char
            elif (escaped := self._next()) in _ESCAPABLE_IN_QUOTES:
                value += escaped
            elif escaped != "\n":
                value += char + escaped
        return value

    def _bare(self, char: str) -> str:
        """The rest of the line; quotes are plain characters here, blanks at the end are not."""
        value = ""
        kept = 0
        while char not in ("", "\n"):
            if char == "\\":
                char = self._next()
                if char != "\n":
                    value += char
                    kept = len(value)
            else:
                value += char
                if char not in _BLANK:
                    kept = len(value)
            char = self._next()
        return value[:kept]
