"""One test function, both proxies: what the tests behind a rendered proxy share.

A test module asks for the fixture ``kind`` (conftest.py): each of its tests then runs once
behind nginx and once behind Apache. A stack is dear, so a module starts one for each kind::

    @pytest.fixture(scope="module")
    def shop(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
        with bookshop(kind, tmp_path_factory.mktemp(kind)) as site:
            yield site

    def test_a_page(shop: Site) -> None:
        assert shop.get("/").status == 200
        assert b" 200 " in shop.raw("GET / HTTP/1.1\r\nHost: bookshop.example\r\n...")

``Site`` asks with the site's own name; ``site.stack`` is the running Stack, ``site.project`` the
copy of the example. What the two answer differently stands in DIFFERS, nowhere else.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deploygen.stack import Options, Response, Stack, ask, running
from tests.examples import SECRETS, example
from tests.programs import needed

KINDS = ("nginx", "apache")
PROGRAMS = {"nginx": "nginx", "apache": "apache2"}


@dataclass(frozen=True)
class Differs:
    """Where nginx and Apache do the same in different words.

    ``unknown_host`` is the status of a request for a host that no site has, None where the
    connection is closed without one. ``request_id`` is a pattern.
    """

    server: str
    unknown_host: int | None
    request_id: str


DIFFERS = {
    "nginx": Differs("nginx", None, r"[0-9a-f]{32}"),
    "apache": Differs("Apache", 421, r"[A-Za-z0-9@_-]{20,40}"),
}


@dataclass(frozen=True)
class Site:
    """A running example: ``host`` is the name that it answers to."""

    kind: str
    host: str
    project: Path
    stack: Stack

    @property
    def differs(self) -> Differs:
        return DIFFERS[self.kind]

    def get(self, path: str, host: str = "", *, timeout_s: float = 30, **headers: str) -> Response:
        """One GET; ``If_None_Match`` stands for If-None-Match."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        tls = self.stack.tls
        return ask(
            self.stack.address,
            path,
            headers={"Host": host or self.host, **given},
            tls=tls,
            timeout_s=timeout_s,
        )

    def raw(self, text: str | bytes, *, timeout_s: float = 10) -> bytes:
        """What comes back for exactly these bytes, until the other side closes or resets."""
        data = text.encode() if isinstance(text, str) else text
        with socket.create_connection(self.stack.address, timeout=timeout_s) as sock:
            sock.sendall(data)
            answer = b""
            with contextlib.suppress(ConnectionResetError):
                while part := sock.recv(65536):
                    answer += part
        return answer


@contextlib.contextmanager
def site(
    name: str,
    kind: str,
    folder: Path,
    *,
    proxy: str = "body_limit: 1M",
    more: str = "",
    app: str = "",
    environment: dict[str, str] | None = None,
) -> Iterator[Site]:
    """An example behind one of the proxies; ``proxy``, ``app`` and ``more`` as in example()."""
    needed(PROGRAMS[kind])
    made = example(name, folder, kind=kind, proxy=proxy, more=more, app=app)
    options = Options(
        port=0,
        environ={**os.environ, **SECRETS},
        environment=environment or {},
        release_commands=name == "bookshop",
    )
    with running(made.tree, made.plan, "web", made.project, options) as stack:
        assert kind in stack.pids, stack.notes
        yield Site(kind, made.host, made.project, stack)


def bookshop(
    kind: str, folder: Path, *, proxy: str = "body_limit: 1M", more: str = "", app: str = ""
) -> contextlib.AbstractContextManager[Site]:
    """The Django example: static files, uploads, a database."""
    return site("bookshop", kind, folder, proxy=proxy, more=more, app=app)
