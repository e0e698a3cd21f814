"""Images of Debian systems, made from Debian's packages by mmdebstrap: no registry is needed.

Hosts boot systemd, as a virtual machine would. The Python images stand in for the registry's
``python:3.13-slim``: same names of programs, same name of the image, Debian's own Python. So does
Debian's nginx, Apache, PostgreSQL and Redis for the registry's.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from testbed import machine, stand_ins
from testbed.engine import Engine, TestbedError

LABEL = "deploygen.testbed"

HOST_PACKAGES = (
    "systemd systemd-sysv dbus python3 python3-apt sudo ca-certificates iproute2 procps"
).split()
PYTHON_PACKAGES = "python3 python3-pip python3-venv ca-certificates".split()
NGINX_PACKAGES = "nginx ca-certificates".split()

# Run in the new root, before it becomes an image.
_COMMON = """
cp "$FILES/ca-certificates.crt" "$1/etc/ssl/certs/ca-certificates.crt"
cp "$FILES/pip.conf" "$1/etc/pip.conf"
cp "$FILES/sources.list" "$1/etc/apt/sources.list"
rm -f "$1"/etc/apt/sources.list.d/*mmdebstrap*
"""
# Timers would hold apt's lock or start services in the middle of a test. Packages that pip
# downloads are kept in a volume that all hosts share.
_HOST = """
mkdir -p "$1/var/cache/pip"
echo 'cache-dir = /var/cache/pip' >> "$1/etc/pip.conf"
: > "$1/etc/machine-id"
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer; do
    ln -sf /dev/null "$1/etc/systemd/system/$unit"
done
cat > "$1/etc/systemd/system/testbed.service" <<UNIT
[Unit]
Description=Mounts as on a machine: LoadCredential= and its like need them shared
DefaultDependencies=no
Before=sysinit.target
[Service]
Type=oneshot
ExecStart=/bin/mount --make-rshared /
[Install]
WantedBy=sysinit.target
UNIT
mkdir -p "$1/etc/systemd/system/sysinit.target.wants"
ln -s ../testbed.service "$1/etc/systemd/system/sysinit.target.wants/"
"""
# A registry's image has no package lists: who installs more fetches them.
_BARE = """
rm -rf "$1"/var/lib/apt/lists/*
"""
# As the registry's image has them: python and pip of their own, for root to install with.
_PYTHON = """
ln -s /usr/bin/python3 "$1/usr/local/bin/python"
ln -s /usr/bin/python3 "$1/usr/local/bin/python3"
ln -s /usr/bin/python3 "$1/usr/local/bin/python$VERSION"
ln -s /usr/bin/pip "$1/usr/local/bin/pip"
ln -s /usr/bin/pip "$1/usr/local/bin/pip3"
rm -f "$1"/usr/lib/python3*/EXTERNALLY-MANAGED
"""


@dataclass(frozen=True)
class Recipe:
    """How one image is made. ``variable`` names the image to take instead, from a registry say."""

    name: str
    suite: str
    packages: tuple[str, ...]
    script: str
    changes: tuple[str, ...]
    image: str
    variable: str

    def hash(self, files: dict[str, str]) -> str:
        """Of all that goes into the image: the same hash means that it is there already."""
        parts = (self.suite, *self.packages, self.script, *self.changes, *sorted(files.items()))
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def _host(suite: str) -> Recipe:
    return Recipe(
        name=suite,
        suite=suite,
        packages=tuple(HOST_PACKAGES),
        script=_COMMON + _HOST,
        changes=('CMD ["/sbin/init"]', "STOPSIGNAL SIGRTMIN+3", "ENV container=podman"),
        image=f"localhost/deploygen-host:{suite}",
        variable=f"TESTBED_IMAGE_{suite.upper()}",
    )


def _python(version: str, suite: str) -> Recipe:
    return Recipe(
        name=f"python-{version}",
        suite=suite,
        packages=tuple(PYTHON_PACKAGES),
        script=f"VERSION={version}\n{_COMMON}{_PYTHON}{_BARE}",
        changes=('CMD ["python3"]', "ENV LANG=C.UTF-8", f"ENV PYTHON_VERSION={version}"),
        image=f"docker.io/library/python:{version}-slim",
        variable=f"TESTBED_IMAGE_PYTHON_{version.replace('.', '_')}",
    )


def _nginx(suite: str) -> Recipe:
    return Recipe(
        name="nginx",
        suite=suite,
        packages=tuple(NGINX_PACKAGES),
        script=_COMMON + _BARE,
        changes=('CMD ["nginx", "-g", "daemon off;"]', "STOPSIGNAL SIGQUIT"),
        image="docker.io/library/nginx:1.30",
        variable="TESTBED_IMAGE_NGINX",
    )


def _service(
    name: str, tag: str, packages: list[str], script: str, changes: tuple[str, ...]
) -> Recipe:
    return Recipe(
        name=name,
        suite="trixie",
        packages=tuple(packages),
        script=_COMMON + script + _BARE,
        changes=changes,
        image=f"docker.io/library/{name}:{tag}",
        variable=f"TESTBED_IMAGE_{name.upper()}",
    )


# Debian 12 has Python 3.11, Debian 13 has 3.13; no suite has 3.12.
RECIPES = {
    recipe.name: recipe
    for recipe in (
        _host("bookworm"),
        _host("trixie"),
        _python("3.11", "bookworm"),
        _python("3.13", "trixie"),
        _nginx("trixie"),
        _service(
            "httpd",
            "2.4",
            stand_ins.HTTPD_PACKAGES,
            stand_ins.HTTPD,
            stand_ins.HTTPD_CHANGES,
        ),
        _service(
            "postgres",
            "17",
            stand_ins.POSTGRES_PACKAGES,
            stand_ins.POSTGRES,
            stand_ins.POSTGRES_CHANGES,
        ),
        _service(
            "redis",
            "8",
            stand_ins.REDIS_PACKAGES,
            stand_ins.REDIS,
            stand_ins.REDIS_CHANGES,
        ),
    )
}


def ensure(engine: Engine, name: str, other: Engine | None = None) -> str:
    """The image of a recipe, made if it is not there yet: its name for the engine.

    Where the ``other`` engine has made it, it is copied.
    """
    recipe = RECIPES[name]
    if named := os.environ.get(recipe.variable):
        return named
    files = _files(recipe.suite)
    wanted = recipe.hash(files)
    with machine.alone("images"):
        found = engine.label(recipe.image, LABEL)
        if found == wanted:
            return recipe.image
        if found == "":  # the registry's own image, not one of ours: better than a stand-in
            return recipe.image
        if other and other.label(recipe.image, LABEL) == wanted:
            _copy(other, engine, recipe.image)
        else:
            _make(engine, recipe, files, wanted)
    return recipe.image


def _copy(source: Engine, target: Engine, image: str) -> None:
    with subprocess.Popen(
        [source.name, "save", image], env=source.environment,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as saved:  # fmt: skip
        target.run("load", stdin=saved.stdout)


def _files(suite: str) -> dict[str, str]:
    """What the image gets of this machine: name and content."""
    bundle = machine.CA_BUNDLE.read_text("utf-8") if machine.CA_BUNDLE.exists() else ""
    return {
        "ca-certificates.crt": bundle,
        "pip.conf": machine.pip_conf(),
        "sources.list": machine.mirror().sources(suite),
    }


def _make(engine: Engine, recipe: Recipe, files: dict[str, str], label: str) -> None:
    with tempfile.TemporaryDirectory(prefix="testbed-") as folder:
        for name, content in files.items():
            Path(folder, name).write_text(content, encoding="utf-8")
        script = Path(folder, "customize")
        script.write_text(f"#!/bin/sh\nset -eu\nFILES={folder}\n{recipe.script}", encoding="utf-8")
        script.chmod(0o755)
        options = [f"--aptopt={option}" for option in machine.apt_options()]
        make = [
            "mmdebstrap", "--quiet", "--variant=minbase", "--components=main",
            f"--include={','.join(recipe.packages)}", *options, f"--customize-hook={script}",
            # Translations and manuals are nobody's need in a test, and half of the size.
            "--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
            "--dpkgopt=path-exclude=/usr/share/doc/*",
            # A machine knows what its mirror has. Empty lists with a young time stamp would pass
            # for up to date.
            # /run is what the recipe leaves there.
            "--skip=cleanup/apt/lists,cleanup/run",
            recipe.suite, "-", f"{folder}/sources.list",
        ]  # fmt: skip
        changes = (*recipe.changes, f"LABEL {LABEL}={label}")
        # docker can change no STOPSIGNAL here: it builds on what it has taken, under another name
        # until then. What has the image's name and no label would pass for the registry's own.
        at_once = engine.name == "podman"
        now = [f"--change={each}" for each in changes] if at_once else []
        taken = recipe.image if at_once else f"{recipe.image}-taken"
        log = Path(folder, "log")
        try:
            with log.open("wb") as errors:
                # In a session of its own: where nobody takes the image it hangs up on its group.
                builder = subprocess.Popen(
                    make, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
                    start_new_session=True,
                )  # fmt: skip
        except FileNotFoundError:
            raise TestbedError(
                f"{recipe.image} is made by mmdebstrap, which is not installed: make packages, "
                f"or name an image with {recipe.variable}"
            ) from None
        try:
            imported = engine.run("import", *now, "-", taken, stdin=builder.stdout, check=False)
        finally:
            assert builder.stdout
            builder.stdout.close()  # mmdebstrap ends where nobody reads
            status = builder.wait()
        if status or imported.returncode:
            why = log.read_text("utf-8", errors="replace")[-2000:] + imported.stderr[-2000:]
            if not status:
                raise TestbedError(f"{recipe.image} can't be imported: {why.strip()}")
            engine.run("rmi", "--force", taken, check=False)  # half of one
            raise TestbedError(f"{recipe.image} can't be made by mmdebstrap: {why.strip()}")
        if not at_once:
            lines = "\n".join((f"FROM {taken}", *changes))
            try:
                engine.run("build", "--tag", recipe.image, "-", stdin=None, input=lines)
            finally:
                engine.run("rmi", taken, check=False)
