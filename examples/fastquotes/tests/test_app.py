"""Calls the application as a server does: ASGI messages in, ASGI messages out."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from app.main import app


def call(scope: dict[str, Any], *incoming: dict[str, Any]) -> list[dict[str, Any]]:
    """Run one connection and return what the application sent."""
    waiting, sent = list(incoming), []

    async def receive() -> dict[str, Any]:
        return waiting.pop(0) if waiting else await asyncio.Future()

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    common = {"scheme": "http", "headers": [], "query_string": b"", "client": ("192.0.2.7", 9)}
    asyncio.run(asyncio.wait_for(app({**common, **scope}, receive, send), timeout=5))
    return sent


def get(path: str, query: str = "", headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    raw = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
    scope = {"type": "http", "method": "GET", "path": path, "headers": raw}
    request = {"type": "http.request", "body": b"", "more_body": False}
    start, *body = call({**scope, "query_string": query.encode()}, request)
    return start["status"], b"".join(part.get("body", b"") for part in body)


def get_json(*args: Any) -> Any:
    status, body = get(*args)
    assert status == 200
    return json.loads(body)


def test_health_names_release_and_slot(monkeypatch):
    monkeypatch.setenv("APP_RELEASE", "r7")
    monkeypatch.setenv("APP_SLOT", "green")
    assert get_json("/health") == {"status": "ok", "release": "r7", "slot": "green"}


def test_a_release_is_named_by_its_folder(monkeypatch):
    monkeypatch.delenv("APP_RELEASE", raising=False)
    assert get_json("/health")["release"] == Path(__file__).resolve().parents[1].name


def test_quotes_are_listed_and_filtered():
    assert len(get_json("/quotes")) == 5
    assert [quote["year"] for quote in get_json("/quotes", "author=carroll")] == [1865]


def test_one_quote_by_its_number():
    assert get_json("/quotes/2")["text"] == "Call me Ishmael."
    assert get("/quotes/6")[0] == get("/quotes/0")[0] == 404


@pytest.mark.parametrize(("ms", "status"), [("5", 200), ("-1", 422), ("30001", 422), ("x", 422)])
def test_waits_are_bounded(ms, status):
    assert get("/wait", f"ms={ms}")[0] == status


def test_a_stream_comes_line_by_line():
    _, body = get("/stream", "lines=7&ms=1")
    years = [json.loads(line)["year"] for line in body.splitlines()]
    assert years == [1813, 1851, 1865, 1818, 1982, 1813, 1851]


def test_the_websocket_echoes_until_the_client_goes():
    accepted, *echoed = call(
        {"type": "websocket", "path": "/ws", "subprotocols": []},
        {"type": "websocket.connect"},
        {"type": "websocket.receive", "text": "hello"},
        {"type": "websocket.receive", "text": "again"},
        {"type": "websocket.disconnect", "code": 1000},
    )
    assert accepted["type"] == "websocket.accept"
    assert [message["text"] for message in echoed] == ["hello", "again"]


def test_whoami_repeats_what_arrived():
    answer = get_json("/whoami", "", {"Host": "example.org", "X-Request-Id": "r1"})
    assert (answer["remote_addr"], answer["host"]) == ("192.0.2.7", "example.org")
    assert (answer["x_request_id"], answer["x_forwarded_for"]) == ("r1", None)
    assert answer["is_secure"] is False
