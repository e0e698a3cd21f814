"""``server`` in the description: what the user says beats the plan, and is said so."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from deploygen.errors import Problem, refuse, shown
from deploygen.gunicorn_settings import OLDEST, SINCE
from deploygen.plan import sources
from deploygen.plan.facts import Facts
from deploygen.plan.setting import Setting, Settings, Value
from deploygen.spec.types import closest
from deploygen.systems import show_version

REASON = "set in deploygen.yml"

# gunicorn's own worker classes; a dotted path names one from another package.
WORKER_CLASSES = ("sync", "gthread", "gevent", "asgi", "tornado")
DOTTED_PATH = r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)+"
# The unit's command line has it: no space, no quote, no '$', and '%' only for the slot.
SOCKET_PATH = r"(/([A-Za-z0-9._@+-]|%i)+)+"
# Numbers that everything else divides by or builds on.
COUNTS = ("workers", "threads", "worker_connections", "backlog", "timeout")


def apply(settings: Settings, server: Mapping[str, Any]) -> Settings:
    """``settings`` with each override in its place, and those that the plan has no view on."""
    return {
        **{
            name: override(setting, server[name]) if name in server else setting
            for name, setting in settings.items()
        },
        **{
            name: Setting(name, frozen(value), REASON, sources.DESCRIPTION)
            for name, value in server.items()
            if name not in settings
        },
    }


def override(planned: Setting, value: Any) -> Setting:
    """``planned`` with the user's value; what was planned is remembered where it differs."""
    if planned.overridden is not None or planned.reason == REASON:
        return planned
    kept = planned.value if planned.value != value else None
    return Setting(planned.name, frozen(value), REASON, sources.DESCRIPTION, overridden=kept)


def frozen(value: Any) -> Value:
    """A value from the description, its lists as tuples."""
    return tuple(value) if isinstance(value, list) else value


def check(server: Mapping[str, Any], facts: Facts) -> None:
    """Raises InputError for overrides that this release of gunicorn does not know."""
    refuse(
        problem
        for problem in (
            _too_old(facts),
            *(_too_new(name, facts) for name in server),
            *(_zero(name) for name in COUNTS if server.get(name) == 0),
            _worker_class(server.get("worker_class"), facts),
            _control_socket(server.get("control_socket")),
        )
        if problem
    )


def _too_old(facts: Facts) -> Problem | None:
    if facts.gunicorn >= OLDEST:
        return None
    return Problem(
        f"found gunicorn {show_version(facts.gunicorn)}",
        where=("app", "gunicorn"),
        allowed=f"{show_version(OLDEST)} or later",
    )


def _too_new(name: str, facts: Facts) -> Problem | None:
    since = SINCE.get(name, OLDEST)
    if facts.gunicorn >= since:
        return None
    return Problem(
        f"gunicorn {show_version(facts.gunicorn)} has no such setting",
        where=("server", name),
        allowed=f"gunicorn {show_version(since)} or later",
        hint="app.gunicorn says which release serves the application",
    )


def _zero(name: str) -> Problem:
    hint = "0 would never notice a worker that hangs" if name == "timeout" else ""
    return Problem("found 0", where=("server", name), allowed="1 or more", hint=hint)


def _control_socket(value: object) -> Problem | None:
    if not isinstance(value, str) or ("%i" in value and re.fullmatch(SOCKET_PATH, value)):
        return None
    return Problem(
        f"found {shown(value)}",
        where=("server", "control_socket"),
        allowed="an absolute path with %i for the slot, such as /run/shop/%i.ctl",
        hint="both slots run at once during a release: each needs its own",
    )


def _worker_class(value: object, facts: Facts) -> Problem | None:
    """What is wrong with a worker class for this release of gunicorn, if anything."""
    if not isinstance(value, str):
        return None
    release = f"gunicorn {show_version(facts.gunicorn)}"
    known = ", ".join(WORKER_CLASSES)
    message = allowed = hint = ""
    if value == "eventlet" and facts.gunicorn >= (26,):
        message = f"{release} has no eventlet worker: 26.0 removed it"
        allowed, hint = known, "gevent is the way to green threads"
    elif value == "asgi" and facts.gunicorn < (25, 1):
        message = f"{release} has no stable asgi worker"
        allowed = "gunicorn 25.1 or later, or uvicorn_worker.UvicornWorker"
    elif value.startswith("gunicorn.workers."):
        message = f"found {value}"
        allowed = f"the short name of gunicorn's own: {known}"
    elif value.startswith("uvicorn.workers."):
        message = f"found {value}, which uvicorn deprecated"
        allowed = "uvicorn_worker.UvicornWorker, from the package uvicorn-worker"
    elif value not in (*WORKER_CLASSES, "eventlet") and not re.fullmatch(DOTTED_PATH, value):
        message, hint = f"found {shown(value)}", closest(value, WORKER_CLASSES)
        allowed = f"{known}, or the dotted path of a class"
    where = ("server", "worker_class")
    return Problem(message, where=where, allowed=allowed, hint=hint) if message else None
