"""The load client, started on a host and asked what was lost, section by section."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testbed.engine import Engine, TestbedError
from testbed.scenario import Host

CLIENT = Path(__file__).with_name("clients.py")


@dataclass(frozen=True)
class Section:
    """What the clients counted between two marks; times are those of the machine's clock."""

    name: str
    sent: dict[str, int]
    lost: dict[str, int]
    why: dict[str, int]
    slowest_ms: float
    seen: dict[str, tuple[float, float]]

    @property
    def last(self) -> str:
        """The release that answered the request that was sent last."""
        return max(self.seen, key=lambda release: self.seen[release][1]) if self.seen else ""


class Load:
    """A load that runs on a host."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def mark(self, name: str) -> Section:
        """End a section: what happened since the mark before."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{name}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise TestbedError(f"the load client has ended, with {self._process.wait(10)}")
        told: dict[str, Any] = json.loads(line)
        return Section(
            name=told["section"],
            sent=told["sent"],
            lost=told["lost"],
            why=told["why"],
            slowest_ms=told["slowest_ms"],
            seen={release: (times[0], times[1]) for release, times in told["seen"].items()},
        )


@contextmanager
def load(engine: Engine, host: Host, options: Sequence[str]) -> Iterator[Load]:
    """Run the load client on a host for as long as the block lasts."""
    engine.run(
        "exec", "--interactive", host.container, "sh", "-c", "cat > /root/clients.py",
        stdin=None, input=CLIENT.read_text(encoding="utf-8"),
    )  # fmt: skip
    process = subprocess.Popen(
        [engine.name, "exec", "--interactive", host.container,
         "python3", "/root/clients.py", *options],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=engine.environment,
    )  # fmt: skip
    try:
        yield Load(process)
    finally:
        assert process.stdin
        process.stdin.close()  # it stops when nobody speaks to it any more
        try:
            process.wait(timeout=60)
        finally:
            process.kill()
