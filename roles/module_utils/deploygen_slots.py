# deploygen: one application's slots on a host: which one serves, what it runs, who is connected.
"""What deploygen_release and deploygen_rollback know of a host."""

from __future__ import annotations

import http.client
import json
import select
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

SLOTS = ("blue", "green")
COMPLETE = ".deploygen-complete"
POLL_S = 0.1
# A journal that is behind: how long it may take, and how long nothing more means that this is all.
JOURNAL_S, JOURNAL_POLL_S = 10.0, 0.5
# What gunicorn 27 says of its own end has 40 lines on Python 3.13; the cause stands before it.
LINES = 100
BODY = 300


class FailedError(Exception):
    """Why the release is not live, in words."""


def systemctl(*words: str, check: bool = True) -> str:
    """Run systemctl. Raises FailedError with what it said."""
    done = subprocess.run(["systemctl", *words], capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise FailedError(f"systemctl {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout.strip()


def replace_link(place: Path, target: str) -> None:
    """A link, exchanged by one rename."""
    fresh = place.with_name(f".{place.name}.next")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.rename(place)


class UnansweredError(Exception):
    """What the socket said instead of being well."""


class Question:
    """One health request through a unix socket. All that it does may raise UnansweredError.

    Whoever asks looks at the unit meanwhile: when a gunicorn ends, the socket and those who wait
    in it stay for the next one.
    """

    def __init__(self, path: str, health: dict[str, object], seconds: float) -> None:
        self._connection = http.client.HTTPConnection("localhost", timeout=seconds)
        # Without a health URL the front page is asked, and may well send to a login.
        self._fine = range(200, 300) if health["path"] != "/" else range(200, 400)
        headers = {
            "Host": str(health["host"]),
            "X-Forwarded-Proto": "https" if health["https"] else "http",
            "X-Forwarded-For": "127.0.0.1",
            "User-Agent": "deploygen",
            "Connection": "close",
        }
        self._socket = self._connection.sock = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(seconds)
        with self._failing():
            self._socket.connect(path)
            self._connection.request("GET", str(health["path"]), headers=headers)

    def answered(self, seconds: float) -> bool:
        """Whether it is well; False if nothing has come within ``seconds``."""
        with self._failing():
            if not select.select([self._socket], [], [], seconds)[0]:
                return False
            answer = self._connection.getresponse()
            body = answer.read(BODY).decode(errors="replace")
        self.close()
        if answer.status not in self._fine:
            raise UnansweredError(
                f"it answered {answer.status} {answer.reason}: {' '.join(body.split())}"
            )
        return True

    def close(self) -> None:
        """Wait no longer."""
        self._connection.close()

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise UnansweredError(f"{type(error).__name__}: {error}") from None


def connections(path: str, table: str) -> int:
    """Connections to a unix socket, waiting ones included; ``table`` is /proc/net/unix."""
    listening = 0x10000
    rows = (line.split(None, 7) for line in table.splitlines()[1:])
    return sum(len(row) == 8 and row[7] == path and not int(row[3], 16) & listening for row in rows)


@dataclass
class Host:
    """One application on this host."""

    name: str
    home: Path
    run: Path

    @property
    def state_file(self) -> Path:
        """What went live here, and when."""
        return self.home / ".deploygen.json"

    @property
    def state(self) -> dict[str, object]:
        """``live`` is the fingerprint of what serves, ``history`` has the latest release first."""
        with suppress(OSError, ValueError):
            read = json.loads(self.state_file.read_text())
            if isinstance(read, dict):
                return read
        return {}

    @property
    def history(self) -> list[str]:
        """Releases that went live, the latest first, those that are still here."""
        known = self.state.get("history", [])
        names = [str(name) for name in known] if isinstance(known, list) else []
        return [name for name in names if (self.home / "releases" / name / COMPLETE).is_file()]

    @property
    def live(self) -> str:
        """The slot that current.sock leads to; empty before the first release."""
        link = self.home / "current.sock"
        slot = link.readlink().stem if link.is_symlink() else ""
        return slot if slot in SLOTS else ""

    def release(self, slot: str) -> str:
        """The id of the release in a slot; empty if none."""
        link = self.home / slot
        return link.readlink().name if slot and link.is_symlink() else ""

    def unit(self, slot: str) -> str:
        """Such as ``shop@blue.service``."""
        return f"{self.name}@{slot}.service"

    def units(self, slot: str) -> tuple[str, str]:
        """What is stopped: a service without its socket would be started by the next request."""
        return f"{self.name}@{slot}.socket", self.unit(slot)

    def socket(self, slot: str) -> str:
        """The slot's own socket."""
        return str(self.run / f"{slot}.sock")

    def prepare(self, release: str, fingerprint: str) -> None:
        """Write down that a release is live, for remember()."""
        history = [release, *(name for name in self.history if name != release)]
        text = json.dumps({"live": fingerprint, "history": history})
        self.state_file.with_name(".deploygen.json.next").write_text(f"{text}\n")

    def remember(self) -> None:
        """What prepare() wrote holds from now on."""
        self.state_file.with_name(".deploygen.json.next").replace(self.state_file)

    def journal(self, slot: str, since: float) -> str:
        """The last lines that a slot logged.

        What a process wrote just before its end may still be on its way into the journal: it is
        read until nothing more comes.
        """
        command = [
            "journalctl", "--unit", self.unit(slot), "--since", f"@{int(since)}", "--no-pager",
            "--output", "cat",
        ]  # fmt: skip
        end, before = time.monotonic() + JOURNAL_S, None
        while True:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.stdout == before or time.monotonic() > end:
                # Not by --lines: beside --since these are the first ones.
                return "\n".join(done.stdout.strip().splitlines()[-LINES:])
            before = done.stdout
            time.sleep(JOURNAL_POLL_S)


def drain(host: Host, slot: str, seconds: float) -> bool:
    """Wait until nobody is connected to a slot any more; False if the time ran out."""
    end = time.monotonic() + seconds
    while connections(host.socket(slot), Path("/proc/net/unix").read_text()):
        if time.monotonic() > end:
            return False
        time.sleep(POLL_S)
    return True


def prune(host: Host, keep: int) -> list[str]:
    """Remove releases and environments that nothing needs; the names of the removed releases."""
    releases = host.home / "releases"
    kept = {*host.history[:keep], *(host.release(slot) for slot in SLOTS)}
    gone = [folder for folder in releases.iterdir() if folder.name not in kept]
    for folder in gone:
        shutil.rmtree(folder, ignore_errors=True)
    used = {(folder / ".venv").resolve() for folder in releases.iterdir()}
    for venv in (host.home / "venvs").iterdir():
        if venv.resolve() not in used:
            shutil.rmtree(venv, ignore_errors=True)
    return sorted(folder.name for folder in gone)
