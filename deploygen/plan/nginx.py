"""nginx's directives: one function for each, from facts and gunicorn's settings."""

from __future__ import annotations

from math import ceil

from deploygen.plan import limits, memory, proxy_unit, sources, timeouts
from deploygen.plan import shape as shapes
from deploygen.plan.facts import Facts
from deploygen.plan.setting import Setting, Settings, by_name
from deploygen.units import KIB, MIB, about, plural

# nginx waits without blocking: beyond this, more processes only share the same disk and network.
PROCESSES_MAX = 32
CONNECTIONS_MIN = 1024
# As many as idle clients may fill; what gunicorn works on at once may ask for more.
CONNECTIONS_IDLE_MAX = 65536
# worker_rlimit_nofile is twice this, and the kernel's fs.nr_open is 1048576.
CONNECTIONS_MAX = 524288
# What an open connection takes: its structures, a header buffer and a part of a response.
CONNECTION_BYTES = 32 * KIB
# How much of a response waits for its client in memory: nginx's own default, in larger pieces.
BUFFERS, BUFFER_KIB = 4, 8
# What a client takes whose response waits, however large it is, and how much over TLS
# (benchmarks/readers.py): the buffers, what is read back from disk, and what OpenSSL keeps.
READER_BYTES = 72 * KIB
TLS_READER_BYTES = 144 * KIB

# The largest response that is parked on disk for one slow reader.
TEMP_FILE_MAX = 256 * MIB


def plan(facts: Facts, gunicorn: Settings, name: str) -> Settings:
    """All directives that the plan decides; ``name`` is the project's."""
    processes = worker_processes(facts)
    shape = shapes.of(gunicorn)
    in_flight = shape.concurrency + shape.queued_inside + gunicorn["backlog"].number
    room = memory.budget(facts).proxy - limits.memory_bytes(facts)
    connections = worker_connections(room, processes.number, in_flight, reader_bytes(facts))
    return by_name(
        processes,
        connections,
        worker_rlimit_nofile(connections.number),
        keepalive_timeout(),
        client_header_timeout(),
        client_body_timeout(),
        send_timeout(),
        client_max_body_size(facts),
        large_client_header_buffers(),
        proxy_connect_timeout(),
        proxy_send_timeout(gunicorn["timeout"].number),
        proxy_read_timeout(gunicorn["timeout"].number),
        proxy_buffers(),
        proxy_buffer_size(),
        proxy_busy_buffers_size(),
        output_buffers(),
        proxy_max_temp_file_size(),
        proxy_next_upstream(),
        retry_after(),
        *limits.nginx(facts, name),
        *proxy_unit.plan(),
    )


def worker_processes(facts: Facts) -> Setting:
    """How many nginx processes."""
    value = min(facts.cores, PROCESSES_MAX)
    reason = (
        f"one for each of {plural(facts.cpus, 'declared cpu')}; auto would count the cpus of the "
        "machine, not those of its quota"
        if value == facts.cores
        else f"enough for {plural(facts.cpus, 'declared cpu')}: nginx waits without blocking, and "
        "more processes share the same network and disk"
    )
    return Setting("worker_processes", value, reason, sources.NGINX_CORE)


def reader_bytes(facts: Facts) -> int:
    """What a client takes at most whose response waits for it."""
    return TLS_READER_BYTES if facts.http2 else READER_BYTES


