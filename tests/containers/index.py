"""A package index of a test's own: it passes on what PyPI says, and notes what it was asked for."""

from __future__ import annotations

import secrets
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGES, FILES = "https://pypi.org", "https://files.pythonhosted.org"


class Index(ThreadingHTTPServer):
    """Pages, and the files of ``projects``; all other files are PyPI's own, which tools cache."""

    daemon_threads = True

    def __init__(self, projects: frozenset[str]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.projects = projects
        # Nothing that a tool has cached from another index has the same address.
        self.root = f"/{secrets.token_hex(8)}"
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}{self.root}"

    def files(self) -> set[str]:
        """The names of the files that were asked for."""
        return {path.rpartition("/")[2] for path in self.asked if path.startswith("/packages/")}


class _Handler(BaseHTTPRequestHandler):
    server: Index

    def do_GET(self) -> None:
        path = self.path.removeprefix(self.server.root)
        self.server.asked.append(path)
        upstream = FILES if path.startswith("/packages/") else PAGES
        headers = {name: self.headers[name] for name in ("Accept", "Range") if name in self.headers}
        request = urllib.request.Request(upstream + path, headers=headers, method=self.command)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                status, found, body = answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                status, found, body = error.code, error.headers, error.read()
        length = found["Content-Length"] or str(len(body))
        if path.strip("/").rpartition("/")[2] in self.server.projects:
            body = body.replace(FILES.encode(), self.server.url.encode())
            length = str(len(body))
        self.send_response(status)
        for name in ("Content-Type", "Content-Range", "Accept-Ranges"):
            if found[name]:
                self.send_header(name, found[name])
        self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 (the name that the standard library calls)

    def log_message(self, *words: object) -> None:
        """Nothing to standard error."""


@contextmanager
def running(*projects: str) -> Iterator[Index]:
    """An index on loopback."""
    with Index(frozenset(projects)) as index:
        thread = threading.Thread(target=index.serve_forever)
        thread.start()
        try:
            yield index
        finally:
            index.shutdown()
            thread.join()
