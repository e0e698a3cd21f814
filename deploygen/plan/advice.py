"""What an application has to be told, so that it agrees with its proxy on who asks, and how.

gunicorn listens on a unix socket: a request has no peer address there. Who the client is stands
in ``X-Forwarded-For``, with exactly one entry, because the proxy overwrites what it gets. The
scheme needs no setting: gunicorn believes its socket's ``X-Forwarded-Proto``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from deploygen.spec import Spec

_SSL_HEADER = '("HTTP_X_FORWARDED_PROTO", "https")'
_ONE_ENTRY = "`X-Forwarded-For` has one entry, the client's address; `REMOTE_ADDR` is empty"


def advice(spec: Spec, *, https: bool, containers: bool) -> tuple[str, ...]:
    """Sentences in Markdown, first what the application's settings have to say.

    ``https`` says whether visitors come by HTTPS, ``containers`` whether there are files for them.
    """
    return (*required(spec, containers=containers), *_told(spec, https=https))


def required(spec: Spec, *, containers: bool = False) -> tuple[str, ...]:
    """What is refused, or wrong, until the application's settings say it."""
    if spec.app.framework == "django":
        return tuple(_django(spec, containers=containers))
    if spec.app.framework == "flask":
        return (
            f"{_ONE_ENTRY}. `app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)` gives"
            " `request.remote_addr` its meaning: one proxy, so one entry.",
        )
    return ()


def _django(spec: Spec, *, containers: bool) -> Iterator[str]:
    names = [name.removeprefix("*") for name in spec.proxy.server_names]
    yield f"Django's `ALLOWED_HOSTS` has to hold {_quoted(names)}."
    hosts = [name for name in spec.proxy.server_names if not name.startswith("*")]
    if spec.proxy.behind.proxy_protocol and spec.proxy.tls.mode == "none":
        yield (
            "Where the balancer ends TLS it can't say so in the PROXY protocol: Django sees http,"
            " and refuses forms that came by HTTPS until `CSRF_TRUSTED_ORIGINS` holds"
            f" {_quoted(f'https://{host}' for host in hosts)}."
        )
    if containers and (port := _visible_port(spec)):
        yield (
            f"In containers visitors name a port, and Django is told the name without it: forms"
            f" need {_quoted(f'{port[0]}://{host}:{port[1]}' for host in hosts)} in"
            " `CSRF_TRUSTED_ORIGINS`, unless something in front has the usual port."
        )


def _visible_port(spec: Spec) -> tuple[str, int] | None:
    """(scheme, port) where a visitor's address shows one; None where it does not."""
    tls = spec.proxy.tls.mode != "none"
    port = spec.containers.https_port if tls else spec.containers.http_port
    return None if port == (443 if tls else 80) else ("https" if tls else "http", port)


def _told(spec: Spec, *, https: bool) -> Iterator[str]:
    framework = spec.app.framework
    if framework == "django":
        if https:
            yield (
                f"Django's `SECURE_PROXY_SSL_HEADER` may be `{_SSL_HEADER}`, or be left out:"
                " gunicorn reads the same header, so that `request.is_secure()` is right either"
                " way. It is safe here, for nobody but the proxy reaches the socket."
            )
        yield (
            "Scheme and name are the visitor's: `CSRF_TRUSTED_ORIGINS` is for forms on pages of"
            " other names."
        )
        yield f"{_ONE_ENTRY}: code that logs or limits by address reads the header."
    elif framework == "flask":
        yield "`request.scheme` is the visitor's by itself: gunicorn reads `X-Forwarded-Proto`."
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


def _quoted(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)
