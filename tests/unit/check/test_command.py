from __future__ import annotations

import time

from deploygen.check.command import run


def test_output_of_both_streams_and_exit_code() -> None:
    outcome = run(["sh", "-c", "echo a; echo >&2; echo b >&2; exit 3"])
    assert (outcome.code, outcome.lines, outcome.timed_out) == (3, ("a", "b"), "")


def test_the_time_limit_ends_what_was_started_too() -> None:
    begun = time.monotonic()
    outcome = run(["sh", "-c", "echo begun; sleep 60 & sleep 60"], seconds=0.5)
    assert time.monotonic() - begun < 20
    assert outcome.code is None
    assert outcome.lines == ("begun",)
    assert outcome.timed_out == "it did not finish within 0.5 s"
