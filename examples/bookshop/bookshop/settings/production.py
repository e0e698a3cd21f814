"""Behind a proxy; whatever differs between two hosts comes from the environment."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from .base import *  # noqa: F403


def _secret(name: str) -> str:
    """The variable itself, or the content of the file that `<name>_FILE` points to."""
    value = os.environ.get(name, "")
    if not value and (file := os.environ.get(f"{name}_FILE")):
        value = Path(file).read_text(encoding="utf-8").strip()
    if not value:
        raise ImproperlyConfigured(
            f"{name} is not set. Put a long random value into the environment variable {name}, "
            f"or into a file that {name}_FILE names."
        )
    return value


def _database(url: str) -> dict[str, Any]:
    """postgresql://user:password@host:port/name, as Django has it."""
    parts = urlsplit(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": parts.port or 5432,
        # A thread keeps its connection, and asks first whether it still is one.
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
    }


def _words(name: str) -> list[str]:
    """The comma-separated parts of a variable."""
    return [word.strip() for word in os.environ.get(name, "").split(",") if word.strip()]


DEBUG = False
SECRET_KEY = _secret("SECRET_KEY")
ALLOWED_HOSTS = _words("DJANGO_ALLOWED_HOSTS")
CSRF_TRUSTED_ORIGINS = _words("CSRF_TRUSTED_ORIGINS")

# The SQLite file of base.py, unless a PostgreSQL is named.
if (_url := os.environ.get("DATABASE_URL", "")).startswith("postgres"):
    DATABASES = {"default": _database(_url)}

# Sessions are in the database; with a Redis, it answers for them.
if _url := os.environ.get("REDIS_URL", ""):
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache",
                          "LOCATION": _url}}  # fmt: skip
    SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"

# Safe only because the proxy in front overwrites this header and clients cannot reach gunicorn,
# which reads it too; other servers do not.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# Browsers send secure cookies over HTTPS only: where the shop is served without TLS, nobody
# could log in or post a form. DJANGO_HTTPS=off is for such a place, a laptop or a test.
_HTTPS = os.environ.get("DJANGO_HTTPS", "on") != "off"
SESSION_COOKIE_SECURE = _HTTPS
CSRF_COOKIE_SECURE = _HTTPS

# The proxy sends HSTS (W004) and redirects to HTTPS (W008), for static files and media as well,
# which Django never sees. A redirect here would also answer health requests on the socket.
SILENCED_SYSTEM_CHECKS = ["security.W004", "security.W008"]

# Hashed names, so that the proxy may tell browsers to keep a file for ever.
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage",
    },
}

# The proxy runs as another user and reads what Django stores, whatever umask gunicorn has.
FILE_UPLOAD_PERMISSIONS = 0o644
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o755

# One stream for everything: the journal or the container's log adds time and host.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "%(levelname)s %(name)s [%(process)d %(threadName)s] %(message)s"},
    },
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "line"},
    },
    "root": {"handlers": ["stderr"], "level": os.environ.get("DJANGO_LOG_LEVEL", "INFO")},
    # Django's own handlers would print a line twice, and mail the admins.
    "loggers": {"django": {"handlers": [], "propagate": True}},
}
