"""Runs one program with a time limit."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SECONDS = 30.0


@dataclass(frozen=True)
class Outcome:
    """``code`` is None where the time ran out; ``lines`` are those of both streams."""

    code: int | None
    lines: tuple[str, ...]
    seconds: float

    @property
    def timed_out(self) -> str:
        """What to say when the time ran out; empty when it did not."""
        return f"it did not finish within {self.seconds:g} s" if self.code is None else ""


def run(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    seconds: float = SECONDS,
) -> Outcome:
    """Run it, and end all that it started when the time is over.

    Without ``environment`` it gets this process's own, with messages in English.
    """
    given = {**os.environ, "LC_ALL": "C.UTF-8"} if environment is None else dict(environment)
    with subprocess.Popen(
        list(command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=cwd,
        env=given,
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=seconds)
            code: int | None = process.returncode
        except BaseException as error:
            # The leader is not reaped yet: its group's number is still its own.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            code = None
    text = output.decode(errors="replace")
    return Outcome(
        code, tuple(line.rstrip() for line in text.splitlines() if line.strip()), seconds
    )
