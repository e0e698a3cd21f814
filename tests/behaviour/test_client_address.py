"""Who the client is, asked of the application behind each proxy: forged headers, fronts, PROXY."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploygen.published import cloudflare
from deploygen.stack import Options, Stack, running
from tests.examples import SECRETS, example
from tests.wire import STRANGER, TRUSTED, Answer, logged, proxy_v1, proxy_v2, send

pytestmark = pytest.mark.slow

HOST = "bookshop.example"
VISITOR, FORGED = "203.0.113.7", "6.6.6.6"
CLAIMS = (
    ("X-Forwarded-For", FORGED),
    ("x-forwarded-for", f"{FORGED}, {FORGED}"),
    ("X-Real-IP", FORGED),
    ("Forwarded", f"for={FORGED};host=evil.example;proto=https"),
    ("CF-Connecting-IP", FORGED),
    ("True-Client-IP", FORGED),
    ("Client-IP", FORGED),
    ("X-Client-IP", FORGED),
    ("X-Cluster-Client-IP", FORGED),
    ("X-Forwarded-Host", "evil.example"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Ssl", "on"),
    ("X-Forwarded-Protocol", "ssl"),
    ("X-Forwarded-Port", "666"),
    ("X-Forwarded-Prefix", "/evil.example"),
    ("X-Script-Name", "/evil.example"),
    ("Proxy", "http://evil.example"),
    # gunicorn takes these from a trusted peer, and whoever comes through a socket is one.
    ("SCRIPT_NAME", "/evil.example"),
    ("PATH_INFO", "/evil.example"),
    ("X_Forwarded_For", FORGED),
)


class Site:
    """A running bookshop, and what it says of a request."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.asked = 0

    def ask(self, *headers: tuple[str, str], **more: Any) -> Answer | None:
        self.asked += 1
        path = f"/whoami/?asked={self.asked};"
        return send(self.stack.address, path, host=HOST, headers=headers, **more)

    def told(self, *headers: tuple[str, str], **more: Any) -> dict[str, Any]:
        answer = self.ask(*headers, **more)
        assert answer is not None
        assert answer.status == 200, answer
        return dict(answer.json())

    def log(self) -> dict[str, Any]:
        """The line of the last request in the proxy's access log."""
        log = self.stack.logs[f"{self.stack.plan.spec.proxy.kind} access"]
        return logged(log, f"asked={self.asked};")


@contextlib.contextmanager
def site(folder: Path, kind: str, behind: str, *, instead: str = "") -> Iterator[Site]:
    """``instead`` stands where the rendered files have Cloudflare's first network."""
    made = example("bookshop", folder, kind=kind, proxy=f"behind: {behind}")
    if instead:
        found = 0
        for path in made.tree.rglob("hosts/**/*.conf"):
            text = path.read_text()
            found += text.count(cloudflare.NETWORKS[0])
            path.write_text(text.replace(cloudflare.NETWORKS[0], instead))
        assert found
    options = Options(port=0, environ={**os.environ, **SECRETS})
    with running(made.tree, made.plan, "web", made.project, options) as stack:
        yield Site(stack)


@pytest.fixture(scope="module")
def alone(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("alone"), kind, "[]") as found:
        yield found


@pytest.fixture(scope="module")
def balanced(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("balanced"), kind, f"[{TRUSTED}, 10.0.0.0/8]") as found:
        yield found


