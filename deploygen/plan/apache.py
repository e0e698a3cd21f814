"""Apache's directives for the site: time-outs, limits and buffers. The event MPM's are in mpm.py.

Apache holds a thread for each request, from its first byte to the last one of the response: what
nginx waits for at no cost takes a thread here, so that every time-out and buffer below has more
to do than its counterpart in nginx.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from deploygen.plan import limits, mpm, proxy_unit, sources, timeouts
from deploygen.plan import shape as shapes
from deploygen.plan.facts import Facts
from deploygen.plan.setting import Setting, Settings, by_name
from deploygen.units import about

# The same as gunicorn's limit: what passes the proxy passes gunicorn too.
HEADER_BYTES = 8190
HEADER_FIELDS = 100
# Seconds between two reads or writes of a client: as in nginx.py.
CLIENT_S = 15
# Requests of one HTTP/2 connection at once, each of which may leave its response unread.
STREAMS = 32
# A body that is slower than this, in bytes a second, is dripped on purpose.
BODY_MIN_RATE = 500
# What holds for all sites of a host, in the order of the file.
SERVER = (
    "ServerLimit",
    "StartServers",
    "ThreadLimit",
    "ThreadsPerChild",
    "MaxRequestWorkers",
    "MinSpareThreads",
    "MaxSpareThreads",
    "AsyncRequestWorkerFactor",
    "MaxConnectionsPerChild",
    "MaxMemFree",
    "ListenBacklog",
)
CLIENTS = (
    "Timeout",
    "RequestReadTimeout",
    "FlushMaxThreshold",
    "H2StreamMaxMemSize",
    "H2MaxSessionStreams",
    "KeepAliveTimeout",
    "MaxKeepAliveRequests",
    "LimitRequestLine",
    "LimitRequestFields",
    "LimitRequestFieldSize",
)
# Parameters of ProxyPass, each of them one word of its line.
PROXY_PASS = ("connectiontimeout", "retry")


def plan(facts: Facts, gunicorn: Settings, _name: str) -> Settings:
    """All directives that the plan decides."""
    shape = shapes.of(gunicorn)
    in_flight = shape.concurrency + shape.queued_inside + gunicorn["backlog"].number
    threads = mpm.threads(facts)
    return by_name(
        *mpm.plan(facts, threads, in_flight),
        *(http2(threads) if facts.http2 else ()),
        timeout(),
        request_read_timeout(),
        keep_alive_timeout(),
        max_keep_alive_requests(),
        limit_request_body(facts),
        limit_request_line(),
        limit_request_fields(),
        limit_request_field_size(),
        buffer_size(threads),
        flush_max_threshold(threads),
        proxy_timeout(gunicorn["timeout"].number),
        connectiontimeout(),
        retry(),
        retry_after(),
        *limits.apache(facts),
        pid_file(),
        *proxy_unit.plan(),
    )


def pid_file() -> Setting:
    """Where systemd reads which of Apache's processes is the first."""
    return Setting(
        "PIDFile",
        "/run/apache2/apache2.pid",
        "Apache's own unit names none, and beside programs that Apache starts systemd can't tell "
        "which process is its first: it would not notice that it has died",
        sources.SYSTEMD_SERVICE,
    )


def timeout() -> Setting:
    """Seconds between two reads or writes of a client's connection."""
    return Setting(
        "Timeout",
        CLIENT_S,
        "between two writes: a client that stops reading frees its thread; the default of 60 s "
        "lets it hold one four times as long",
        sources.APACHE_CORE,
    )


def request_read_timeout() -> Setting:
    """How long a client may take to send a request."""
    return Setting(
        "RequestReadTimeout",
        f"handshake={CLIENT_S} header={CLIENT_S} body={CLIENT_S},MinRate={BODY_MIN_RATE}",
        f"a header is one packet, and who drips it holds a thread; a body has {CLIENT_S} s and one "
        f"more for each {BODY_MIN_RATE} bytes: a slow upload that goes on is no attack",
        sources.APACHE_REQTIMEOUT,
    )


def keep_alive_timeout() -> Setting:
    """Seconds that an idle client connection is kept."""
    return Setting(
        "KeepAliveTimeout",
        30,
        "long enough for the next click; an idle connection waits in the listener and holds no "
        "thread",
        sources.APACHE_CORE,
    )


def max_keep_alive_requests() -> Setting:
    """Requests on one client connection."""
    return Setting(
        "MaxKeepAliveRequests",
        1000,
        "as nginx has it: a page with many files needs one connection, not ten",
        sources.APACHE_CORE,
    )


