"""The rendered proxies beside hand-written ones and plain gunicorn, and under slow clients.

make bench-proxy. Needs wrk, nginx and Apache; the slow clients are slowhttptest's. Whatever is
compared runs at the same time, and is asked in turns, round by round, so that a slow minute of the
machine hits all alike; medians count. wrk shares the machine's cores with what it asks: look at
the ratios.

python -m benchmarks.proxy WORD... measures only what has one of the words in its title.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from deploygen.stack import Options, programs, running
from deploygen.stack.programs import Missing
from tests import slow
from tests.behaviour.proxies import KINDS, Site
from tests.examples import SECRETS, example
from tests.tiny import tiny

CPUS = os.cpu_count() or 1
MACHINE: dict[str, Any] = {"machines": {"web": {"cpus": CPUS, "memory": "4G"}}}
CLIENTS = 32
ROUNDS, ROUND_S = 9, 2
GOALS = {"static": 0.95, "dynamic": 0.9}

NGINX = """
worker_processes {cpus};
pid {root}/nginx.pid;
error_log {root}/error.log;
events {{ worker_connections 1024; }}
http {{
    include /etc/nginx/mime.types;
    sendfile on;
    access_log {root}/access.log;
    server {{
        listen 127.0.0.1:{port};
        location /static/ {{ alias {static}/; }}
    }}
}}
"""
APACHE = """
ServerRoot {root}
ServerName localhost
PidFile {root}/apache.pid
DefaultRuntimeDir {root}
Mutex file:{root} default
Listen 127.0.0.1:{port}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
ErrorLog {root}/error.log
CustomLog {root}/access.log "%h %l %u %t \\"%r\\" %>s %b"
"""
FILES = """
LoadModule alias_module {modules}/mod_alias.so
LoadModule mime_module {modules}/mod_mime.so
TypesConfig /etc/mime.types
Alias /static/ {static}/
<Directory {static}>
    Require all granted
</Directory>
"""
# As the rendered one: a connection ends with its request, and with that of a release.
PASSING = """
LoadModule proxy_module {modules}/mod_proxy.so
LoadModule proxy_http_module {modules}/mod_proxy_http.so
ProxyPass / unix:{socket}|http://localhost/ disablereuse=on
"""
MODULES = "/usr/lib/apache2/modules"


@dataclass(frozen=True)
class Asked:
    """What wrk asks: a URL and further headers."""

    url: str
    headers: tuple[str, ...] = ()


def requests_per_second(asked: Asked) -> float:
    """One round. A request that fails makes all figures worthless; a closed connection does not."""
    headers = [word for header in asked.headers for word in ("-H", header)]
    told = subprocess.run(
        ["wrk", "-t1", f"-c{CLIENTS}", f"-d{ROUND_S}s", *headers, asked.url],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    failed = re.search(r"Non-2xx or 3xx responses|connect [1-9]|timeout [1-9]", told)
    found = re.search(r"Requests/sec:\s+([\d.]+)", told)
    if failed or not found:
        sys.exit(f"{asked.url}: {told}")
    return float(found[1])


def compared(title: str, servers: Mapping[str, Asked], *, goal: float | None = None) -> None:
    """Ask all in turns; print the medians, and the ratio of each to the first."""
    rounds: dict[str, list[float]] = {name: [] for name in servers}
    for number in range(ROUNDS + 1):
        for name, asked in servers.items():
            found = requests_per_second(asked)
            if number:  # the first warms up
                rounds[name].append(found)
    medians = {name: statistics.median(each) for name, each in rounds.items()}
    first = next(iter(medians.values()))
    print(f"\n{title}\n\n| what | requests/s | ratio | goal |\n| --- | --- | --- | --- |")
    for name, median in medians.items():
        wanted = "" if median is first or goal is None else f"{goal}"
        print(f"| {name} | {median:.0f} | {median / first:.2f} | {wanted} |", flush=True)


@contextlib.contextmanager
def by_hand(kind: str, static: Path, folder: Path) -> Iterator[Asked]:
    """A proxy with a hand-written minimal configuration, on a folder of files."""
    found = programs.find("nginx" if kind == "nginx" else "apache2")
    if isinstance(found, Missing):
        sys.exit(str(found))
    root = folder / f"minimal-{kind}"
    root.mkdir()
    port = free_port()
    text = NGINX if kind == "nginx" else APACHE + FILES
    written = text.format(root=root, port=port, static=static, cpus=CPUS, modules=MODULES)
    if os.geteuid() == 0:  # both give root up, and read the files as somebody else
        folder.chmod(0o755)
        written += "User www-data\nGroup www-data\n" if kind == "apache" else "user www-data;\n"
    (root / "conf").write_text(written)
    command = (
        (*found.command, "-p", str(root), "-c", str(root / "conf"), "-g", "daemon off;")
        if kind == "nginx"
        else (*found.command, "-f", str(root / "conf"), "-D", "FOREGROUND")
    )
    with serving(command, port):
        yield Asked(f"http://127.0.0.1:{port}/static/file.txt")


@contextlib.contextmanager
def passing_by_hand(gunicorn: Path, folder: Path) -> Iterator[str]:
    """Apache with a hand-written minimal configuration before a gunicorn's socket; its URL."""
    found = programs.apache()
    if isinstance(found, Missing):
        sys.exit(str(found))
    folder.mkdir()
    port = free_port()
    text = APACHE + PASSING
    written = text.format(root=folder, port=port, socket=gunicorn, modules=MODULES)
    (folder / "conf").write_text(written)
    with serving((*found.command, "-f", str(folder / "conf"), "-D", "FOREGROUND"), port):
        yield f"http://127.0.0.1:{port}/"


