"""The front's plan: nginx that balances over application hosts, and outlasts their proxies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from deploygen.errors import Problem, refuse
from deploygen.plan import limits, memory, nginx, proxy_unit, sources, streaming, timeouts, tls
from deploygen.plan import shape as shapes
from deploygen.plan import site as sites
from deploygen.plan.facts import Facts, facts
from deploygen.plan.fleet import GROUP, Fleet, fleet, of_front
from deploygen.plan.layout import Layout
from deploygen.plan.setting import Setting, Settings, by_name
from deploygen.plan.site import Site
from deploygen.spec import Spec
from deploygen.spec.front import FrontHosts
from deploygen.units import about, plural

# What the front waits longer than an application host's proxy: the way there and back.
MARGIN_S = 5
# A second SYN goes out after one second: a single lost packet is no dead host.
CONNECT_S = 2
# One host may be down while another one is at its limit.
TRIES_MAX = 3
MAX_FAILS = 3
# Shorter than a full queue lasts: a host that refused for its queue has work for all that time.
FAIL_TIMEOUT_S = timeouts.QUEUE_S // 2
# nginx keeps some hundred hosts in it.
ZONE = "256k"
# Of what the system leaves, half is for connections; page cache and buffered bodies have the rest.
CONNECTIONS_SHARE = 2


@dataclass(frozen=True)
class FrontPlan:
    """The plan of the hosts in front; its fields are those of a GroupPlan that it can have."""

    group: str
    facts: Facts
    components: Mapping[str, Settings]
    site: Site
    capacity: Settings
    hosts: tuple[str, ...]
    fleet: Fleet

    def settings(self) -> Iterator[tuple[str, Setting]]:
        """Each setting with its full name: ``("nginx.max_fails", ...)``."""
        for component, settings in self.components.items():
            for setting in settings.values():
                yield f"{component}.{setting.name}", setting


@dataclass(frozen=True)
class Behind:
    """What the front knows of the hosts of one group."""

    hosts: int
    concurrency: int
    in_flight: int
    patience: Setting


def plan(
    spec: Spec, front: FrontHosts, layout: Layout, groups: Mapping[str, Mapping[str, Settings]]
) -> FrontPlan:
    """The front's plan; ``groups`` maps each application group to its settings.

    Raises InputError.
    """
    own = of_front(spec, front)
    given = facts(own, GROUP)
    site = sites.site(own, given.system, layout)
    behind = [
        _behind(len(spec.machines[name].hosts), components) for name, components in groups.items()
    ]
    refuse(_too_small(given))
    components: dict[str, Settings] = {
        "nginx": {
            **_nginx(given, behind, sum(each.hosts for each in behind), spec.name),
            **tls.settings(own, given.system),
        }
    }
    if streams := streaming.plan(given):
        components["streaming"] = streams
    refuse(broken(components["nginx"], behind))
    members = fleet(spec, front, layout.drained)
    return FrontPlan(GROUP, given, components, site, {}, front.hosts, members)


def _behind(hosts: int, components: Mapping[str, Settings]) -> Behind:
    gunicorn = components["gunicorn"]
    shape = shapes.of(gunicorn)
    patience = (
        components["nginx"]["proxy_read_timeout"]
        if "nginx" in components
        else components["apache"]["ProxyTimeout"]
    )
    in_flight = shape.concurrency + shape.queued_inside + gunicorn["backlog"].number
    return Behind(hosts, hosts * shape.concurrency, hosts * in_flight, patience)


def _too_small(given: Facts) -> Iterator[Problem]:
    least = memory.PROXIES["nginx"].least
    if _room(given) < least:
        yield Problem(
            f"of {about(given.memory_bytes)} the system keeps "
            f"{about(memory.budget(given).system)}, and nginx would have no room",
            where=("front", "memory"),
            allowed=f"at least {about(memory.SYSTEM_MIN + least)}",
        )


def _room(given: Facts) -> int:
    """What the system leaves to nginx, in bytes."""
    return given.memory_bytes - memory.budget(given).system


def _nginx(given: Facts, behind: Sequence[Behind], hosts: int, name: str) -> Settings:
    processes = nginx.worker_processes(given)
    in_flight = sum(each.in_flight for each in behind)
    room = _room(given) // CONNECTIONS_SHARE
    reader = nginx.reader_bytes(given)
    connections = nginx.worker_connections(room, processes.number, in_flight, reader)
    patience = max((each.patience for each in behind), key=lambda setting: setting.number)
    return by_name(
        processes,
        connections,
        nginx.worker_rlimit_nofile(connections.number),
        nginx.keepalive_timeout(),
        nginx.client_header_timeout(),
        nginx.client_body_timeout(),
        nginx.send_timeout(),
        nginx.client_max_body_size(given),
        nginx.large_client_header_buffers(),
        zone(),
        max_fails(),
        fail_timeout(),
        proxy_connect_timeout(),
        proxy_send_timeout(patience),
        proxy_read_timeout(patience),
        nginx.proxy_buffers(),
        nginx.proxy_buffer_size(),
        nginx.proxy_busy_buffers_size(),
        nginx.output_buffers(),
        nginx.proxy_max_temp_file_size(),
        proxy_next_upstream(),
        proxy_next_upstream_tries(hosts),
        proxy_next_upstream_timeout(hosts),
        nginx.retry_after(),
        *limits.nginx(given, name),
        *proxy_unit.plan(),
    )


def zone() -> Setting:
    """What nginx's processes know together."""
    return Setting(
        "zone",
        ZONE,
        "all processes count together: without it, each of them would have to find out for itself "
        "that a host is down",
        sources.NGINX_UPSTREAM,
    )