def worker_connections(room: int, processes: int, in_flight: int, reader: int) -> Setting:
    """Connections of one process, those to gunicorn included.

    ``room`` is memory for them, ``reader`` what one takes that reads slowly, both in bytes.
    """
    # Two for each, and as many again: for clients that are slow or idle, and because processes
    # share the clients unevenly.
    busy = _power_of_two(2 * 2 * in_flight / processes)
    idle = min(_power_of_two(room // CONNECTION_BYTES // processes + 1) // 2, CONNECTIONS_IDLE_MAX)
    value = min(max(busy, idle, CONNECTIONS_MIN), CONNECTIONS_MAX)
    over = f"over {plural(processes, 'process', 'processes')}"
    if value == busy:
        unevenly = ", which share them unevenly" if processes > 1 else ""
        why = (
            f"a proxied client takes two: {in_flight} requests in work and in the queue, and as "
            f"many again for who is idle or slow, {over}{unevenly}; one that reads slowly may take "
            f"{about(reader)}"
        )
    elif value == idle:
        why = (
            f"as many clients that are idle or send slowly as {about(room)} hold, at "
            f"{about(CONNECTION_BYTES)} each and two for a proxied one, {over}; one that reads "
            f"slowly may take {about(reader)}"
        )
    else:
        why = f"no fewer than {CONNECTIONS_MIN}: an idle connection costs next to nothing"
    return Setting("worker_connections", value, why, sources.NGINX_CORE)


def worker_rlimit_nofile(connections: int) -> Setting:
    """Open files of one process."""
    return Setting(
        "worker_rlimit_nofile",
        2 * connections,
        f"each of {connections} connections may have a file open too: a static file or a "
        "buffered body",
        sources.NGINX_CORE,
    )


def keepalive_timeout() -> Setting:
    """Seconds that an idle client connection is kept."""
    return Setting(
        "keepalive_timeout",
        30,
        "long enough for the next click, short enough that idle clients free their connection",
        sources.NGINX_HTTP,
    )


def client_header_timeout() -> Setting:
    """Seconds for the whole request header."""
    return Setting(
        "client_header_timeout",
        15,
        "a header is one packet; a client that drips it is dropped",
        sources.NGINX_HTTP,
    )


def client_body_timeout() -> Setting:
    """Seconds between two reads of a request body."""
    return Setting(
        "client_body_timeout",
        15,
        "between two reads, not for the whole body: a slow upload that goes on is no attack",
        sources.NGINX_HTTP,
    )


def send_timeout() -> Setting:
    """Seconds between two writes of a response."""
    return Setting(
        "send_timeout",
        15,
        "between two writes: a client that stops reading frees its buffers",
        sources.NGINX_HTTP,
    )


def client_max_body_size(facts: Facts) -> Setting:
    """The largest request body, in bytes."""
    return Setting(
        "client_max_body_size",
        facts.body_limit_bytes,
        "what proxy.body_limit says: a larger body gets 413 before it reaches a worker",
        sources.DESCRIPTION,
    )


def large_client_header_buffers() -> Setting:
    """How many and how large header buffers a client may fill."""
    return Setting(
        "large_client_header_buffers",
        "4 8k",
        "nginx's default; gunicorn's limits are set to the same 8k",
        sources.NGINX_HTTP,
    )


def proxy_connect_timeout() -> Setting:
    """Seconds to connect to gunicorn."""
    return Setting(
        "proxy_connect_timeout",
        5,
        "a unix socket on this machine answers at once or not at all",
        sources.NGINX_PROXY,
    )


def proxy_send_timeout(timeout: int) -> Setting:
    """Seconds between two writes of a request to gunicorn."""
    return Setting(
        "proxy_send_timeout",
        timeouts.proxy_read_timeout_s(timeout),
        "as long as proxy_read_timeout: a body that is larger than the socket's buffer waits until "
        "the application reads it, and that is part of the request",
        sources.TIMEOUTS,
    )


def proxy_read_timeout(timeout: int) -> Setting:
    """Seconds between two reads of gunicorn's answer."""
    value = timeouts.proxy_read_timeout_s(timeout)
    return Setting(
        "proxy_read_timeout",
        value,
        f"longer than gunicorn's timeout ({timeout} s) by the {timeouts.QUEUE_S} s that a request "
        "may queue: gunicorn reports a hung worker, not the proxy",
        sources.TIMEOUTS,
    )


def proxy_buffers() -> Setting:
    """Memory that takes one response from a worker."""
    return Setting(
        "proxy_buffers",
        f"{BUFFERS} {BUFFER_KIB}k",
        "so much of a page waits in memory for its client, and the rest on disk: the worker is "
        "free as soon as it has written, however slow the client reads",
        sources.NGINX_PROXY,
    )


def proxy_buffer_size() -> Setting:
    """Memory for the header of a response."""
    return Setting(
        "proxy_buffer_size",
        "16k",
        "a response's header with four cookies of the largest size that browsers keep; one that "
        "exceeds it is a 502, and the default of 4k is less than one of them with a policy",
        sources.NGINX_PROXY,
    )


def proxy_busy_buffers_size() -> Setting:
    """How much may be on its way to the client while the rest is read."""
    return Setting(
        "proxy_busy_buffers_size",
        "16k",
        "no less than proxy_buffer_size, and less than all buffers but one: the default, twice "
        "proxy_buffer_size, is more",
        sources.NGINX_PROXY,
    )


def output_buffers() -> Setting:
    """Memory to read a file into that is not sent by the kernel: compressed, or over TLS."""
    return Setting(
        "output_buffers",
        "1 32k",
        "it is filled again when it has been sent; the default is two of them for each client that "
        "reads slowly",
        sources.NGINX_HTTP,
    )


def proxy_max_temp_file_size() -> Setting:
    """The largest response on disk, in bytes."""
    return Setting(
        "proxy_max_temp_file_size",
        TEMP_FILE_MAX,
        "what exceeds the memory buffers waits on disk, bounded: slow readers can't fill it",
        sources.NGINX_PROXY,
    )


def proxy_next_upstream() -> Setting:
    """When a request is tried again."""
    return Setting(
        "proxy_next_upstream",
        "off",
        "there is one upstream; a request that failed half-way is never sent twice",
        sources.NGINX_PROXY,
    )


def retry_after() -> Setting:
    """When a client that was turned away should come back."""
    return Setting(
        "add_header",
        f"Retry-After {timeouts.QUEUE_S} always",
        f"what waits in the queue is served within {timeouts.QUEUE_S} s: who comes back then finds "
        "room",
        sources.RETRY_AFTER,
    )


def _power_of_two(number: float) -> int:
    """The next power of two, so that a small change of the machine changes no file."""
    return 1 << (ceil(number) - 1).bit_length()
