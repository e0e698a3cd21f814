"""HTTP/2 clients over TLS: one that reads its pages, and many that do not."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, ResponseReceived, StreamEnded
from h2.settings import SettingCodes, Settings

from tests.slow import SEGMENT, Address

# What a client takes of each response before it has to say that it wants more: RFC 9113's default,
# and a slow one's.
WINDOW, SLOW_WINDOW = 65_535, 1000


@dataclass
class Page:
    """What came on one stream; ``ended`` when it was all."""

    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    ended: bool = False

    @property
    def status(self) -> int:
        return int(self.headers.get(":status", "0"))


class Client:
    """One connection. It asks at once, and reads when it is told to."""

    def __init__(self, sock: socket.socket, host: str, window: int = WINDOW) -> None:
        context = ssl._create_unverified_context()
        context.set_alpn_protocols(["h2"])
        self.host = host
        self.pages: dict[int, Page] = {}
        # What has come of each stream since the server was last told that there is room.
        self.held: list[tuple[int, int]] = []
        self.tls = context.wrap_socket(sock, server_hostname=host)
        self.state = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
        chosen = {SettingCodes.INITIAL_WINDOW_SIZE: window, SettingCodes.ENABLE_PUSH: 0}
        self.state.local_settings = Settings(client=True, initial_values=chosen)
        self.state.initiate_connection()
        self.tls.sendall(self.state.data_to_send())

    def ask(self, path: str) -> Page:
        """Send a GET; what comes back stands in the page once ``read`` has seen it."""
        stream = self.state.get_next_available_stream_id()
        fields = {":method": "GET", ":scheme": "https", ":authority": self.host, ":path": path}
        self.state.send_headers(stream, fields.items(), end_stream=True)
        self.tls.sendall(self.state.data_to_send())
        self.pages[stream] = Page()
        return self.pages[stream]

    def begun(self, page: Page) -> Page:
        """Until its headers are there; the server hears of no room for more."""
        while not page.headers:
            self._receive()
        return page

    def read(self, page: Page) -> Page:
        """Until all of it is there."""
        while not page.ended:
            for stream, length in self.held:
                self.state.acknowledge_received_data(length, stream)
            self.held.clear()
            self.tls.sendall(self.state.data_to_send())
            self._receive()
        return page

    def _receive(self) -> None:
        data = self.tls.recv(65536)
        if not data:
            raise ConnectionResetError
        for event in self.state.receive_data(data):
            self._take(event)
        self.tls.sendall(self.state.data_to_send())

    def _take(self, event: object) -> None:
        if isinstance(event, ResponseReceived):
            self.pages[event.stream_id].headers = dict(event.headers)
        elif isinstance(event, DataReceived):
            self.pages[event.stream_id].body += event.data
            self.held.append((event.stream_id, event.flow_controlled_length))
        elif isinstance(event, StreamEnded):
            self.pages[event.stream_id].ended = True


@contextlib.contextmanager
def connected(address: Address, host: str) -> Iterator[Client]:
    """A client that reads."""
    with socket.create_connection(address, timeout=30) as sock:
        client = Client(sock, host)
        with client.tls:
            yield client


@contextlib.contextmanager
def readers(
    address: Address, clients: int, *, streams: int, path: str, host: str
) -> Iterator[list[tuple[Client, list[Page]]]]:
    """Clients from afar, each of which has asked so many times, and takes no more in the block.

    The next one comes when this one is being answered: together they are more than may queue.
    """
    with contextlib.ExitStack() as stack:
        found = []
        for _ in range(clients):
            sock = stack.enter_context(socket.socket())
            sock.settimeout(30)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.connect(address)
            client = Client(sock, host, SLOW_WINDOW)
            stack.enter_context(client.tls)
            pages = [client.ask(path) for _ in range(streams)]
            found.append((client, list(map(client.begun, pages))))
        yield found
