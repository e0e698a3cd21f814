"""Apache's event MPM: how many processes and threads, from cpus and memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from deploygen.plan import limits, memory, sources
from deploygen.plan.facts import Facts
from deploygen.plan.setting import Setting
from deploygen.units import KIB, MIB, about, plural

# One crash must not take the site down; beyond the upper bound, processes only cost memory.
PROCESSES_MIN, PROCESSES_MAX = 2, 16
# A process with its modules, before its threads do anything.
PROCESS_BYTES = 10 * MIB
# What a busy thread takes beside its buffer (measured: 24 KiB with a header, 165 KiB more with
# 120,000 bytes of a body in its buffer).
THREAD_BYTES = 32 * KIB
BUFFER_COST = 1.5
BUFFER_MIN, BUFFER_MAX = 128 * KIB, MIB
# Debian's default is 150 in all, and as many idle clients close the site.
THREADS_EACH_MIN, THREADS_EACH_MAX = 128, 512
# A small change of memory changes no file.
THREADS_STEP = 32
# More at once are more than one machine's proxy is for.
THREADS_MAX = 4096
# A process's first thread, its listener, and the one that starts all others; beside the processes
# the first one, and what passes its logs on.
TASKS_EACH, TASKS_BESIDE = 3, 16
# Connections without a thread for each thread that is free: they are idle, or their client reads
# what is left of a response. With more, slow readers would leave memory for fewer threads.
ASYNC_FACTOR = 2
# net.core.somaxconn allows twice as many.
LISTEN_BACKLOG = 2048
# What a thread keeps of the memory that it does not use, in KiB.
MAX_MEM_FREE = 128


@dataclass(frozen=True)
class Reader:
    """A client whose response waits for it: what it takes (bytes), and how often the response."""

    own: int
    cost: float

    def takes(self, response: int) -> int:
        """Bytes, with a response of so many."""
        return self.own + int(self.cost * response)


# The state of Lua, and the response (benchmarks/readers.py: 104 KiB with 1,000 bytes, 283 KiB with
# 128 KiB). Over HTTP/2 there are TLS, the session and a connection for the stream besides, and each
# has buffers (275 KiB, 559 KiB).
PLAIN = Reader(112 * KIB, 1.4)
HTTP2 = Reader(288 * KIB, 2.2)


@dataclass(frozen=True)
class Threads:
    """How many processes of how many threads; ``room`` is the memory (bytes) that pays them."""

    processes: int
    each: int
    room: int
    reader: Reader

    @property
    def total(self) -> int:
        """Requests, and slow clients, at once."""
        return self.processes * self.each


def proxy_bytes(facts: Facts) -> int:
    """Apache's memory, without what remembers its clients."""
    return memory.budget(facts).proxy - limits.memory_bytes(facts)


