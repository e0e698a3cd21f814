"""What those who mean no good send to each proxy: nothing is smuggled, nothing leaks, all lives on.

Proxy and gunicorn must read the same requests out of the same bytes. Each log is one reader's
view: a path that gunicorn saw, and the proxy did not, was smuggled past it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploygen.stack import ask
from tests.behaviour.proxies import Site
from tests.tiny import HOST, exchanged, tiny, until

pytestmark = pytest.mark.slow

MIB = 1024 * 1024
REFUSED = {400, 403, 404, 405, 411, 413, 414, 421, 431, 501, 505}


@pytest.fixture(scope="module")
def site(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with tiny(kind, tmp_path_factory.mktemp(kind)) as site:
        yield site


def statuses(answer: bytes) -> list[int]:
    """The status of each answer in the bytes."""
    return [int(part[2:5]) for part in answer.split(b"HTTP/1.")[1:] if part[2:5].isdigit()]


def request(*headers: str, line: str = "POST /echo HTTP/1.1", host: str = HOST) -> bytes:
    return "\r\n".join((line, f"Host: {host}", *headers, "", "")).encode("latin-1")


HIDDEN = f"GET /smuggled HTTP/1.1\r\nHost: {HOST}\r\nX: x\r\n\r\n".encode()
END = b"0\r\n\r\n"
IN_A_CHUNK = b"%x\r\n%b\r\n" % (len(HIDDEN), HIDDEN) + END
ALL, FIVE, CHUNKED = (
    f"Content-Length: {len(HIDDEN)}",
    "Content-Length: 5",
    "Transfer-Encoding: chunked",
)
# Two readers of these may see two different ends of the first request.
SMUGGLING = {
    "CL.TE": request(f"Content-Length: {len(END + HIDDEN)}", CHUNKED) + END + HIDDEN,
    "TE.CL": request("Content-Length: 4", CHUNKED) + IN_A_CHUNK,
    "CL.CL": request("Content-Length: 0", ALL) + HIDDEN,
    "CL, CL": request(f"Content-Length: 0, {len(HIDDEN)}") + HIDDEN,
    "TE.TE": request(CHUNKED, "Transfer-Encoding: x", "Content-Length: 4") + IN_A_CHUNK,
    "TE with a space": request("Transfer-Encoding : chunked", FIVE) + END + HIDDEN,
    "TE with a tab": request("Transfer-Encoding:\x0bchunked", FIVE) + END + HIDDEN,
    "TE x": request("Transfer-Encoding: xchunked", FIVE) + END + HIDDEN,
    "TE of HTTP/1.0": request(CHUNKED, line="POST /echo HTTP/1.0") + END + HIDDEN,
    "TE folded": request("Transfer-Encoding:", " chunked", FIVE) + END + HIDDEN,
    "CL folded": request("Content-Length:", f" {len(HIDDEN)}") + HIDDEN,
    "CL signed": request("Content-Length: +0") + HIDDEN,
    "CL negative": request("Content-Length: -1") + HIDDEN,
    "CL hexadecimal": request("Content-Length: 0x0") + HIDDEN,
    "chunk too large": request(CHUNKED) + b"1" + b"0" * 16 + b"\r\n" + HIDDEN,
    "chunk negative": request(CHUNKED) + b"-1\r\n" + HIDDEN,
    "chunk extension": request(CHUNKED) + b"0;a\n" + HIDDEN + END,
    "chunk by newlines": request(CHUNKED) + b"0\n\n" + HIDDEN,
    "underscores": request("Transfer_Encoding: chunked", FIVE) + END + HIDDEN,
    "GET with a body": request(ALL, line="GET /echo HTTP/1.1") + HIDDEN,
    "a hidden header": request("X: y\rTransfer-Encoding: chunked", FIVE) + END + HIDDEN,
}


def smuggled(log: Path) -> int:
    """How often a log has the hidden request."""
    return log.read_text(errors="replace").count(" /smuggled ") if log.is_file() else 0


def test_both_logs_show_a_second_request(site: Site) -> None:
    """What the next test looks for would be seen: here nobody hides it."""
    before = smuggled(site.stack.logs[f"{site.kind} access"]), smuggled(site.stack.logs["gunicorn"])
    answer = exchanged(site, request(line="GET / HTTP/1.1") + HIDDEN)
    assert statuses(answer) == [200, 200]
    for log, then in zip((f"{site.kind} access", "gunicorn"), before, strict=True):
        until(lambda log=log, then=then: smuggled(site.stack.logs[log]) == then + 1)


@pytest.mark.parametrize("name", SMUGGLING)
def test_gunicorn_sees_no_request_that_the_proxy_did_not(site: Site, name: str) -> None:
    def seen() -> tuple[int, int]:
        proxy = site.stack.logs[f"{site.kind} access"]
        return smuggled(proxy), smuggled(site.stack.logs["gunicorn"])

    before, mark = seen(), re.sub(r"\W", "_", name)
    answer = exchanged(site, SMUGGLING[name])
    # One more: when it is in gunicorn's log, what was before is there too.
    assert site.get(f"/end?{mark}").status == 200
    until(lambda: f"/end?{mark} " in site.stack.logs["gunicorn"].read_text(errors="replace"))
    by_proxy, by_gunicorn = (now - then for now, then in zip(seen(), before, strict=True))
    assert by_gunicorn <= by_proxy
    assert statuses(answer), "not even the first request was answered"
    # What is left of the bytes is no request to anybody else either: it is refused.
    assert len([each for each in statuses(answer) if each not in REFUSED]) <= 1 + by_proxy


MALFORMED = {
    "two hosts": request("Host: other.test", line="GET / HTTP/1.1"),
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "a host with a space": request(line="GET / HTTP/1.1", host=f"{HOST} x"),
    "a host with a slash": request(line="GET / HTTP/1.1", host=f"{HOST}/x"),
    "a space before the colon": request("X : y", line="GET / HTTP/1.1"),
    "a NUL in a header": request("X: a\0b", line="GET / HTTP/1.1"),
    "a NUL in the path": request(line="GET /a\0b HTTP/1.1"),
    "a method of nobody": request(line="\x01\x02 / HTTP/1.1"),
    "a version of nobody": request(line="GET / HTTP/9.9"),
    "a header of 40 KB": request(f"X: {'x' * 40_000}", line="GET / HTTP/1.1"),
    "a line of 40 KB": request(line=f"GET /{'x' * 40_000} HTTP/1.1"),
}

# Apache takes a version that nobody has for the latest that it knows, as RFC 9110, 2.5 allows.
LENIENT: dict[str, set[str]] = {"nginx": set(), "apache": {"a version of nobody"}}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_malformed_is_refused(site: Site, name: str) -> None:
    answer = exchanged(site, MALFORMED[name])
    if name in LENIENT[site.kind]:
        assert statuses(answer) == [200]
        return
    assert statuses(answer) and set(statuses(answer)) <= REFUSED, answer
    assert b"tiny" not in answer.partition(b"\r\n\r\n")[2]


def test_a_folded_header_is_refused_or_joined(site: Site) -> None:
    answer = exchanged(
        site, request("X: a", " X-Forwarded-For: 6.6.6.6", line="GET /echo HTTP/1.1")
    )
    if site.kind == "nginx":
        assert statuses(answer) == [400]
        return
    # Apache makes one line of both, as RFC 9112, 5.2 allows: it is still X's.
    told = json.loads(answer.partition(b"\r\n\r\n")[2])["headers"]
    assert told["HTTP_X"] == "a X-Forwarded-For: 6.6.6.6"
    assert told["HTTP_X_FORWARDED_FOR"] == "127.0.0.1"


@pytest.mark.parametrize("host", ["evil.test", "x.tiny.test", "10.0.0.1", "tiny.test.evil.test"])
def test_an_unknown_host_never_reaches_the_application(site: Site, host: str) -> None:
    status = site.differs.unknown_host
    refused = [] if status is None else [status]
    for line in ("GET / HTTP/1.1", f"GET http://{host}/ HTTP/1.1"):
        answer = exchanged(site, request(line=line, host=host))
        assert statuses(answer) == refused
        assert b"tiny\n" not in answer and (refused or not answer)
    # The name in the line counts, and both parts agree on that.
    answer = exchanged(site, request(line=f"GET http://{host}/echo HTTP/1.1"))
    assert statuses(answer) == refused
    answer = exchanged(site, request(line=f"GET http://{HOST}/echo HTTP/1.1", host=host))
    assert statuses(answer) == [200] and host.encode() not in answer


@pytest.mark.parametrize(
    "path",
    [
        "/static/../outside.txt",
        "/static../outside.txt",
        "/static/%2e%2e/outside.txt",
        "/static/..%2foutside.txt",
        "/static/%2e%2e%2foutside.txt",
        "/static/%252e%252e/outside.txt",
        "/static/..%252foutside.txt",
        "/static/..\\outside.txt",
        "/static/%5c..%5coutside.txt",
        "/static//..//outside.txt",
        "//static/..//..//outside.txt",
        "/static/./../outside.txt",
        "/static/..;/outside.txt",
        "/static/file.txt%00/../../outside.txt",
        "/static/%c0%ae%c0%ae/outside.txt",
        "/static/....//outside.txt",
        "/../../../../etc/passwd",
        "/static/../../../../../../etc/passwd",
        "/static/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    ],
)
def test_no_path_leaves_its_folder(site: Site, path: str) -> None:
    answer = exchanged(site, request("Connection: close", line=f"GET {path} HTTP/1.1"))
    assert b"PRIVATE" not in answer
    assert b"root:" not in answer
    # Refused, or a URL of the application's that begins elsewhere.
    assert statuses(answer)
    assert set(statuses(answer)) <= REFUSED or answer.endswith(b"tiny\n")


@pytest.mark.parametrize("path", ["//static/file.txt", "/static//file.txt", "/static/%66ile.txt"])
def test_a_file_has_no_second_meaning(site: Site, path: str) -> None:
    """Whatever a path is written like, it is the file, with all that a file's answer has."""
    answer = exchanged(site, request("Connection: close", line=f"GET {path} HTTP/1.1"))
    assert statuses(answer) == [200]
    assert answer.endswith(b"0123456789" * 1000)
    assert b"cache-control: public, max-age=3600" in answer.lower()