@contextlib.contextmanager
def serving(command: tuple[str, ...], port: int) -> Iterator[None]:
    """A program that runs in the block, and listens."""
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            answers(port)
            yield
        finally:
            process.send_signal(signal.SIGTERM)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> None:
    """Wait until somebody listens."""
    for _ in range(100):
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    sys.exit("the hand-written configuration does not start")


def url(site: Site, path: str) -> str:
    host, port = site.stack.address
    return f"http://{host}:{port}{path}"


def static(kind: str, folder: Path) -> None:
    """A file of 10,000 bytes, as the rendered proxy sends it and as a hand-written one does."""
    with (
        tiny(kind, folder, **MACHINE) as site,
        by_hand(kind, site.project / "static", folder) as minimal,
    ):
        rendered = Asked(url(site, "/static/file.txt"))
        servers = {f"{kind}, hand-written": minimal, f"{kind}, rendered": rendered}
        compared(f"static, {kind}", servers, goal=GOALS["static"])


@contextlib.contextmanager
def bookshop(kind: str, folder: Path, *, proxied: bool) -> Iterator[str]:
    """The Django example, as its URL: behind its proxy, or gunicorn alone with the same plan."""
    folder.mkdir()
    made = example("bookshop", folder, kind=kind)
    options = Options(
        port=0, environ={**os.environ, **SECRETS}, proxy=proxied, release_commands=True
    )
    with running(made.tree, made.plan, "web", made.project, options) as stack:
        yield f"http://127.0.0.1:{stack.address[1]}/"


