"""Hints on the workload: what the code really uses, not what is merely installed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from deploygen.detect.evidence import Deployment
from deploygen.detect.names import is_example
from deploygen.detect.requirements import Requirement
from deploygen.detect.scan import Look

# A package that the code imports, and the hint that it gives.
_IMPORTED: dict[str, str] = {
    "celery": "celery",
    "channels": "channels",
    "psycopg": "psycopg",
    "psycopg2": "psycopg",
    "asyncpg": "asyncpg",
    "MySQLdb": "mysqlclient",
    "pymysql": "pymysql",
    "redis": "redis",
    "django_redis": "redis",
    "requests": "requests",
    "httpx": "httpx",
    "aiohttp": "aiohttp",
    "urllib3": "urllib3",
    "websockets": "websockets",
    "socketio": "socketio",
    "flask_socketio": "socketio",
    "whitenoise": "whitenoise",
    "numpy": "numpy",
    "pandas": "pandas",
    "scipy": "scipy",
    "sklearn": "scikit-learn",
    "torch": "torch",
    "tensorflow": "tensorflow",
    "transformers": "transformers",
    "PIL": "pillow",
    "boto3": "boto3",
    "botocore": "boto3",
    "pymongo": "pymongo",
    "motor": "motor",
    "elasticsearch": "elasticsearch",
    "sqlalchemy": "sqlalchemy",
    "flask_sqlalchemy": "sqlalchemy",
    "sqlmodel": "sqlalchemy",
    "grpc": "grpc",
    "kombu": "celery",
    "rq": "rq",
    "django_rq": "rq",
    "dramatiq": "dramatiq",
    "huey": "huey",
    "apscheduler": "apscheduler",
    "openai": "openai",
    "anthropic": "anthropic",
    "stripe": "stripe",
    "matplotlib": "matplotlib",
    "cv2": "opencv",
    "gevent": "gevent",
    "eventlet": "eventlet",
    "sse_starlette": "sse",
    "tornado": "tornado",
}
# A driver that no code imports: the database layer does, when the code names the database.
_DRIVERS = {
    "postgres": ("psycopg", ("psycopg", "psycopg2", "psycopg2-binary", "psycopg-binary")),
    "mysql": ("mysqlclient", ("mysqlclient",)),
    "redis": ("redis", ("redis", "django-redis", "channels-redis", "flask-redis")),
}
_GREEN = ("gevent", "eventlet")
_CLASSES = {"whitenoise": "whitenoise", "channels": "channels", "daphne": "channels"}


def find_uses(
    looks: Mapping[str, Look],
    deployment: Deployment,
    workers: Iterable[tuple[str, str]],
    requirements: Iterable[Requirement],
    texts: Mapping[str, str],
    inside: Iterable[str],
) -> dict[str, str]:
    """Each hint with its place. ``inside`` are the modules of the application itself."""
    found: dict[str, str] = {}
    ours = [looks[path] for path in inside if path in looks and not is_example(path)]
    for look in ours:
        for package, line in look.imports.items():
            if package in _IMPORTED:
                found.setdefault(_IMPORTED[package], f"{look.path}:{line}")
    for hint, place in _named(ours, texts):
        found.setdefault(hint, place)
    asked = {requirement.name for requirement in requirements}
    for mark, (hint, packages) in _DRIVERS.items():
        named = next((look.path for look in ours if mark in look.marks), None)
        if named and asked & set(packages):
            found.setdefault(hint, f"{named}:{_line(texts.get(named, ''), mark)}")
    for hint, place in _workers(deployment, workers):
        found[hint] = place
    return dict(sorted(found.items()))


def _named(looks: Iterable[Look], texts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Packages that settings name as text: middleware and installed applications."""
    for look in looks:
        if "named" not in look.marks:
            continue
        text = texts.get(look.path, "")
        for word, hint in _CLASSES.items():
            for mark in (f'"{word}.', f"'{word}.", f'"{word}"', f"'{word}'"):
                if mark in text:
                    yield hint, f"{look.path}:{_line(text, mark)}"


def _workers(
    deployment: Deployment, workers: Iterable[tuple[str, str]]
) -> Iterator[tuple[str, str]]:
    """Green threads that a start command or a gunicorn configuration asks for."""
    named = list(workers)
    for start in sorted(deployment.starts, key=lambda start: start.rank, reverse=True):
        if start.launch.worker_class:
            named.append((start.launch.worker_class, start.place))
    for worker, place in named:
        for green in _GREEN:
            if green in worker.lower():
                yield green, place


def _line(text: str, word: str) -> int:
    offset = text.find(word)
    return text.count("\n", 0, max(offset, 0)) + 1
