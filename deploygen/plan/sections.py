"""The order of gunicorn.conf.py: what a reader asks first, first."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from deploygen.plan.setting import Setting, Settings

SECTIONS = {
    "Where it listens": ("bind", "control_socket"),
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


def sections(gunicorn: Settings, elsewhere: Container[str] = ()) -> tuple[Section, ...]:
    """All of gunicorn's settings, in the order of the file; left out are those ``elsewhere``."""
    placed = {name for names in SECTIONS.values() for name in names}
    rest = tuple(name for name in gunicorn if name not in placed)
    found = (
        Section(
            title,
            tuple(gunicorn[name] for name in names if name in gunicorn and name not in elsewhere),
        )
        for title, names in {**SECTIONS, REST: rest}.items()
    )
    return tuple(section for section in found if section.settings)
