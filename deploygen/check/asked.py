"""One page through a started proxy, of a stand-in for the application.

Some of a proxy's files are read only when somebody asks: a fault in Apache's filter ends each
connection without an answer, and neither its test nor its start sees it.
"""

from __future__ import annotations

import contextlib
import http.client
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from deploygen.stack.folder import Folder
from deploygen.stack.request import ask

HTTP, HTTPS = 80, 443
PATIENCE_S = 5.0
# 502 and 503 say that no application is there: a site that was edited may ask another one.
FAULTS = (http.client.INTERNAL_SERVER_ERROR,)


class _Page(BaseHTTPRequestHandler):
    """Answers everything with a small page."""

    def do_GET(self) -> None:
        """One answer; the connection is closed after it, as HTTP/1.0 has it."""
        self.send_response(http.client.OK)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        self.wfile.write(b"a stand-in\n")

    def address_string(self) -> str:
        """A socket's clients have no address."""
        return "-"

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


@contextlib.contextmanager
def _application(socket: Path) -> Iterator[None]:
    socket.unlink(missing_ok=True)
    with _Server(str(socket), _Page) as server:
        # The proxy may run as somebody else; the folder is this user's own.
        socket.chmod(0o666)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def fault(folder: Folder) -> str:
    """What goes wrong when the front page is asked for; empty where nothing does.

    A site that expects the PROXY protocol is not asked: it answers those in front alone.
    """
    site = folder.plan.hosts[folder.group].site
    if site.front and site.front.proxy_protocol:
        return ""
    port = folder.ports.get(HTTPS if site.tls else HTTP)
    if port is None:
        return ""
    headers = {"Host": site.canonical}
    try:
        with _application(folder.moved(folder.plan.layout.slot_socket)):
            status = ask(
                ("127.0.0.1", port),
                headers=headers,
                tls=site.tls is not None,
                timeout_s=PATIENCE_S,
            ).status
    except (OSError, http.client.HTTPException) as error:
        return f"asked for a page, it did not answer ({type(error).__name__})"
    return f"asked for a page, it answered {status}" if status in FAULTS else ""
