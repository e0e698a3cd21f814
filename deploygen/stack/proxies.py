"""The proxies that can be rendered, and how each is run on this machine."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deploygen.plan import Plan
from deploygen.stack import apache_conf, apache_site, programs
from deploygen.stack.programs import Missing, Program
from deploygen.stack.relocate import NGINX_CONF

# nginx takes the name of its error log on the command line since this version.
NGINX_ERROR_LOG_OPTION = (1, 19, 5)


@dataclass(frozen=True)
class Proxy:
    """One kind of proxy.

    ``kind`` is that of proxy.kind in the description. On the host, ``etc`` is the folder of its
    files, ``main`` the rendered one without which there is no proxy, ``first`` what is read before
    any site. ``logs`` is the folder of
    its logs below the private one.
    ``command`` runs it in the foreground, ``test`` lets it read its files and end; both take
    the private folder. ``stop`` is the signal that lets requests finish. ``ready`` is what the
    error log has once it serves; empty where listening on its ports says as much.
    """

    kind: str
    etc: str
    main: str
    first: tuple[str, ...]
    logs: str
    stop: int
    find: Callable[[], Program | Missing]
    command: Callable[[Program, Path], tuple[str, ...]]
    test: Callable[[Program, Path], tuple[str, ...]]
    ready: str = ""

    def error_log(self, root: Path) -> Path:
        """The log that says why it did not start."""
        return root / self.logs / "error.log"

    def serves(self, root: Path) -> bool:
        """Whether it says so, where it does."""
        log = self.error_log(root)
        return not self.ready or (log.is_file() and self.ready in log.read_text(errors="replace"))

    def access_log(self, root: Path) -> Path:
        """A line for each request."""
        return root / self.logs / "access.log"


def _nginx(program: Program, root: Path) -> tuple[str, ...]:
    return (*program.command, "-p", str(root), "-c", f"{root}{NGINX_CONF}")


def _nginx_run(program: Program, root: Path) -> tuple[str, ...]:
    log = str(NGINX.error_log(root))
    early = ("-e", log) if program.version >= NGINX_ERROR_LOG_OPTION else ()
    return (*_nginx(program, root), *early, "-g", "daemon off;")


def _nginx_test(program: Program, root: Path) -> tuple[str, ...]:
    early = ("-e", "stderr") if program.version >= NGINX_ERROR_LOG_OPTION else ()
    return (*_nginx(program, root), "-t", "-q", *early)


def _apache(program: Program, root: Path) -> tuple[str, ...]:
    return (*program.command, "-f", f"{root}{apache_conf.PATH}")


NGINX = Proxy(
    kind="nginx",
    etc="/etc/nginx",
    main=NGINX_CONF,
    first=(NGINX_CONF,),
    logs="var/log/nginx",
    stop=signal.SIGQUIT,
    find=programs.nginx,
    command=_nginx_run,
    test=_nginx_test,
)
APACHE = Proxy(
    kind="apache",
    etc=apache_site.ROOT,
    main=apache_conf.RENDERED,
    first=(apache_conf.PATH, apache_conf.RENDERED),
    logs="var/log/apache2",
    stop=signal.SIGWINCH,
    find=programs.apache,
    command=lambda program, root: (*_apache(program, root), "-D", "FOREGROUND"),
    test=lambda program, root: (*_apache(program, root), "-t"),
    # "resuming normal operations": it listens before it knows whether it can speak TLS.
    ready="AH00489",
)
BY_KIND = {proxy.kind: proxy for proxy in (NGINX, APACHE)}


def of(plan: Plan, group: str = "") -> Proxy | None:
    """The proxy that a group of hosts has files of; None where it is somebody else's.

    Without a group, that of the application's hosts.
    """
    if plan.front is not None and group == plan.front.group:
        return NGINX
    return BY_KIND.get(plan.spec.proxy.kind)
