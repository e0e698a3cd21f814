"""What each framework calls its application, and which interface that speaks."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Made:
    """What a call makes. A ``holder`` is no application itself but has one as an attribute."""

    framework: str
    interface: str
    holder: bool = False
    channels: bool = False


_FLASK = Made("flask", "wsgi")
_WSGI = Made("wsgi", "wsgi")
_ASGI = Made("asgi", "asgi")
_DJANGO = Made("django", "wsgi")
_DJANGO_ASGI = Made("django", "asgi")
_CHANNELS = Made("django", "asgi", channels=True)

# The full name of a class or function, and what calling it makes.
CALLS: dict[str, Made] = {
    "django.core.wsgi.get_wsgi_application": _DJANGO,
    "django.core.handlers.wsgi.WSGIHandler": _DJANGO,
    "django.core.asgi.get_asgi_application": _DJANGO_ASGI,
    "django.core.handlers.asgi.ASGIHandler": _DJANGO_ASGI,
    "configurations.wsgi.get_wsgi_application": _DJANGO,
    "configurations.asgi.get_asgi_application": _DJANGO_ASGI,
    "channels.routing.ProtocolTypeRouter": _CHANNELS,
    "channels.routing.get_default_application": _CHANNELS,
    "flask.Flask": _FLASK,
    "flask.app.Flask": _FLASK,
    "apiflask.APIFlask": _FLASK,
    "flask_openapi3.OpenAPI": _FLASK,
    "flask_api.FlaskAPI": _FLASK,
    "eve.Eve": _FLASK,
    "dash.Dash": Made("flask", "wsgi", holder=True),
    # Up to version 2 these were WSGI objects; 3 made them ASGI, and AsyncApp is new with it.
    "connexion.App": _FLASK,
    "connexion.FlaskApp": _FLASK,
    "connexion.AsyncApp": _ASGI,
    "fastapi.FastAPI": Made("fastapi", "asgi"),
    "fastapi.applications.FastAPI": Made("fastapi", "asgi"),
    "starlette.applications.Starlette": Made("starlette", "asgi"),
    "fasthtml.common.FastHTML": Made("starlette", "asgi"),
    "quart.Quart": _ASGI,
    "litestar.Litestar": _ASGI,
    "litestar.app.Litestar": _ASGI,
    "starlite.Starlite": _ASGI,
    "esmerald.Esmerald": _ASGI,
    "sanic.Sanic": _ASGI,
    "blacksheep.Application": _ASGI,
    "blacksheep.server.Application": _ASGI,
    "falcon.asgi.App": _ASGI,
    "falcon.App": _WSGI,
    "falcon.API": _WSGI,
    "bottle.Bottle": _WSGI,
    "bottle.default_app": _WSGI,
    "bottle.app": _WSGI,
    "cherrypy.Application": _WSGI,
    "cherrypy.tree.mount": _WSGI,
    "pyramid.paster.get_app": _WSGI,
    "pyramid.router.Router": _WSGI,
    "spyne.server.wsgi.WsgiApplication": _WSGI,
    "socketio.ASGIApp": _ASGI,
    "engineio.ASGIApp": _ASGI,
    "socketio.WSGIApp": _WSGI,
    "engineio.WSGIApp": _WSGI,
    "ariadne.asgi.GraphQL": _ASGI,
    "ariadne.wsgi.GraphQL": _WSGI,
    "strawberry.asgi.GraphQL": _ASGI,
}
# The name of a method that makes an application, whatever object it belongs to.
METHODS: dict[str, Made] = {
    "make_wsgi_app": _WSGI,  # Pyramid
    "wsgifunc": _WSGI,  # web.py
    "http_app": _ASGI,  # FastMCP
    "streamable_http_app": _ASGI,
    "sse_app": _ASGI,
}
# Functions of these names make something that serves metrics beside an application.
NOT_CALLS = frozenset({"prometheus_client.make_wsgi_app", "prometheus_client.make_asgi_app"})
# Adapters that change the interface of what they wrap; by the last part of their name.
ADAPTERS: dict[str, str] = {
    "ASGIApp": "asgi",
    "WsgiToAsgi": "asgi",
    "WSGIMiddleware": "asgi",
    "WSGIApp": "wsgi",
    "ASGIMiddleware": "wsgi",
    "AsgiToWsgi": "wsgi",
}
# Attributes that lead from a holder, an extension or a wrapper to the application inside.
INNER = frozenset({"server", "wsgi_app", "asgi_app", "app", "flask_app", "application"})
# The name says that a call returns an application which wraps another.
WRAPPER = re.compile(
    r"middleware|asgi|wsgi|wrap|proxy|sentry|whitenoise|cling|dispatch|telemetry|instrument"
    r"|cors|router|gzip|profil",
    re.IGNORECASE,
)
# A name that only an application is bound to.
APP_NAME = re.compile(r"^(?:\w+_)?(?:app|application|asgi|wsgi)$", re.IGNORECASE)
WSGI_PARAMETERS = ("environ", "start_response")
ASGI_PARAMETERS = ("scope", "receive", "send")
