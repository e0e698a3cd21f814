"""Follows log files as they grow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self


class Follower:
    """New lines of some logs; a log may appear later."""

    def __init__(self, logs: Mapping[str, Path]) -> None:
        self._logs = dict(logs)
        self._open: dict[str, IO[bytes]] = {}
        self._rest: dict[str, bytes] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def lines(self) -> Iterator[tuple[str, str]]:
        """The name of a log and a line, for all that is new and complete."""
        for name, path in self._logs.items():
            if name not in self._open:
                with suppress(OSError):
                    self._open[name] = self._stack.enter_context(path.open("rb"))
            if name not in self._open:
                continue
            *lines, rest = (self._rest.get(name, b"") + self._open[name].read()).split(b"\n")
            self._rest[name] = rest
            for line in lines:
                yield name, line.decode(errors="replace")
