"""gunicorn's settings: one function for each, from facts to a Setting."""

from __future__ import annotations

from math import ceil, floor

from deploygen.gunicorn_settings import SINCE
from deploygen.plan import sources, timeouts
from deploygen.plan.concurrency import UVICORN, Shape
from deploygen.plan.facts import Facts
from deploygen.plan.setting import Setting, Settings, by_name

# The kernel keeps no longer queue than net.core.somaxconn, 4096 since Linux 5.4.
BACKLOG_MIN = 64
BACKLOG_MAX = 2048
# A request that nobody measured; deliberately slow, so that the queue is rather too short.
ASSUMED_SERVICE_MS = 200.0

# A leaking worker is replaced after so many requests; workers at different moments.
MAX_REQUESTS = 1000
JITTER_SHARE = 0.2

# nginx's large_client_header_buffers: what passes the proxy must pass gunicorn too.
HEADER_BYTES = 8190

# Settings that name the slot, which only the unit knows: its command line has them.
PER_SLOT = ("control_socket",)

# What the application took, in seconds: nginx's log has the rest. Through a unix socket the
# client's address is only in the header that the proxy writes.
ACCESS_LOG_FORMAT = (
    '%({x-forwarded-for}i)s "%(r)s" %(s)s %(b)s %(L)ss id=%({x-request-id}i)s pid=%(p)s'
)


def plan(facts: Facts, shape: Shape, name: str) -> Settings:
    """All gunicorn settings that the plan decides, those that the release has."""
    worker_class, concurrency = shape.worker_class.text, shape.concurrency
    settings = by_name(
        shape.worker_class,
        shape.workers,
        shape.threads,
        shape.worker_connections,
        timeout(facts, worker_class),
        graceful_timeout(facts),
        keepalive(),
        backlog(facts, concurrency),
        max_requests(facts),
        max_requests_jitter(facts),
        preload_app(),
        worker_tmp_dir(),
        control_socket(name),
        accesslog(),
        access_log_format(),
        forwarded_allow_ips(worker_class),
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
    else:
        reason = (
            f"{slowest}; a {worker_class} worker's heartbeat goes on during a request, so that "
            f"only one that hangs as a whole is killed, after {value} s"
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


def backlog(facts: Facts, concurrency: int) -> Setting:
    """How many connections wait while all workers are busy."""
    service_ms = facts.service_ms or ASSUMED_SERVICE_MS
    # Async workers hold many requests, but finish them no faster than the cores compute.
    per_second = concurrency * 1000 / service_ms
    if facts.cpu_ms:
        per_second = min(per_second, facts.cpus * 1000 / facts.cpu_ms)
    served = floor(per_second * timeouts.QUEUE_S)
    value = min(max(served, BACKLOG_MIN), BACKLOG_MAX)
    measured = "" if facts.service_ms else " (assumed)"
    bounded = "" if value == served else f", bounded to {BACKLOG_MIN} to {BACKLOG_MAX}"
    return Setting(
        "backlog",
        value,
        f"{concurrency} at once of {service_ms:g} ms{measured} serve about {served} requests in "
        f"the {timeouts.QUEUE_S} s that the proxy waits longer than a request may take{bounded}: "
        "what queues is still answered in time",
        sources.QUEUE,
    )


def max_requests(facts: Facts) -> Setting:
    """After how many requests a worker is replaced."""
    if facts.leaks:
        return Setting(
            "max_requests",
            MAX_REQUESTS,
            "memory leaks are declared: a fresh worker gives what leaked back",
            sources.GUNICORN_SETTINGS,
        )
    return Setting(
        "max_requests",
        0,
        "no leaks declared: a worker that does not leak need not be replaced",
        sources.GUNICORN_SETTINGS,
    )


def max_requests_jitter(facts: Facts) -> Setting:
    """By how much max_requests varies."""
    value = ceil(MAX_REQUESTS * JITTER_SHARE) if facts.leaks else 0
    reason = (
        "workers are replaced one after another, not all at the same moment"
        if facts.leaks
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


def forwarded_allow_ips(worker_class: str) -> Setting:
    """Whose X-Forwarded-* headers are believed."""
    # uvicorn knows no unix-socket peers: it would believe nobody, and the scheme would be lost.
    value = "*" if worker_class == UVICORN else "127.0.0.1,::1"
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
        "as long as nginx lets through (8k): a long URL is refused by one of them, not by chance",
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
        "as long as nginx lets through (8k), large cookies included",
        sources.NGINX_HTTP,
    )
