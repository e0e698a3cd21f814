"""A load client that counts what is lost. It runs on a host of the test bed, with Python alone.

    python3 clients.py OPTIONS < marks

Clients send requests in turn, GET and POST, until standard input ends; half of them keep their
connection, half open a new one for each request. An answer counts when its status is 200 and it is
what that request asks for: a POST gets the hash of what it sent. Everything else is lost, and so
is an answer that is not there after ``--patience`` seconds.

Each line on standard input ends a section of the run: one line of JSON comes back with what was
sent, what was lost and why, the slowest answer, and who answered (the application names its
release). It stops by itself after ``--seconds``.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import random
import re
import sys
import time
from dataclasses import dataclass, field

SAMPLES = 5


@dataclass
class Section:
    """What happened since the last mark."""

    sent: dict[str, int] = field(default_factory=lambda: {"GET": 0, "POST": 0})
    lost: dict[str, int] = field(default_factory=lambda: {"GET": 0, "POST": 0})
    why: dict[str, int] = field(default_factory=dict)
    slowest: float = 0.0
    # Who answered, and when, first and last: requests name the moment at which they were sent.
    seen: dict[str, list[float]] = field(default_factory=dict)

    def report(self, name: str, now: float) -> str:
        """The section as a line of JSON."""
        return json.dumps(
            {
                "section": name,
                "sent": self.sent,
                "lost": self.lost,
                "why": dict(sorted(self.why.items(), key=lambda item: -item[1])[:SAMPLES]),
                "slowest_ms": round(self.slowest * 1000, 1),
                "seen": self.seen,
                "now": now,
            }
        )


class LostError(Exception):
    """A request without its answer; the text says what came instead."""


class Client:
    """Sends one request after the other, on a connection of its own."""

    def __init__(self, options: argparse.Namespace, number: int) -> None:
        self.options = options
        self.keeps = number % 2 == 0
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None
        self.body = os.urandom(options.body)

    async def request(self, method: str, path: str) -> bytes:
        """The body of the answer; LostError where there is none, or another status than 200."""
        if self.writer is None:
            host, port = self.options.address.rsplit(":", 1)
            self.reader, self.writer = await asyncio.open_connection(host, int(port))
        assert self.reader
        body = self.body if method == "POST" else b""
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {self.options.host}\r\n"
            f"Content-Length: {len(body)}\r\n"
            f"Connection: {'keep-alive' if self.keeps else 'close'}\r\n\r\n"
        )
        self.writer.write(head.encode() + body)
        await self.writer.drain()
        answer = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        status = answer.split(" ", 2)[1]
        if length := re.search(r"\ncontent-length: *(\d+)", answer):
            content = await self.reader.readexactly(int(length[1]))
        elif "\ntransfer-encoding: chunked" in answer:
            content = await self._chunks()
        else:
            content = await self.reader.read()
        # A proxy that wants to close a connection says so before: no request is sent on it.
        if not self.keeps or "\nconnection: close" in answer:
            await self.close()
        if status != "200":
            raise LostError(f"status {status}")
        return content

    async def _chunks(self) -> bytes:
        assert self.reader
        content = b""
        while size := int((await self.reader.readline()).split(b";")[0], 16):
            content += await self.reader.readexactly(size)
            await self.reader.readexactly(2)
        await self.reader.readline()
        return content

    async def close(self) -> None:
        """The next request opens a new connection."""
        if self.writer:
            self.writer.close()
        self.reader = self.writer = None


class Run:
    """All clients together, and the section that they count into."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.section = Section()
        self.stopping = False
        self.paths = [("GET", path) for path in options.get] + [
            ("POST", path) for path in options.post
        ]

    async def client(self, number: int) -> None:
        """One client: a request, a pause, and so on until the run stops."""
        client = Client(self.options, number)
        while not self.stopping:
            method, path = random.choice(self.paths)
            started = time.monotonic()
            section = self.section
            section.sent[method] += 1
            try:
                async with asyncio.timeout(self.options.patience):
                    content = await client.request(method, path)
                self._judge(client, method, content)
            except (LostError, OSError, EOFError, ValueError, TimeoutError) as error:
                why = str(error) if isinstance(error, LostError) else type(error).__name__
                section.lost[method] += 1
                section.why[why] = section.why.get(why, 0) + 1
                await client.close()
                await asyncio.sleep(0.05)
            else:
                section.slowest = max(section.slowest, time.monotonic() - started)
                _seen(section, content, started)
            await asyncio.sleep(self.options.pause * random.uniform(0.5, 1.5))
        await client.close()

    def _judge(self, client: Client, method: str, content: bytes) -> None:
        if not content:
            raise LostError("an empty answer")
        if method == "POST" and self.options.echoes:
            wanted = hashlib.sha256(client.body).hexdigest()
            if json.loads(content)["sha256"] != wanted:
                raise LostError("an answer to another request")

    async def main(self) -> None:
        """Run until nobody marks any more, or the time is up."""
        loop = asyncio.get_running_loop()
        marks = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(marks), sys.stdin)
        clients = [asyncio.create_task(self.client(n)) for n in range(self.options.clients)]
        try:
            async with asyncio.timeout(self.options.seconds):
                while line := await marks.readline():
                    done, self.section = self.section, Section()
                    # What is still under way belongs to the section that it was sent in.
                    await asyncio.sleep(self.options.grace)
                    print(done.report(line.decode().strip(), time.monotonic()), flush=True)
        finally:
            self.stopping = True
            await asyncio.gather(*clients)


def _seen(section: Section, content: bytes, started: float) -> None:
    """Who answered: in the section in which the request was sent."""
    if found := re.search(rb'"release": ?"([^"]*)"', content):
        times = section.seen.setdefault(found[1].decode(), [started, started])
        times[0], times[1] = min(times[0], started), max(times[1], started)


def main() -> None:
    """Read the options, run."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--address", default="127.0.0.1:80")
    parser.add_argument("--host", required=True, help="the Host header")
    parser.add_argument("--get", action="append", default=[], help="a path to ask for")
    parser.add_argument("--post", action="append", default=[], help="a path to post to")
    parser.add_argument("--echoes", action="store_true", help="POST is answered with a sha256")
    parser.add_argument("--body", type=int, default=2048, help="bytes of a POST")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--pause", type=float, default=0.08, help="seconds between two requests")
    parser.add_argument("--patience", type=float, default=30, help="seconds until it is lost")
    parser.add_argument("--grace", type=float, default=1, help="seconds that a mark waits")
    parser.add_argument("--seconds", type=float, default=3600)
    asyncio.run(Run(parser.parse_args()).main())


if __name__ == "__main__":
    main()
