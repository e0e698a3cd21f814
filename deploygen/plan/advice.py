"""What an application has to be told, so that it agrees with its proxy on who asks, and how.

gunicorn listens on a unix socket: a request has no peer address there. Who the client is stands
in ``X-Forwarded-For``, with exactly one entry, because the proxy overwrites what it gets.
"""

from __future__ import annotations

from collections.abc import Iterator

from deploygen.spec import Spec

_SSL_HEADER = '("HTTP_X_FORWARDED_PROTO", "https")'
_ONE_ENTRY = "`X-Forwarded-For` has one entry, the client's address; `REMOTE_ADDR` is empty"


def advice(spec: Spec, *, https: bool) -> tuple[str, ...]:
    """Sentences in Markdown; ``https`` says whether visitors come by HTTPS."""
    return tuple(_advice(spec, https=https))


def _advice(spec: Spec, *, https: bool) -> Iterator[str]:
    framework = spec.app.framework
    if framework == "django":
        names = [name.removeprefix("*") for name in spec.proxy.server_names]
        yield f"Django's `ALLOWED_HOSTS` has to hold {', '.join(f'`{name}`' for name in names)}."
        if https:
            yield (
                f"Django's `SECURE_PROXY_SSL_HEADER` has to be `{_SSL_HEADER}`: without it,"
                " `request.is_secure()` is false, and forms fail on their origin. It is safe here,"
                " for nobody but the proxy reaches the socket."
            )
        yield f"{_ONE_ENTRY}: code that logs or limits by address reads the header."
    elif framework == "flask":
        yield (
            f"{_ONE_ENTRY}. `app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)` gives"
            " `request.remote_addr` and `request.scheme` their meaning: one proxy, so one entry."
        )
    elif spec.app.interface == "asgi":
        yield (
            "`X-Forwarded-For` has one entry, the client's address, and `X-Forwarded-Proto` the"
            " scheme. Under uvicorn's worker `request.client` and `request.url.scheme` follow them"
            " by themselves; under gunicorn's own the scheme does, and the address is read from the"
            " header."
        )
    else:
        yield f"{_ONE_ENTRY}, and `wsgi.url_scheme` follows `X-Forwarded-Proto` by itself."
    yield "`X-Request-Id` is the id that the proxy's log has too."
