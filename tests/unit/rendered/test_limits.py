"""The program that counts for Apache what each address asks for, as it is rendered."""

from __future__ import annotations

import functools
import tracemalloc
import types
from collections import deque
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploygen.plan import limits as planned
from deploygen.units import MIB
from tests.builders import host_files

PROGRAM = "etc/apache2/conf-available/shop-limits.py"
HOUR_S = 3600


@functools.cache
def source(**limits: int) -> types.CodeType:
    text = host_files(proxy={"kind": "apache", "limits": limits})[PROGRAM]
    return compile(text, PROGRAM, "exec")


def program(**limits: int) -> types.ModuleType:
    """The program for these limits, a new one each time."""
    module = types.ModuleType("limits")
    exec(source(**limits), module.__dict__)
    return module


# Seconds since the last one, and who asks; or None, and which of those under way is over.
STEPS = st.lists(
    st.one_of(
        st.tuples(st.floats(0, 3), st.sampled_from([b"192.0.2.1", b"192.0.2.2", b"2001:db8::1"])),
        st.tuples(st.none(), st.integers(0, 9)),
    ),
    max_size=80,
)


@given(STEPS, st.integers(1, 4), st.integers(1, 5), st.integers(0, 6))
def test_what_is_admitted_is_within_the_limits(
    steps: list[tuple[float | None, bytes | int]], most: int, rate: int, burst: int
) -> None:
    """And what is within them is admitted: the same bucket, counted anew from what was admitted."""
    counter = program(connections_per_address=most, requests_per_second=rate, burst=burst).Counter()
    now = 0.0
    under_way: dict[bytes, list[bytes]] = {}
    admitted: dict[bytes, list[float]] = {}
    for number, (passed, what) in enumerate(steps):
        if passed is None:
            assert isinstance(what, int)
            waiting = [each for each in under_way.values() if each]
            if waiting:
                of_one = waiting[what % len(waiting)]
                counter.ended(of_one.pop(0))
            continue
        assert isinstance(what, bytes)
        now += passed
        asked, times = under_way.setdefault(what, []), admitted.setdefault(what, [])
        # nginx's rule: how far ahead of the rate this request would be.
        ahead = max(_ahead(times, now, rate))
        within = len(asked) < most and ahead <= burst + 1e-9
        request = str(number).encode()
        if abs(ahead - burst) > 1e-6:  # on the edge, floats may disagree
            assert counter.admits(request, what, now) == within
        else:
            within = counter.admits(request, what, now)
        if within:
            asked.append(request)
            times.append(now)
    assert sum(map(len, under_way.values())) == len(counter.by_request)


def _ahead(times: list[float], now: float, rate: int) -> Iterator[float]:
    """For each earlier moment: requests since then, this one too, less what the rate allows."""
    yield 0
    for index, since in enumerate(times):
        yield len(times) - index - rate * (now - since)


def test_a_network_of_ipv6_is_one_client_and_an_odd_word_is_itself() -> None:
    network = program(connections_per_address=1).network
    assert network(b"2001:db8::1") == network(b"2001:db8::ffff:1") != network(b"2001:db8:0:1::1")
    assert network(b"192.0.2.1") == b"192.0.2.1"
    for odd in (b"", b"::x", b"fe80::1%eth0", "ü:".encode()):
        assert network(odd) == odd


def test_a_request_of_a_dead_process_is_forgotten() -> None:
    counter = program(connections_per_address=2).Counter()
    assert counter.admits(b"1", b"192.0.2.1", 0)
    assert counter.admits(b"2", b"192.0.2.1", 10)
    assert not counter.admits(b"3", b"192.0.2.1", HOUR_S)
    assert counter.admits(b"4", b"192.0.2.1", HOUR_S + 1)
    assert not counter.admits(b"5", b"192.0.2.1", HOUR_S + 2)


def test_what_was_never_counted_is_never_over() -> None:
    counter = program(connections_per_address=1).Counter()
    counter.ended(b"nobody")
    assert counter.admits(b"1", b"192.0.2.1", 0)
    assert not counter.admits(b"2", b"192.0.2.1", 0)
    counter.ended(b"2")
    assert not counter.admits(b"3", b"192.0.2.1", 0)


@pytest.mark.parametrize("limits", [{"connections_per_address": 1}, {"requests_per_second": 1}])
def test_who_was_idle_longest_is_forgotten_first(limits: dict[str, int]) -> None:
    module = program(**limits)
    module.ADDRESSES = 3
    counter = module.Counter()
    recent: deque[bytes] = deque(maxlen=3)
    for number in range(20):
        address = f"192.0.2.{number}".encode()
        counter.admits(str(number).encode(), address, 0)
        recent.append(address)
        assert list(counter.clients) == list(recent)
        assert len(counter.by_request) <= 3


def test_it_takes_no_more_memory_than_the_plan_keeps_for_it() -> None:
    """With as many addresses as it remembers, each of which has asked, and some still wait."""
    counter = program(connections_per_address=1, requests_per_second=1).Counter()
    tracemalloc.start()
    for number in range(planned.ADDRESSES + 1000):
        request = str(number).encode()
        counter.admits(request, b"10.%d.%d.%d" % (number >> 16, number >> 8 & 255, number & 255), 0)
        if number % 16:
            counter.ended(request)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(counter.clients) == planned.ADDRESSES
    # Two Pythons take 10 MiB of it.
    assert taken < (planned.COUNTER_MIB - 10) * MIB
