"""Free ports on loopback."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from functools import cache

from deploygen.errors import DeploygenError

DEFAULT = 8000
# How far to look for one when the default is taken.
TRIED = 100


@cache
def ipv6() -> bool:
    """Whether this machine has an IPv6 loopback."""
    if not socket.has_ipv6:
        return False
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


def refusal(port: int) -> str:
    """Why a port can't be had on loopback; empty when it can."""
    for family, host in (
        (socket.AF_INET, "127.0.0.1"),
        *(((socket.AF_INET6, "::1"),) if ipv6() else ()),
    ):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as sock:
                # As nginx does: what lingers from the last run is no obstacle.
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.bind((host, port))
        except OSError as error:
            return error.strerror or str(error)
    return ""


def choose(site: Iterable[int], asked: int | None) -> dict[int, int]:
    """Each port of a site -> the port that it gets here.

    The first plain one gets ``asked`` (None: 8000 or the next free one, 0: any free one), TLS
    that one plus 443 where it is free. Raises DeploygenError when what was asked for is taken.
    """
    wanted = sorted(set(site), key=lambda port: (port != 80, port != 443, port))
    chosen: dict[int, int] = {}
    for port in wanted:
        taken = set(chosen.values())
        if not chosen:
            chosen[port] = _first(asked)
        elif port == 443 and asked != 0 and _fits(chosen[wanted[0]] + 443, taken):
            chosen[port] = chosen[wanted[0]] + 443
        else:
            chosen[port] = _any(taken)
    return chosen


def _fits(port: int, taken: set[int]) -> bool:
    return port <= 65535 and port not in taken and not refusal(port)


def _first(asked: int | None) -> int:
    if asked == 0:
        return _any(set())
    if asked is not None:
        if why := refusal(asked):
            raise DeploygenError(
                f"port {asked} can't be used: {why}", hint="choose another one; 0 takes a free one"
            )
        return asked
    found = (port for port in range(DEFAULT, DEFAULT + TRIED) if not refusal(port))
    return next(found, 0) or _any(set())


def _any(taken: set[int]) -> int:
    """A port that is free on all loopback addresses."""
    for _ in range(TRIED):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
            sock.bind(("127.0.0.1", 0))
            port = int(sock.getsockname()[1])
        if _fits(port, taken):
            return port
    raise DeploygenError("found no free port on loopback")
