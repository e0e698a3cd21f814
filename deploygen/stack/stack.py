"""The stack: gunicorn as the rendered unit starts it, and the rendered proxy in front.

Everything runs unprivileged, on loopback, below one private folder that goes when it stops.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from deploygen.errors import DeploygenError
from deploygen.plan import Plan
from deploygen.stack import folder as folders
from deploygen.stack import gunicorn as launches
from deploygen.stack import programs, proxies, start
from deploygen.stack.folder import Folder
from deploygen.stack.follow import Follower
from deploygen.stack.process import Processes, children
from deploygen.stack.programs import Missing, Program
from deploygen.stack.proxies import Proxy
from deploygen.stack.relocate import Change
from deploygen.stack.start import Health

POLL_S = 0.05
# Both let requests finish; the proxy first, which waits for gunicorn's answers.
STOP = {
    **{proxy.kind: proxy.stop for proxy in proxies.BY_KIND.values()},
    "gunicorn": signal.SIGTERM,
}


@dataclass(frozen=True)
class Options:
    """How a stack is started.

    ``port``: None is 8000 or the next free one, 0 any free one; see ports.choose() for TLS.
    ``python``: an interpreter, or an environment's folder; see programs.gunicorn() for the
    order in which environments are looked for. ``environ`` is where secrets come from;
    ``environment`` is given to the application on top of all that is rendered. ``proxy``
    False leaves the proxy out. ``release_commands`` are run before gunicorn starts.
    """

    port: int | None = None
    python: str | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    environment: Mapping[str, str] = field(default_factory=dict)
    proxy: bool = True
    release_commands: bool = False
    start_s: float = 30
    stop_s: float = 10


class Stack:
    """A running stack. Enter it to start, leave it to stop.

    After the start: ``urls`` (what a browser opens, the first one is the site), ``address``
    ((host, port) that plain requests go to), ``tls`` (whether ``urls[0]`` is https),
    ``socket`` (gunicorn's own), ``health``, ``notes`` (what differs from the host, for a
    person), ``changes`` (what was moved, see relocate.Change), ``folder`` (the private one),
    ``programs`` (their versions), ``logs`` (name -> file).
    """

    def __init__(
        self, tree: Path, plan: Plan, group: str, project: Path, options: Options | None = None
    ) -> None:
        self.plan = plan
        self.group = group
        self.options = options or Options()
        self.urls: tuple[str, ...] = ()
        self.health: Health | None = None
        self.notes: list[str] = []
        self.programs: dict[str, str] = {}
        self.ports: Mapping[int, int] = {}
        self.socket = ""
        self._tree = tree
        self._project = project.resolve()
        self._root: Path | None = None
        self._processes: Processes | None = None
        self._folder: Folder | None = None

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def folder(self) -> Path:
        """The private folder."""
        if self._root is None:
            raise DeploygenError("the stack is not running")
        return self._root

    @property
    def changes(self) -> tuple[Change, ...]:
        """What was changed in the rendered files."""
        return self._folder.relocated.changes if self._folder else ()

    @property
    def tls(self) -> bool:
        """Whether the site speaks TLS; ``address`` then only redirects there."""
        return bool(self.urls) and self.urls[0].startswith("https:")

    @property
    def address(self) -> tuple[str, int]:
        """Where the site listens: the port of ``urls[0]`` on 127.0.0.1."""
        return ("127.0.0.1", int(self.urls[0].rstrip("/").rpartition(":")[2]))

    @property
    def pids(self) -> dict[str, int]:
        """Program -> process id: gunicorn's master, the proxy's."""
        return {child.name: child.pid for child in self._processes or () if child.running}

    @property
    def workers(self) -> tuple[int, ...]:
        """The process ids of gunicorn's workers, as they are now."""
        master = self.pids.get("gunicorn")
        return children(master) if master else ()

    @property
    def logs(self) -> dict[str, Path]:
        """Name -> log file; what has no file yet has none to show."""
        return start.logs(self.folder, proxies.of(self.plan))

    def wait(
        self,
        on_line: Callable[[str, str], None] | None = None,
        *,
        seconds: float | None = None,
    ) -> None:
        """Block until interrupted, or for ``seconds``.

        ``on_line`` gets each new log line, with the name of its log. Raises DeploygenError
        when gunicorn or the proxy ends on its own.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        with Follower(self.logs) as follower:
            while deadline is None or time.monotonic() < deadline:
                for name, line in follower.lines():
                    if on_line is not None:
                        on_line(name, line)
                for child in self._processes or ():
                    if not child.running:
                        raise start.ended(child, self.folder, when="ended on its own")
                time.sleep(POLL_S)

    def stop(self) -> None:
        """Let requests finish, stop all processes and remove the private folder.

        May be called twice. A second interrupt does not wait for requests any longer.
        """
        try:
            if self._processes is not None:
                self._processes.stop(STOP, self.options.stop_s)
        finally:
            if self._root is not None:
                folders.remove(self._root)
            if self._processes is not None:
                self._processes.end()
            self._root = self._processes = None

    def _start(self) -> None:
        gunicorn = programs.gunicorn(
            self._project, python=self.options.python, environ=self.options.environ
        )
        if isinstance(gunicorn, Missing):
            raise DeploygenError(str(gunicorn))
        self.programs["gunicorn"] = str(gunicorn)
        kind = proxies.of(self.plan)
        proxy = self._proxy(kind) if kind and self.options.proxy else None
        self._root = folders.make(self.plan)
        self._processes = Processes(self._root)
        folder = self._folder = folders.fill(
            self._root,
            self._tree,
            self.plan,
            self.group,
            self._project,
            proxy=proxy,
            port=self.options.port,
        )
        if proxy is not None and (missing := folders.stand_in(folder)):
            self.notes.append(
                f"{proxy.name} is left out: its certificate is not here, and {missing}"
            )
            proxy = None
        self.ports = folder.ports
        unit = launches.read_unit(folder)
        if unit is None:
            raise DeploygenError(
                f"found no unit in hosts/{self.group}",
                hint="deploygen render writes it, when targets in deploygen.yml has systemd",
            )
        launch = launches.launch(
            folder,
            gunicorn,
            unit,
            environ=self.options.environ,
            extra=self.options.environment,
            bind=None if proxy else f"127.0.0.1:{next(iter(self.ports.values()))}",
        )
        if launch.missing:
            raise DeploygenError(
                "secrets that the application needs are not in the environment: "
                + ", ".join(launch.missing),
                hint=" ".join(f"{name}=..." for name in launch.missing) + " deploygen up",
            )
        if not launch.cwd.is_dir():
            raise DeploygenError(
                f"found no folder {self.plan.spec.app.app_dir} in {self._project}",
                hint="app.app_dir in deploygen.yml names the folder that the entrypoint is in",
            )
        if self.options.release_commands:
            start.release(self._processes, self.plan, gunicorn, launch)
        self.notes += start.static_notes(folder)
        self.notes += start.front_notes(folder)
        self.socket = launch.socket
        self.health = start.gunicorn(
            self._processes, folder, gunicorn, launch, seconds=self.options.start_s
        )
        if kind is not None and proxy is not None:
            start.proxy(kind, self._processes, folder, proxy, seconds=self.options.start_s)
        self.urls = start.urls(folder, proxied=proxy is not None)

    def _proxy(self, kind: Proxy) -> Program | None:
        """The proxy to put in front; a note where there is none."""
        if not (self._tree / "hosts" / self.group / kind.main.lstrip("/")).is_file():
            name = kind.main.rpartition("/")[2]
            self.notes.append(f"{kind.kind} is left out: {name} was not rendered")
            return None
        found = kind.find()
        if isinstance(found, Missing):
            self.notes.append(f"{found}: gunicorn answers itself")
            return None
        self.programs[kind.kind] = str(found)
        return found


@contextlib.contextmanager
def running(
    tree: Path, plan: Plan, group: str, project: Path, options: Options | None = None
) -> Iterator[Stack]:
    """A stack for the time of a ``with`` block.

    ``tree`` is the rendered folder (deploy/), ``group`` one of its machine groups, ``project``
    the folder of deploygen.yml. Raises DeploygenError when something does not start, with the
    end of its log.
    """
    with Stack(tree, plan, group, project, options) as stack:
        yield stack
