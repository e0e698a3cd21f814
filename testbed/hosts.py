"""Containers that boot systemd: made, restarted, removed, and commands run in them."""

from __future__ import annotations

import time

from testbed import entries, images, machine
from testbed.engine import FOLDER, Engine, TestbedError
from testbed.scenario import Host, Scenario

# What systemd needs to set up a unit's sandbox: mounts, other users' processes, network namespaces.
# Without SYS_ADMIN it leaves ProtectSystem and its like out, and says nothing. Never --privileged,
# which would let a host write this machine's kernel settings.
CAPABILITIES = ("SYS_ADMIN", "SYS_PTRACE", "NET_ADMIN")
# A second host installs what the first one downloaded.
CACHE = "deploygen-testbed-pip:/var/cache/pip"
BOOT_SECONDS = 60


def create(engine: Engine, scenario: Scenario) -> None:
    """A container for each host, in a network where they find each other by name; all booted."""
    network = scenario.prefix
    subnet = [f"--subnet={scenario.subnet}"] if scenario.subnet else []
    engine.run("network", "create", *subnet, network)
    for host in scenario.hosts:
        image = images.ensure(engine, host.suite)
        engine.run(
            "run", "--detach", f"--name={host.container}", f"--hostname={host.name}",
            f"--network={network}", f"--network-alias={host.name}",
            *([f"--ip={host.address}"] if host.address else []),
            *(f"--cap-add={name}" for name in CAPABILITIES), f"--volume={CACHE}",
            *_systemd(engine), image, *_command(engine),
        )  # fmt: skip
        if engine.name == "podman":
            told = engine.run("inspect", "--format={{.OCIRuntime}} {{.Id}}", host.container).stdout
            entries.add(FOLDER, host.container, *told.split())
    for host in scenario.hosts:
        wait_until_booted(engine, host)


def _systemd(engine: Engine) -> list[str]:
    """Options for a container whose first process is systemd."""
    binds = [
        f"--volume=/sys/fs/cgroup/{name}:/sys/fs/cgroup/{name}:rw"
        for name in machine.cgroup_controllers()
    ]
    if engine.name == "podman":
        return ["--systemd=always", *binds]
    # What podman does by itself for systemd. seccomp and AppArmor profiles of docker refuse mounts.
    tmpfs = ["--tmpfs=/run:exec", "--tmpfs=/run/lock", "--tmpfs=/tmp:exec"]
    if binds:
        binds.append("--volume=/sys/fs/cgroup/systemd:/sys/fs/cgroup/systemd:rw")
        binds.append("--cgroupns=host")
    else:
        binds = ["--cgroupns=private"]
    return [
        *tmpfs,
        *binds,
        "--security-opt=seccomp=unconfined",
        "--security-opt=apparmor=unconfined",
    ]


def _command(engine: Engine) -> list[str]:
    """docker mounts cgroups of version 2 read-only, in a namespace that is the container's own."""
    if engine.name == "podman" or machine.cgroup_controllers():
        return []
    return ["/bin/sh", "-c", "mount -o remount,rw /sys/fs/cgroup && exec /sbin/init"]


def wait_until_booted(engine: Engine, host: Host) -> None:
    """Until systemd says that it is running; a unit that failed to start is an error."""
    deadline = time.monotonic() + BOOT_SECONDS
    state = "nothing"
    while time.monotonic() < deadline:
        done = engine.run("exec", host.container, "systemctl", "is-system-running", check=False)
        state = done.stdout.strip() or done.stderr.strip()
        if state == "running":
            return
        if state == "degraded":
            failed = engine.run("exec", host.container, "systemctl", "--failed", check=False)
            raise TestbedError(f"{host.container} booted with failed units:\n{failed.stdout}")
        time.sleep(0.2)
    raise TestbedError(f"{host.container} has not booted in {BOOT_SECONDS} s: it says {state!r}")


def reboot(engine: Engine, host: Host) -> None:
    """Shut systemd down and boot again: /run is empty, the disk is as it was."""
    engine.run("restart", "--time=60", host.container)
    wait_until_booted(engine, host)


def destroy(engine: Engine, scenario: Scenario) -> None:
    """Remove the scenario's containers and their network, whatever state they are in."""
    for host in scenario.hosts:
        engine.run("rm", "--force", "--volumes", host.container, check=False)
        entries.remove(FOLDER, host.container)
    engine.run("network", "rm", scenario.prefix, check=False)
    left = engine.run("ps", "--all", "--quiet", f"--filter=name=^{scenario.prefix}-").stdout.split()
    if left:
        raise TestbedError(f"containers that can't be removed: {' '.join(left)}")
