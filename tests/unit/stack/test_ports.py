from __future__ import annotations

import socket

import pytest

from deploygen.errors import DeploygenError
from deploygen.stack.ports import choose, refusal


@pytest.fixture
def taken() -> object:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        yield sock.getsockname()[1]


def test_any_free_port() -> None:
    chosen = choose((443, 80, 8080), 0)
    assert list(chosen) == [80, 443, 8080]
    assert len(set(chosen.values())) == 3
    assert not any(map(refusal, chosen.values()))


def test_tls_is_443_above_where_it_can_be() -> None:
    port = choose((80,), 0)[80]
    assert choose((80, 443), port)[80] == port
    high = choose((80, 443), None)
    assert high[443] == high[80] + 443 or refusal(high[80] + 443)


def test_a_port_that_was_asked_for_and_is_taken(taken: int) -> None:
    with pytest.raises(DeploygenError, match=f"port {taken} can't be used: Address already in use"):
        choose((80,), taken)


def test_the_default_goes_on_to_the_next(monkeypatch: pytest.MonkeyPatch, taken: int) -> None:
    monkeypatch.setattr("deploygen.stack.ports.DEFAULT", taken)
    assert choose((80,), None)[80] != taken
