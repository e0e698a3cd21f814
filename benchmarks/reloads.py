"""python benchmarks/reloads.py: how many requests a reload of nginx loses on kept connections.

Clients send requests with pauses, each on a connection that it keeps, and open another one as soon
as they see it closed. Meanwhile nginx is reloaded twice a second. docs/decisions/0009-fleet.md
has what this printed.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

CLIENTS, SECONDS, EVERY_S = 32, 25.0, 0.5
CONFIGURATION = """
pid {folder}/pid; error_log {folder}/error.log; worker_processes 2; daemon off;
events {{}}
http {{
    access_log off; keepalive_requests 1000000;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    server {{ listen 127.0.0.1:{port}; location / {{ return 200 "ok"; }} }}
}}
"""
REQUEST = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"


async def client(port: int, end: float, sent: Counter[str], lost: Counter[str]) -> None:
    """One request after the other, until the time is up."""
    reader: asyncio.StreamReader | None = None
    writer: asyncio.StreamWriter | None = None
    while time.monotonic() < end:
        if reader and writer and (reader.at_eof() or reader.exception()):
            writer.close()
            reader = writer = None
        if reader is None or writer is None:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        sent["GET"] += 1
        try:
            writer.write(REQUEST)
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(2)
        except (OSError, EOFError) as error:
            lost[type(error).__name__] += 1
            head = b"Connection: close"
        if b"Connection: close" in head:
            writer.close()
            reader = writer = None
        await asyncio.sleep(random.uniform(0, 0.06))


async def measure(nginx: subprocess.Popen[bytes], port: int) -> str:
    """Clients and reloads side by side."""
    sent, lost, reloads = Counter[str](), Counter[str](), 0
    end = time.monotonic() + SECONDS
    clients = [asyncio.create_task(client(port, end, sent, lost)) for _ in range(CLIENTS)]
    while time.monotonic() < end - 1:
        await asyncio.sleep(EVERY_S)
        nginx.send_signal(signal.SIGHUP)
        reloads += 1
    await asyncio.gather(*clients)
    return f"{reloads} reloads, {sent.total()} sent, {lost.total()} lost {dict(lost)}"


def main() -> int:
    """Run nginx on a free port for as long as it takes."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    if program is None:
        print("found no nginx")
        return 1
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="deploygen-reloads-") as folder:
        file = Path(folder, "nginx.conf")
        file.write_text(CONFIGURATION.format(folder=folder, port=port))
        nginx = subprocess.Popen([program, "-p", folder, "-c", str(file), "-e", "stderr"])
        try:
            deadline = time.monotonic() + 10
            while time.monotonic() < deadline:
                with suppress(OSError):
                    socket.create_connection(("127.0.0.1", port), timeout=1).close()
                    break
            print(asyncio.run(measure(nginx, port)))
        finally:
            nginx.send_signal(signal.SIGQUIT)
            nginx.wait(10)
    return 0


if __name__ == "__main__":
    sys.exit(main())
