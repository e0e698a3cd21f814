"""The proxy's container: its image, and what of nginx or Apache is another there than on a host.

The site is that of a host, on ports that need no right; what is written lies in memory or in a
volume, and both logs go to the engine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from deploygen.errors import InputError, Problem
from deploygen.plan import apache, limits, mpm, nginx, proxy_unit
from deploygen.plan.apache_site import ApacheSite, apache_site
from deploygen.plan.facts import Facts
from deploygen.plan.layout import ApachePlaces, Layout
from deploygen.plan.nginx_site import NginxSite, nginx_site
from deploygen.plan.setting import Settings
from deploygen.plan.site import Site, site
from deploygen.spec import Spec
from deploygen.systems import SYSTEMS, System, parse_version, show_version
from deploygen.units import MIB, plural

# Ports that need no right to be opened; the host's are mapped to them.
HTTP, HTTPS = 8080, 8443
# Where browsers ask for https:// without a port.
USUAL = 443
# The name that stands for the container where a host's plan names its group.
GROUP = "containers"
# nginx with its buffers, and a master that reads configuration. Where slow readers take more, the
# kernel ends a process of nginx's, and its master starts another.
NGINX_MIN = 64 * MIB
# The proxy's processes: its master, and what a reload adds to the workers.
TASKS = 16
# A process of Apache's has its threads, and those that listen, start and wait.
THREADS_BESIDE = 4
# Logs, shared memory, libraries.
FILES_BESIDE = 64
# Where the registry's Apache lies.
HTTPD = "/usr/local/apache2"
# What serves, in the foreground.
NGINX = ("nginx", "-e", "stderr", "-g", "daemon off;")
APACHE = ("httpd", "-D", "FOREGROUND")


@dataclass(frozen=True)
class ContainerProxy:
    """How the registry's image of one proxy is used.

    ``own`` is where the image has its files, ``spool`` the folder of what exceeds memory, a volume;
    ``removed`` is what the image would serve by itself. ``program`` serves, ``command`` starts it.
    """

    kind: str
    image: str
    own: str
    spool: str
    removed: tuple[str, ...]
    program: tuple[str, ...]
    command: tuple[str, ...]
    stop_signal: str
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Needs:
    """What the proxy's container takes: memory (bytes) at least, tasks, open files of a process."""

    memory_bytes: int
    tasks: int
    tasks_why: str
    files: int
    files_why: str


# The registry's stable releases, where the description names no other.
PROXIES = {
    "nginx": ContainerProxy(
        kind="nginx",
        image="docker.io/library/nginx:1.30",
        own="/etc/nginx",
        spool="/var/spool/nginx",
        removed=("/etc/nginx/sites-enabled",),
        program=NGINX,
        command=NGINX,
        stop_signal="SIGQUIT",
    ),
    "apache": ContainerProxy(
        kind="apache",
        image="docker.io/library/httpd:2.4",
        own=HTTPD,
        spool="/var/spool/apache2",
        removed=(f"{HTTPD}/htdocs", f"{HTTPD}/cgi-bin"),
        program=APACHE,
        command=APACHE,
        stop_signal="SIGWINCH",
        # Where mod_proxy puts a body that exceeds memory.
        environment={"TMPDIR": "/var/spool/apache2"},
    ),
}


def proxy(spec: Spec, layout: Layout) -> ContainerProxy | None:
    """The proxy's container; None where the proxy is somebody else's."""
    found = PROXIES.get(spec.proxy.kind)
    if found is None:
        return None
    if found.kind == "apache" and spec.proxy.tls.mode != "none":
        # It makes what Apache can't start without, and becomes Apache.
        found = replace(found, command=("sh", f"{layout.etc}/start.sh"))
    return replace(found, image=spec.containers.proxy_image or found.image)


def problems(spec: Spec) -> Iterator[Problem]:
    """What the proxy's container can't have."""
    hint = "targets without docker render the rest"
    if spec.proxy.tls.mode not in {"none", "files"}:
        yield Problem(
            f"containers have no proxy.tls.mode {spec.proxy.tls.mode}",
            where=("proxy", "tls", "mode"),
            allowed="files, or none behind a proxy that ends TLS",
            hint=hint,
        )
    if spec.proxy.kind == "apache" and spec.app.protected:
        yield Problem(
            "the registry's Apache has no mod_xsendfile, which hands out protected files",
            where=("app", "protected"),
            allowed="proxy.kind nginx, or no protected files",
            hint=hint,
        )
    if spec.proxy.kind == "apache" and limits.any_declared(spec.proxy.limits):
        yield Problem(
            "the registry's Apache has no Python, which counts what each address asks",
            where=("proxy", "limits"),
            allowed="proxy.kind nginx, or no limits",
            hint=hint,
        )


