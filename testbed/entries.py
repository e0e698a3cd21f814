"""A shorter way into a host than ``podman exec``, for the thousands of commands of a trial.

podman takes a third of a second for a command, most of it its own. What it calls in the end, runc
or crun, does the same in a fifth of that: same namespaces, control groups, rights and environment.
So the bed puts a podman of its own first on PATH: it passes everything on, but for commands in
running hosts of the bed. Where the runtime keeps its state elsewhere (rootless), podman is asked.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

# Where root's runtimes keep what they know of a container, as long as it runs.
STATE = Path("/run")

_SHIM = """\
#!/bin/sh
# podman; a command in a host of the bed is run by the runtime (testbed/entries.py).
if [ "$1" = exec ]; then
    if [ "$2" = --interactive ]; then named=$3 before=3; else named=$2 before=2; fi
    if { read -r runtime id < "%(hosts)s/$named"; } 2>/dev/null &&
        [ -d "%(state)s/$runtime/$id" ]; then
        shift $before
        exec "$runtime" exec "$id" "$@"
    fi
fi
exec %(podman)s "$@"
"""


def first_on_path(folder: Path, state: Path = STATE) -> str:
    """PATH with the bed's podman in ``folder`` before this machine's; as it is without podman."""
    own = folder / "bin"
    path = os.environ.get("PATH", os.defpath)
    others = os.pathsep.join(part for part in path.split(os.pathsep) if part != str(own))
    podman = shutil.which("podman", path=others)
    if podman is None:
        return others
    shim = own / "podman"
    text = _SHIM % {"hosts": folder / "hosts", "podman": podman, "state": state}
    if not shim.exists() or shim.read_text("utf-8") != text:
        own.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=own, delete=False) as new:
            new.write(text)
        Path(new.name).chmod(0o755)
        Path(new.name).replace(shim)  # another process may run it
    return f"{own}{os.pathsep}{others}"


def add(folder: Path, container: str, runtime: str, number: str) -> None:
    """A container that has started: who runs it, under which number."""
    path = folder / "hosts" / container
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{Path(runtime).name} {number}\n", "utf-8")


def remove(folder: Path, container: str) -> None:
    """A container that is gone."""
    (folder / "hosts" / container).unlink(missing_ok=True)
