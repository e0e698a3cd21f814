"""Ends what a stack started when the stack's own process is gone, killed with -9 for example.

Run as a program of its own, with the private folder as its only argument. Its standard input
is a pipe from the stack: ``+PID`` names a process group, ``-PID`` takes it back, ``done`` ends
the watch. When the pipe closes without that, the groups end and the folder goes.
Nothing of the package is imported: it starts in a few milliseconds.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time

GRACE_S = 5.0


def send(group: int, number: int) -> bool:
    """Send a signal to a group; False when it is gone."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def end(groups: set[int]) -> None:
    """Ask, wait, kill."""
    alive = {group for group in groups if send(group, signal.SIGTERM)}
    deadline = time.monotonic() + GRACE_S
    while alive and time.monotonic() < deadline:
        time.sleep(0.05)
        alive = {group for group in alive if send(group, 0)}
    for group in alive:
        send(group, signal.SIGKILL)


def main(folder: str) -> None:
    """Watch until the pipe closes."""
    groups: set[int] = set()
    for line in sys.stdin:
        word = line.strip()
        if word == "done":
            return
        group = int(word[1:])
        if word[0] == "+":
            groups.add(group)
        else:
            groups.discard(group)
    end(groups)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1])