@pytest.fixture(scope="module")
def piped(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    behind = f"{{networks: [{TRUSTED}], proxy_protocol: true}}"
    with site(tmp_path_factory.mktemp("piped"), kind, behind) as found:
        yield found


@pytest.fixture(scope="module")
def shielded(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    behind = "{networks: cloudflare, only: true}"
    with site(tmp_path_factory.mktemp("shielded"), kind, behind, instead=f"{TRUSTED}/32") as found:
        yield found


def nothing_forged(told: dict[str, Any]) -> None:
    received = json.dumps(told)
    assert FORGED not in received
    assert "evil.example" not in received
    assert "666" not in told["headers"].values()


@pytest.mark.parametrize("source", [TRUSTED, STRANGER])
def test_with_nobody_in_front_every_claim_is_dropped(alone: Site, source: str) -> None:
    told = alone.told(*CLAIMS, source=source)
    nothing_forged(told)
    assert told["x_forwarded_for"] == source
    assert (told["x_forwarded_proto"], told["is_secure"]) == ("http", False)
    # A unix socket's peer has no address: docs and README say so.
    assert told["remote_addr"] == ""
    assert alone.log()["client"] == source


@pytest.mark.parametrize(
    "named",
    [
        "X-Forwarded-For, X-Real-IP, X-Forwarded-Proto, X-Request-Id, X-Forwarded-Host",
        "x-forwarded-for,X-Request-Id, keep-alive",
        "close, X-Forwarded-For, X-Request-Id",
        "upgrade,X-Forwarded-For\t, X-Request-Id",
        "closed X-Forwarded-For,X-Request-Id",
    ],
)
def test_nobody_takes_a_header_away(alone: Site, named: str) -> None:
    """What Connection names belongs to one connection, and is not passed on."""
    told = alone.told(("Connection", named))
    assert told["x_forwarded_for"] == TRUSTED
    assert told["x_forwarded_proto"] == "http"
    assert told["x_request_id"] == alone.log()["id"]
    assert told["host"].startswith(HOST)


def test_flask_without_its_middleware_knows_the_scheme_alone(kind: str, tmp_path: Path) -> None:
    """gunicorn reads the scheme; REMOTE_ADDR is for ProxyFix to fill, as the README says."""
    made = example("flaskboard", tmp_path, kind=kind, proxy=f"behind: [{TRUSTED}]")
    options = Options(port=0, environment={"FLASKBOARD_PROXIES": "0"})
    with running(made.tree, made.plan, "web", made.project, options) as stack:
        claims = (("X-Forwarded-For", VISITOR), ("X-Forwarded-Proto", "https"))
        answer = send(stack.address, "/whoami", host=made.host, headers=claims)
        assert answer is not None
        told = answer.json()
        assert told["is_secure"] is True
        assert told["x_forwarded_for"] == VISITOR and not told["remote_addr"]


@pytest.mark.parametrize("name", ["flaskboard", "fastquotes"])
def test_other_frameworks_agree_with_the_proxy(kind: str, name: str, tmp_path: Path) -> None:
    """As the rendered README says: Flask through ProxyFix, FastAPI from the header."""
    made = example(name, tmp_path, kind=kind, proxy=f"behind: [{TRUSTED}]")
    with running(made.tree, made.plan, "web", made.project, Options(port=0)) as stack:
        for source, client, secure in ((TRUSTED, VISITOR, True), (STRANGER, STRANGER, False)):
            claims = (("X-Forwarded-For", VISITOR), ("X-Forwarded-Proto", "https"))
            answer = send(stack.address, "/whoami", host=made.host, headers=claims, source=source)
            assert answer is not None
            told = answer.json()
            assert told["x_forwarded_for"] == client
            assert told["is_secure"] is secure
            if name == "flaskboard":
                assert told["remote_addr"] == client


def test_a_request_gets_an_id(alone: Site) -> None:
    told = alone.told(("X-Request-Id", "chosen-by-a-client"))
    assert told["x_request_id"] and told["x_request_id"] != "chosen-by-a-client"
    assert alone.log()["id"] == told["x_request_id"]
    again = alone.told()
    assert again["x_request_id"] != told["x_request_id"]


# What the balancer sends -> whom the application is told of: the last that it does not trust.
@pytest.mark.parametrize(
    ("sent", "client"),
    [
        (VISITOR, VISITOR),
        (f"{FORGED}, {VISITOR}", VISITOR),
        (f"{FORGED}, {VISITOR}, 10.1.2.3", VISITOR),
        ("2001:db8::7", "2001:db8::7"),
        ("nonsense", TRUSTED),
    ],
)
def test_a_balancer_names_the_client(balanced: Site, sent: str, client: str) -> None:
    told = balanced.told(("X-Forwarded-For", sent), ("X-Forwarded-Proto", "https"))
    assert told["x_forwarded_for"] == client
    assert told["is_secure"] is True
    nothing_forged(told)
    assert (balanced.log()["client"], balanced.log()["peer"]) == (client, TRUSTED)


def test_a_balancers_other_claims_are_dropped(balanced: Site) -> None:
    told = balanced.told(*(claim for claim in CLAIMS if claim[0].lower() != "x-forwarded-for"))
    nothing_forged(told)
    assert told["x_forwarded_for"] == TRUSTED


def test_who_goes_around_the_balancer_is_not_believed(balanced: Site) -> None:
    told = balanced.told(*CLAIMS, source=STRANGER)
    nothing_forged(told)
    assert told["x_forwarded_for"] == STRANGER
    assert told["is_secure"] is False


def test_a_balancers_id_is_kept_and_a_strangers_is_not(balanced: Site) -> None:
    given = ("X-Request-Id", "1-67891233-abcdef012345678912345678")
    assert balanced.told(given)["x_request_id"] == given[1]
    assert balanced.log()["id"] == given[1]
    assert balanced.told(given, source=STRANGER)["x_request_id"] != given[1]
    for wrong in ("short", "x" * 129, 'quo"te-quo"te', "spa ce spa ce", "<script>alert"):
        made = balanced.told(("X-Request-Id", wrong))["x_request_id"]
        assert made != wrong and re.fullmatch(r"[A-Za-z0-9@_-]{20,40}", made)


@pytest.mark.parametrize(
    "before",
    [proxy_v1(VISITOR), proxy_v2(VISITOR)],
    ids=["v1", "v2"],
)
def test_the_proxy_protocol_names_the_client(piped: Site, before: bytes) -> None:
    """The headers are the client's own then: none is believed, on the scheme neither."""
    told = piped.told(*CLAIMS, before=before)
    nothing_forged(told)
    assert told["x_forwarded_for"] == VISITOR
    assert told["is_secure"] is False
    assert (piped.log()["client"], piped.log()["peer"]) == (VISITOR, TRUSTED)


def test_the_proxy_protocol_of_ipv6(piped: Site) -> None:
    before = proxy_v1("2001:db8::7", family="TCP6")
    assert piped.told(before=before)["x_forwarded_for"] == "2001:db8::7"


def test_a_stranger_who_speaks_the_proxy_protocol_is_not_believed(piped: Site) -> None:
    told = piped.told(*CLAIMS, before=proxy_v1(VISITOR), source=STRANGER)
    nothing_forged(told)
    assert told["x_forwarded_for"] == STRANGER
    assert piped.log()["client"] == STRANGER


@pytest.mark.parametrize(
    "before", [b"", b"PROXY nonsense\r\n", b"\r\n\r\n\x00\r\nQUIT\n\x31\x11\x00\x00"]
)
def test_without_the_proxy_protocol_nobody_is_answered(piped: Site, before: bytes) -> None:
    answer = piped.ask(before=before)
    assert answer is None or answer.status == 400


def test_cloudflare_names_the_client(shielded: Site) -> None:
    header = ("CF-Connecting-IP", VISITOR)
    told = shielded.told(header, ("X-Forwarded-For", FORGED), ("X-Forwarded-Proto", "https"))
    assert told["x_forwarded_for"] == VISITOR
    assert told["is_secure"] is True
    nothing_forged(told)


def test_who_goes_around_cloudflare_is_refused(shielded: Site) -> None:
    answer = shielded.ask(("CF-Connecting-IP", VISITOR), source=STRANGER)
    assert answer is not None and answer.status == 403
