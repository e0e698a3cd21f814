"""Every error that a user can see: what was found, what is allowed, and what to do.

Only :mod:`deploygen.cli` turns these into text on stderr and an exit code:
0 done, 1 the input is wrong, 2 wrong usage, 3 drift.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NoReturn

# Where a value stands in the description: ("proxy", "server_names", 0).
Where = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """One thing wrong with the input.

    ``where`` is the path of the value inside the description. ``file``, ``line`` and
    ``column`` (both from 1) are filled in by whoever knows the text: the plan refuses
    values without knowing which line they came from.
    """

    message: str
    where: Where = ()
    allowed: str = ""
    hint: str = ""
    file: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        head = ": ".join(part for part in (place, dotted(self.where), self.message) if part)
        tail = [
            f"    {label}: {text}"
            for label, text in (("allowed", self.allowed), ("hint", self.hint))
            if text
        ]
        return "\n".join([head, *tail])


def dotted(where: Where) -> str:
    """``("proxy", "server_names", 0)`` as ``proxy.server_names[0]``."""
    text = ""
    for part in where:
        if isinstance(part, int):
            text += f"[{part}]"
            continue
        # A key can hold anything, control characters for the terminal too.
        word = part if part.isprintable() else shown(part)
        text += f".{word}" if text else word
    return text


def shown(found: object) -> str:
    """A value as an error shows it: a text quoted, and not longer than a line."""
    if found is None or isinstance(found, bool):
        return {None: "nothing", True: "true", False: "false"}[found]
    text = found if isinstance(found, str) else str(found)
    return repr(text if len(text) <= 80 else text[:77] + "...")


class DeploygenError(Exception):
    """Base of all errors that are the user's to solve; anything else is a bug of ours."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n    hint: {self.hint}" if self.hint else self.message


class InputError(DeploygenError):
    """The description is wrong: every problem at once, not the first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    @classmethod
    def one(
        cls, message: str, *, where: Where = (), allowed: str = "", hint: str = ""
    ) -> InputError:
        """An error with a single problem."""
        return cls([Problem(message, where=where, allowed=allowed, hint=hint)])


class DriftError(DeploygenError):
    """The rendered tree is not what the description says (``render --check``)."""

    exit_code = 3


def refuse(problems: Iterable[Problem]) -> None:
    """Raise :class:`InputError` with all ``problems``, if there are any."""
    found = tuple(problems)
    if found:
        raise InputError(found)


def internal(message: str) -> NoReturn:
    """A state that the code rules out; reaching it is a bug of ours."""
    raise AssertionError(message)


def located(problem: Problem, file: str, line: int, column: int) -> Problem:
    """``problem`` with its place in a file."""
    return replace(problem, file=file, line=line, column=column)