@pytest.mark.parametrize(
    "ranges",
    [
        ",".join(["0-"] * 1000),
        ",".join(f"{n}-{n + 1}" for n in range(0, 2000, 2)),
        ",".join(["-9000"] * 200),
        "0-18446744073709551615",
        "-18446744073709551616",
        "9-0",
        "a-b",
    ],
)
def test_ranges_give_no_more_than_the_file(site: Site, ranges: str) -> None:
    size = 10_000
    page = ask(
        site.stack.address, "/static/file.txt", headers={"Host": HOST, "Range": f"bytes={ranges}"}
    )
    assert page.status in {200, 206, 400, 416}
    # Parts have headers of their own: what is sent stays in proportion all the same.
    assert len(page.body) <= 20 * size
    assert site.get("/static/file.txt", Range="bytes=0-9").body == b"0123456789"


def test_oversized_bodies(site: Site) -> None:
    announced = exchanged(site, request(f"Content-Length: {10**15}") + b"x")
    assert statuses(announced) == [413]
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    if site.kind == "apache":  # it cannot count such a body, and asks for its length
        assert set(statuses(exchanged(site, request(CHUNKED) + chunk + END))) == {411}
        return
    sent = exchanged(site, request(CHUNKED) + chunk * 17 + END)
    assert statuses(sent) in ([413], [])  # it may reset: it does not read the rest
    assert b'"bytes"' not in sent
    fits = exchanged(site, request(CHUNKED) + chunk * 16 + END)
    assert statuses(fits) == [200] and b'"bytes": 1048576' in fits


@pytest.mark.parametrize(
    "name",
    ["X-Forwarded-For", "X-Real-IP", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "Proxy",
     "X_Forwarded_For", "X-Request-Id"],
)  # fmt: skip
def test_a_forged_header_does_not_reach_the_application(site: Site, name: str) -> None:
    answer = exchanged(
        site, request(f"{name}: 6.6.6.6", "Connection: close", line="GET /echo HTTP/1.1")
    )
    told = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert "6.6.6.6" not in json.dumps(told["headers"])


def test_it_lives_on(site: Site) -> None:
    """Last: after all of the above."""
    assert site.get("/").status == 200
    planned = site.stack.plan.groups["web"].components["gunicorn"]["workers"].number
    until(lambda: len(site.stack.workers) == planned)
