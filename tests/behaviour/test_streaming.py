"""Streams and websockets through the paths that are declared for them, behind both proxies."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import socket
import struct
import time
from collections.abc import Iterator

import pytest

from tests.behaviour.proxies import Site, site

pytestmark = pytest.mark.slow

# RFC 6455, 1.3: what the server adds to the key to prove that it speaks websockets.
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, CLOSE = 1, 8


@pytest.fixture(scope="module")
def quotes(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    proxy, more = "streaming: [/ws, /events, /stream/]", "server: {workers: 1}"
    with site("fastquotes", kind, tmp_path_factory.mktemp(kind), proxy=proxy, more=more) as running:
        yield running


class Websocket:
    """A client that speaks just enough of RFC 6455: short texts, one frame each."""

    def __init__(self, running: Site, path: str) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        self.sock = socket.create_connection(running.stack.address, timeout=10)
        self.sock.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {running.host}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            "\r\n".encode()
        )
        self.file = self.sock.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        headers = {}
        while line := self.file.readline().strip():
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        self.headers = headers
        proof = hashlib.sha1(f"{key}{GUID}".encode()).digest()
        self.accepted = headers.get("sec-websocket-accept") == base64.b64encode(proof).decode()

    def __enter__(self) -> Websocket:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()
        self.sock.close()

    def send(self, text: str, kind: int = TEXT) -> None:
        data, mask = text.encode(), os.urandom(4)
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))
        self.sock.sendall(struct.pack("!BB", 0x80 | kind, 0x80 | len(data)) + mask + masked)

    def receive(self) -> tuple[int, str]:
        first, length = self.file.read(2)
        assert length < 126
        return first & 0x0F, self.file.read(length).decode(errors="replace")


def test_a_websocket(quotes: Site) -> None:
    with Websocket(quotes, "/ws") as talk:
        assert (talk.status, talk.accepted) == (101, True)
        for text in ("one", "two", "three"):
            talk.send(text)
            assert talk.receive() == (TEXT, text)
        talk.send("\x03\xe8", CLOSE)
        assert talk.receive()[0] == CLOSE


def test_no_upgrade_where_none_is_declared(quotes: Site) -> None:
    with Websocket(quotes, "/quotes") as talk:
        assert (talk.status, talk.accepted) == (200, False)
        assert "upgrade" not in talk.headers


def first_part(running: Site, path: str) -> tuple[str, bytes]:
    """Headers and what had come of a body when its first bytes came."""
    with socket.create_connection(running.stack.address, timeout=10) as sock:
        sock.sendall(f"GET {path} HTTP/1.1\r\nHost: {running.host}\r\n\r\n".encode())
        answer = b""
        while not answer.partition(b"\r\n\r\n")[2]:
            part = sock.recv(65536)
            assert part, answer
            answer += part
        head, _, body = answer.partition(b"\r\n\r\n")
        return head.decode().lower(), body


@pytest.mark.parametrize(
    ("path", "type"),
    [("/events?count=3&ms=2000", "text/event-stream"), ("/stream?lines=3&ms=2000", "ndjson")],
)
def test_a_stream_is_passed_on_as_it_comes(quotes: Site, path: str, type: str) -> None:
    head, body = first_part(quotes, path)
    assert type in head
    # The first of three, two seconds before the next one.
    assert 0 < body.count(b'"text"') < 3


PART, REST = b"x" * 60_000, b"y" * 10


@contextlib.contextmanager
def begun(quotes: Site, path: str) -> Iterator[socket.socket]:
    """An upload of which the last bytes are still to come."""
    length = len(PART) + len(REST)
    with socket.create_connection(quotes.stack.address, timeout=10) as sock:
        sock.sendall(
            f"POST {path} HTTP/1.1\r\nHost: {quotes.host}\r\nContent-Length: {length}\r\n"
            "Connection: close\r\n\r\n".encode()
            + PART
        )
        yield sock


def come(quotes: Site) -> int:
    """How much of the last upload the application has."""
    return int(json.loads(quotes.get("/uploads").body)["bytes"])


def test_an_upload_to_a_stream_is_read_along(quotes: Site) -> None:
    with begun(quotes, "/stream/upload") as sock:
        deadline = time.monotonic() + 5
        while come(quotes) < len(PART):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        sock.sendall(REST)
        assert b" 200 " in sock.recv(4096)


def test_any_other_upload_is_read_whole_first(quotes: Site) -> None:
    with begun(quotes, "/stream/upload") as sock:
        sock.sendall(REST)
        assert b" 200 " in sock.recv(4096)
    with begun(quotes, "/upload") as sock:
        time.sleep(0.5)
        # Still that of the upload before: this one has not reached the application.
        assert come(quotes) == len(PART) + len(REST)
        sock.sendall(REST)
        assert b" 200 " in sock.recv(4096)


def test_a_body_that_does_not_say_its_length(quotes: Site) -> None:
    """Apache could not bound it: it is asked for, but where a stream is declared."""
    told = (
        f"HTTP/1.1\r\nHost: {quotes.host}\r\nTransfer-Encoding: chunked\r\n"
        "Connection: close\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    )
    assert b" 200 " in quotes.raw(f"POST /stream/upload {told}")[:20]
    status = quotes.raw(f"POST /upload {told}").split()[1]
    assert status == {"nginx": b"200", "apache": b"411"}[quotes.kind]


def test_maintenance_holds_for_streams_too(quotes: Site) -> None:
    flag = quotes.stack.folder / "srv/fastquotes/maintenance"
    flag.touch()
    try:
        down = quotes.get("/events?count=1&ms=1")
        assert (down.status, down.headers["retry-after"]) == (503, "10")
        assert b"Please try again in a moment" in down.body
        with Websocket(quotes, "/ws") as talk:
            assert talk.status == 503
    finally:
        flag.unlink()
    assert quotes.get("/events?count=1&ms=1").status == 200
