"""Green threads: what waits holds no worker."""

from __future__ import annotations

from deploygen.plan import GroupPlan
from testbed.probe import PATIENCE_S, Probe

CLIENTS = 300
WAIT_MS = 3000


def test_hundreds_wait_at_once_on_one_worker(probe: Probe, group: GroupPlan) -> None:
    """A worker of threads would need CLIENTS / threads turns of three seconds each."""
    planned = group.components["gunicorn"]
    assert planned["worker_class"].text == "gevent"
    [worker] = probe.workers
    # In turns of 16 these clients could not all be answered within their patience.
    assert CLIENTS / 16 * WAIT_MS / 1000 > PATIENCE_S
    answers = probe.ask_at_once(f"/slow-upstream/?ms={WAIT_MS}", CLIENTS)
    assert {answer.status for answer in answers} == {200}
    assert len(answers) == CLIENTS
    assert probe.workers == [worker], "it is still the same worker"
