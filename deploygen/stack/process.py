"""Processes in groups of their own: nothing that they start outlives the stack."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from deploygen.stack import watchdog

POLL_S = 0.02
KILLED_S = 5.0


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold interrupts back: a process that was started but not noted would be left behind.

    The signals are not blocked, for the new process would inherit that.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    old = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    python = {number: handler for number, handler in old.items() if callable(handler)}
    for number in python:
        signal.signal(number, lambda number, _: held.append(number))
    try:
        yield
    finally:
        for number, handler in python.items():
            signal.signal(number, handler)
        for each in held:
            signal.raise_signal(each)


class Watch:
    """The watchdog of one private folder: see watchdog.py."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            (sys.executable, "-I", "-S", watchdog.__file__, str(folder)),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )

    def tell(self, text: str) -> None:
        """One line; a watchdog that somebody killed is no reason to stop."""
        with suppress(OSError, ValueError):
            assert self._process.stdin is not None  # noqa: S101 (it was opened as a pipe)
            self._process.stdin.write(f"{text}\n".encode())
            self._process.stdin.flush()

    def end(self) -> None:
        """Everything is cleaned up: nothing is left to watch."""
        self.tell("done")
        with suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        self._process.wait()


class Child:
    """A process that leads a session of its own; its output goes to ``log``."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        watch: Watch,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
        umask: int = -1,
    ) -> None:
        self.name = name
        self.log = log
        self._watch = watch
        self._ended = False
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env=None if environment is None else dict(environment),
                umask=umask,
                start_new_session=True,
            )
        watch.tell(f"+{self.pid}")

    @property
    def pid(self) -> int:
        """The process, and its group."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended. It is not reaped: its number stays its own until stop()."""
        if self._ended:
            return False
        if not hasattr(os, "waitid"):  # macOS before Python 3.13
            return self._process.poll() is None
        state = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)
        return state is None

    def signal(self, number: int) -> None:
        """Send a signal to the leader alone."""
        if self.running:
            os.kill(self.pid, number)

    def wait(self, seconds: float | None = None) -> bool:
        """Whether it ended within the time; None waits for as long as it takes."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while self.running:
            if deadline is not None and time.monotonic() >= deadline:
                return False
            time.sleep(POLL_S)
        return True

    def end(self) -> int:
        """Kill what is left of the group. Returns the leader's exit code, as Popen has it."""
        if not self._ended:
            # Before the leader is reaped: until then nobody else can have its number.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
            self._process.wait(KILLED_S)
            self._ended = True
            self._watch.tell(f"-{self.pid}")
        return self._process.returncode

    def outcome(self) -> str:
        """How it ended, in words."""
        code = self.end()
        if code >= 0:
            return f"exit code {code}"
        return f"killed by {signal.Signals(-code).name}"


class Processes:
    """The processes of one private folder, by name, under one watchdog."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._watch = Watch(folder)
        self._children: dict[str, Child] = {}

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
        umask: int = -1,
    ) -> Child:
        """Start one; its output goes to ``log/<name>.log`` in the folder. Raises OSError."""
        with uninterrupted():
            self._children[name] = Child(
                name,
                command,
                log=self.folder / f"log/{name}.log",
                watch=self._watch,
                cwd=cwd,
                environment=environment,
                umask=umask,
            )
        return self._children[name]

    def __iter__(self) -> Iterator[Child]:
        return iter(self._children.values())

    def get(self, name: str) -> Child | None:
        """One of them, if it was started."""
        return self._children.get(name)

    def forget(self, name: str) -> None:
        """One that ended as it should."""
        self._children.pop(name).end()

    def stop(self, signals: Mapping[str, int], seconds: float) -> None:
        """Ask them by name, in order, and kill what is left after ``seconds`` each."""
        try:
            for name, number in signals.items():
                if child := self._children.get(name):
                    child.signal(number)
                    child.wait(seconds)
                    child.end()
        finally:
            for child in self._children.values():
                child.end()
            self._children.clear()

    def end(self) -> None:
        """Everything stopped and its folder gone: nothing is left to watch."""
        self._watch.end()


def children(pid: int) -> tuple[int, ...]:
    """The direct children of a process, in the order of their numbers."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError, IndexError):
            # The name, in brackets, may hold anything.
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(stat.parent.name))
    if not found and sys.platform != "linux":
        done = subprocess.run(
            ("pgrep", "-P", str(pid)), capture_output=True, text=True, check=False
        )
        found = [int(line) for line in done.stdout.split()]
    return tuple(sorted(found))


def last_lines(*logs: Path, lines: int = 20) -> str:
    """The end of some logs, for an error."""
    found: list[str] = []
    for log in logs:
        with suppress(OSError):
            found += _without_halt(log.read_text(errors="replace").splitlines())[-lines:]
    return "\n".join(f"    {line}" for line in found[-lines:])


def _without_halt(lines: list[str]) -> list[str]:
    """Without the traceback of gunicorn's master, which hides what a worker died of."""
    if not (lines and lines[-1].startswith("gunicorn.errors.HaltServer")):
        return lines
    starts = [n for n, line in enumerate(lines) if line.startswith("Traceback (most recent")]
    return lines[: starts[-1]] if len(starts) > 1 else lines