def max_fails() -> Setting:
    """After how many failures a host gets no requests for a while."""
    return Setting(
        "max_fails",
        MAX_FAILS,
        "one failure may be a request's own fault, and must not take its host away; so many within "
        f"{FAIL_TIMEOUT_S} s are the host's",
        sources.NGINX_UPSTREAM,
    )


def fail_timeout() -> Setting:
    """For how long, in seconds."""
    return Setting(
        "fail_timeout",
        FAIL_TIMEOUT_S,
        f"less than the {timeouts.QUEUE_S} s that a full queue takes to be served: a host that "
        "refused because of its queue has work for all of that time, and is asked again before it "
        "has none",
        sources.NGINX_UPSTREAM,
    )


def proxy_connect_timeout() -> Setting:
    """Seconds to connect to an application host."""
    return Setting(
        "proxy_connect_timeout",
        CONNECT_S,
        "a host that is there answers within milliseconds; a packet that got lost is sent again "
        "after one second, and who is silent then is asked no longer",
        sources.NGINX_PROXY,
    )


def proxy_send_timeout(patience: Setting) -> Setting:
    """Seconds between two writes of a request to an application host."""
    return Setting(
        "proxy_send_timeout",
        patience.number + MARGIN_S,
        "as long as proxy_read_timeout, as on the hosts",
        sources.TIMEOUTS,
    )


def proxy_read_timeout(patience: Setting) -> Setting:
    """Seconds between two reads of an application host's answer."""
    return Setting(
        "proxy_read_timeout",
        patience.number + MARGIN_S,
        f"longer than the hosts' own {patience.name} ({patience.value} s) by {MARGIN_S} s: they "
        "know what hung, and say so first",
        sources.TIMEOUTS,
    )


def proxy_next_upstream() -> Setting:
    """When a request is passed to another host."""
    return Setting(
        "proxy_next_upstream",
        "error timeout http_502 http_503",
        "another host is asked where one is not reached, its proxy or its application breaks off, "
        "or it has no room. A POST that was sent is never sent again: non_idempotent is not there",
        sources.NGINX_PROXY,
    )


def proxy_next_upstream_tries(hosts: int) -> Setting:
    """How many hosts a request is passed to, the first included."""
    value = min(TRIES_MAX, hosts)
    return Setting(
        "proxy_next_upstream_tries",
        value,
        "one host may be down and another one full; more would multiply the load when all are full"
        if value == TRIES_MAX
        else f"there are no more: {plural(hosts, 'host')}",
        sources.NGINX_PROXY,
    )


def proxy_next_upstream_timeout(hosts: int) -> Setting:
    """Seconds in which a request may be passed on."""
    value = min(TRIES_MAX, hosts) * CONNECT_S
    return Setting(
        "proxy_next_upstream_timeout",
        value,
        f"enough for hosts that don't answer within {CONNECT_S} s each; what was in work for "
        "longer and failed is not begun anew elsewhere",
        sources.NGINX_PROXY,
    )


def broken(front: Settings, behind: Sequence[Behind]) -> Iterator[Problem]:
    """Invariants between the front and the hosts behind it."""
    read = front["proxy_read_timeout"]
    for each in behind:
        if read.number <= each.patience.number:
            yield Problem(
                f"the front's proxy_read_timeout {read.value} s and the hosts' "
                f"{each.patience.name} {each.patience.value} s: the front would give up first",
                where=("front",),
                allowed=f"more than {each.patience.value}",
            )
    processes, connections = front["worker_processes"].number, front["worker_connections"].number
    at_once = sum(each.concurrency for each in behind)
    # Two for each: the client's and the host's.
    if processes * connections < 2 * at_once:
        yield Problem(
            f"the application hosts work on {at_once} requests at once, and the front's "
            f"worker_processes {processes} x worker_connections {connections} carry half of "
            f"{processes * connections}",
            where=("front", "cpus"),
            allowed="more cpus, or fewer application hosts behind one front",
        )