def placed(layout: Layout, spool: str) -> Layout:
    """The layout with what the proxies have elsewhere in a container."""
    return replace(
        layout,
        maintenance="/tmp/maintenance",  # noqa: S108 (in the proxy's container)
        stand_in="/tmp/stand-in",  # noqa: S108 (in the container, which has it to itself)
        nginx=replace(
            layout.nginx,
            user=None,
            pid="/tmp/nginx.pid",  # noqa: S108 (in the container, which has it to itself)
            error_log="stderr",
            access_log="/dev/stdout",
            temp=spool,
        ),
        apache=ApachePlaces(
            error_log="/dev/stderr",
            access_log="/dev/stdout",
            filter=f"{HTTPD}/conf-available/{layout.name}-taken.lua",
            read_why="httpd.conf reads it before the site.",
        ),
    )


def settings(kind: str, facts: Facts, gunicorn: Settings, name: str) -> Settings:
    """The proxy's own directives; none where it is somebody else's."""
    plans = {"nginx": nginx.plan, "apache": apache.plan}
    found = plans[kind](facts, gunicorn, name) if kind in plans else {}
    return {each: found[each] for each in found if each not in proxy_unit.DIRECTIVES}


def needs(kind: str, facts: Facts, directives: Settings) -> Needs:
    """What the container takes for its directives."""
    if kind == "nginx":
        processes = directives["worker_processes"].number
        return Needs(
            memory_bytes=NGINX_MIN,
            tasks=2 * processes + TASKS,
            tasks_why=f"twice {plural(processes, 'process', 'processes')}, for a reload, and "
            f"{TASKS} for the rest",
            files=directives["worker_rlimit_nofile"].number,
            files_why="what worker_rlimit_nofile says: a process that is not root can't raise its "
            "own limit",
        )
    planned = mpm.threads(facts)
    most, each = directives["ServerLimit"].number, directives["ThreadsPerChild"].number
    connections = each * (1 + mpm.ASYNC_FACTOR)
    return Needs(
        memory_bytes=mpm.memory_bytes(planned),
        tasks=most * (each + THREADS_BESIDE) + TASKS,
        tasks_why=f"ServerLimit {most} x ThreadsPerChild {each}, {THREADS_BESIDE} more in each "
        f"process, and {TASKS} for the rest",
        files=connections + 2 * each + FILES_BESIDE,
        files_why=f"a process has up to {connections} connections, and each of its {each} threads "
        f"a connection to gunicorn and a file; {FILES_BESIDE} for the rest",
    )


def system(found: ContainerProxy | None) -> System:
    """The versions of the proxy's image; what its tag does not say is taken to be old."""
    oldest = min(SYSTEMS.values(), key=lambda each: each.openssl)
    made = replace(
        oldest,
        id=GROUP,
        name="the registry's images",
        apache=min(each.apache for each in SYSTEMS.values()),
    )
    stated = re.search(
        r":([0-9]+\.[0-9]+(?:\.[0-9]+)?)", (found.image if found else "").rpartition("/")[2]
    )
    if found is None or stated is None:
        return made
    version = parse_version(stated[1])
    return replace(made, nginx=version) if found.kind == "nginx" else replace(made, apache=version)


def of_site(spec: Spec, shipped: System, layout: Layout) -> Site:
    """The site; the engine maps IPv6 to its ports too. Raises InputError."""
    given = spec.containers.https_port
    # What stands in front has the usual one.
    shown = "" if given == USUAL or spec.proxy.behind.networks else f":{given}"
    made = replace(site(spec, shipped, layout), ipv6=False, secure_port=shown)
    if made.tls and made.tls.stand_in and spec.proxy.kind == "nginx":
        raise InputError.one(
            f"nginx {show_version(shipped.nginx)} shows a certificate to whoever asks for a name "
            "that no site has",
            where=("containers", "proxy_image"),
            allowed="nginx 1.19.4 or later",
        )
    return made


def words(kind: str, virtual_host: Site, shipped: System, name: str) -> NginxSite | ApacheSite:
    """The proxy's words for the site, on its ports. The registry's nginx has no brotli."""
    if kind == "apache":
        return apache_site(virtual_host, shipped, (HTTP, HTTPS))
    return replace(nginx_site(virtual_host, shipped, name, (HTTP, HTTPS)), brotli=False)
