"""Who stands in front, and whose word counts."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from deploygen.plan.client_address import front
from deploygen.published import cloudflare
from tests.builders import made_from, refusal, spec, text


# proxy.behind -> (networks, header, PROXY protocol, others refused, whether its headers count).
@pytest.mark.parametrize(
    ("behind", "expected"),
    [
        (["10.0.0.0/8"], (("10.0.0.0/8",), "X-Forwarded-For", False, False, True)),
        ("10.0.0.1", (("10.0.0.1",), "X-Forwarded-For", False, False, True)),
        ({"networks": ["::1"], "only": True}, (("::1",), "X-Forwarded-For", False, True, True)),
        ({"networks": ["::1"], "proxy_protocol": True},
         (("::1",), "X-Forwarded-For", True, False, False)),
        ("cloudflare", (cloudflare.NETWORKS, "CF-Connecting-IP", False, False, True)),
        ({"networks": "cloudflare", "only": True},
         (cloudflare.NETWORKS, "CF-Connecting-IP", False, True, True)),
    ],
)  # fmt: skip
def test_who_stands_in_front(behind: Any, expected: tuple[Any, ...]) -> None:
    found = front(spec(proxy={"behind": behind}))
    assert found is not None
    assert (found.networks, found.header, found.proxy_protocol, found.only, found.believed) == (
        expected
    )


@pytest.mark.parametrize("behind", [[], {}, {"networks": []}])
def test_nobody(behind: Any) -> None:
    assert front(spec(proxy={"behind": behind})) is None


@pytest.mark.parametrize("option", ["only", "proxy_protocol"])
def test_an_option_without_networks_is_refused(option: str) -> None:
    problem = refusal(proxy={"behind": {option: True}})
    assert problem.where == ("proxy", "behind", option) and problem.line


def test_cloudflare_stands_alone() -> None:
    """Beside others, the client's name would stand in two different headers."""
    problem = refusal(proxy={"behind": ["10.0.0.0/8", "cloudflare"]})
    assert problem.where == ("proxy", "behind", 1)
    assert problem.line


def test_a_short_form_is_shown_as_it_is_written() -> None:
    problem = refusal(proxy={"behind": ["10.0.0.0/8", "10.0.0.1/8"]})
    assert problem.where == ("proxy", "behind", 1)
    whole = refusal(proxy={"behind": {"networks": ["10.0.0.1/8"]}})
    assert whole.where == ("proxy", "behind", "networks", 0)
    line = next(
        number
        for number, line in enumerate(text(proxy={"behind": ["10.0.0.1/8"]}).splitlines(), 1)
        if "10.0.0.1/8" in line
    )
    assert refusal(proxy={"behind": ["10.0.0.1/8"]}).line == line


def test_cloudflares_networks_are_a_dated_list_of_networks() -> None:
    networks = [ipaddress.ip_network(network) for network in cloudflare.NETWORKS]
    assert {network.version for network in networks} == {4, 6}
    assert all(network.is_global for network in networks)
    assert not [
        (one, other)
        for one in networks
        for other in networks
        if one is not other and one.version == other.version and one.overlaps(other)  # type: ignore[arg-type]
    ]
    assert cloudflare.AS_OF > "2026-01-01"
    assert all(url.startswith("https://www.cloudflare.com/ips-v") for url in cloudflare.URLS)


def test_a_list_stays_a_list() -> None:
    made = made_from(text(proxy={"behind": ["10.0.0.0/8"]}))
    assert made.groups["web"].site.https, "something in front ends TLS"
