"""The private folder: the files of one machine group, moved, and the links of the host."""

from __future__ import annotations

import grp
import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from deploygen.errors import DeploygenError
from deploygen.plan import Plan, limits
from deploygen.plan.apache_modules import needed
from deploygen.plan.layout import SLOTS
from deploygen.stack import apache_conf, modules, paths, ports, relocate
from deploygen.stack.machine import NAMES, TEMP_PATHS, Machine
from deploygen.stack.programs import Missing, Program, find
from deploygen.stack.proxies import BY_KIND, Proxy

# A unix socket's path, its end included: struct sockaddr_un.
SOCKET_BYTES = 108 if sys.platform == "linux" else 104
SLOT = SLOTS[0]
SHM = "/dev/shm"  # noqa: S108 (looked for, not written to)


@dataclass(frozen=True)
class Folder:
    """The private folder: what it is made from, and what was moved into it."""

    root: Path
    plan: Plan
    group: str
    moves: paths.Moves
    ports: Mapping[int, int]
    relocated: relocate.Relocated

    def moved(self, path: str) -> Path:
        """Where a path of the host lies, the slot filled in."""
        return Path(self.moves.path(path.replace("%i", SLOT)))

    def enabled(self, proxy: Proxy) -> Path:
        """The folder that a proxy reads its sites from."""
        return Path(f"{self.root}{proxy.etc}/sites-enabled")

    @property
    def log(self) -> Path:
        """Where the programs' own output goes."""
        return self.root / "log"


def make(plan: Plan) -> Path:
    """A new folder that only this user can enter, with a path short enough for sockets."""
    layout = plan.layout
    sockets = [layout.upstream, layout.slot_socket.replace("%i", SLOT)]
    if plan.spec.proxy.kind == "apache" and limits.any_declared(plan.spec.proxy.limits):
        sockets.append(layout.apache.counted)
    longest = max(sockets, key=len)
    candidates = [tempfile.gettempdir(), "/tmp", os.environ.get("XDG_RUNTIME_DIR", "")]  # noqa: S108
    for base in dict.fromkeys(filter(None, candidates)):
        room = SOCKET_BYTES - 1 - len(os.fsencode(f"{base}/deploygen-12345678{longest}"))
        plain = re.fullmatch(r"[A-Za-z0-9._/+-]+", base)
        if room >= 0 and plain and os.access(base, os.W_OK | os.X_OK):
            return Path(tempfile.mkdtemp(prefix="deploygen-", dir=base)).resolve()
    raise DeploygenError(
        f"no folder for the sockets: found {', '.join(filter(None, candidates))}, allowed are "
        f"writable ones whose path has at most "
        f"{SOCKET_BYTES - 1 - len(longest) - len('/deploygen-12345678')} plain characters",
        hint="TMPDIR=/tmp deploygen up",
    )


def host_files(tree: Path, group: str) -> dict[str, bytes]:
    """The files of a group as they are on disk: path on the host -> content."""
    top = tree / "hosts" / group
    if not top.is_dir():
        raise DeploygenError(f"found no {top}", hint="deploygen render writes it")
    return {
        f"/{path.relative_to(top).as_posix()}": path.read_bytes()
        for path in sorted(top.rglob("*"))
        if path.is_file()
    }


def fill(
    root: Path,
    tree: Path,
    plan: Plan,
    group: str,
    project: Path,
    *,
    proxy: Program | None = None,
    port: int | None = None,
    names: tuple[str, ...] = NAMES,
    members: Mapping[str, str] | None = None,
) -> Folder:
    """Fill the private folder for this machine's ``proxy``.

    ``port`` as in ports.choose(); ``names`` are added to sites; ``members`` as Machine has them.
    """
    files = host_files(tree, group)
    moves = paths.of_host(plan.layout, str(root), files)
    machine = Machine(
        root=str(root),
        moves=paths.Moves({**_elsewhere(root, proxy), **moves.moves}),
        ports=ports.choose(relocate.ports(files) or (80,), port),
        readable=_readable,
        ipv6=ports.ipv6(),
        user=_user(),
        names=names,
        temp_paths=_temp_paths(proxy),
        nginx=proxy.version if proxy and proxy.name == "nginx" else (),
        apache=proxy.version if proxy and proxy.name == "apache" else (),
        openssl=proxy.openssl if proxy else (),
        absent=modules.absent(proxy) if proxy else frozenset(),
        loads=modules.here(proxy) if proxy and proxy.name == "nginx" else (),
        members=members or {},
        modules=modules.folder(proxy) if proxy else "",
    )
    moved = relocate.relocate(files, machine)
    folder = Folder(root, plan, group, machine.moves, machine.ports, moved)
    for path, content in moved.files.items():
        target = Path(f"{root}{path}")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    if proxy and proxy.name == "apache":
        _apache_conf(folder, machine, proxy)
    for path in (*moved.folders, *_folders(folder)):
        Path(path).mkdir(parents=True, exist_ok=True)
    for link, target in _links(folder, project, proxy):
        link.parent.mkdir(parents=True, exist_ok=True)
        if not os.path.lexists(link):
            link.symlink_to(target)
    return folder


