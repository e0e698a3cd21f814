"""Paths that are passed on as they come: which, for how long, and what they are refused for."""

from __future__ import annotations

import re

import pytest

from deploygen.plan.streaming import pattern
from tests.builders import a_plan, refusal, settings


@pytest.mark.parametrize(
    ("path", "matches"),
    [("/ws", True), ("/ws/", True), ("/ws/room/1", True), ("/wsx", False), ("/a/ws", False),
     ("/v1.0/events", True), ("/v1x0/events", False), ("/", False)],
)  # fmt: skip
def test_a_path_and_what_lies_below_it(path: str, matches: bool) -> None:
    assert bool(re.search(pattern(("/ws", "/v1.0/events/")), path)) == matches


@pytest.mark.parametrize(
    ("kind", "name"), [("nginx", "proxy_read_timeout"), ("apache", "timeout"), ("none", "")]
)
def test_a_stream_may_be_silent_for_an_hour(kind: str, name: str) -> None:
    found = settings(proxy={"kind": kind, "streaming": ["/ws"]})
    streams = {key: each.value for key, each in found.items() if key.startswith("streaming.")}
    assert streams == ({f"streaming.{name}": 3600} if name else {})
    assert not [key for key in settings(proxy={"kind": kind}) if key.startswith("streaming.")]


def test_the_whole_site_is_no_stream() -> None:
    assert refusal(proxy={"streaming": ["/ws", "/"]}).where == ("proxy", "streaming", 1)


def test_a_sync_worker_serves_no_stream() -> None:
    changes = {"proxy": {"streaming": ["/ws"]}, "workload": {"thread_safe": False}}
    assert settings(**changes)["gunicorn.worker_class"].value == "gthread"
    problem = refusal(**changes, server={"worker_class": "sync"})
    assert problem.where == ("server", "worker_class")
    assert "proxy.streaming" in problem.message


def test_connections_that_stay_open_need_a_path() -> None:
    load = {"long_lived": 5, "thread_safe": True}
    noted = [note for note in a_plan(workload=load).notes if "proxy.streaming" in note]
    assert len(noted) == 1
    assert not [
        note
        for note in a_plan(workload=load, proxy={"streaming": ["/ws"]}).notes
        if "proxy.streaming" in note
    ]