def dynamic(name: str, folder: Path) -> None:
    """A page through both proxies and from gunicorn itself: one plan, a connection for each."""
    # As the proxies ask gunicorn: a connection ends with its request.
    close = ("Connection: close",)
    with contextlib.ExitStack() as stack:
        urls = {}
        for what in ("gunicorn alone", *KINDS):
            kind = what if what in KINDS else "nginx"
            where, proxied = folder / what.replace(" ", "-"), what in KINDS
            if name == "Django":
                found = stack.enter_context(bookshop(kind, where, proxied=proxied))
            else:
                site = stack.enter_context(tiny(kind, where, alone=not proxied, **MACHINE))
                found = url(site, "/")
                if what == "apache":
                    passing = passing_by_hand(Path(site.stack.socket), folder / "minimal")
                    urls["apache, hand-written"] = stack.enter_context(passing)
            urls[what] = found
        host = ("Host: bookshop.example",) if name == "Django" else ()
        servers = {
            what: Asked(found, (*host, *close) if what == "gunicorn alone" else host)
            for what, found in urls.items()
        }
        compared(f"dynamic, {name}", servers, goal=GOALS["dynamic"])


def limited(kind: str, folder: Path) -> None:
    """The same page with limits declared, which nobody reaches: what counting costs."""
    limits = {"limits": {"connections_per_address": 10_000, "requests_per_second": 100_000}}
    with (
        tiny(kind, folder / "without", **MACHINE) as without,
        tiny(kind, folder / "with", **MACHINE, proxy=limits) as counted,
    ):
        servers = {kind: url(without, "/"), f"{kind}, limits declared": url(counted, "/")}
        compared(f"limits, {kind}", {what: Asked(each) for what, each in servers.items()})


def slow_clients(folder: Path) -> None:
    """As many slow clients as Apache has threads, less a few, before all three."""
    clients = 232
    small: dict[str, Any] = {
        "machines": {"web": {"cpus": 1, "memory": "512M"}},
        "server": {"backlog": 256},
    }
    print(f"\nslow clients, {clients} of them\n")
    print("| clients | front | answered, of a probe every 100 ms | p99 |")
    print("| --- | --- | --- | --- |")
    for what in ("none", *KINDS):
        name = "gunicorn alone" if what == "none" else what
        with slow.many_files(), tiny(what, folder / what, **small) as site:
            address = site.stack.address

            def ask(patience: float, site: Site = site) -> int:
                return site.get("/", timeout_s=patience).status

            for mode in slow.MODES:
                with slow.probing(ask) as probed:
                    slow.slowhttptest(mode, address, clients, folder=folder)
                row(f"slow {mode}", name, probed)
                recovered(ask)
            for size in (120_000, 2_000_000):
                query = {"path": f"/bytes?n={size}", "host": site.host}
                with (
                    slow.probing(ask) as probed,
                    slow.readers(address, clients, wait=False, **query),
                ):
                    time.sleep(8)
                row(f"readers of {size:,} bytes over a network's packets", name, probed)
                recovered(ask)


def recovered(ask: Callable[[float], int]) -> None:
    """Wait until what an attack has left is gone."""
    for _ in range(12):
        with contextlib.suppress(OSError):
            if ask(5) == 200:
                time.sleep(2)
                return


def row(clients: str, front: str, probed: slow.Probed) -> None:
    share = f"{len(probed.seconds)} of {probed.due}"
    # Half of them in time is a site; less is none.
    p99 = f"{probed.percentile_ms(0.99):.0f} ms" if len(probed.seconds) > probed.due / 2 else "-"
    print(f"| {clients} | {front} | {share} | {p99} |", flush=True)


def main() -> None:
    """Prints the tables."""
    for program in ("wrk", "slowhttptest"):
        if shutil.which(program) is None:
            sys.exit(f"{program} is not installed: apt-get install {program}")
    tables: dict[str, Callable[[Path], None]] = {
        **{f"static {kind}": partial(static, kind) for kind in KINDS},
        "dynamic tiny": partial(dynamic, "a page of five bytes"),
        "dynamic Django": partial(dynamic, "Django"),
        **{f"limits {kind}": partial(limited, kind) for kind in KINDS},
        "slow": slow_clients,
    }
    for title, measure in tables.items():
        if len(sys.argv) == 1 or any(word in title for word in sys.argv[1:]):
            with tempfile.TemporaryDirectory() as name:
                measure(Path(name))


if __name__ == "__main__":
    main()
