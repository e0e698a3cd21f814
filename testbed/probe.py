"""Questions to a host of the test bed, answered by its kernel, its systemd and its web server."""

from __future__ import annotations

import json
import re
import shlex
import time
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

# Sent to the host's own Python: one request on the loopback, or through a unix socket.
_ASK = r"""
import concurrent.futures, http.client, json, socket, sys
given = json.loads(sys.argv[1])
def ask(number):
    connection = http.client.HTTPConnection("127.0.0.1", given["port"], timeout=given["patience"])
    try:
        if given["socket"]:
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.connect(given["socket"])
        headers = {"Host": given["host"], **given["headers"]}
        connection.request(given["method"], given["path"], given["body"], headers)
        answer = connection.getresponse()
        found = {}
        for key, value in answer.getheaders():  # one a line, where there are several
            found[key.lower()] = "\n".join(filter(None, [found.get(key.lower()), value]))
        return [answer.status, found, answer.read().decode("latin-1")]
    except (OSError, http.client.HTTPException) as error:
        return [0, {}, type(error).__name__]
with concurrent.futures.ThreadPoolExecutor(given["times"]) as clients:
    print(json.dumps(list(clients.map(ask, range(given["times"])))))
"""
PATIENCE_S = 30
# A proxy that was killed answers again within so many seconds, on a machine that does much else.
COMES_BACK_S = 20


@dataclass(frozen=True)
class Answer:
    """Status 0 stands for none: ``body`` then names the error."""

    status: int
    headers: dict[str, str]
    body: str


class Probe:
    """A host, through testinfra's ``run``."""

    def __init__(self, machine: Any, name: str, site: str) -> None:
        self.machine, self.name, self.site = machine, name, site

    def told(self, command: str) -> str:
        """What a command on the host prints. It has to succeed."""
        done = self.machine.run(command)
        assert done.rc == 0, f"{command}: {done.stderr}"
        return str(done.stdout).strip()

    def refused(self, command: str) -> str:
        """Why a command on the host fails. It has to fail."""
        done = self.machine.run(command)
        assert done.rc != 0, f"{command} has worked: {done.stdout}"
        return str(done.stderr).strip()

    def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        body: str | None = None,
        host: str = "",
        headers: dict[str, str] | None = None,
        socket: str = "",
        user: str = "",
    ) -> Answer:
        """One request, sent on the host itself: to the proxy, or to a unix ``socket``."""
        [answer] = self._ask(
            path=path, method=method, body=body, host=host, headers=headers, socket=socket,
            user=user, times=1,
        )  # fmt: skip
        return answer

    def ask_at_once(self, path: str, times: int) -> list[Answer]:
        """So many requests at the same time, each on a connection of its own."""
        return self._ask(path=path, times=times)

    def _ask(self, user: str = "", **given: Any) -> list[Answer]:
        told = {
            "method": "GET", "body": None, "socket": "", "port": 80, "patience": PATIENCE_S,
            **given,
            "host": given.get("host") or self.site,
            "headers": given.get("headers") or {},
        }  # fmt: skip
        command = f"python3 -c {shlex.quote(_ASK)} {shlex.quote(json.dumps(told))}"
        if user:
            command = f"runuser -u {user} -- {command}"
        return [Answer(*answer) for answer in json.loads(self.told(command))]

    @property
    def slot(self) -> str:
        """The slot that serves."""
        return PurePosixPath(self.told(f"readlink /srv/{self.name}/current.sock")).stem

    @property
    def unit(self) -> str:
        """The unit that serves."""
        return f"{self.name}@{self.slot}.service"

    @property
    def idle_unit(self) -> str:
        """The other one."""
        return f"{self.name}@{'green' if self.slot == 'blue' else 'blue'}.service"

    @staticmethod
    def socket_of(unit: str) -> str:
        """The unit that holds a slot's socket."""
        return unit.replace(".service", ".socket")

    def loses(self, unit: str, path: str) -> None:
        """kill -9 of a proxy's first process: another one answers soon, and nobody has helped.

        ``path`` has to be answered with 200 then.
        """
        before = self.told(f"systemctl show --value --property=MainPID {unit}")
        self.told(f"kill -9 {before}")
        deadline = time.monotonic() + COMES_BACK_S
        # A process that is left over would answer too: who answers is asked of systemd.
        while self.told(f"systemctl show --value --property=MainPID {unit}") in {before, "0"}:
            assert time.monotonic() < deadline, f"{unit} did not come back"
        assert self.ask(path).status == 200

    def show(self, option: str) -> str:
        """What systemd says of the unit that serves."""
        return self.told(f"systemctl show --value --property={option} {self.unit}")

    @property
    def master(self) -> int:
        """gunicorn's own process."""
        return int(self.show("MainPID"))

    @property
    def workers(self) -> list[int]:
        """Its workers, which are its children."""
        return [int(pid) for pid in self.told(f"pgrep -P {self.master}").split()]

    def process(self, pid: int) -> dict[str, str]:
        """/proc/PID/status."""
        text = self.told(f"cat /proc/{pid}/status")
        return {key: value.strip() for key, value in re.findall(r"^(\w+):(.*)$", text, re.M)}

    def limit(self, controller: str, unified: str, legacy: str) -> str:
        """What the kernel enforces for the unit: its control group's file, version 2 or 1."""
        group = self.show("ControlGroup")
        script = (
            f"cat /sys/fs/cgroup{group}/{unified} 2>/dev/null || "
            f"cat /sys/fs/cgroup/{controller}{group}/{legacy} 2>/dev/null || "
            # On version 1 the file system shows the whole machine's tree: the group is below
            # the container's own.
            f"cat /sys/fs/cgroup/{controller}$(sed -n 's/.*:{controller}[^:]*://p' "
            f"/proc/{self.master}/cgroup)/{legacy}"
        )
        return self.told(script)

    @property
    def exposure(self) -> float:
        """What ``systemd-analyze security`` gives the unit: 10 is all open, 0 all closed."""
        text = self.told(f"systemd-analyze security --no-pager {self.unit}")
        found = re.search(r"exposure level for \S+: ([\d.]+)", text)
        assert found, text[-300:]
        return float(found[1])
