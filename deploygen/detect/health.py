"""Health URLs: which paths mean one, and which is the best of several."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

# The last part of a path, the most telling first: a check of the process alone comes before
# one that asks the database too, and both before a plain answer.
NAMES: tuple[str, ...] = (
    *("health", "healthz", "health-check", "health_check", "healthcheck", "_health", "__health__"),
    *("healthz-check", "health-status", "livez", "live", "liveness", "alive", "_healthz"),
    *("__lbheartbeat__", "__heartbeat__", "heartbeat", "ready", "readyz", "readiness", "ping"),
)
# A view's name can say it too.
VIEW = re.compile(r"health_?(?:check|z)?(?:_?view)?$|liveness|heartbeat", re.IGNORECASE)


@dataclass(frozen=True)
class Route:
    """A URL path of the application, and where it is written."""

    url: str
    place: str
    view: str = ""

    @property
    def rank(self) -> tuple[int, int, str]:
        """Sorts the best health URL first."""
        last = self.url.strip("/").rpartition("/")[2].lower()
        order = NAMES.index(last) if last in NAMES else len(NAMES)
        return (order, self.url.count("/"), self.url)


def is_health(route: Route) -> bool:
    """Whether a route looks like a health check."""
    if any(mark in route.url for mark in "<>{}()[]*\\ "):
        return False
    parts = route.url.lower().strip("/").split("/")
    below = len(parts) > 1 and parts[-2] in NAMES[:7] and parts[-1] in (*NAMES, "app", "check")
    return parts[-1] in NAMES or below or (bool(parts[-1]) and bool(VIEW.search(route.view)))


def best(routes: Iterable[Route]) -> Route | None:
    """The best health URL, or None."""
    return min(filter(is_health, routes), key=lambda route: route.rank, default=None)


def joined(*parts: str) -> str:
    """A URL path of its parts: one slash between them and one in front."""
    text = "/".join(parts)
    return re.sub(r"/{2,}", "/", f"/{text}")
