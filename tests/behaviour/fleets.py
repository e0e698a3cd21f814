"""A whole fleet on loopback: two application hosts as rendered, and the rendered front before them.

Each host is a stack of its own, on a port of its own; the front is nginx with the files of
``hosts/front``, its upstreams pointed to these ports. All of them come from one description.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploygen.plan import Plan
from deploygen.stack import folder as folders
from deploygen.stack import start
from deploygen.stack.folder import Folder
from deploygen.stack.process import Processes
from deploygen.stack.programs import Missing
from deploygen.stack.proxies import NGINX
from tests.behaviour.proxies import Site
from tests.programs import needed

# Both names are in the description; where they are here, the front is told.
HOSTS = ("a.test", "b.test")
FRONT = {"hosts": ["front.test"], "networks": ["127.0.0.1"]}


@dataclass(frozen=True)
class Fleet:
    """``address`` is the front's, ``sites`` the application hosts by name."""

    address: tuple[str, int]
    folder: Folder
    sites: Mapping[str, Site]

    @property
    def log(self) -> Path:
        """The front's access log."""
        return NGINX.access_log(self.folder.root)

    def flag(self, host: str) -> Path:
        """What takes a host out of the balancing."""
        path = self.folder.moved(f"{self.folder.plan.layout.drained}/{host}")
        path.parent.mkdir(exist_ok=True)
        return path

    def who(self, pid: int) -> str:
        """The host whose gunicorn has a worker of that number."""
        return next(name for name, site in self.sites.items() if pid in site.stack.workers)


@contextlib.contextmanager
def front(made: Plan, tree: Path, sites: Mapping[str, Site]) -> Iterator[Fleet]:
    """The front of a plan, before hosts that run."""
    needed("nginx")
    program = NGINX.find()
    assert not isinstance(program, Missing)
    assert made.front is not None
    members = {
        member.address: "{}:{}".format(*sites[member.host].stack.address)
        for member in made.front.fleet.members
    }
    root = folders.make(made)
    processes = Processes(root)
    try:
        project = tree.parent
        group = made.front.group
        folder = folders.fill(
            root, tree, made, group, project, proxy=program, port=0, members=members
        )
        start.proxy(NGINX, processes, folder, program, seconds=30)
        yield Fleet(("127.0.0.1", folder.ports[80]), folder, sites)
    finally:
        processes.stop({NGINX.kind: signal.SIGQUIT}, 10)
        folders.remove(root)
        processes.end()


@dataclass
class Counted:
    """What clients sent and lost, by method, and why; ``by`` has the workers that answered."""

    sent: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    why: Counter[str] = field(default_factory=Counter)
    by: Counter[int] = field(default_factory=Counter)
    seconds: float = 0


class Load:
    """Clients that send GET and POST to ``/echo`` in turn, half of them on a kept connection."""

    def __init__(self, address: tuple[str, int], host: str, clients: int = 6) -> None:
        self.address, self.host, self.clients = address, host, clients
        self.counted = Counted()
        self._lock, self._stop = threading.Lock(), threading.Event()

    def during(self, act: Callable[[], object]) -> Counted:
        """What was sent and lost from before ``act`` until after it."""
        self.counted, self._stop = Counted(), threading.Event()
        threads = [threading.Thread(target=self._client, args=(n,)) for n in range(self.clients)]
        started = time.monotonic()
        for thread in threads:
            thread.start()
        try:
            self.more()
            act()
            self.more()
        finally:
            self._stop.set()
            for thread in threads:
                thread.join(60)
        self.counted.seconds = time.monotonic() - started
        return self.counted

    def more(self, requests: int = 150) -> None:
        """Wait until so many requests more were sent."""
        wanted, deadline = self.counted.sent.total() + requests, time.monotonic() + 60
        while self.counted.sent.total() < wanted:
            assert time.monotonic() < deadline, "the clients get no answers"
            time.sleep(0.01)

    def _client(self, number: int) -> None:
        connection = http.client.HTTPConnection(*self.address, timeout=30)
        body = os.urandom(20_000)
        while not self._stop.is_set():
            for method in ("GET", "POST"):
                why, pid = "", 0
                try:
                    sent = body if method == "POST" else None
                    keep = {} if number % 2 else {"Connection": "close"}
                    connection.request(method, "/echo", sent, {"Host": self.host, **keep})
                    answer = connection.getresponse()
                    content = answer.read()
                    if answer.status == 200:
                        told = json.loads(content)
                        pid = told["pid"]
                        if told["sha256"] != hashlib.sha256(sent or b"").hexdigest():
                            why = "the answer to something else"
                    else:
                        why = f"status {answer.status}"
                except (OSError, http.client.HTTPException) as error:
                    why = type(error).__name__
                    connection.close()
                with self._lock:
                    self.counted.sent[method] += 1
                    self.counted.by[pid] += 1
                    if why:
                        self.counted.lost[method] += 1
                        self.counted.why[why] += 1
        connection.close()
