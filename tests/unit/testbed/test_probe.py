"""Questions to a host: this machine is one, asked through testinfra's own local backend."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import testinfra

from testbed.probe import Probe


class Handler(BaseHTTPRequestHandler):
    """Says what it was asked, and sends two cookies."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        told = f"{self.path} of {self.headers['Host']}: {body.decode()}"
        self.send_response(201)
        self.send_header("Set-Cookie", "a=1")
        self.send_header("Set-Cookie", "b=2")
        self.end_headers()
        self.wfile.write(told.encode())

    def address_string(self) -> str:
        return "a socket"

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    path = str(tmp_path / "s")
    with socketserver.ThreadingUnixStreamServer(path, Handler) as found:
        thread = threading.Thread(target=found.serve_forever)
        thread.start()
        yield path
        found.shutdown()
        thread.join()


def test_one_request(server: str) -> None:
    probe = Probe(testinfra.get_host("local://"), "shop", "shop.test")
    answer = probe.ask("/it's", method="POST", body='"quoted"', socket=server)
    assert (answer.status, answer.body) == (201, '/it\'s of shop.test: "quoted"')
    assert answer.headers["set-cookie"] == "a=1\nb=2", "one a line"


def test_nobody_answers(tmp_path: Path) -> None:
    probe = Probe(testinfra.get_host("local://"), "shop", "shop.test")
    answer = probe.ask("/", socket=str(tmp_path / "nobody"))
    assert (answer.status, answer.body) == (0, "FileNotFoundError")
