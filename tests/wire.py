"""Requests byte by byte: from an address of one's own, behind a PROXY header, as nobody would."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# All of 127.0.0.0/8 is this machine: one address is trusted in a test, another is not.
TRUSTED, STRANGER = "127.0.0.1", "127.0.0.2"


@dataclass(frozen=True)
class Answer:
    """``headers`` are all lines, in their order: a doubled one shows."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def json(self) -> Any:
        return json.loads(self.body)


def send(
    address: tuple[str, int],
    path: str = "/",
    *,
    host: str,
    headers: Iterable[tuple[str, str]] = (),
    source: str = TRUSTED,
    before: bytes = b"",
    method: str = "GET",
) -> Answer | None:
    """One request; None where the other side closed without an answer."""
    given = tuple(headers)
    names = {name.lower() for name, _ in given}
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    lines += [] if "connection" in names else ["Connection: close"]
    lines += [f"{name}: {value}" for name, value in given]
    text = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
    with socket.create_connection(address, timeout=20, source_address=(source, 0)) as sock:
        sock.sendall(before + text)
        answer = http.client.HTTPResponse(sock, method=method)
        try:
            answer.begin()
        except (http.client.RemoteDisconnected, ConnectionResetError):
            return None
        return Answer(answer.status, tuple(answer.getheaders()), answer.read())


def logged(log: Path, marker: str) -> dict[str, Any]:
    """The line of an access log with ``marker``: a proxy writes it after it has answered."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        # What is no UTF-8 passes into nginx's log as it is.
        lines = log.read_text(errors="replace").splitlines() if log.is_file() else []
        for line in lines:
            if marker in line:
                return dict(json.loads(line))
        time.sleep(0.02)
    raise AssertionError(f"no line with {marker} in {log}")


def proxy_v1(client: str, *, family: str = "TCP4") -> bytes:
    """The PROXY protocol's line of text."""
    here = "::1" if family == "TCP6" else "127.0.0.1"
    return f"PROXY {family} {client} {here} 4321 80\r\n".encode()


def proxy_v2(client: str) -> bytes:
    """Its binary form, for IPv4."""
    addresses = socket.inet_aton(client) + socket.inet_aton("127.0.0.1")
    body = addresses + (4321).to_bytes(2, "big") + (80).to_bytes(2, "big")
    return b"\r\n\r\n\x00\r\nQUIT\n\x21\x11" + len(body).to_bytes(2, "big") + body
