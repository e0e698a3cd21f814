"""gunicorn.conf.py and the application's environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from deploygen.plan import GroupPlan, Plan, Setting
from deploygen.plan.gunicorn import PER_SLOT
from deploygen.targets.spec import Row, Target, on_hosts

# The order of the file: what a reader asks first, first.
SECTIONS = {
    "How many requests at once": ("worker_class", "workers", "threads", "worker_connections"),
    "Time-outs": ("timeout", "graceful_timeout", "keepalive"),
    "The queue": ("backlog",),
    "Recycling": ("max_requests", "max_requests_jitter", "preload_app"),
    "What a client may send": (
        "limit_request_line",
        "limit_request_fields",
        "limit_request_field_size",
        "forwarded_allow_ips",
    ),
    "Files and logs": ("worker_tmp_dir", "accesslog", "access_log_format"),
}
REST = "Set in deploygen.yml"


@dataclass(frozen=True)
class Section:
    """A part of gunicorn.conf.py."""

    title: str
    settings: tuple[Setting, ...]


def sections(group: GroupPlan) -> tuple[Section, ...]:
    """All of gunicorn's settings, in the order of the file; none is left out."""
    settings = group.components["gunicorn"]
    placed = {*PER_SLOT, *(name for names in SECTIONS.values() for name in names)}
    rest = tuple(name for name in settings if name not in placed)
    found = (
        Section(title, tuple(settings[name] for name in names if name in settings))
        for title, names in {**SECTIONS, REST: rest}.items()
    )
    return tuple(section for section in found if section.settings)


def _config(_plan: Plan, group: GroupPlan) -> Mapping[str, object]:
    return {"sections": sections(group)}


TARGET = Target(
    name="gunicorn",
    summary="gunicorn.conf.py and the application's environment",
    files=on_hosts(
        "gunicorn",
        Row(
            "etc/NAME/gunicorn.conf.py",
            about="gunicorn for NAME, on each host of the group GROUP",
            context=_config,
        ),
        Row("etc/NAME/env", about="The environment of NAME, but for its secrets"),
    ),
)
