"""Paths that are passed on as they come: websockets, event streams, uploads that are read along."""

from __future__ import annotations

import re
from collections.abc import Iterator

from deploygen.errors import Problem
from deploygen.plan import sources
from deploygen.plan.facts import Facts
from deploygen.plan.setting import Setting, Settings, by_name
from deploygen.spec import Spec

# A stream may be silent for so long: an hour. Websocket libraries ping every 20 to 60 s.
SILENT_S = 3600


def plan(facts: Facts) -> Settings:
    """How long a stream may be silent, in the proxy's own word; nothing where none is declared."""
    names = {"nginx": "proxy_read_timeout", "apache": "timeout"}
    if not facts.streams or facts.proxy not in names:
        return {}
    source = sources.NGINX_PROXY if facts.proxy == "nginx" else sources.APACHE_PROXY
    return by_name(
        Setting(
            names[facts.proxy],
            SILENT_S,
            "an hour without a byte: a stream that lives sends something long before, and one that "
            "nobody reads any more is not kept for ever",
            source,
        )
    )


def pattern(paths: tuple[str, ...]) -> str:
    """A pattern for the paths and what lies below them: ``^/(ws|events)(/|$)``."""
    parts = "|".join(re.escape(path.strip("/")) for path in paths)
    return f"^/({parts})(/|$)"


def problems(spec: Spec) -> Iterator[Problem]:
    """Streams that would take the site with them."""
    for index, path in enumerate(spec.proxy.streaming):
        if path == "/":
            yield Problem(
                "all of the site would be passed on unbuffered: slow clients hold its workers",
                where=("proxy", "streaming", index),
                allowed="the paths of websockets and event streams, such as /ws",
            )


def notes(spec: Spec) -> Iterator[str]:
    """What the description says of open connections, and the proxy does not know."""
    if spec.workload.long_lived and not spec.proxy.streaming and spec.proxy.kind != "none":
        yield (
            "workload.long_lived: connections stay open, and proxy.streaming names no path: the "
            "proxy buffers event streams and lets no websocket through"
        )
