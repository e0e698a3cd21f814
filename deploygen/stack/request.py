"""One HTTP request, over TCP, TLS or a unix socket."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Response:
    """Status, headers (names in lower case; the last of two wins) and body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Connection(http.client.HTTPConnection):
    """HTTP over a socket that is already open."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__("localhost")
        self.sock = sock

    def connect(self) -> None:
        """It is connected."""


def ask(
    address: str | tuple[str, int],
    path: str = "/",
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    tls: bool = False,
    timeout_s: float = 10,
) -> Response:
    """Send one request to a unix socket (its path) or to (host, port).

    Redirects are not followed, certificates not verified: it is for servers of our own on
    loopback. With TLS, the name in the Host header is asked for. Raises OSError and
    http.client.HTTPException.
    """
    host = (headers or {}).get("Host", "localhost").partition(":")[0]
    with _connected(address, timeout_s, tls_name=host if tls else "") as sock:
        connection = _Connection(sock)
        connection.request(method, path, body=body, headers=dict(headers or {}))
        answer = connection.getresponse()
        content = answer.read()
    return Response(
        answer.status, {name.lower(): value for name, value in answer.getheaders()}, content
    )


def _connected(address: str | tuple[str, int], timeout_s: float, *, tls_name: str) -> socket.socket:
    if isinstance(address, tuple):
        sock = socket.create_connection(address, timeout_s)
    else:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.settimeout(timeout_s)
            sock.connect(address)
        except OSError:
            sock.close()
            raise
    if not tls_name:
        return sock
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        return context.wrap_socket(sock, server_hostname=tls_name)
    except OSError:
        sock.close()
        raise
