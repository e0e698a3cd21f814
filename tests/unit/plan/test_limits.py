"""proxy.limits: what is declared is what the proxy is told, and nothing is by default."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import refusal, refusals, settings

LIMITING = ("nginx.limit_conn", "nginx.limit_conn_zone", "nginx.limit_req", "nginx.limit_req_zone")


# connections, requests per second, burst -> limit_conn, rate, limit_req.
@pytest.mark.parametrize(
    ("limits", "conn", "rate", "req"),
    [
        ({}, None, None, None),
        ({"connections_per_address": 1}, "shop_connections 1", None, None),
        ({"connections_per_address": 65_535}, "shop_connections 65535", None, None),
        ({"requests_per_second": 1}, None, "1r/s", "zone=shop_requests burst=2 nodelay"),
        ({"requests_per_second": 20, "burst": 5}, None, "20r/s",
         "zone=shop_requests burst=5 nodelay"),
        # Without a burst there is nothing to delay.
        ({"requests_per_second": 20, "burst": 0}, None, "20r/s", "zone=shop_requests"),
        ({"connections_per_address": 9, "requests_per_second": 100_000}, "shop_connections 9",
         "100000r/s", "zone=shop_requests burst=200000 nodelay"),
    ],
)  # fmt: skip
def test_what_is_declared_is_limited(
    limits: dict[str, Any], conn: str | None, rate: str | None, req: str | None
) -> None:
    found = settings(proxy={"limits": limits})
    assert {name: found[name].value for name in LIMITING if name in found} == {
        **({"nginx.limit_conn": conn,
            "nginx.limit_conn_zone": "$shop_address zone=shop_connections:10m"} if conn else {}),
        **({"nginx.limit_req": req,
            "nginx.limit_req_zone": f"$shop_address zone=shop_requests:10m rate={rate}"}
           if rate else {}),
    }  # fmt: skip


def test_variables_have_no_dashes() -> None:
    found = settings(name="a-b", proxy={"limits": {"requests_per_second": 1}})
    assert found["nginx.limit_req_zone"].text.startswith("$a_b_address zone=a-b_requests:")


def test_a_burst_needs_a_rate() -> None:
    problem = refusal(proxy={"limits": {"burst": 5}})
    assert problem.where == ("proxy", "limits", "burst") and problem.line
    assert "requests_per_second" in problem.message


@pytest.mark.parametrize(
    ("name", "value"),
    [("connections_per_address", 0), ("connections_per_address", 65_536),
     ("connections_per_address", 1.5), ("requests_per_second", 0), ("requests_per_second", "5"),
     ("requests_per_second", True), ("burst", -1)],
)  # fmt: skip
def test_what_is_no_limit_is_refused(name: str, value: object) -> None:
    problems = refusals(proxy={"limits": {"requests_per_second": 5, name: value}})
    assert [problem.where for problem in problems] == [("proxy", "limits", name)]


def test_who_comes_back_is_told_when() -> None:
    assert settings()["nginx.add_header"].value == "Retry-After 10 always"
    assert "10 s" in settings()["nginx.add_header"].reason


# What is declared -> the constants of the program that counts for Apache.
@pytest.mark.parametrize(
    ("limits", "counted"),
    [
        ({}, {}),
        ({"connections_per_address": 7}, {"ADDRESS_REQUESTS": 7}),
        ({"requests_per_second": 20}, {"ADDRESS_RATE": 20, "ADDRESS_BURST": 40}),
        ({"requests_per_second": 20, "burst": 0}, {"ADDRESS_RATE": 20, "ADDRESS_BURST": 0}),
        ({"connections_per_address": 9, "requests_per_second": 1, "burst": 5},
         {"ADDRESS_REQUESTS": 9, "ADDRESS_RATE": 1, "ADDRESS_BURST": 5}),
    ],
)  # fmt: skip
def test_what_is_declared_is_counted_for_apache(
    limits: dict[str, Any], counted: dict[str, int]
) -> None:
    found = settings(proxy={"kind": "apache", "limits": limits})
    names = ("ADDRESS_REQUESTS", "ADDRESS_RATE", "ADDRESS_BURST", "ADDRESSES")
    values = {name: found[f"apache.{name}"].value for name in names if f"apache.{name}" in found}
    assert values == ({**counted, "ADDRESSES": 80_000} if limits else {})


def test_limits_that_nobody_would_keep_are_refused() -> None:
    problem = refusal(proxy={"kind": "none", "limits": {"requests_per_second": 5}})
    assert problem.where == ("proxy", "limits")
    assert "proxy.kind is none" in problem.message
    assert "nginx or apache" in problem.allowed


def test_the_image_of_apache_can_t_count() -> None:
    proxy = {"kind": "apache", "limits": {"requests_per_second": 5}}
    problem = refusal(proxy=proxy, targets=["docker"])
    assert problem.where == ("proxy", "limits")
    assert "no Python" in problem.message and "nginx" in problem.allowed
