from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploygen.stack.process import last_lines, uninterrupted


@pytest.fixture
def python_interrupts() -> Iterator[None]:
    """As at a terminal: a shell starts what runs in the background with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("python_interrupts")
def test_an_interrupt_waits_until_the_process_is_noted() -> None:
    noted = []

    def start() -> None:
        with uninterrupted():
            os.kill(os.getpid(), signal.SIGINT)
            noted.append("started")

    with pytest.raises(KeyboardInterrupt):
        start()
    assert noted == ["started"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_end_of_logs(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("".join(f"{n}\n" for n in range(30)))
    two.write_text("a\nb\n")
    assert last_lines(one, two, tmp_path / "none", lines=4) == "    28\n    29\n    a\n    b"


def test_the_masters_traceback_does_not_hide_the_workers(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(
        "Traceback (most recent call last):\nValueError: mine\n"
        "Traceback (most recent call last):\n  File x\n"
        "gunicorn.errors.HaltServer: <HaltServer 'Worker failed to boot.' 3>\n"
    )
    assert last_lines(log).splitlines()[-1] == "    ValueError: mine"
