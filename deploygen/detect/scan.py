"""A first look at every Python file without parsing it: what it imports, which words it has.

Parsing costs a hundred times what this does, so only files that this look lets through are
ever parsed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from deploygen.detect.names import is_aside
from deploygen.detect.tree import Tree

# A module that makes an application has one of these identifiers.
_APP_WORDS = frozenset(
    word.encode()
    for word in (
        *("Flask", "FastAPI", "Starlette", "FastHTML", "Quart", "Litestar", "Starlite", "Sanic"),
        *("get_wsgi_application", "get_asgi_application", "WSGIHandler", "ASGIHandler"),
        *("ProtocolTypeRouter", "get_default_application", "start_response", "receive"),
        *("APIFlask", "OpenAPI", "FlaskAPI", "Eve", "Dash", "dash", "connexion", "Esmerald"),
        *("falcon", "bottle", "blacksheep", "cherrypy", "spyne", "socketio", "engineio"),
        *("make_wsgi_app", "wsgifunc", "http_app", "streamable_http_app", "sse_app", "get_app"),
        *("ASGIApp", "WSGIApp", "WsgiToAsgi", "ASGIMiddleware", "WSGIMiddleware", "ariadne"),
        *("strawberry", "pyramid"),
    )
)
# A module with one of these names is where projects put the object that a server loads.
ENTRY_NAMES = (
    *("wsgi", "asgi", "main", "app", "application", "server", "run", "api", "web"),
    *("__init__", "__main__", "manage", "factory"),
)
_MARKS: dict[str, frozenset[bytes]] = {
    mark: frozenset(word.encode() for word in words)
    for mark, words in {
        "settings": ("INSTALLED_APPS", "STATIC_URL", "STATIC_ROOT", "ROOT_URLCONF"),
        "serves": ("uvicorn", "waitress", "granian", "hypercorn", "run_simple", "make_server",
                   "WSGIServer", "bjoern", "cheroot", "run_server"),
        "postgres": ("postgres", "postgresql", "postgresql_psycopg2", "postgis"),
        "mysql": ("mysql",),
        "redis": ("redis", "rediss", "RedisCache"),
        "named": ("INSTALLED_APPS", "MIDDLEWARE", "DJANGO_APPS", "THIRD_PARTY_APPS"),
        "includes": ("include_router", "register_blueprint", "mount", "Mount"),
    }.items()
}  # fmt: skip
_HEALTH = tuple(
    f"/{name}".encode() for name in ("health", "_", "live", "alive", "ready", "ping", "heart")
)
_RUNS = re.compile(rb"\b(?:app|application|server)\.run\(")
_WORD = re.compile(rb"[A-Za-z_]\w+")
_IMPORT = re.compile(rb"(?:import|from)[ \t]+([A-Za-z_]\w*)")


@dataclass(frozen=True)
class Look:
    """What one Python file shows without parsing.

    ``imports`` maps each top-level package to the line that first imports it; ``marks`` are
    the keys of groups of words that the file contains; ``aside`` is true in tests and docs.
    """

    path: str
    imports: dict[str, int]
    marks: frozenset[str]
    makes_app: bool
    aside: bool


def look_at_all(tree: Tree) -> dict[str, Look]:
    """A look at each ``.py`` file of the tree, by path; tests and docs are not even read."""
    return {path: _look(tree, path) for path in tree.files if path.endswith(".py")}


def _look(tree: Tree, path: str) -> Look:
    if is_aside(path):
        return Look(path, {}, frozenset(), makes_app=False, aside=True)
    data = tree.data(path)
    imports: dict[str, int] = {}
    for number, line in enumerate(data.splitlines(), 1):
        if b"import" in line:
            match = _IMPORT.match(line.lstrip())
            if match:
                imports.setdefault(match[1].decode(), number)
    words = set(_WORD.findall(data))
    marks = {mark for mark, found in _MARKS.items() if not words.isdisjoint(found)}
    if b"import *" in data:
        marks.add("settings")
    if any(name in data for name in _HEALTH):
        marks.add("health")
    if b".run(" in data and _RUNS.search(data):
        marks.add("serves")
    makes_app = not words.isdisjoint(_APP_WORDS)
    return Look(path, imports, frozenset(marks), makes_app, aside=False)