def limit_request_body(facts: Facts) -> Setting:
    """The largest request body, in bytes."""
    return Setting(
        "LimitRequestBody",
        facts.body_limit_bytes,
        "what proxy.body_limit says: a larger body gets 413 before it reaches a worker",
        sources.DESCRIPTION,
    )


def limit_request_line() -> Setting:
    """The longest request line, in bytes."""
    return Setting(
        "LimitRequestLine",
        HEADER_BYTES,
        "Apache's default, and gunicorn's limit: a long URL is refused by the first of them",
        sources.APACHE_CORE,
    )


def limit_request_fields() -> Setting:
    """How many header fields a request may have."""
    return Setting(
        "LimitRequestFields",
        HEADER_FIELDS,
        "Apache's default, and gunicorn's limit: browsers send about twenty",
        sources.APACHE_CORE,
    )


def limit_request_field_size() -> Setting:
    """The longest header field, in bytes."""
    return Setting(
        "LimitRequestFieldSize",
        HEADER_BYTES,
        "Apache's default, and gunicorn's limit: large cookies pass both or none",
        sources.APACHE_CORE,
    )


def buffer_size(threads: mpm.Threads) -> Setting:
    """Bytes of a request that one thread holds in memory."""
    value = mpm.buffer_bytes(threads)
    return Setting(
        "BufferSize",
        value,
        f"{about(value)} of a body at a time, and {threads.total} of them fit the memory",
        sources.APACHE_BUFFER,
    )


def flush_max_threshold(threads: mpm.Threads) -> Setting:
    """Bytes of a response that wait for one client in memory."""
    value = mpm.buffer_bytes(threads)
    takes = about(threads.reader.takes(value))
    return Setting(
        "FlushMaxThreshold",
        value,
        f"a response of up to {about(value)} is taken from its worker whole, and then waits for "
        f"its client without a thread, at {takes} with what Apache keeps beside it; "
        f"{mpm.connections(threads)} clients may do so. A larger one holds its worker's thread, "
        "and one of Apache's, until the client has read all but that",
        sources.APACHE_CORE,
    )


def http2(threads: mpm.Threads) -> Iterator[Setting]:
    """What the streams of one HTTP/2 connection may leave unread."""
    value = mpm.buffer_bytes(threads)
    unread = STREAMS * threads.reader.takes(value)
    yield Setting(
        "H2StreamMaxMemSize",
        value,
        f"as FlushMaxThreshold: a response of up to {about(value)} leaves its worker at once. With "
        "the default of 32 KiB, twenty clients that do not read took the site from everybody",
        sources.APACHE_HTTP2,
    )
    yield Setting(
        "H2MaxSessionStreams",
        STREAMS,
        f"responses that wait in one connection at once, about {about(unread)} "
        "where its client reads none; a browser asks for more as they come. The default is 100",
        sources.APACHE_HTTP2,
    )


def proxy_timeout(timeout_s: int) -> Setting:
    """Seconds between two reads of gunicorn's answer."""
    return Setting(
        "ProxyTimeout",
        timeouts.proxy_read_timeout_s(timeout_s),
        f"longer than gunicorn's timeout ({timeout_s} s) by the {timeouts.QUEUE_S} s that a "
        "request may queue: gunicorn reports a hung worker, not the proxy",
        sources.TIMEOUTS,
    )


def connectiontimeout() -> Setting:
    """Seconds to connect to gunicorn."""
    return Setting(
        "connectiontimeout",
        5,
        "a unix socket on this machine answers at once or not at all",
        sources.APACHE_PROXY,
    )


def retry_after() -> Setting:
    """When a client that was turned away should come back."""
    return Setting(
        "Header",
        f"always set Retry-After {timeouts.QUEUE_S}",
        f"what waits in the queue is served within {timeouts.QUEUE_S} s: who comes back then finds "
        "room",
        sources.RETRY_AFTER,
    )


def retry() -> Setting:
    """Seconds that gunicorn is not asked after a connection failed."""
    return Setting(
        "retry",
        0,
        "after one failed connection Apache would answer 503 for a minute, though the next "
        "release may be up in a second",
        sources.APACHE_PROXY,
    )


def chapters(settings: Settings) -> Mapping[str, tuple[Setting, ...]]:
    """The directives that Apache's files list one after the other, by the part of the file."""

    def chosen(names: tuple[str, ...]) -> tuple[Setting, ...]:
        return tuple(settings[name] for name in names if name in settings)

    return {
        "server": chosen(SERVER),
        "clients": chosen(CLIENTS),
        "proxy_pass": chosen(PROXY_PASS),
        "tls": tuple(setting for name, setting in settings.items() if name.startswith("SSL")),
    }
