"""What an image and its container promise, asked of the image, of the kernel and of processes."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest

from tests.containers.conftest import Engines
from tests.containers.engines import MARK, Engine, Stack
from tests.containers.engines import NAMES as ENGINES
from tests.containers.variants import described, running

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=ENGINES)
def stack(
    request: pytest.FixtureRequest, engines: Engines, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    found = engines.get(request.param)
    # A base that is pinned, as far as an engine without a registry has a digest for it.
    base = "docker.io/library/python:3.13-slim"
    if found.name == "podman":
        base = f"{base}@{found.inspect('image', base)['Digest']}"
    made = described(
        "fastquotes",
        tmp_path_factory.mktemp("promises"),
        containers=f"memory: 400M, cpus: 1.5, base: '{base}'",
    )
    environ = {"TAG": "promises", "WEB_CONCURRENCY": "1", "REVISION": "0123abcd"}
    with running(found, made, "promises", environ=environ) as running_stack:
        yield running_stack


def test_a_base_with_its_digest_is_built_on(stack: Stack) -> None:
    text = (stack.made.tree / "docker/Dockerfile").read_text()
    base = re.search(r"^ARG BASE=(\S+)$", text, re.MULTILINE)
    assert base
    assert ("@sha256:" in base[1]) == (stack.engine.name == "podman")
    below = stack.engine.layers(base[1].partition("@")[0])
    assert stack.engine.layers("fastquotes:promises")[: len(below)] == below


def kernel(stack: Stack, service: str, *files: str) -> list[str]:
    """What the first of these files of the container's own control group says."""
    for file in files:
        done = stack.engine.run("exec", stack.container(service), "cat", file, check=False)
        if done.returncode == 0:
            return done.stdout.split()
    raise AssertionError(f"none of {files}")


def test_the_kernel_holds_the_plans_limits(stack: Stack) -> None:
    planned = stack.made.plan.containers.components["container"]
    cpu = "/sys/fs/cgroup/cpu"
    quota, *period = kernel(stack, "app", "/sys/fs/cgroup/cpu.max", f"{cpu}/cpu.cfs_quota_us")
    period = period or kernel(stack, "app", f"{cpu}/cpu.cfs_period_us")
    assert int(quota) / int(period[0]) == planned["cpus"].value == 1.5
    for service, name in (("app", "pids_limit"), ("proxy", "proxy_pids_limit")):
        files = ("/sys/fs/cgroup/pids.max", "/sys/fs/cgroup/pids/pids.max")
        assert kernel(stack, service, *files) == [str(planned[name].value)]
    for service, name in (("app", "nofile"), ("proxy", "proxy_nofile")):
        told = "\n".join(kernel(stack, service, "/proc/1/limits"))
        files = re.search(r"open\nfiles\n(\d+)\n", told)
        assert files and int(files[1]) == planned[name].number


def test_a_variable_within_the_bounds_is_the_number_of_workers(stack: Stack) -> None:
    config = (stack.made.tree / "docker/app/etc/fastquotes/gunicorn.conf.py").read_text()
    assert "workers = 2\n" in config
    script = "cat /proc/[0-9]*/cmdline | tr '\\0' '\\n' | grep -c -x -e '--confi[g]'"
    # gunicorn, one worker.
    assert stack.inside("app", "sh", "-c", script).split() == ["2"]


def test_heartbeats_and_control_are_in_memory(stack: Stack) -> None:
    script = "ls -l /proc/[0-9]*/fd 2>/dev/null | grep -c '/dev/shm/wgunicorn'"
    assert int(stack.inside("app", "sh", "-c", script)) >= 1
    stack.inside("app", "test", "-S", "/dev/shm/fastquotes.ctl")
    told = stack.inside("app", "cat", "/proc/mounts")
    mounts = {line.split()[1]: line.split()[2:4] for line in told.splitlines()}
    for folder in ("/tmp", "/dev/shm"):
        assert mounts[folder][0] == "tmpfs"
    assert {"noexec", "nosuid", "nodev"} <= set(mounts["/tmp"][1].split(","))


def test_labels_say_what_an_image_is(stack: Stack) -> None:
    if stack.engine.name == "docker":
        stack.compose("build")
    for name in ("fastquotes", "fastquotes-proxy"):
        labels = stack.engine.inspect("image", f"{name}:promises")["Config"]["Labels"]
        assert labels["org.opencontainers.image.title"] == name
        assert "org.opencontainers.image.version" in labels
        # podman 4.3 takes the label of an earlier build of the same files from its cache, whatever
        # the build argument says.
        if stack.engine.name == "docker":
            assert labels["org.opencontainers.image.version"] == "promises"
            assert labels["org.opencontainers.image.revision"] == "0123abcd"


def test_a_wrong_variable_makes_no_loop(stack: Stack) -> None:
    """Started by an engine that starts what ends, without the release that would stop it."""
    engine, name = stack.engine, f"{MARK}-loop"
    options = (
        "--detach", f"--name={name}", "--restart=always", "--env=WEB_CONCURRENCY=99",
        f"--volume={name}:/var/lib/fastquotes", "--stop-timeout=20",
    )  # fmt: skip
    try:
        engine.run("run", *options, "fastquotes:promises")
        deadline = time.monotonic() + 60
        while "it waits" not in _told(engine, name):
            assert time.monotonic() < deadline, _told(engine, name)
            time.sleep(0.2)
        time.sleep(3)
        lines = [line for line in _told(engine, name).splitlines() if "fastquotes: " in line]
        assert [line.partition(": ")[2][:18] for line in lines] == [
            "WEB_CONCURRENCY=99", "WEB_CONCURRENCY=99", "again; it waits to",
        ]  # fmt: skip
        assert engine.inspect("container", name)["State"]["Running"]
        engine.run("stop", name)
        assert engine.inspect("container", name)["State"]["ExitCode"] == 78, "not killed"
    finally:
        engine.run("rm", "--force", "--volumes", name, check=False)
        engine.run("volume", "rm", "--force", name, check=False)


def _told(engine: Engine, name: str) -> str:
    done = engine.run("logs", name, check=False)
    return done.stdout + done.stderr
