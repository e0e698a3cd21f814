"""The plan's settings beside a grid search and the usual recipes, for several workloads.

make bench-tuning. Needs wrk. All on this machine, one configuration after the other, each with
the same clients; then all of them again, so that a slow minute of the machine hits every
configuration alike. The best of many noisy figures is too good by luck alone: the grid's first
few therefore run again, in a final beside the planned settings and the recipes, and only the
final's medians count. Connections are closed after each request, as they are behind the rendered
proxy. A configuration counts if its processes stay within the memory that the plan has for one
release, and if the application can run in it: green threads only where it is greenlet-safe.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploygen import plan
from deploygen.plan import memory
from deploygen.spec import parse
from deploygen.units import MIB

HERE = Path(__file__).parent
BOOKSHOP = HERE.parent / "examples" / "bookshop"
CPUS = os.cpu_count() or 1
ROUND_S = 2
PSS = re.compile(r"^Pss:\s+(\d+)", re.MULTILINE)
# Rounds of the whole grid, how many of it reach the final, and the rounds of that.
GRID_ROUNDS, FINALISTS, FINAL_ROUNDS = 1, 3, 5


@dataclass(frozen=True)
class Config:
    """How gunicorn runs."""

    worker_class: str
    workers: int
    threads: int = 1

    def __str__(self) -> str:
        threads = f" x {self.threads}" if self.worker_class == "gthread" else ""
        return f"{self.worker_class} {self.workers}{threads}"


@dataclass(frozen=True)
class Workload:
    """What a request costs, and who asks."""

    name: str
    cpu_ms: float
    wait_ms: float
    kind: str
    clients: int
    memory_mb: int = 30
    machine_memory: str = "4G"
    greenlet_safe: bool = False
    django: bool = False


@dataclass
class Result:
    """Requests per second (median), p99 in ms, memory in MiB, failed requests."""

    rps: float
    p99_ms: float
    memory_mb: float
    failed: int


WORKLOADS = (
    Workload("CPU, 5 ms", 5, 0, "cpu", 64),
    Workload("mixed, 3 + 20 ms", 3, 20, "mixed", 128),
    Workload("short waits, 1 + 50 ms", 1, 50, "io", 256),
    Workload("long waits, 1 + 500 ms", 1, 500, "io", 1000, greenlet_safe=True),
    Workload("heavy workers, 5 + 20 ms", 5, 20, "mixed", 64, memory_mb=300, machine_memory="2G"),
    Workload("Django with a database", 0, 0, "cpu", 64, memory_mb=60, django=True),
)
GRID = (
    *(Config("sync", workers) for workers in (1, CPUS, 2 * CPUS, 2 * CPUS + 1, 4 * CPUS + 1)),
    *(
        Config("gthread", workers, threads)
        for workers in (CPUS, 2 * CPUS)
        for threads in (2, 4, 8, 16, 32, 64)
    ),
    *(Config("gevent", workers) for workers in (CPUS, 2 * CPUS)),
)
RECIPES = {
    "gunicorn's default": Config("sync", 1),
    "one worker per core": Config("sync", CPUS),
    "WEB_CONCURRENCY=2n": Config("sync", 2 * CPUS),
    "2n+1 sync": Config("sync", 2 * CPUS + 1),
}


def run(
    workload: Workload, configs: Iterable[Config], folder: Path, rounds_wanted: int
) -> dict[Config, Result]:
    """What each configuration does under a workload: the medians of all rounds."""
    rounds: dict[Config, list[Result]] = {config: [] for config in configs}
    for _ in range(rounds_wanted):
        for config, results in rounds.items():
            with gunicorn(workload, config, folder) as (port, pid):
                rps, p99_ms, failed = wrk(port, workload.clients)
                results.append(Result(rps, p99_ms, pss_mb(pid), failed))
    return {
        config: Result(
            statistics.median(each.rps for each in results),
            statistics.median(each.p99_ms for each in results),
            statistics.median(each.memory_mb for each in results),
            sum(each.failed for each in results),
        )
        for config, results in rounds.items()
    }


def main() -> None:
    """Prints a table for each workload, and the ratios at the end."""
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed: apt-get install wrk")
    wanted = sys.argv[1:]
    summary = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(BOOKSHOP, folder / "bookshop")
        manage(folder, "migrate")
        manage(folder, "collectstatic")
        for workload in WORKLOADS:
            if not wanted or any(word in workload.name for word in wanted):
                summary.append(one(measured(workload, folder), folder))
    heads = ("workload", "best", "planned", "ratio", "by kind alone", "ratio", *RECIPES)
    print("\n| " + " | ".join(heads) + " |\n|" + " --- |" * len(heads))
    print("\n".join(summary))


def one(workload: Workload, folder: Path) -> str:
    """Runs one workload; its line of the summary."""
    room = limit_mb(workload)
    print(
        f"\n{workload.name}: {workload.cpu_ms:.3g} + {workload.wait_ms:.3g} ms, {workload.clients} "
        f"clients, at most {room:.0f} MiB"
    )

    def best_of(results: dict[Config, Result]) -> list[Config]:
        counting = [
            config
            for config, result in results.items()
            if result.memory_mb <= room and not result.failed
        ]
        return sorted(counting, key=lambda config: -results[config].rps)

    planned, by_kind = chosen(workload, measured=True), chosen(workload, measured=False)
    named = {"planned": planned, "planned by kind": by_kind, **RECIPES}
    grid = run(workload, [c for c in GRID if allowed(workload, c)], folder, GRID_ROUNDS)
    show("the grid", workload, grid, {})
    finalists = dict.fromkeys((*best_of(grid)[:FINALISTS], *named.values()))
    final = run(workload, finalists, folder, FINAL_ROUNDS)
    show("the final", workload, final, named)
    best = best_of(final)[0]
    top = final[best].rps
    cells = (
        workload.name, f"{best} ({top:.0f}/s)", planned, f"{final[planned].rps / top:.2f}",
        by_kind, f"{final[by_kind].rps / top:.2f}",
        *(f"{final[recipe].rps / top:.2f}" for recipe in RECIPES.values()),
    )  # fmt: skip
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def allowed(workload: Workload, config: Config) -> bool:
    """Whether the application runs right in a worker class."""
    return config.worker_class != "gevent" or workload.greenlet_safe


def show(
    title: str, workload: Workload, results: dict[Config, Result], named: dict[str, Config]
) -> None:
    """Prints a table, the quickest first."""
    print(f" {title}")
    for config, result in sorted(results.items(), key=lambda item: -item[1].rps):
        names = ", ".join(name for name, each in named.items() if each == config)
        large = "  too large" if result.memory_mb > limit_mb(workload) else ""
        failed = f"  {result.failed} failed" if result.failed else ""
        print(
            f"  {config!s:<16} {result.rps:8.0f}/s  p99 {result.p99_ms:7.0f} ms "
            f"{result.memory_mb:6.0f} MiB{large}{failed}  {names}"
        )


def description(workload: Workload, *, measured: bool) -> str:
    """The workload as a description says it."""
    cost = f"cpu_ms: {workload.cpu_ms:.3f}, wait_ms: {workload.wait_ms:.3f}"
    told = cost if measured else f"kind: {workload.kind}"
    return (
        "name: bench\napp: {entrypoint: 'load:application'}\nproxy: {server_names: [bench.test]}\n"
        f"machines: {{web: {{cpus: {CPUS}, memory: {workload.machine_memory}}}}}\n"
        f"workload: {{{told}, worker_memory: {workload.memory_mb + 20}M, "
        f"greenlet_safe: {str(workload.greenlet_safe).lower()}}}\n"
    )


def chosen(workload: Workload, *, measured: bool) -> Config:
    """What the plan says."""
    made = plan.make(parse(description(workload, measured=measured)).spec)
    settings = made.groups["web"].components["gunicorn"]
    return Config(
        settings["worker_class"].text, settings["workers"].number, settings["threads"].number
    )


def limit_mb(workload: Workload) -> float:
    """The memory that the plan has for one release."""
    made = plan.make(parse(description(workload, measured=True)).spec)
    return memory.slot_most(made.groups["web"].facts) / MIB


def measured(workload: Workload, folder: Path) -> Workload:
    """A workload whose cost is not given is measured: one request after the other."""
    if not workload.django:
        return workload
    with gunicorn(workload, Config("gthread", 1, 1), folder) as (port, pid):
        wrk(port, 1)
        before = cpu_s(pid)
        rps, _, _ = wrk(port, 1)
        cpu_ms = (cpu_s(pid) - before) / (rps * ROUND_S) * 1000
    return Workload(**{**vars(workload), "cpu_ms": cpu_ms, "wait_ms": max(0, 1000 / rps - cpu_ms)})


@contextmanager
def gunicorn(workload: Workload, config: Config, folder: Path) -> Iterator[tuple[int, int]]:
    """gunicorn on a loopback port, as (port, pid of the master)."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = {
        "bind": f"127.0.0.1:{port}", "worker-class": config.worker_class,
        "workers": config.workers, "threads": config.threads, "keep-alive": 0, "backlog": 2048,
        "timeout": 120, "graceful-timeout": 1, "worker-tmp-dir": "/dev/shm",
        "log-level": "critical",
    }  # fmt: skip
    where = folder / "bookshop" if workload.django else HERE / "workloads"
    entrypoint = "bookshop.wsgi:application" if workload.django else "load:application"
    words = [f"--{name}={value}" for name, value in options.items()]
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "--no-control-socket", *words, entrypoint],
        cwd=where,
        env={
            **environment(folder),
            "LOAD_CPU_MS": str(workload.cpu_ms),
            "LOAD_WAIT_MS": str(workload.wait_ms),
            "LOAD_MEMORY_MB": str(workload.memory_mb),
        },
    )
    try:
        wait_for(port, process)
        yield port, process.pid
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait(30)


