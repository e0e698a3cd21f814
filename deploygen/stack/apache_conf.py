"""The private folder's apache2.conf: what Debian's own files say, as far as the site needs it.

Modules, ports, logs and the default refusal of every path; the rendered files are read after it,
in Debian's order: conf-enabled, then sites-enabled.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from deploygen.plan.apache_modules import BUILT_IN
from deploygen.stack.apache_site import ROOT
from deploygen.stack.machine import Machine
from deploygen.stack.moved import LOOPBACK, LOOPBACK6

PATH = f"{ROOT}/apache2.conf"
# What holds for all sites of a host, as the tree has it.
RENDERED = f"{ROOT}/conf-available/zz-deploygen.conf"


def text(
    machine: Machine,
    modules: Iterable[str],
    *,
    folder: str,
    static: Iterable[str],
    conf: Iterable[str],
    tls: bool,
) -> str:
    """The file. ``modules`` lie in ``folder``, ``static`` are built in; ``conf`` is enabled."""
    built_in = set(static)
    lines = [
        f"ServerRoot {machine.root}{ROOT}",
        "ServerName localhost",
        f"DefaultRuntimeDir {machine.root}/run",
        f"PidFile {machine.root}/run/apache2.pid",
        f"Mutex file:{machine.root}/run default",
        f"ErrorLog {machine.root}/var/log/apache2/error.log",
        f"Define APACHE_LOG_DIR {machine.root}/var/log/apache2",
        f"Define APACHE_RUN_DIR {machine.root}/run",
        *(
            f"LoadModule {name}_module {folder}/mod_{name}.so"
            for name in (*BUILT_IN, *modules)
            if name not in built_in
        ),
        "TypesConfig /etc/mime.types" if machine.readable("/etc/mime.types") else "",
        # What the application is told is the port that was asked, not one that nobody serves.
        "UseCanonicalPhysicalPort On",
        *_listen(machine),
        "<Directory />",
        "    Options FollowSymLinks",
        "    AllowOverride None",
        "    Require all denied",
        "</Directory>",
        *([f"SSLSessionCache shmcb:{machine.root}/run/ssl_scache(512000)"] if tls else []),
        *(f"Include {machine.root}{path}" for path in conf),
        f"IncludeOptional {machine.root}{ROOT}/sites-enabled/*.conf",
    ]
    return "\n".join(filter(None, lines)) + "\n"


def _listen(machine: Machine) -> Iterator[str]:
    for port in machine.ports.values():
        yield f"Listen {LOOPBACK}:{port}"
        if machine.ipv6:
            yield f"Listen {LOOPBACK6}:{port}"
