"""Views that show how the shop is served: they wait, compute, and repeat what they were sent.

They are here so that a deployment can be measured and tested. A shop that sells books has no
need for them: whoever may call them can keep a worker busy.
"""

import hashlib
import os
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest, JsonResponse, StreamingHttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods

MAX_WAIT_MS = 30_000
MAX_CPU_MS = 5_000
MAX_DOWNLOAD_KB = 64 * 1024
CHUNK_BYTES = 64 * 1024


def _amount(request: HttpRequest, name: str, default: int, most: int) -> int:
    """A number from the query, at most `most`; anything but digits is a bad request."""
    text = request.GET.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise BadRequest(f"{name} must be a whole number, not {text!r}")
    return min(int(text), most)


@never_cache
@require_GET
def whoami(request: HttpRequest) -> JsonResponse:
    """What reaches the application through proxy and gunicorn, and who answers."""
    return JsonResponse(
        {
            "remote_addr": request.META.get("REMOTE_ADDR", ""),
            "x_forwarded_for": request.headers.get("X-Forwarded-For"),
            "x_forwarded_proto": request.headers.get("X-Forwarded-Proto"),
            "x_request_id": request.headers.get("X-Request-Id"),
            "host": request.get_host(),
            "is_secure": request.is_secure(),
            # Everything else that arrived; cookies stay private even in a pasted answer.
            "headers": {k: v for k, v in sorted(request.headers.items()) if k != "Cookie"},
            "pid": os.getpid(),
            "thread": threading.current_thread().name,
            "release": settings.RELEASE,
            "slot": settings.SLOT,
        }
    )


@never_cache
@require_GET
def cpu(request: HttpRequest) -> JsonResponse:
    """Keep a core busy for `ms` milliseconds of this thread's own CPU time."""
    milliseconds = _amount(request, "ms", default=50, most=MAX_CPU_MS)
    started = time.thread_time()
    deadline = started + milliseconds / 1000
    # Plain Python, which holds the interpreter's lock as templates and the ORM do.
    primes: list[int] = []
    candidate = 2
    while time.thread_time() < deadline:
        if all(candidate % prime for prime in primes if prime * prime <= candidate):
            primes.append(candidate)
        candidate += 1
    spent = (time.thread_time() - started) * 1000
    return JsonResponse({"cpu_ms": round(spent, 1), "primes": len(primes)})


@never_cache
@require_GET
def slow_upstream(request: HttpRequest) -> JsonResponse:
    """Wait for another service, as an application waits for a payment provider."""
    milliseconds = _amount(request, "ms", default=500, most=MAX_WAIT_MS)
    started = time.monotonic()
    status, answer = 200, {"upstream": "none, slept instead"}
    if settings.BOOKSHOP_UPSTREAM:
        answer = {"upstream": "answered"}
        try:
            _ask_upstream(milliseconds)
        except OSError as error:  # refused, timed out, or an HTTP error status
            status, answer = 502, {"upstream": "failed", "error": str(error)}
    else:
        time.sleep(milliseconds / 1000)
    waited = (time.monotonic() - started) * 1000
    return JsonResponse({**answer, "waited_ms": round(waited, 1)}, status=status)


def _ask_upstream(milliseconds: int) -> None:
    url = urllib.parse.urlsplit(settings.BOOKSHOP_UPSTREAM)
    query = [*urllib.parse.parse_qsl(url.query), ("ms", str(milliseconds))]
    target = urllib.parse.urlunsplit(url._replace(query=urllib.parse.urlencode(query)))
    # Five seconds more than asked for: a hanging upstream must not hold a worker for ever.
    with urllib.request.urlopen(target, timeout=milliseconds / 1000 + 5) as response:
        response.read()


@csrf_exempt  # it changes nothing
@never_cache
@require_http_methods(["POST", "PUT"])
def echo(request: HttpRequest) -> JsonResponse:
    """Read a body of any size piece by piece and say what arrived."""
    digest, size = hashlib.sha256(), 0
    while chunk := request.read(CHUNK_BYTES):
        digest.update(chunk)
        size += len(chunk)
    return JsonResponse({"bytes": size, "sha256": digest.hexdigest()})


@never_cache
@require_GET
def download(request: HttpRequest) -> StreamingHttpResponse:
    """A body of `kb` kilobytes, made while it is sent."""
    size = _amount(request, "kb", default=1024, most=MAX_DOWNLOAD_KB) * 1024
    response = StreamingHttpResponse(_filling(size), content_type="application/octet-stream")
    response["Content-Length"] = str(size)
    return response


def _filling(size: int) -> Iterator[bytes]:
    chunk = b"So many books, so little time. " * (CHUNK_BYTES // 31)
    while size > 0:
        yield chunk[:size]
        size -= len(chunk)
