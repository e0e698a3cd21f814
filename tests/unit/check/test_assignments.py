from __future__ import annotations

import pytest

from deploygen.check.assignments import literal, unknown

KNOWN = ("workers", "threads", "worker_connections", "post_fork", "timeout")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("workers = 2\nthreads = 4", []),
        ("worker_conections = 2", [(1, "worker_conections", "worker_connections")]),
        ("a = 1", [(1, "a", "")]),
        ("Workers = 1", [(1, "Workers", "workers")]),
        ("x: int = 1", [(1, "x", "")]),
        ("workers, thread = 1, 2", [(1, "thread", "threads")]),
        # Helpers: read again, or marked as private.
        ("cpus = 2\nworkers = cpus * 2", []),
        ("_cpus = 2", []),
        ("import os\nfrom sys import path\nworkers = 1", []),
        # Hooks, and misspelt ones.
        ("def post_fork(server, worker):\n    local = 1", []),
        ("def post_frok(server, worker):\n    pass", [(1, "post_frok", "post_fork")]),
        ("def helper():\n    return 1\nworkers = helper()", []),
        ("if True:\n    worker = 1\nelse:\n    timeot = 2", [
            (2, "worker", "workers"), (4, "timeot", "timeout"),
        ]),
        ("try:\n    a = 1\nexcept ValueError:\n    b = 2", [(2, "a", ""), (4, "b", "")]),
        ("this is no Python", []),
    ],
)  # fmt: skip
def test_unknown(text: str, found: list[tuple[int, str, str]]) -> None:
    assert list(unknown(text, KNOWN)) == found


def test_literal() -> None:
    assert literal("worker_class = 'gevent'\n", "worker_class") == "gevent"
    assert literal("worker_class = f()\n", "worker_class") == ""
    assert literal("this is no Python", "worker_class") == ""