def threads(facts: Facts) -> Threads:
    """As many threads as the proxy's memory holds, with the smallest buffers."""
    reader = HTTP2 if facts.http2 else PLAIN
    processes = min(max(facts.cores, PROCESSES_MIN), PROCESSES_MAX)
    room = proxy_bytes(facts) - processes * PROCESS_BYTES
    most = min(THREADS_EACH_MAX, THREADS_MAX // processes)
    fit = max(room, 0) // place_bytes(reader, BUFFER_MIN) // processes
    each = min(max(fit // THREADS_STEP * THREADS_STEP, THREADS_EACH_MIN), most)
    return Threads(processes, each, max(room, 0), reader)


def buffer_bytes(planned: Threads) -> int:
    """The largest buffer that all clients may have at once: a power of two."""
    free = planned.room // planned.total - place_bytes(planned.reader, 0)
    fit = _power_of_two(int(free / (BUFFER_COST + ASYNC_FACTOR * planned.reader.cost)))
    return min(max(fit, BUFFER_MIN), BUFFER_MAX)


def place_bytes(reader: Reader, buffer: int) -> int:
    """What a thread takes with a full buffer, and the clients that wait beside it without one."""
    return THREAD_BYTES + int(BUFFER_COST * buffer) + ASYNC_FACTOR * reader.takes(buffer)


def memory_bytes(planned: Threads) -> int:
    """What Apache takes at most, with all clients there, and all slow."""
    each = place_bytes(planned.reader, buffer_bytes(planned))
    return planned.processes * PROCESS_BYTES + planned.total * each


def connections(planned: Threads) -> int:
    """How many clients may be connected at once."""
    return planned.total * (1 + ASYNC_FACTOR)


def plan(facts: Facts, planned: Threads, in_flight: int) -> Iterator[Setting]:
    """The MPM's directives; ``in_flight`` requests are in work or in gunicorn's queue at most."""

    def chosen(name: str, value: int, reason: str) -> Setting:
        return Setting(name, value, reason, sources.APACHE_MPM)

    count, each, total = planned.processes, planned.each, planned.total
    processes = plural(count, "process", "processes")
    yield chosen(
        "ServerLimit",
        2 * count,
        f"{processes}, and as many that still finish their requests after a reload",
    )
    yield chosen(
        "StartServers", count, f"all {processes} at once: none has to be started in a rush"
    )
    yield chosen(
        "ThreadLimit", each, "no more than ThreadsPerChild: each place takes shared memory"
    )
    yield chosen("ThreadsPerChild", each, f"{total} threads over {processes}")
    yield max_request_workers(facts, planned, in_flight)
    yield chosen(
        "MinSpareThreads",
        each,
        "what one process has; with all of them started, it changes nothing",
    )
    yield chosen(
        "MaxSpareThreads",
        total,
        "no process is stopped for being idle: it costs less than to start it again",
    )
    yield Setting(
        "AsyncRequestWorkerFactor",
        ASYNC_FACTOR,
        f"up to {ASYNC_FACTOR} connections for each free thread that are idle or read what is left "
        f"of a response: {connections(planned)} in all, and they hold no thread",
        sources.APACHE_EVENT,
    )
    yield chosen(
        "MaxConnectionsPerChild",
        0,
        "Apache's own code does not leak, and a process that is replaced waits for its last client",
    )
    yield chosen(
        "ListenBacklog",
        LISTEN_BACKLOG,
        "what arrives while all threads are busy waits in the kernel and is not refused; the "
        "default of 511 fills in a burst",
    )
    yield chosen(
        "MaxMemFree",
        MAX_MEM_FREE,
        f"KiB that a thread may keep unused; at the default of 2048, {total} threads could keep "
        f"{about(total * 2048 * KIB)}",
    )
    yield tasks_max(planned)


def tasks_max(planned: Threads) -> Setting:
    """Processes and threads of Apache's unit."""
    processes, each = 2 * planned.processes, planned.each + TASKS_EACH
    return Setting(
        "TasksMax",
        processes * each + TASKS_BESIDE,
        f"{processes} processes of {planned.each} threads, and {TASKS_EACH} more in each; what "
        "systemd allows by itself follows from the machine's memory, and on a small one it is less "
        "than Apache starts with",
        sources.SYSTEMD_RESOURCES,
    )


def max_request_workers(facts: Facts, planned: Threads, in_flight: int) -> Setting:
    """Threads of all processes: requests and slow clients at once."""
    total, room = planned.total, proxy_bytes(facts)
    least = place_bytes(planned.reader, BUFFER_MIN)
    why = (
        f"each request holds a thread, and so does each client that sends slowly: as many as "
        f"{about(room)} hold at {about(least)} each, with {ASYNC_FACTOR} beside it that read slowly"
        if planned.room >= total * least
        else f"each request holds a thread, and so does each client that sends slowly: no fewer "
        f"than {total}, though with all of them slow, and those that read slowly, they would take "
        f"{about(memory_bytes(planned))}, and {about(room)} are Apache's"
    )
    most = f", bounded to {THREADS_MAX}"
    gate = (
        f"; gunicorn could hold {in_flight}, so Apache's threads bound the requests in work"
        if in_flight > total
        else ""
    )
    return Setting(
        "MaxRequestWorkers",
        total,
        f"{why}{most if total == THREADS_MAX else ''}{gate}",
        sources.APACHE_EVENT,
    )


def _power_of_two(number: int) -> int:
    """The power of two that is no larger."""
    return 1 << (number.bit_length() - 1) if number > 0 else 0
