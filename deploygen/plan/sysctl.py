"""Kernel settings that the plan needs."""

from __future__ import annotations

from deploygen.plan import sources
from deploygen.plan.setting import Setting, Settings, by_name

# The kernel's own default since Linux 5.4; every supported system is later.
SOMAXCONN = 4096


def plan(gunicorn: Settings) -> Settings:
    """All kernel settings that the plan decides."""
    return by_name(somaxconn(gunicorn["backlog"].number))


def somaxconn(backlog: int) -> Setting:
    """The longest queue of connections that any socket may have."""
    return Setting(
        "net.core.somaxconn",
        max(SOMAXCONN, backlog),
        f"the kernel cuts every backlog to this: gunicorn asks for {backlog}",
        sources.LISTEN,
    )
