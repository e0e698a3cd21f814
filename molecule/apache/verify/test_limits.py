"""Limits of one address: the program that counts for Apache, on a host as systemd starts it."""

from __future__ import annotations

from collections import Counter

from deploygen.plan import GroupPlan
from testbed.probe import Probe

OVER = 50


def test_what_is_over_is_turned_away(probe: Probe, group: GroupPlan) -> None:
    most = group.components["apache"]["ADDRESS_REQUESTS"].number
    for _ in range(2):
        answers = probe.ask_at_once("/slow-upstream/?ms=500", most + OVER)
        assert Counter(answer.status for answer in answers) == {200: most, 429: OVER}
    assert probe.ask("/").status == 200


def test_who_counts_has_no_power(probe: Probe) -> None:
    apache = probe.told("cat /run/apache2/apache2.pid")
    pid = int(probe.told(f"pgrep --parent {apache} --full 'limits.py asked'"))
    status = probe.process(pid)
    assert status["Uid"].split() == [probe.told("id -u www-data")] * 4
    assert int(status["CapEff"], 16) == 0
