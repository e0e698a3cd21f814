"""The limits of the containers: one function for each, from facts to a Setting."""

from __future__ import annotations

from dataclasses import replace

from deploygen.plan import memory, sources, systemd, timeouts
from deploygen.plan.bounds import Bounds
from deploygen.plan.container_proxy import Needs
from deploygen.plan.facts import Facts
from deploygen.plan.setting import Setting, Settings, by_name
from deploygen.spec import Spec
from deploygen.units import MIB, about, number

# Of the limit, for uploads on their way and what libraries put down for a moment.
TMP_SHARE = 0.1
TMP_MIN = 16 * MIB
# How often the health is asked: each time starts a Python, some 50 ms of a core.
HEALTH_INTERVAL_S = 5
HEALTH_RETRIES = 3
LOG_BYTES = 50 * MIB


def facts(spec: Spec, machine: Facts) -> Facts:
    """The facts of the application's container: its limits instead of the machine's."""
    limit = spec.containers.memory or memory.budget(machine).app // MIB * MIB
    tmp = max(int(limit * TMP_SHARE) // MIB * MIB, TMP_MIN, machine.body_limit_bytes)
    return replace(
        machine,
        cpus=spec.containers.cpus or machine.cpus,
        memory_bytes=max(limit, 0),
        shared_bytes=0,
        slots=1,
        contained=True,
        tmp_bytes=tmp,
    )


def plan(
    spec: Spec,
    machine: Facts,
    inside: Facts,
    gunicorn: Settings,
    bounds: Bounds,
    proxy: Needs | None,
) -> Settings:
    """All limits of the application's container and of the proxy's."""
    return by_name(
        cpus(spec, inside),
        mem_limit(spec, machine, inside),
        tmp_size(inside),
        pids_limit(inside, gunicorn, bounds),
        nofile(gunicorn),
        stop_grace_period(gunicorn["graceful_timeout"].number),
        health_interval(),
        health_timeout(),
        health_start_period(),
        health_retries(),
        log_size(),
        proxy_mem_limit(machine, proxy) if proxy else None,
        proxy_tmp_size() if proxy else None,
        Setting("proxy_pids_limit", proxy.tasks, proxy.tasks_why, sources.COMPOSE)
        if proxy
        else None,
        Setting("proxy_nofile", proxy.files, proxy.files_why, sources.COMPOSE) if proxy else None,
    )


def cpus(spec: Spec, inside: Facts) -> Setting:
    """How many cpus the application may use."""
    said = "containers.cpus" if spec.containers.cpus else "the first machine group's cpus"
    return Setting(
        "cpus",
        int(inside.cpus) if float(inside.cpus).is_integer() else inside.cpus,
        f"{said}: workers and threads are planned for {number(inside.cpus)}",
        sources.DESCRIPTION,
    )


def mem_limit(spec: Spec, machine: Facts, inside: Facts) -> Setting:
    """Where the kernel kills inside the container, and nowhere else."""
    reason = (
        "containers.memory: workers are planned for that"
        if spec.containers.memory
        else f"{memory.budget(machine).words}: workers are planned for that"
    )
    return Setting("mem_limit", inside.memory_bytes, reason, sources.COMPOSE)


def tmp_size(inside: Facts) -> Setting:
    """The size of /tmp, in bytes."""
    why = (
        "room for the largest body, proxy.body_limit"
        if inside.tmp_bytes == inside.body_limit_bytes
        else f"{TMP_SHARE:.0%} of mem_limit, no less than {about(TMP_MIN)}"
    )
    return Setting(
        "tmp_size",
        inside.tmp_bytes,
        "uploads on their way and temporary files are in memory and count against mem_limit: "
        f"{why}",
        sources.COMPOSE,
    )


def pids_limit(inside: Facts, gunicorn: Settings, bounds: Bounds) -> Setting:
    """Processes and threads of the container, with all that its environment may override."""
    largest = {
        name: replace(gunicorn[name], value=bounds.most(name) or gunicorn[name].number)
        for name in ("workers", "threads")
    }
    tasks = systemd.tasks_max(inside, largest)
    return Setting(
        "pids_limit", tasks.value, f"the most that variables allow: {tasks.reason}", sources.COMPOSE
    )


def nofile(gunicorn: Settings) -> Setting:
    """Open files of one process."""
    files = systemd.limit_nofile(gunicorn)
    return Setting("nofile", files.value, files.reason, sources.COMPOSE)


def stop_grace_period(graceful_timeout: int) -> Setting:
    """Seconds to stop, before the engine kills."""
    return Setting(
        "stop_grace_period",
        timeouts.stop_timeout_s(graceful_timeout),
        f"longer than graceful_timeout ({graceful_timeout} s) by {timeouts.STOP_MARGIN_S} s: no "
        "request that gunicorn would let finish is killed",
        sources.TIMEOUTS,
    )


def health_interval() -> Setting:
    """Seconds between two questions for the health."""
    return Setting(
        "health_interval",
        HEALTH_INTERVAL_S,
        "each question starts a Python, about 50 ms of a core: often enough to notice, seldom "
        "enough to cost about a hundredth of a core",
        sources.DOCKERFILE,
    )


def health_timeout() -> Setting:
    """Seconds that an answer may take."""
    return Setting(
        "health_timeout",
        timeouts.QUEUE_S,
        f"a request may queue for {timeouts.QUEUE_S} s while every worker is busy: busy is not ill",
        sources.DOCKERFILE,
    )


def health_start_period() -> Setting:
    """Seconds in which a failure does not count."""
    return Setting(
        "health_start_period",
        systemd.START_S,
        "as long as a host's unit may take to start; the first good answer ends it",
        sources.DOCKERFILE,
    )


def health_retries() -> Setting:
    """How many failures in a row make a container unhealthy."""
    return Setting(
        "health_retries",
        HEALTH_RETRIES,
        "one lost answer is no illness, three in a row are",
        sources.DOCKERFILE,
    )


def log_size() -> Setting:
    """When a log file is begun anew, in bytes."""
    return Setting(
        "log_size",
        LOG_BYTES,
        f"the engine would keep all of it for ever: {about(LOG_BYTES)} are some 200,000 lines",
        sources.COMPOSE,
    )


def proxy_mem_limit(machine: Facts, needs: Needs) -> Setting:
    """The limit of the proxy's container, in bytes."""
    room = memory.budget(machine).proxy
    value = max(room // MIB * MIB, -(-needs.memory_bytes // MIB) * MIB)
    return Setting(
        "proxy_mem_limit",
        value,
        f"the proxy's buffers are planned for {about(room)}, and no less than "
        f"{about(needs.memory_bytes)}; larger bodies lie in a volume",
        sources.COMPOSE,
    )


def proxy_tmp_size() -> Setting:
    """The size of the proxy's /tmp, in bytes."""
    return Setting(
        "proxy_tmp_size",
        MIB,
        "for its process number and the like: bodies lie in a volume",
        sources.COMPOSE,
    )
