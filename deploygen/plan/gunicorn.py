"""gunicorn's settings: one function for each, from facts to a Setting."""

from __future__ import annotations

from math import ceil, floor

from deploygen.gunicorn_settings import SINCE
from deploygen.plan import sources, timeouts
from deploygen.plan.facts import Facts
from deploygen.plan.queue import served
from deploygen.plan.setting import Setting, Settings, by_name
from deploygen.plan.shape import ASGI_CLASSES, Shape, is_async
from deploygen.units import number, plural

# The kernel keeps no longer queue than net.core.somaxconn, 4096 since Linux 5.4.
BACKLOG_MIN = 64
BACKLOG_MAX = 2048
# A leaking worker is replaced after so many requests; workers at different moments.
MAX_REQUESTS = 1000
JITTER_SHARE = 0.2
# ... but no more often than this, in seconds, at peak: a new worker is slow at first.
RECYCLE_S = 600

# nginx's large_client_header_buffers, Apache's LimitRequestLine: what passes the proxy must pass
# gunicorn too.
HEADER_BYTES = 8190

# Settings that name the slot, which only the unit knows: its command line has them.
PER_SLOT = ("control_socket",)

# What the application took, in seconds: nginx's log has the rest. Through a unix socket the
# client's address is only in the header that the proxy writes.
ACCESS_LOG_FORMAT = (
    '%({x-forwarded-for}i)s "%(r)s" %(s)s %(b)s %(L)ss id=%({x-request-id}i)s pid=%(p)s'
)


def plan(facts: Facts, shape: Shape, name: str, requests: int | None = None) -> Settings:
    """All gunicorn settings that the plan decides, those that the release has.

    ``requests`` is the description's own max_requests, if it has one.
    """
    worker_class = shape.worker_class.text
    recycled = max_requests(facts, shape.workers.number)
    settings = by_name(
        shape.worker_class,
        shape.workers,
        shape.threads,
        shape.worker_connections,
        timeout(facts, worker_class),
        graceful_timeout(facts),
        keepalive(),
        backlog(facts, shape),
        recycled,
        max_requests_jitter(recycled.number if requests is None else requests),
        preload_app(),
        worker_tmp_dir(),
        control_socket(name),
        accesslog(),
        access_log_format(),
        forwarded_allow_ips(facts, worker_class),
        limit_request_line(),
        limit_request_fields(),
        limit_request_field_size(),
    )
    return {
        name: setting
        for name, setting in settings.items()
        if facts.gunicorn >= SINCE.get(name, (0,))
    }


def timeout(facts: Facts, worker_class: str) -> Setting:
    """After how many silent seconds a worker is killed."""
    value = timeouts.timeout_s(facts.slowest_request_s)
    slowest = f"the slowest request takes {facts.slowest_request_s:g} s"
    if worker_class == "sync":
        reason = f"{slowest}; a sync worker that is silent for {value} s is killed with its request"
    elif is_async(worker_class):
        reason = (
            f"{slowest}; a {worker_class} worker's heartbeat goes on while requests wait, and one "
            f"that computes for {value} s without a pause is killed with all it holds"
        )
    else:
        reason = (
            f"{slowest}; a {worker_class} worker's heartbeat goes on while its threads compute, so "
            f"that only one that hangs as a whole is killed, after {value} s"
        )
    return Setting("timeout", value, reason, sources.TIMEOUTS)


def graceful_timeout(facts: Facts) -> Setting:
    """How long a stopping worker may finish its requests."""
    value = timeouts.graceful_timeout_s(facts.slowest_request_s)
    return Setting(
        "graceful_timeout",
        value,
        f"a release or a restart lets the slowest request ({facts.slowest_request_s:g} s) finish",
        sources.TIMEOUTS,
    )


def keepalive() -> Setting:
    """Seconds that an idle connection from the proxy is kept."""
    return Setting(
        "keepalive",
        2,
        "gunicorn's default; the proxy opens a connection for each request, since connecting to "
        "a unix socket is cheap and none may outlive the switch to the next release",
        sources.GUNICORN_SETTINGS,
    )


def backlog(facts: Facts, shape: Shape) -> Setting:
    """How many connections wait while all workers are busy."""
    queue, inside = served(facts, shape.concurrency), shape.queued_inside
    rest = max(0, queue.count - inside)
    value = min(max(rest, BACKLOG_MIN), BACKLOG_MAX)
    within = f", and {inside} of them may wait inside the workers" if inside else ""
    if rest < BACKLOG_MIN:
        end = (
            f"; no fewer than {BACKLOG_MIN} all the same, so that a burst is not refused at once, "
            "though the last of it may be answered too late"
        )
    elif rest > BACKLOG_MAX:
        end = f": bounded to {BACKLOG_MAX}, gunicorn's default, and all of it is answered in time"
    else:
        end = ": what queues is still answered in time"
    return Setting("backlog", value, f"{queue.words}{within}{end}", sources.QUEUE)