def environment(folder: Path) -> dict[str, str]:
    """What the example needs."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "bookshop.settings.production",
        "SECRET_KEY": "for-the-benchmark-only-" + "x" * 40,
        "DJANGO_ALLOWED_HOSTS": "127.0.0.1",
        "DJANGO_HTTPS": "off",
        "BOOKSHOP_DATABASE": str(folder / "db.sqlite3"),
    }


def manage(folder: Path, command: str) -> None:
    """A command of the example's manage.py."""
    subprocess.run(
        [sys.executable, "manage.py", command, "--no-input"],
        cwd=folder / "bookshop", env=environment(folder), check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Until it answers, and all workers had time to start."""
    for _ in range(200):
        if process.poll() is not None:
            raise SystemExit("gunicorn did not start")
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                time.sleep(1)
                return
        time.sleep(0.1)
    raise SystemExit("gunicorn does not answer")


def wrk(port: int, clients: int) -> tuple[float, float, int]:
    """(requests/s, p99 in ms, failed requests) of one round."""
    command = ["wrk", "-t1", f"-c{clients}", f"-d{ROUND_S}s", "--latency", "--timeout", "30s"]
    told = subprocess.run(
        [*command, f"http://127.0.0.1:{port}/"], capture_output=True, text=True, check=True
    ).stdout
    rps = float(re.search(r"Requests/sec:\s+([\d.]+)", told)[1])  # type: ignore[index]
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s|m)", told)
    unit = {"us": 0.001, "ms": 1, "s": 1000, "m": 60000}
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", told)
    return rps, float(p99[1]) * unit[p99[2]] if p99 else 0, int(bad[1]) if bad else 0


def family(pid: int) -> Sequence[int]:
    """A process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


def pss_mb(pid: int) -> float:
    """Memory of the processes, what they share counted once."""
    texts = (Path(f"/proc/{each}/smaps_rollup").read_text() for each in family(pid))
    return sum(int(found[1]) for text in texts for found in [PSS.search(text)] if found) / 1024


def cpu_s(pid: int) -> float:
    """CPU seconds that the processes used."""
    ticks = 0
    for each in family(pid):
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
