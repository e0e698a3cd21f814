"""python -m testbed.trial SCENARIO: what a host goes through in its life, under load.

Releases, a rollback, releases that are broken in every way, killed processes, a reboot. What was
sent and lost is written to ``figures.json`` and printed; ``verify`` judges it, and the host.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import yaml

from deploygen.targets.systemd import PROXY_UNITS
from testbed import changes, engine, hosts
from testbed.load import Load, load
from testbed.scenario import SCENARIOS, Host, Scenario, scenario

# The name of what is there before anything is tried.
FIRST = "first page"
# A play that hangs is an act that fails: generous, for a machine that does much else.
PLAY_SECONDS = 900
OUTPUT_KEPT = 6000
# Whether a module of Ansible runs on the host: it is read from standard input, and has no name.
MODULE = 'pgrep --full --exact "/usr/bin/python3[.0-9]*"'


@dataclass
class Act:
    """One thing that happened under load, and what the clients saw of it."""

    name: str
    sent: dict[str, int] = field(default_factory=dict)
    lost: dict[str, int] = field(default_factory=dict)
    why: dict[str, int] = field(default_factory=dict)
    slowest_ms: float = 0.0
    release: str = ""
    before: str = ""
    status: int = 0
    seconds: float = 0.0
    live_seconds: float | None = None
    # The switch lies between the last request that the old release answered and the first that
    # the new one did, in whichever order they were sent: it is known to within this time.
    switch_ms: float | None = None
    # After a boot: from gunicorn's being ready to the proxy's start; negative for the other order.
    opened_after_ms: float | None = None
    output: str = ""


def clients(load: Mapping[str, Any]) -> int:
    """How many clients there are, each with one request at a time.

    Few leave the machine to the playbooks; many make the figures of the documentation.
    """
    return int(os.environ.get("TESTBED_CLIENTS") or load["clients"])


class Trial:
    """The acts of one scenario."""

    def __init__(self, found: engine.Engine, tried: Scenario) -> None:
        self.engine, self.scenario = found, tried
        self.example = tried.document.spec.name
        told = yaml.safe_load((SCENARIOS / tried.name / "trial.yml").read_text("utf-8"))
        self.options: dict[str, Any] = told["load"]
        self.options["clients"] = clients(self.options)
        self.acts: list[str] = told["acts"]
        self.front: Host = tried.hosts[0]
        self.served: Host = tried.served
        self.done: list[Act] = []
        self.number = 0

    def run(self) -> list[Act]:
        """All acts in turn. The load stops for a reboot only, which takes its host with it."""
        self.first_page()
        acts = list(self.acts)
        while acts:
            with self.load() as running:
                time.sleep(2)
                while acts and acts[0] != "reboot":
                    self.act(running, acts.pop(0))
            if acts:
                acts.pop(0)
                self.reboot()
        return self.done

    def first_page(self) -> None:
        """How long the host took from its boot to the first release: packages, code, everything."""
        script = (
            'unit=$1@$(basename $(readlink "/srv/$1/current")).service\n'
            'active=$(systemctl show --value --property=ActiveEnterTimestamp "$unit")\n'
            'echo $(($(date +%s --date "$active") - $(date +%s) + $(ps -o etimes= -p 1)))'
        )
        seconds = float(self.on_host(script, self.example))
        self.done.append(Act(FIRST, seconds=seconds))
        print(f"{FIRST}: {seconds:.0f} s after the host's boot", flush=True)

    @contextmanager
    def load(self) -> Iterator[Load]:
        """Clients of the site, on the host that they come to."""
        options = [f"--host={self.scenario.site}"]
        for name, value in self.options.items():
            if value is True:
                options.append(f"--{name}")
            else:
                values = value if isinstance(value, list) else [value]
                options += [f"--{name}={one}" for one in values]
        with load(self.engine, self.front, options) as running:
            yield running

    def act(self, running: Load, name: str) -> None:
        """One act, told by the word and the number that ``trial.yml`` has for it."""
        word, _, argument = name.partition(" ")
        if word == "releases":
            for _ in range(int(argument)):
                self.measured(running, "release", self.release)
        elif word == "broken":
            self.measured(running, name, lambda: self.broken(argument))
        elif name == "kill proxy":
            self.measured(running, name, self.kill_proxy)
        elif name == "host reboot":
            self.measured(running, name, self.reboot_one)
        elif word == "stopped":
            self.measured(running, name, lambda: self.stopped(argument))
        elif word == "restart":
            self.measured(running, name, self.restart)
        elif word == "kill":
            self.measured(running, name, lambda: self.kill(argument))
        elif word == "check":
            self.measured(running, name, lambda: self.play("site.yml", "--check", "--diff"))
        elif word == "rollback":
            self.measured(running, name, self.rollback)
        else:
            raise engine.TestbedError(f"no act {name!r}")

    def measured(self, running: Load, name: str, do: Callable[[], tuple[int, str]]) -> None:
        """Do it, and write down what the clients saw meanwhile."""
        before = running.mark("before").last
        started = time.monotonic()
        status, output = do()
        ended = time.monotonic()
        time.sleep(1)
        section = running.mark(name)
        act = Act(
            name=name,
            sent=section.sent,
            lost=section.lost,
            why=section.why,
            slowest_ms=section.slowest_ms,
            release=section.last,
            before=before,
            status=status,
            seconds=round(ended - started, 1),
            output=output[-OUTPUT_KEPT:],
        )
        if act.release != before and {act.release, before} <= section.seen.keys():
            first, last = section.seen[act.release][0], section.seen[before][1]
            act.live_seconds = round(first - started, 1)
            act.switch_ms = round(abs(last - first) * 1000, 1)
        self.done.append(act)
        print(line(act), flush=True)

    def play(self, playbook: str, *options: str) -> tuple[int, str]:
        """Run a rendered playbook as a user does, in the rendered folder."""
        with self.playing(playbook, *options) as process:
            try:
                told, _ = process.communicate(timeout=PLAY_SECONDS)
            except subprocess.TimeoutExpired as error:
                said = (error.stdout or b"").decode(errors="replace")[-OUTPUT_KEPT:]
                text = f"{playbook} has not ended in {PLAY_SECONDS} s; it said\n{said}"
                raise engine.TestbedError(text) from error
        return process.returncode, told

    @contextmanager
    def playing(self, playbook: str, *options: str) -> Iterator[subprocess.Popen[str]]:
        """A playbook that runs; what is left of it at the end is killed, children and all."""
        environment = {k: v for k, v in os.environ.items() if k != "ANSIBLE_CONFIG"}
        process = subprocess.Popen(
            ["ansible-playbook", playbook, *options],
            cwd=self.scenario.project / "deploy" / "ansible",
            env=environment,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            assert process.stdout
            process.stdout.close()

    def release(self) -> tuple[int, str]:
        """Code that is another one, and does the same."""
        self.number += 1
        changes.mark(self.example, self.number).apply(self.scenario.project)
        return self.play("release.yml")

    def rollback(self) -> tuple[int, str]:
        """To the release before the one that serves."""
        return self.play("rollback.yml")

    def broken(self, kind: str) -> tuple[int, str]:
        """A release that fails; the code is mended afterwards."""
        project = self.scenario.project
        broken = changes.BROKEN[self.example][kind]
        path = project / broken.edit.file
        saved = path.read_bytes() if path.exists() else None
        broken.edit.apply(project)
        self.on_host(broken.before, self.example)
        try:
            return self.play("release.yml")
        finally:
            path.unlink() if saved is None else path.write_bytes(saved)
            self.on_host(broken.after, self.example)

    def stopped(self, task: str) -> tuple[int, str]:
        """Kill the play in the midst of a task, and run it again."""
        self.number += 1
        changes.mark(self.example, self.number).apply(self.scenario.project)
        with self.playing("release.yml") as process:
            assert process.stdout
            told = iter(process.stdout.readline, "")
            if not any(line.startswith(f"TASK [{task}") for line in told):
                raise engine.TestbedError(f"release.yml has no task {task!r}")
            time.sleep(0.5)  # in the midst of it
        # A module that has started on the host goes on without the play, to its own end.
        self.on_host(f"timeout {PLAY_SECONDS} sh -c 'while {MODULE}; do sleep 0.1; done'")
        return self.play("release.yml")

    def kill(self, which: str) -> tuple[int, str]:
        """kill -9 of the live slot's master, or of one of its workers."""
        unit = self.unit()
        master = self.on_host(f"systemctl show --property=MainPID --value {unit}").strip()
        victim = master if which == "master" else self.on_host(f"pgrep -P {master}").split()[0]
        self.on_host(f"kill -9 {victim}")
        time.sleep(5)
        return 0, f"killed {victim}"

    def restart(self) -> tuple[int, str]:
        """The live slot, in place: as an operator does it, or what updates libraries at night."""
        self.on_host(f"systemctl restart {self.unit()}")
        return 0, f"restarted {self.unit()}"

    def unit(self) -> str:
        """The slot that serves."""
        slot = self.on_host(f"basename $(readlink /srv/{self.example}/current)").strip()
        return f"{self.example}@{slot}.service"

    def kill_proxy(self) -> tuple[int, str]:
        """kill -9 of all of a host's nginx. It comes back by itself, or this fails."""
        self.on_host("systemctl kill --signal=KILL nginx")
        time.sleep(5)
        self.on_host("systemctl is-active nginx")
        return 0, "killed nginx"

    def reboot_one(self) -> tuple[int, str]:
        """One host of several: the others serve."""
        hosts.reboot(self.engine, self.served)
        return 0, f"rebooted {self.served.name}"

    def reboot(self) -> None:
        """All hosts of the scenario, one after the other; nobody is served meanwhile."""
        started = time.monotonic()
        for host in self.scenario.hosts:
            hosts.reboot(self.engine, host)
        act = Act("reboot", seconds=round(time.monotonic() - started, 1))
        act.opened_after_ms = self.opened_after_ms()
        self.done.append(act)
        print(line(act), flush=True)

    def opened_after_ms(self) -> float:
        """In which order the host came up."""
        proxy = PROXY_UNITS[self.scenario.document.spec.proxy.kind]
        script = "systemctl show --value --property=$1 $2"
        ready = self.on_host(script, "ActiveEnterTimestampMonotonic", self.unit())
        begun = self.on_host(script, "InactiveExitTimestampMonotonic", proxy)
        return (int(begun) - int(ready)) / 1000

    def on_host(self, script: str, *arguments: str) -> str:
        """What a shell on the (first) application host prints."""
        command = ["sh", "-ec", script, "sh", *arguments]
        return self.engine.run("exec", self.served.container, *command).stdout


def line(act: Act) -> str:
    """A line of the table that people read."""
    sent, lost = sum(act.sent.values()), sum(act.lost.values())
    parts = [f"{act.name:17}", f"{act.seconds:6.1f} s", f"{sent:6} sent", f"{lost:4} lost"]
    parts.append(f"slowest {act.slowest_ms:6.0f} ms")
    if act.switch_ms is not None:
        parts.append(f"live after {act.live_seconds:.1f} s, switched within {act.switch_ms:.0f} ms")
    if act.why:
        parts.append(f"({', '.join(f'{n} x {why}' for why, n in act.why.items())})")
    return "  ".join(parts)


def main() -> int:
    """Run the trial of the scenario that is named; 1 where it can't be run."""
    tried = scenario(sys.argv[1])
    trial = Trial(engine.find(), tried)
    try:
        trial.run()
    except engine.TestbedError as error:
        print(f"trial: {error}", file=sys.stderr)
        return 1
    finally:
        figures = tried.work / "figures.json"
        figures.write_text(json.dumps([vars(act) for act in trial.done], indent=1), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