def stand_in(folder: Folder) -> Missing | None:
    """Make the certificate that stands in for one that is not here; what is missing for it."""
    if not folder.relocated.stand_in:
        return None
    openssl = find("openssl")
    if isinstance(openssl, Missing):
        return openssl
    tls = folder.root / "tls"
    tls.mkdir(mode=0o700)
    site = folder.plan.hosts[folder.group].site
    names = ",".join(f"DNS:{name}" for name in (*site.names, "localhost"))
    command = (
        *openssl.command, "req", "-x509", "-nodes", "-newkey", "ec",
        "-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "30", "-subj", "/CN=localhost",
        "-addext", f"subjectAltName={names},IP:127.0.0.1,IP:::1",
        "-keyout", str(tls / "key.pem"), "-out", str(tls / "certificate.pem"),
    )  # fmt: skip
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False
    )
    if done.returncode:
        raise DeploygenError(f"openssl made no stand-in certificate: {done.stderr.strip()}")
    return None


def remove(root: Path) -> None:
    """Remove the private folder; what its links point to stays."""
    with suppress(FileNotFoundError):
        shutil.rmtree(root)


def _elsewhere(root: Path, proxy: Program | None) -> dict[str, str]:
    """Paths that another system has elsewhere: nginx's own files, and the memory disk."""
    found: dict[str, str] = {}
    if proxy is not None:
        conf = re.search(r"--conf-path=(\S+)/[^/\s]+", proxy.build)
        if conf and conf[1] != "/etc/nginx" and not Path("/etc/nginx").is_dir():
            found["/etc/nginx"] = conf[1]
    if not Path(SHM).is_dir():
        found[SHM] = f"{root}{SHM}"
    return found


def _folders(folder: Folder) -> Iterator[str]:
    layout = folder.plan.layout
    for path in (layout.home, layout.run, layout.state):
        yield folder.moves.path(path)
    if SHM in folder.moves.moves:
        yield folder.moves.moves[SHM]
    yield str(folder.log)


def _links(folder: Folder, project: Path, proxy: Program | None) -> Iterator[tuple[Path, Path]]:
    layout, app = folder.plan.layout, folder.plan.spec.app
    yield folder.moved(layout.slot), project
    if layout.current != layout.slot:
        yield folder.moved(layout.current), folder.moved(layout.slot)
    if layout.upstream != layout.slot_socket:
        yield folder.moved(layout.upstream), folder.moved(layout.slot_socket)
    apart = layout.media and not layout.media.startswith(f"{layout.slot}/")
    if app.media and layout.media and apart and not app.media.folder.startswith("/"):
        # The project's own uploads; where it has none yet, the link points to nothing.
        yield folder.moved(layout.media), project / app.media.folder
    for kind in BY_KIND.values():
        site = f"{kind.etc}/sites-available/{layout.name}.conf"
        if site in folder.relocated.files:
            yield folder.enabled(kind) / f"{layout.name}.conf", Path(f"{folder.root}{site}")
    if proxy and proxy.name == "nginx" and (lies := modules.folder(proxy)):
        yield folder.root / "modules", Path(lies)


def _apache_conf(folder: Folder, machine: Machine, apache: Program) -> None:
    """Write what stands in for Debian's apache2.conf, with the folders that Apache wants.

    A container has a rendered one.
    """
    for name in ("run", "run/apache2/socks", "var/log/apache2", "etc/apache2"):
        (folder.root / name).mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        # Where Apache starts a program it asks whether it may enter this folder as the user that it
        # serves as, who is of root's group (programs.py).
        for path in (folder.root, folder.root / "etc", folder.root / "etc/apache2"):
            path.chmod(0o710)
    if apache_conf.PATH in folder.relocated.files:
        return
    site = folder.plan.hosts[folder.group].site
    built_in = re.findall(r"^\s*(?:mod_)?(\w+)\.c$", apache.build, re.MULTILINE)
    text = apache_conf.text(
        machine,
        [
            module.name
            for module in needed(site)
            if module.package == "apache2"
            or os.path.isfile(f"{apache.modules}/mod_{module.name}.so")  # noqa: PTH113
        ],
        folder=apache.modules,
        static=built_in,
        conf=[path for path in (apache_conf.RENDERED,) if path in folder.relocated.files],
        tls=site.tls is not None,
    )
    path = Path(f"{folder.root}{apache_conf.PATH}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _readable(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.R_OK)  # noqa: PTH113 (a plain question)


def _user() -> str:
    """Who nginx's workers run as: the group is named too, for it need not have the same name."""
    if os.geteuid() != 0:
        return ""
    return f"{pwd.getpwuid(0).pw_name} {grp.getgrgid(os.getegid()).gr_name}"


def _temp_paths(proxy: Program | None) -> tuple[str, ...]:
    """Those that this nginx was built with."""
    build = proxy.build if proxy else ""
    return tuple(
        name
        for name in TEMP_PATHS
        if f"--without-http_{name.removesuffix('_temp_path')}_module" not in build
    )
