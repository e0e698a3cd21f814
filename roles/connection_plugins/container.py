# deploygen: a host of a trial is a container that boots systemd.
"""An Ansible connection into a container, by ``podman exec`` or ``docker exec``.

The collections that have one are not needed for these few lines, and nothing comes from Galaxy.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from ansible.errors import AnsibleConnectionFailure, AnsibleFileNotFound
from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = """
name: container
short_description: hosts that are containers
description: Runs commands in the container of a host, as root, through the container engine.
author: deploygen
options:
  remote_addr:
    description: The host's name; the container's ends with it.
    type: str
    # The second is there where a task is delegated: the first stays the name of the host it is for.
    vars: [{name: inventory_hostname}, {name: ansible_host}]
  engine:
    description: podman or docker.
    type: str
    env: [{name: CONTAINER_ENGINE}]
    default: podman
  prefix:
    description: What the container's name begins with, before a dash and the host's name.
    type: str
    env: [{name: CONTAINER_PREFIX}]
    required: true
"""


class Connection(ConnectionBase):
    """One ``exec`` for each command; modules go through its standard input (pipelining)."""

    transport = "container"
    has_pipelining = True
    always_pipeline_modules = True

    def _connect(self) -> Connection:
        self._connected = True
        return self

    def _exec(self, *command: str, data: bytes | None = None) -> tuple[int, bytes, bytes]:
        container = "-".join(self.get_option(o) for o in ("prefix", "remote_addr"))
        line = [self.get_option("engine"), "exec", "--interactive", container, *command]
        try:
            done = subprocess.run(
                line, input=data or b"", capture_output=True, check=False, env=os.environ
            )
        except OSError as error:
            raise AnsibleConnectionFailure(f"{line[0]}: {error}") from error
        # Both engines answer 125 where it is they that fail, and not the command.
        if done.returncode == 125:
            raise AnsibleConnectionFailure(done.stderr.decode(errors="replace").strip())
        return done.returncode, done.stdout, done.stderr

    def exec_command(
        self, cmd: str, in_data: bytes | None = None, sudoable: bool = True
    ) -> tuple[int, bytes, bytes]:
        """Run a shell command: its status, output and errors."""
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        return self._exec("/bin/sh", "-c", cmd, data=in_data)

    def put_file(self, in_path: str, out_path: str) -> None:
        """Write a file of this machine into the host."""
        super().put_file(in_path, out_path)
        if not Path(in_path).is_file():
            raise AnsibleFileNotFound(f"no file {in_path}")
        script = 'cat > "$1"'
        status, _, errors = self._exec(
            "/bin/sh", "-c", script, "sh", out_path, data=Path(in_path).read_bytes()
        )
        if status:
            raise AnsibleConnectionFailure(f"{out_path}: {errors.decode(errors='replace')}")

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Write a file of the host to this machine."""
        super().fetch_file(in_path, out_path)
        status, content, errors = self._exec("cat", in_path)
        if status:
            raise AnsibleConnectionFailure(f"{in_path}: {errors.decode(errors='replace')}")
        Path(out_path).write_bytes(content)

    def close(self) -> None:
        """Nothing stays open between two commands."""
        self._connected = False
