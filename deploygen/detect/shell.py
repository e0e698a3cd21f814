"""Shell text as simple commands: arguments, environment and working folder of each.

No shell: loops, functions and conditions are read as if every line ran once, which is what
is needed to see the commands that a script may run.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_KEYWORDS = frozenset({"then", "do", "else", "elif", "if", "while", "!", "{", "(", "exec", "time"})
_OPERATORS = frozenset(";&|()<>")
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_INNERMOST = re.compile(r"\$\(\([^()]*\)\)|\$\([^()]*\)|`[^`]*`")
_DEFAULT = re.compile(r"\$\{(\w+):?[-=]([^{}]*)\}")
_OTHER_EXPANSION = re.compile(r"\$\{(\w+):?[?+#%/^,][^{}]*\}")
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
# A generated or minified line; no person wrote a start command of this length.
_MAX_LINE = 10_000


@dataclass(frozen=True)
class Simple:
    """One simple command: what it runs, with which variables set, in which folder."""

    argv: tuple[str, ...]
    line: int
    environment: Mapping[str, str]
    folder: str = ""


def simple_commands(
    text: str, line: int = 1, environment: Mapping[str, str] | None = None, folder: str = ""
) -> Iterator[Simple]:
    """The simple commands of a shell text whose first line is ``line`` of its file."""
    variables = dict(environment or {})
    for number, content in _logical_lines(text):
        for words in _commands(_expand(content, variables)):
            argv = list(words)
            while argv and argv[0] in _KEYWORDS:
                argv.pop(0)
            if argv and argv[0] in ("export", "declare", "readonly", "local", "env", "set"):
                argv = [word for word in argv[1:] if not word.startswith("-")] or ["true"]
            own = dict(_leading_assignments(argv))
            argv = argv[len(own) :]
            if not argv or argv == ["true"]:
                variables.update(own)
            elif argv[0] in ("cd", "pushd") and len(argv) > 1:
                folder = _moved(folder, argv[1])
            if argv or own:
                yield Simple(tuple(argv), line + number, {**variables, **own}, folder)


def _leading_assignments(argv: list[str]) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for word in argv:
        match = _ASSIGNMENT.fullmatch(word)
        if match is None or match[1] in seen:
            return
        seen.add(match[1])
        yield match[1], match[2]


def _moved(folder: str, to: str) -> str:
    return to if to.startswith(("/", "$", "~")) or not folder else f"{folder.rstrip('/')}/{to}"


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their number from 0, with those that a backslash continues joined."""
    start, pending = 0, ""
    for number, line in enumerate(text.split("\n")):
        if not pending:
            start = number
        if line.rstrip().endswith("\\") and len(pending) < _MAX_LINE:
            pending += line.rstrip()[:-1] + " "
            continue
        whole = pending + line
        pending = ""
        # A comment between continued lines does not end the command, in a Dockerfile.
        if len(whole) <= _MAX_LINE and whole.strip() and not whole.lstrip().startswith("#"):
            yield start, whole
    if pending.strip():
        yield start, pending


def _expand(text: str, variables: Mapping[str, str]) -> str:
    """``text`` with variables and defaults filled in; what a command would print is ``1``."""
    for _ in range(5):
        shorter = _DEFAULT.sub(lambda m: variables.get(m[1]) or m[2], _INNERMOST.sub("1", text))
        shorter = _OTHER_EXPANSION.sub(lambda m: variables.get(m[1], ""), shorter)
        if shorter == text:
            break
        text = shorter
    filled = _VARIABLE.sub(lambda m: variables.get(m[1] or m[2], m[0]), text)
    # A variable that doubles itself grows without end.
    return filled if len(filled) <= _MAX_LINE else ""


def _commands(text: str) -> Iterator[list[str]]:
    """The words of each command of a line; quotes that never end are read as plain text."""
    words: list[str] = []
    for word in _words(text):
        if word and set(word) <= _OPERATORS:
            # A redirection ends nothing, but its file name is no argument either way.
            if words:
                yield words
            words = []
        else:
            words.append(word)
    if words:
        yield words


def _words(text: str) -> list[str]:
    try:
        lexer = shlex.shlex(text, posix=True, punctuation_chars="".join(sorted(_OPERATORS)))
        lexer.whitespace_split = True
        return list(lexer)
    except ValueError:
        return text.replace("'", " ").replace('"', " ").split()