def listens_anew(gunicorn: Settings) -> bool:
    """Whether a worker's event loop listens on the socket once more, with a queue of its own.

    asyncio's is 100 (gunicorn 27.0.1, gasgi.py). uvicorn's worker hands the planned one on.
    """
    return gunicorn["worker_class"].text == "asgi"


def max_requests(facts: Facts, workers: int) -> Setting:
    """After how many requests a worker is replaced."""
    leak = "memory leaks are declared: a fresh worker gives what leaked back"
    at_peak = ceil((facts.peak_rps or 0) / facts.hosts_total / workers * RECYCLE_S)
    if facts.leaks and at_peak > MAX_REQUESTS:
        return Setting(
            "max_requests",
            at_peak,
            f"{leak}, and at a peak of {number(facts.peak_rps or 0)} requests/s over "
            f"{plural(facts.hosts_total, 'host')} of {plural(workers, 'worker')} none is replaced "
            f"more often than every {RECYCLE_S} s",
            sources.GUNICORN_SETTINGS,
        )
    if facts.leaks:
        return Setting("max_requests", MAX_REQUESTS, leak, sources.GUNICORN_SETTINGS)
    return Setting(
        "max_requests",
        0,
        "no leaks declared: a worker that does not leak need not be replaced",
        sources.GUNICORN_SETTINGS,
    )


def max_requests_jitter(requests: int) -> Setting:
    """By how much max_requests varies."""
    value = floor(requests * JITTER_SHARE)
    reason = (
        f"up to {JITTER_SHARE:.0%} more than {requests}: workers are replaced one after another, "
        "not all at the same moment"
        if requests
        else "no worker is replaced"
    )
    return Setting("max_requests_jitter", value, reason, sources.GUNICORN_SETTINGS)


def preload_app() -> Setting:
    """Whether the master imports the application before it forks."""
    return Setting(
        "preload_app",
        False,
        "each worker imports the application itself: connections and threads opened at import "
        "are never shared, and a reload serves the new code",
        sources.GUNICORN_SETTINGS,
    )


def worker_tmp_dir() -> Setting:
    """Where the heartbeat files lie."""
    return Setting(
        "worker_tmp_dir",
        "/dev/shm",  # noqa: S108 (a setting's value, no file of ours)
        "heartbeat files in memory: on a disk that stalls, a healthy worker would count as hung",
        sources.GUNICORN_FAQ,
    )


def control_socket(name: str) -> Setting:
    """Where gunicornc reaches the master; %i is the slot."""
    return Setting(
        "control_socket",
        f"/run/{name}/%i.ctl",
        "the default lies below $HOME, where a hardened unit may not write, and both slots "
        "would share it",
        sources.GUNICORN_NEWS,
    )


def accesslog() -> Setting:
    """Where the access log goes."""
    return Setting(
        "accesslog",
        "-",
        "to standard output, and so to the journal: journalctl -u has it, and rotates it",
        sources.GUNICORN_SETTINGS,
    )


def access_log_format() -> Setting:
    """What the access log says of a request."""
    return Setting(
        "access_log_format",
        ACCESS_LOG_FORMAT,
        "the client that the proxy saw, the seconds that the application took, and the id that "
        "finds the same request in the proxy's log",
        sources.GUNICORN_SETTINGS,
    )


def forwarded_allow_ips(facts: Facts, worker_class: str) -> Setting:
    """Whose X-Forwarded-* headers are believed."""
    # uvicorn, and what is derived from it, knows no unix-socket peers: it would believe nobody,
    # and the scheme would be lost.
    uvicorn = facts.interface == "asgi" and worker_class != ASGI_CLASSES[0]
    value = "*" if uvicorn else "127.0.0.1,::1"
    return Setting(
        "forwarded_allow_ips",
        value,
        "only the proxy reaches the unix socket, and it overwrites what clients forge",
        sources.GUNICORN_SETTINGS,
    )


def limit_request_line() -> Setting:
    """The longest request line, in bytes."""
    return Setting(
        "limit_request_line",
        HEADER_BYTES,
        "as long as nginx and Apache let through (8k): a long URL is refused by the first of them",
        sources.NGINX_HTTP,
    )


def limit_request_fields() -> Setting:
    """How many header fields a request may have."""
    return Setting(
        "limit_request_fields",
        100,
        "gunicorn's default: browsers send about twenty",
        sources.GUNICORN_SETTINGS,
    )


def limit_request_field_size() -> Setting:
    """The longest header field, in bytes."""
    return Setting(
        "limit_request_field_size",
        HEADER_BYTES,
        "as long as nginx and Apache let through (8k), large cookies included",
        sources.NGINX_HTTP,
    )
