"""A notice board. gunicorn serves `flaskboard:create_app()`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from . import board, database


def create_app(settings: Mapping[str, object] | None = None) -> Flask:
    """Make the application; `settings` win over FLASKBOARD_* environment variables.

    It opens no file and no connection: whoever only loads the application, to check a
    configuration for instance, leaves no trace.
    """
    app = Flask(__name__)
    app.config.from_mapping(
        DATABASE=str(Path(app.instance_path) / "board.sqlite3"),
        # How many proxies in front rewrite X-Forwarded-*; 0 believes none of these headers.
        PROXIES=0,
        RELEASE=os.environ.get("APP_RELEASE", ""),
        SLOT=os.environ.get("APP_SLOT", ""),
        MAX_CONTENT_LENGTH=64 * 1024,
    )
    app.config.from_prefixed_env("FLASKBOARD")
    app.config.from_mapping(settings or {})

    if hops := app.config["PROXIES"]:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)
    database.init_app(app)
    app.register_blueprint(board.pages)
    return app
