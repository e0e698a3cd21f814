"""A WSGI application for the tests of what stands in front of it: no framework, no database.

It waits, sends bytes, fails and dies as it is told, and says what reached it.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

Start = Callable[[str, list[tuple[str, str]]], object]


def filling(size: int, piece: int, *, noise: bool) -> Iterable[bytes]:
    """A large body, made while it is sent: ``piece`` bytes at once, as a file's are.

    Noise can't be compressed.
    """
    while size > 0:
        length = min(size, piece)
        yield os.urandom(length) if noise else b"x" * length
        size -= piece


def application(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    path, query = environ["PATH_INFO"], parse_qs(environ["QUERY_STRING"])
    number = int(query.get("n", ["0"])[0])
    status, content = "200 OK", b"tiny\n"
    if path == "/cookies":
        cookies = [("Set-Cookie", f"c{each}={'x' * 3900}") for each in range(number)]
        start(status, [("Content-Type", "text/plain"), *cookies])
        return [content]
    if path == "/bytes":
        start(status, [("Content-Type", "text/plain"), ("Content-Length", str(number))])
        return filling(number, int(query.get("piece", ["65536"])[0]), noise="noise" in query)
    if path == "/wait":
        Path("waiting").touch()  # it has begun
        time.sleep(number / 1000)
    elif path == "/fail":
        status, content = f"{number} Own", b"the application's own page\n"
    elif path == "/die":
        os._exit(1)
    elif path == "/echo" or path.startswith("/echo/"):
        body = environ["wsgi.input"].read()
        content = json.dumps(
            {
                "method": environ["REQUEST_METHOD"],
                "uri": environ.get("RAW_URI", path),
                "bytes": len(body),
                "sha256": hashlib.sha256(body).hexdigest(),
                "pid": os.getpid(),
                "headers": {k: v for k, v in environ.items() if k.startswith("HTTP_")},
            }
        ).encode()
    start(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(content)))])
    return [content]
