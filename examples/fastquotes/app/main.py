"""Quotes as JSON, a stream and a websocket. An ASGI server serves `app.main:app`."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, HTTPException, Query, Request, WebSocket
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from .quotes import QUOTES, Quote

app = FastAPI(title="fastquotes")

Milliseconds = Annotated[int, Query(ge=0, le=30_000)]


def release() -> str:
    """Its folder's name, where the environment has no other one."""
    return os.environ.get("APP_RELEASE") or Path(__file__).resolve().parent.parent.name


class Health(BaseModel):
    status: str
    release: str
    slot: str


@app.get("/health")
async def health() -> Health:
    return Health(
        status="ok",
        release=release(),
        slot=os.environ.get("APP_SLOT", ""),
    )


@app.get("/quotes")
async def quotes(author: str = "") -> list[Quote]:
    """All quotes, or those whose author's name contains `author`."""
    return [quote for quote in QUOTES if author.lower() in quote.author.lower()]


@app.get("/quotes/{number}")
async def quote(number: int) -> Quote:
    if not 1 <= number <= len(QUOTES):
        raise HTTPException(404, f"There are quotes 1 to {len(QUOTES)}.")
    return QUOTES[number - 1]


@app.get("/wait")
async def wait(ms: Milliseconds = 500) -> dict[str, int]:
    """Wait as for a slow service; the event loop serves others meanwhile."""
    await asyncio.sleep(ms / 1000)
    return {"waited_ms": ms}


@app.get("/stream")
async def stream(
    lines: Annotated[int, Query(ge=1, le=1000)] = 5, ms: Milliseconds = 200
) -> StreamingResponse:
    """One quote per line, `ms` milliseconds apart, each sent as soon as it is there."""

    async def chunks() -> AsyncIterator[str]:
        for number in range(lines):
            if number:
                await asyncio.sleep(ms / 1000)
            yield QUOTES[number % len(QUOTES)].model_dump_json() + "\n"

    return StreamingResponse(chunks(), media_type="application/x-ndjson")


@app.get("/events")
async def events(
    count: Annotated[int, Query(ge=1, le=1000)] = 5, ms: Milliseconds = 200
) -> StreamingResponse:
    """Server-sent events, one quote each: what a browser's EventSource reads."""

    async def chunks() -> AsyncIterator[str]:
        for number in range(count):
            if number:
                await asyncio.sleep(ms / 1000)
            yield f"data: {QUOTES[number % len(QUOTES)].model_dump_json()}\n\n"

    return StreamingResponse(chunks(), media_type="text/event-stream")


uploads = {"bytes": 0}


@app.post("/upload")
@app.post("/stream/upload")
async def upload(request: Request) -> dict[str, int]:
    """Count what comes, while it comes."""
    uploads["bytes"] = 0
    async for part in request.stream():
        uploads["bytes"] += len(part)
    return uploads


@app.get("/uploads")
async def uploaded() -> dict[str, int]:
    """How much of the last upload has come to this worker."""
    return uploads


@app.websocket("/ws")
async def ws(socket: WebSocket) -> None:
    """Send back every text until the client goes."""
    await socket.accept()
    async for text in socket.iter_text():
        await socket.send_text(text)


@app.get("/whoami")
async def whoami(request: Request) -> dict[str, str | int | bool | None]:
    """What reaches the application through proxy and server, and who answers."""
    return {
        "remote_addr": request.client.host if request.client else "",
        "x_forwarded_for": request.headers.get("X-Forwarded-For"),
        "x_forwarded_proto": request.headers.get("X-Forwarded-Proto"),
        "x_request_id": request.headers.get("X-Request-Id"),
        "host": request.headers.get("Host"),
        "is_secure": request.url.scheme == "https",
        "pid": os.getpid(),
        "thread": threading.current_thread().name,
        "release": release(),
        "slot": os.environ.get("APP_SLOT", ""),
    }
